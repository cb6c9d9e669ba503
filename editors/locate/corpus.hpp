#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kedit::locate {

/// Texts that statistics are collected over.
struct Corpus {
  std::string name;    ///< file name, for people
  std::string sha256;  ///< of the texts in order, each followed by a newline
  std::vector<std::string> texts;
};

/// One text per non-blank line; of a file named .jsonl or .ndjson one JSON value a line, a string
/// or an object whose `text` is one. Throws `JsonError` naming file and line; `StatisticsError`
/// when it holds no text.
Corpus read_corpus(const std::filesystem::path& file);
Corpus make_corpus(std::string name, std::vector<std::string> texts);

}  // namespace kedit::locate
