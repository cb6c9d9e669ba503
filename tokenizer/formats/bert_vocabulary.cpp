#include "tokenizer/formats/bert_vocabulary.hpp"

#include "json/short_name.hpp"
#include "tokenizer/formats/special_roles.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace kedit::tokenizer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostVocabularyBytes = std::int64_t{64} << 20;

// The lines of a text as Python reads them: "\n", "\r\n" and "\r" end one.
std::vector<std::string_view> python_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return lines;
}

class VocabularyFile {
 public:
  explicit VocabularyFile(fs::path file)
      : file_(std::move(file)), text_(read_text_file(file_, kMostVocabularyBytes)) {
    if (const auto fault = first_invalid_utf8(text_)) {
      fail(fmt::format("expected UTF-8, found an ill-formed character at byte {}", *fault));
    }
    lines_ = python_lines(text_);
    if (std::ssize(lines_) > Vocabulary::kMaxId) {
      fail(fmt::format("expected at most {} tokens, found {}", Vocabulary::kMaxId, lines_.size()));
    }
    // Of equal tokens the last one counts.
    for (std::size_t i = 0; i < lines_.size(); ++i) ids_[lines_[i]] = static_cast<std::int64_t>(i);
  }

  std::int64_t id(const std::string& role, const std::string& token) const {
    const auto found = ids_.find(token);
    if (found == ids_.end()) {
      fail(fmt::format("expected the {} \"{}\" among the tokens, found none", role,
                       short_name(token)));
    }
    return found->second;
  }

  bool contains(const std::string& token) const { return ids_.count(token) > 0; }

  // {"token": id, ...}, without the look-up that a member's insertion would cost.
  Json object() const {
    Json::object_t members;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const auto id = static_cast<std::int64_t>(i);
      if (ids_.at(lines_[i]) == id) members.emplace_back(std::string(lines_[i]), Json(id));
    }
    return members;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw TokenizerError(fmt::format("reading {}: {}", file_.string(), what));
  }

  fs::path file_;
  std::string text_;
  std::vector<std::string_view> lines_;  // of text_
  std::unordered_map<std::string_view, std::int64_t> ids_;
};

void check_class(const TokenizerClass& kind, const JsonView& config) {
  if (kind.name.empty() || kind.bert) return;  // such a file alone is BERT's format
  const auto name = config.find("tokenizer_class");
  refuse(name ? *name : config, "BertTokenizer (for a vocab.txt without a tokenizer.json)",
         kind.name);
}

Json special_piece(const std::string& token) {
  return {{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
}

// [CLS] text [SEP]
Json bert_template(const std::string& cls, std::int64_t cls_id, const std::string& sep,
                   std::int64_t sep_id) {
  Json specials = Json::object();
  specials[cls] = {{"id", cls}, {"ids", {cls_id}}, {"tokens", {cls}}};
  specials[sep] = {{"id", sep}, {"ids", {sep_id}}, {"tokens", {sep}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({special_piece(cls), text, special_piece(sep)})},
          {"special_tokens", specials}};
}

Json added_tokens_of(const SpecialRoles& roles, const VocabularyFile& vocabulary) {
  Json added = Json::array();
  for (const auto& [role, named] : roles.single) {
    const std::string& content = named.token.content;
    const bool twice = std::any_of(added.begin(), added.end(), [&](const Json& other) {
      return other.at("content").get_ref<const std::string&>() == content;
    });
    if (twice || !vocabulary.contains(content)) continue;
    added.push_back({{"id", vocabulary.id(role, content)},
                     {"content", content},
                     {"normalized", false},
                     {"special", true}});
  }
  return added;
}

}  // namespace

Json tokenizer_json_of_bert_vocabulary(const fs::path& directory) {
  const fs::path config_file = directory / "tokenizer_config.json";
  const Json config_json = optional_json(config_file);
  const JsonView config(config_json, config_file.string());
  TokenizerClass kind = tokenizer_class_of(directory, config);
  check_class(kind, config);
  kind.roles = bert_roles();
  const SpecialRoles roles = read_special_roles(directory, config, kind);
  const VocabularyFile vocabulary(directory / "vocab.txt");
  const auto token = [&](std::string_view role) {
    const NamedToken* named = roles.find(role);
    return named == nullptr ? std::string() : named->token.content;
  };
  const std::string unk = token("unk_token"), cls = token("cls_token"), sep = token("sep_token");
  vocabulary.id("unk_token", unk);
  Json document = {
      {"added_tokens", added_tokens_of(roles, vocabulary)},
      {"normalizer", {{"type", "BertNormalizer"}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       bert_template(cls, vocabulary.id("cls_token", cls), sep, vocabulary.id("sep_token", sep))},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model", {{"type", "WordPiece"}, {"unk_token", unk}, {"vocab", vocabulary.object()}}}};
  write_bert_settings(config, document);
  return document;
}

void write_bert_settings(const JsonView& config, Json& document) {
  const auto step = document.find("normalizer");
  const bool own = step != document.end() && step->is_object() && step->contains("type") &&
                   step->at("type") == "BertNormalizer";
  if (!own) return;
  (*step)["lowercase"] = flag(config, "do_lower_case", true);
  (*step)["handle_chinese_chars"] = flag(config, "tokenize_chinese_chars", true);
  const auto strip = config.find("strip_accents");
  (*step)["strip_accents"] = strip ? Json(strip->boolean()) : Json(nullptr);
}

}  // namespace kedit::tokenizer
