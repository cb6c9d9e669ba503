// The tables of NLTK's punkt_tab, as files.
#include "datasets/case.hpp"
#include "edits/hash.hpp"
#include "eval/metrics/punkt.hpp"
#include "json/json.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <functional>

namespace kedit::metrics {
namespace {

constexpr std::int64_t kTableBytes = std::int64_t{64} << 20;
constexpr int kAllCases = 2 + 4 + 8 + 16 + 32 + 64;

/// A line of a table, with what its messages name.
struct Line {
  std::string_view text;
  const std::filesystem::path& file;
  std::size_t number;

  [[noreturn]] void fail(std::string_view expected) const {
    throw DataError(
        fmt::format("reading {}: line {}: expected {}, found \"{}\"; install NLTK's punkt_tab anew",
                    file.string(), number, expected, text.substr(0, 80)));
  }
  std::pair<std::string_view, std::string_view> two_fields(std::string_view expected) const {
    const std::size_t tab = text.find('\t');
    if (tab == 0 || tab == std::string_view::npos || tab + 1 == text.size() ||
        text.find('\t', tab + 1) != std::string_view::npos) {
      fail(expected);
    }
    return {text.substr(0, tab), text.substr(tab + 1)};
  }
};

void read_table(const std::filesystem::path& file, Sha256& hash,
                const std::function<void(const Line&)>& take) {
  const std::string bytes = read_text_file(file, kTableBytes);
  if (const auto fault = tokenizer::first_invalid_utf8(bytes)) {
    throw DataError(fmt::format("reading {}: byte {}: expected UTF-8, found something else",
                                file.string(), *fault));
  }
  hash.update(fmt::format("{} {}\n", file.filename().string(), bytes.size())).update(bytes);
  std::size_t lines = 0;
  for (std::size_t begin = 0, number = 1; begin < bytes.size(); ++number) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    std::string_view text(bytes.data() + begin, end - begin);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (!text.empty()) take({text, file, number});
    lines += text.empty() ? 0 : 1;
    begin = end + 1;
  }
  if (lines == 0) {
    throw DataError(
        fmt::format("reading {}: expected a table of Punkt, found nothing in it; "
                    "install NLTK's punkt_tab anew",
                    file.string()));
  }
}

int letter_cases_from(const Line& line, std::string_view field) {
  int flags = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), flags);
  if (error != std::errc() || end != field.data() + field.size() || flags < 0 ||
      (flags & ~kAllCases) != 0) {
    line.fail("a word, a tab and a sum of 2, 4, 8, 16, 32 and 64");
  }
  return flags;
}

}  // namespace

SentenceModel SentenceModel::read(const std::filesystem::path& directory) {
  PunktTables tables;
  Sha256 hash;
  const auto words_into = [](std::set<std::string>& words) {
    return [&words](const Line& line) { words.emplace(line.text); };
  };
  try {
    read_table(directory / "abbrev_types.txt", hash, words_into(tables.abbreviations));
    read_table(directory / "sent_starters.txt", hash, words_into(tables.sentence_starters));
    read_table(directory / "collocations.tab", hash, [&](const Line& line) {
      const auto [first, second] = line.two_fields("two words and a tab between them");
      tables.collocations.emplace(first, second);
    });
    read_table(directory / "ortho_context.tab", hash, [&](const Line& line) {
      const auto [word, flags] = line.two_fields("a word, a tab and a number");
      tables.letter_cases[std::string(word)] = letter_cases_from(line, flags);
    });
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
  SentenceModel model(std::move(tables));
  model.directory_ = directory;
  model.sha256_ = hash.hex();
  return model;
}

std::optional<std::filesystem::path> find_punkt_tables() {
  std::vector<std::filesystem::path> roots;
  if (const char* chosen = std::getenv("NLTK_DATA")) {
    const std::string_view list = chosen;
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(':', begin), list.size());
      if (end > begin) roots.emplace_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (const char* home = std::getenv("HOME"))
    roots.push_back(std::filesystem::path(home) / "nltk_data");
  for (const char* shared : {"/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib"}) {
    roots.push_back(std::filesystem::path(shared) / "nltk_data");
  }
  for (const std::filesystem::path& root : roots) {
    const std::filesystem::path tables = root / "tokenizers" / "punkt_tab" / "english";
    std::error_code ignored;
    if (std::filesystem::is_directory(tables, ignored)) return tables;
  }
  return std::nullopt;
}

SentenceModel sentence_model(const std::string& choice) {
  if (choice == "none") return {};
  if (!choice.empty()) return SentenceModel::read(choice);
  const auto found = find_punkt_tables();
  return found ? SentenceModel::read(*found) : SentenceModel();
}

}  // namespace kedit::metrics
