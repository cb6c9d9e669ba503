#include "tokenizer/tokenizer.hpp"

#include "json/json.hpp"
#include "tokenizer/formats/bert_vocabulary.hpp"
#include "tokenizer/formats/special_roles.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

namespace kedit {
namespace {

bool has_vocab_files(const std::filesystem::path& directory) {
  return std::filesystem::exists(directory / "vocab.json") &&
         std::filesystem::exists(directory / "merges.txt");
}

// The readers of JSON report in their own type; to callers a damaged tokenizer is a damaged model.
template <typename Read>
std::shared_ptr<const Tokenizer> reading(Read read) {
  try {
    return read();
  } catch (const JsonError& error) {
    throw TokenizerError(error.what());
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::filesystem::path& directory) {
  const auto file = directory / "tokenizer.json";
  if (std::filesystem::exists(file)) {
    return reading([&] {
      return tokenizer::tokenizer_from_json(
          tokenizer::with_files_beside(read_json(file), directory), file.string());
    });
  }
  if (has_vocab_files(directory)) {
    return reading([&] { return tokenizer::tokenizer_from_vocab_files(directory); });
  }
  if (std::filesystem::exists(directory / "tokenizer.model")) {
    return reading([&] { return tokenizer::tokenizer_from_sentencepiece(directory); });
  }
  if (const auto vocabulary = directory / "vocab.txt"; std::filesystem::exists(vocabulary)) {
    return reading([&] {
      return tokenizer::tokenizer_from_json(
          tokenizer::with_files_beside(tokenizer::tokenizer_json_of_bert_vocabulary(directory),
                                       directory),
          vocabulary.string());
    });
  }
  throw TokenizerError(
      fmt::format("loading a tokenizer: {}: expected tokenizer.json, vocab.json and merges.txt, "
                  "tokenizer.model, or vocab.txt, found none of them",
                  directory.string()));
}

std::shared_ptr<const Tokenizer> Tokenizer::parse(std::string_view tokenizer_json,
                                                  const std::string& origin) {
  return reading(
      [&] { return tokenizer::tokenizer_from_json(parse_json(tokenizer_json, origin), origin); });
}

std::shared_ptr<const Tokenizer> Tokenizer::from_document(const Json& tokenizer_json,
                                                          const std::string& origin) {
  return reading([&] { return tokenizer::tokenizer_from_json(tokenizer_json, origin); });
}

bool Tokenizer::present(const std::filesystem::path& directory) {
  return std::filesystem::exists(directory / "tokenizer.json") || has_vocab_files(directory) ||
         std::filesystem::exists(directory / "tokenizer.model") ||
         std::filesystem::exists(directory / "vocab.txt");
}

}  // namespace kedit
