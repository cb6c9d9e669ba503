#include "model/architecture.hpp"
#include "model/byte_level.hpp"
#include "model/tokenizer_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace kedit {
namespace {

namespace fs = std::filesystem;

// What the reference library's tokenizer classes do that their files do not say.
struct ClassDefaults {
  std::string_view pattern;
  bool nfc;
};

ClassDefaults defaults_of(const std::string& name, const std::string& where) {
  if (name == "GPT2Tokenizer" || name == "GPT2TokenizerFast") return {kGpt2Pattern, false};
  if (name == "Qwen2Tokenizer" || name == "Qwen2TokenizerFast") return {kQwen2Pattern, true};
  throw ModelError(
      fmt::format("{}: expected GPT2Tokenizer or Qwen2Tokenizer, found {}, which this "
                  "version does not support without a tokenizer.json",
                  where, name));
}

// An optional JSON object beside the vocabulary; an empty one when the file is not there.
Json optional_json(const fs::path& file) {
  if (!fs::exists(file)) return Json::object();
  return read_json(file);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::vector<ByteLevelTokenizer::Merge> read_merges_file(const fs::path& file,
                                                        const Vocabulary& vocabulary) {
  const std::string text = read_text_file(file);
  const auto lines = lines_of(text);
  std::vector<ByteLevelTokenizer::Merge> merges;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || (i == 0 && lines[i].starts_with("#version"))) continue;
    const auto where = [&] { return fmt::format("reading {}: line {}", file.string(), i + 1); };
    const auto [left, right] = split_merge(lines[i]);
    if (left.empty() || right.empty()) {
      throw ModelError(
          fmt::format("{}: expected two tokens with a blank between them, found \"{}\"", where(),
                      lines[i].substr(0, 60)));
    }
    const auto ids = find_merge(vocabulary, left, right);
    if (!ids) fail_merge(where(), left, right);
    merges.push_back(*ids);
  }
  return merges;
}

// bos_token and the like are strings, or objects with a content.
std::string token_content(const JsonView& field) {
  return field.value().is_object() ? field.at("content").string() : field.string();
}

constexpr std::array<const char*, 7> kSpecialRoles = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

std::vector<std::string> special_contents(const JsonView& config) {
  std::vector<std::string> contents;
  for (const char* role : kSpecialRoles) {
    if (const auto field = config.find(role)) contents.push_back(token_content(*field));
  }
  if (const auto more = config.find("additional_special_tokens")) {
    for (std::size_t i = 0; i < more->size(); ++i) contents.push_back(token_content(more->at(i)));
  }
  return contents;
}

class VocabFilesReader {
 public:
  explicit VocabFilesReader(const fs::path& directory)
      : directory_(directory),
        config_file_(directory / "tokenizer_config.json"),
        config_json_(optional_json(config_file_)),
        config_(config_json_, config_file_.string()) {}

  std::shared_ptr<const Tokenizer> read() {
    const fs::path vocab_file = directory_ / "vocab.json";
    const Json vocab = read_json(vocab_file);
    parts_.vocabulary = read_vocabulary(JsonView(vocab, vocab_file.string()));
    read_class();
    read_added_tokens_decoder();
    read_added_tokens_file();
    read_special_tokens();
    add_bos_template();
    const auto merges = read_merges_file(directory_ / "merges.txt", parts_.vocabulary);
    return std::make_shared<ByteLevelTokenizer>(std::move(parts_), merges);
  }

 private:
  std::string where(const std::string& pointer) const {
    return fmt::format("reading {}: {}", config_file_.string(), pointer);
  }

  bool config_flag(const char* key) const {
    const auto field = config_.find(key);
    return field && field->boolean();
  }

