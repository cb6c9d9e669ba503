#include "tokenizer/formats/gguf_vocabulary.hpp"

#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kedit::tokenizer {
namespace {

const Json::array_t& array_of(const JsonView& field) {
  if (!field.value().is_array()) field.fail("an array");
  return field.value().get_ref<const Json::array_t&>();
}

// One entry for each token.
const Json::array_t& array_of(const JsonView& field, std::size_t tokens) {
  const auto& array = array_of(field);
  if (array.size() != tokens) {
    throw TokenizerError(fmt::format("{}: expected {} values, one for each token, found {}",
                                     where_of(field), tokens, array.size()));
  }
  return array;
}

// Converters write the symbols that users defined with blanks, older ones with SentencePiece's
// marks; a text is searched for them before its blanks become marks.
std::string with_blanks(std::string text) {
  for (auto at = text.find(kBlankMark); at != std::string::npos; at = text.find(kBlankMark, at)) {
    text.replace(at, kBlankMark.size(), " ");
  }
  return text;
}

struct ScoredMerge {
  float score;
  std::uint32_t left_length, right_length;  // in characters
  std::size_t merged;                       // id of the whole
  std::size_t left_bytes;
};

// Every way to make a token out of two others.
void append_merges(const GgufVocabulary& vocabulary, std::size_t id, float score,
                   std::vector<ScoredMerge>& merges) {
  const auto mergeable = [&](std::string_view part) {
    const auto found = vocabulary.find(part);
    return found && vocabulary.type(*found) == GgufVocabulary::Type::normal;
  };
  const std::string_view text = vocabulary.text(id);
  const auto length = static_cast<std::uint32_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return !is_utf8_continuation(byte); }));
  std::uint32_t left_length = 1;
  for (std::size_t at = 0; ++left_length <= length;) {
    at += code_point_at(text, at).bytes;
    if (!mergeable(text.substr(0, at)) || !mergeable(text.substr(at))) continue;
    merges.push_back({score, left_length - 1, length - left_length + 1, id, at});
  }
}

}  // namespace

GgufVocabulary::Kind kind_of_gguf(const JsonView& metadata) {
  const JsonView model = metadata.at("tokenizer.ggml.model");
  const std::string name = model.string();
  if (name == "gpt2") return GgufVocabulary::Kind::byte_level;
  if (name == "llama") return GgufVocabulary::Kind::sentencepiece;
  refuse(model, "gpt2 or llama", name);
}

GgufVocabulary::GgufVocabulary(const JsonView& metadata, bool adds_bos_by_default)
    : kind_(kind_of_gguf(metadata)) {
  read_texts(metadata);
  read_types(metadata);
  ids_.reserve(size());
  for (std::size_t id = 0; id < size(); ++id) {
    if (kind_ == Kind::sentencepiece && types_[id] == Type::user_defined) {
      texts_[id] = with_blanks(std::move(texts_[id]));
    }
    if (ids_.emplace(texts_[id], id).second) continue;
    metadata.at("tokenizer.ggml.tokens").at(id).fail("a token that differs from those before");
  }
  if (kind_ == Kind::sentencepiece) read_bytes(metadata);
  read_roles(metadata);
  read_template(metadata, adds_bos_by_default);
}

void GgufVocabulary::read_texts(const JsonView& metadata) {
  const JsonView field = metadata.at("tokenizer.ggml.tokens");
  const auto& tokens = array_of(field);
  constexpr auto kMost = static_cast<std::size_t>(Vocabulary::kMaxId) + 1;
  if (tokens.empty() || tokens.size() > kMost) {
    throw TokenizerError(fmt::format("{}: expected 1 to {} tokens, found {}", where_of(field),
                                     kMost, tokens.size()));
  }
  texts_.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].is_string()) field.at(id).fail("a string");
    texts_.push_back(tokens[id].get_ref<const std::string&>());
  }
}

void GgufVocabulary::read_types(const JsonView& metadata) {
  types_.assign(size(), Type::normal);
  const auto field = metadata.find("tokenizer.ggml.token_type");
  if (!field) return;
  const auto& types = array_of(*field, size());
  for (std::size_t id = 0; id < size(); ++id) {
    const std::int64_t type = types[id].is_number_integer() ? types[id].get<std::int64_t>() : 0;
    if (type < 1 || type > 6) field->at(id).fail("a type of tokens from 1 to 6");
    types_[id] = static_cast<Type>(type);
  }
}

