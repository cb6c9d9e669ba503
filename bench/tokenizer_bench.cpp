// Encoding speed of a tokenizer, one thread: kedit_bench_tokenizer DIRECTORY TEXT_FILE. Every line
// of the file is a text, as data sets have them. Prints one JSON document; `hash` is that of all
// ids, so that bench/tokenizer_reference.py can tell whether the reference library's are the same.
#include "json/json.hpp"
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

namespace {

// Of the processor, not of the wall: other programs on the machine do not count.
double seconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

struct Pass {
  std::size_t tokens = 0;
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a over the ids
  double seconds = 0;
};

Pass encode_all(const kedit::Tokenizer& tokenizer, const std::vector<std::string>& lines) {
  std::vector<kedit::Encoding> encodings;
  encodings.reserve(lines.size());
  const auto start = std::clock();
  for (const std::string& line : lines) encodings.push_back(tokenizer.encode(line));
  Pass pass;
  pass.seconds = seconds_since(start);
  for (const kedit::Encoding& encoding : encodings) {
    pass.tokens += encoding.ids.size();
    for (const std::int64_t id : encoding.ids) {
      pass.hash = (pass.hash ^ static_cast<std::uint64_t>(id)) * 0x100000001B3ULL;
    }
  }
  return pass;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: kedit_bench_tokenizer DIRECTORY TEXT_FILE\n";
    return 2;
  }
  const auto start = std::clock();
  const auto tokenizer = kedit::Tokenizer::load(arguments[1]);
  const double load_seconds = seconds_since(start);
  const std::string text = kedit::read_text_file(arguments[2]);
  const std::vector<std::string> lines = lines_of(text);
  constexpr int kPasses = 5;
  Pass best;
  for (int pass = 0; pass < kPasses; ++pass) {
    const Pass next = encode_all(*tokenizer, lines);
    if (pass == 0 || next.seconds < best.seconds) best = next;
  }
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  std::cout << kedit::to_text({{"kind", tokenizer->kind()},
                               {"load_seconds", load_seconds},
                               {"texts", lines.size()},
                               {"megabytes", megabytes},
                               {"tokens", best.tokens},
                               {"hash", fmt::format("{:016x}", best.hash)},
                               {"megabytes_per_second", megabytes / best.seconds}})
            << "\n";
  return 0;
}