  void read_class() {
    const auto name = config_.find("tokenizer_class");
    const auto defaults =
        defaults_of(name ? name->string() : class_of_model(), where("/tokenizer_class"));
    parts_.nfc = defaults.nfc;
    parts_.splits.push_back({SplitPattern::regex(defaults.pattern, where("/tokenizer_class"))});
    parts_.prefix_space = config_flag("add_prefix_space");
    if (parts_.prefix_space && defaults.nfc) {
      throw ModelError(where("/add_prefix_space") +
                       ": expected false, found true, which this "
                       "version does not support for Qwen2Tokenizer");
    }
  }

  // Without a tokenizer class the model's type decides; these two files alone are GPT-2's format.
  std::string class_of_model() const {
    const fs::path file = directory_ / "config.json";
    const Json config = optional_json(file);
    const auto type = JsonView(config, file.string()).find("model_type");
    const bool qwen2 = type && type->string().starts_with("qwen2");
    return qwen2 ? "Qwen2Tokenizer" : "GPT2Tokenizer";
  }

  bool is_added(const std::string& content) const {
    return std::any_of(parts_.added.begin(), parts_.added.end(),
                       [&](const AddedToken& token) { return token.content == content; });
  }

  void read_added_tokens_decoder() {
    const auto tokens = config_.find("added_tokens_decoder");
    if (!tokens) return;
    for (const std::string& key : tokens->keys()) {
      const JsonView field = tokens->at(key);
      const bool number = !key.empty() && key.size() <= 9 &&
                          key.find_first_not_of("0123456789") == std::string::npos;
      if (!number) field.fail("an id as the key");
      append_added_token(read_added_token(field, std::stoll(key)), parts_.vocabulary,
                         where(field.pointer()), parts_.added);
    }
  }

  void read_added_tokens_file() {
    const fs::path file = directory_ / "added_tokens.json";
    const Json json = optional_json(file);
    const JsonView tokens(json, file.string());
    const auto special = all_special_contents();
    for (const std::string& content : tokens.keys()) {
      if (is_added(content)) continue;
      AddedToken token;
      token.content = content;
      token.id = tokens.at(content).integer();
      token.special = std::find(special.begin(), special.end(), content) != special.end();
      token.normalized = !token.special;
      append_added_token(token, parts_.vocabulary, "reading " + file.string(), parts_.added);
    }
  }

  std::vector<std::string> all_special_contents() const {
    auto contents = special_contents(config_);
    const fs::path file = directory_ / "special_tokens_map.json";
    const Json map = optional_json(file);
    const auto more = special_contents(JsonView(map, file.string()));
    contents.insert(contents.end(), more.begin(), more.end());
    contents.emplace_back(
        "<|endoftext|>");  // eos and unk of both classes unless they say otherwise
    return contents;
  }

  // Tokens with a role are special, also when only the vocabulary lists them.
  void read_special_tokens() {
    for (const std::string& content : all_special_contents()) {
      const auto id = parts_.vocabulary.id(content);
      if (!id || is_added(content)) continue;
      AddedToken token;
      token.id = *id;
      token.content = content;
      token.normalized = false;
      token.special = true;
      append_added_token(token, parts_.vocabulary, where(""), parts_.added);
    }
  }

  void add_bos_template() {
    if (!config_flag("add_bos_token")) return;
    const auto bos = config_.find("bos_token");
    const std::string content = bos ? token_content(*bos) : "<|endoftext|>";
    for (const AddedToken& token : parts_.added) {
      if (token.content == content) parts_.template_before.assign(1, token.id);
    }
    if (parts_.template_before.empty()) {
      throw ModelError(fmt::format("{}: expected a bos_token of the vocabulary, found \"{}\"",
                                   where("/add_bos_token"), content));
    }
  }

  const fs::path& directory_;
  fs::path config_file_;
  Json config_json_;
  JsonView config_;
  ByteLevelParts parts_;
};

}  // namespace

std::shared_ptr<const Tokenizer> tokenizer_from_vocab_files(const fs::path& directory) {
  return VocabFilesReader(directory).read();
}

}  // namespace kedit
