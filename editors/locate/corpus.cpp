#include "editors/locate/corpus.hpp"

#include "editors/editor.hpp"
#include "edits/hash.hpp"
#include "json/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::locate {
namespace {

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::string text_of(const std::string& line, const std::string& where) {
  const Json value = parse_json(line, where);
  const JsonView view(value, where);
  return value.is_string() ? view.string() : view.at("text").string();
}

}  // namespace

// A text with line breaks is not the texts that they would divide it into.
Corpus make_corpus(std::string name, std::vector<std::string> texts) {
  Sha256 hash;
  for (const std::string& text : texts) {
    if (text.find('\n') != std::string::npos) hash.update(fmt::format("\n{}\n", text.size()));
    hash.update(text).update("\n");
  }
  return {std::move(name), hash.hex(), std::move(texts)};
}

Corpus read_corpus(const std::filesystem::path& file) {
  const bool json = file.extension() == ".jsonl" || file.extension() == ".ndjson";
  const std::string bytes = read_text_file(file);
  std::vector<std::string> texts;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    std::string line = bytes.substr(begin, end - begin);
    ++number;
    begin = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (is_blank(line)) continue;
    if (json) line = text_of(line, fmt::format("{}, line {}", file.string(), number));
    if (!is_blank(line)) texts.push_back(std::move(line));
  }
  if (texts.empty()) {
    throw StatisticsError(fmt::format(
        "reading the corpus {}: expected one text per line, found none", file.string()));
  }
  return make_corpus(file.filename().string(), std::move(texts));
}

}  // namespace kedit::locate