void GgufVocabulary::read_bytes(const JsonView& metadata) {
  std::size_t there = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto id = find(fmt::format("<0x{:02X}>", byte));
    if (id && types_[*id] == Type::byte) ++there;
  }
  const auto bytes = std::count(types_.begin(), types_.end(), Type::byte);
  if (static_cast<std::size_t>(bytes) == there && (there == 0 || there == 256)) {
    has_bytes_ = there == 256;
    return;
  }
  throw TokenizerError(fmt::format(
      "{}: expected the 256 bytes <0x00> to <0xFF> or none of them, found {} tokens of type 6, {} "
      "of them such bytes",
      where_of(metadata.at("tokenizer.ggml.token_type")), bytes, there));
}

std::optional<std::size_t> GgufVocabulary::role(const JsonView& metadata, std::string_view key,
                                                std::size_t otherwise, Type type) const {
  const auto field = metadata.find(fmt::format("tokenizer.ggml.{}_token_id", key));
  if (!field) {  // what files without the key mean by llama.cpp's defaults
    const bool there = kind_ == Kind::sentencepiece && otherwise < size();
    return there && types_[otherwise] == type ? std::optional(otherwise) : std::nullopt;
  }
  const std::int64_t id = field->integer();
  if (id < 0 || static_cast<std::uint64_t>(id) >= size()) {
    field->fail(fmt::format("the id of a token, 0 to {}", size() - 1));
  }
  return static_cast<std::size_t>(id);
}

void GgufVocabulary::read_roles(const JsonView& metadata) {
  bos = role(metadata, "bos", 1, Type::control);
  eos = role(metadata, "eos", 2, Type::control);
  unk = role(metadata, "unknown", 0, Type::unknown);
  pad = role(metadata, "padding", size(), Type::control);
  // Some files give an ordinary token where a model has none; it must stay one in texts.
  if (unk && types_[*unk] == Type::normal) unk.reset();
  if (pad && types_[*pad] == Type::normal) pad.reset();
}

void GgufVocabulary::read_template(const JsonView& metadata, bool adds_bos_by_default) {
  adds_bos = flag(metadata, "tokenizer.ggml.add_bos_token", adds_bos_by_default);
  adds_eos = flag(metadata, "tokenizer.ggml.add_eos_token", false);
  if (adds_bos && !bos) metadata.at("tokenizer.ggml.bos_token_id").integer();
  if (adds_eos && !eos) metadata.at("tokenizer.ggml.eos_token_id").integer();
  if (flag(metadata, "tokenizer.ggml.add_sep_token", false)) {
    refuse(metadata.at("tokenizer.ggml.add_sep_token"), "false", "true");
  }
}

std::optional<std::size_t> GgufVocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool GgufVocabulary::is_special(std::size_t id) const {
  const Type type = types_[id];
  return type == Type::control || type == Type::unknown || id == bos || id == eos || id == unk ||
         id == pad;
}

Json merges_of_gguf(const JsonView& metadata, const GgufVocabulary& vocabulary) {
  const JsonView field = metadata.at("tokenizer.ggml.merges");
  const auto& merges = array_of(field);
  std::string joined;
  for (std::size_t i = 0; i < merges.size(); ++i) {
    if (!merges[i].is_string()) field.at(i).fail("a string");
    const auto [left, right] = split_merge(merges[i].get_ref<const std::string&>());
    if (left.empty() || right.empty()) field.at(i).fail("two tokens with a blank between them");
    joined.assign(left).append(right);
    if (!vocabulary.find(left) || !vocabulary.find(right) || !vocabulary.find(joined)) {
      fail_merge(where_of(field.at(i)), left, right);
    }
  }
  return field.value();
}

Json merges_of_scores(const JsonView& metadata, const GgufVocabulary& vocabulary) {
  const JsonView field = metadata.at("tokenizer.ggml.scores");
  const auto& scores = array_of(field, vocabulary.size());
  std::vector<ScoredMerge> merges;
  for (std::size_t id = 0; id < scores.size(); ++id) {
    const double score = scores[id].is_number() ? scores[id].get<double>() : std::nan("");
    if (!std::isfinite(score)) field.at(id).fail("a finite number");
    const bool blank = vocabulary.text(id).find(' ') != std::string::npos;  // marks took its place
    if (vocabulary.type(id) != GgufVocabulary::Type::normal || blank) continue;
    append_merges(vocabulary, id, static_cast<float>(score), merges);
  }
  std::stable_sort(merges.begin(), merges.end(), [](const ScoredMerge& a, const ScoredMerge& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.left_length != b.left_length) return a.left_length > b.left_length;
    return a.right_length > b.right_length;
  });
  Json::array_t texts;
  texts.reserve(merges.size());
  for (const ScoredMerge& merge : merges) {
    texts.emplace_back(std::string(vocabulary.text(merge.merged)).insert(merge.left_bytes, " "));
  }
  return texts;
}

}  // namespace kedit::tokenizer
