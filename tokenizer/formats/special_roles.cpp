#include "tokenizer/formats/special_roles.hpp"

#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"

#include <algorithm>
#include <array>

namespace kedit::tokenizer {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 7> kRoles = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};

// Which class a model_type has in the library.
std::string class_of_type(const std::string& type) {
  static const std::map<std::string, std::string> kClasses = {
      {"bert", "BertTokenizer"},        {"distilbert", "DistilBertTokenizer"},
      {"gpt2", "GPT2Tokenizer"},        {"gptj", "GPT2Tokenizer"},
      {"gpt_neo", "GPT2Tokenizer"},     {"opt", "GPT2Tokenizer"},
      {"gpt_neox", "GPTNeoXTokenizer"}, {"olmo", "GPTNeoXTokenizer"},
      {"olmo2", "GPTNeoXTokenizer"},    {"llama", "LlamaTokenizer"},
      {"mistral", "LlamaTokenizer"},    {"phi3", "LlamaTokenizer"},
      {"gemma", "GemmaTokenizer"},      {"gemma2", "GemmaTokenizer"},
      {"gemma3", "GemmaTokenizer"},     {"gemma3_text", "GemmaTokenizer"},
      {"qwen2", "Qwen2Tokenizer"},      {"qwen3", "Qwen2Tokenizer"}};
  const auto found = kClasses.find(type);
  return found == kClasses.end() ? "" : found->second;
}

NamedToken text_token(const std::string& content) {
  NamedToken named;
  named.token.content = content;
  return named;
}

NamedToken read_named_token(const JsonView& field, bool always_special) {
  if (!field.value().is_object()) return text_token(field.string());
  NamedToken named;
  named.object = true;
  named.token = read_added_token(field, 0);
  named.token.special = named.token.special || always_special;
  if (const auto given = field.find("normalized")) named.normalized_given = given->boolean();
  named.token.normalized = named.normalized_given.value_or(!named.token.special);
  return named;
}

class RoleReader {
 public:
  RoleReader(const JsonView& config, const TokenizerClass& kind) : config_(config), kind_(kind) {}

  SpecialRoles read(const fs::path& directory) {
    for (const char* role : kRoles) {
      for (const auto& [name, content] : kind_.roles) {
        if (name == role && !config_.value().contains(role)) put(role, text_token(content));
      }
      if (const auto field = config_.find(role)) put(role, read_named_token(*field, false));
    }
    if (const auto more = config_.find("additional_special_tokens")) add(*more, false);
    if (!config_.has("added_tokens_decoder")) read_map(directory / "special_tokens_map.json");
    if (const auto extra = config_.find("extra_special_tokens")) read_extra(*extra);
    if (kind_.roles_are_objects) mark_objects();
    order();
    return std::move(roles_);
  }

 private:
  void put(const std::string& role, NamedToken named) {
    for (auto& [name, token] : roles_.single) {
      if (name == role) return void(token = std::move(named));
    }
    roles_.single.emplace_back(role, std::move(named));
  }

  void add(const JsonView& list, bool always_special) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      NamedToken named = read_named_token(list.at(i), always_special);
      const bool there =
          std::any_of(roles_.additional.begin(), roles_.additional.end(), [&](const auto& token) {
            return token.object == named.object && token.token.content == named.token.content;
          });
      if (!there) roles_.additional.push_back(std::move(named));
    }
  }

  void read_map(const fs::path& file) {
    const Json json = optional_json(file);
    const JsonView map(json, file.string());
    for (const char* role : kRoles) {
      if (const auto field = map.find(role)) put(role, read_named_token(*field, true));
    }
    if (const auto more = map.find("additional_special_tokens")) add(*more, true);
  }

  // Names of the model's own; a plain list of them has no names.
  void read_extra(const JsonView& extra) {
    if (extra.value().is_array()) return;
    for (const std::string& role : extra.keys()) {
      if (const auto field = extra.find(role)) put(role, read_named_token(*field, false));
    }
  }

  void mark_objects() {
    for (auto& [role, named] : roles_.single) {
      if (named.object || !is_common_role(role)) continue;
      named.object = true;
      named.token.special = true;
      named.token.normalized = false;
      named.normalized_given = false;
    }
  }

  void order() {
    const auto place = [](const auto& item) {
      return std::find(kRoles.begin(), kRoles.end(), item.first) - kRoles.begin();
    };
    std::stable_sort(roles_.single.begin(), roles_.single.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
  }

  const JsonView& config_;
  const TokenizerClass& kind_;
  SpecialRoles roles_;
};

}  // namespace

bool is_common_role(std::string_view role) {
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

const NamedToken* SpecialRoles::find(std::string_view role) const {
  for (const auto& [name, token] : single) {
    if (name == role) return &token;
  }
  return nullptr;
}

std::vector<std::pair<std::string, std::string>> bert_roles() {
  return {{"unk_token", "[UNK]"},
          {"sep_token", "[SEP]"},
          {"pad_token", "[PAD]"},
          {"cls_token", "[CLS]"},
          {"mask_token", "[MASK]"}};
}

TokenizerClass tokenizer_class_of(const fs::path& directory, const JsonView& config) {
  TokenizerClass kind;
  if (const auto name = config.find("tokenizer_class")) {
    kind.name = name->string();
  } else {
    const fs::path file = directory / "config.json";
    const Json json = optional_json(file);
    const auto type = JsonView(json, file.string()).find("model_type");
    if (type) kind.name = class_of_type(type->string());
  }
  if (kind.name.ends_with("Fast")) kind.name.resize(kind.name.size() - 4);
  const std::string end = "<|endoftext|>";
  if (kind.name == "GPT2Tokenizer" || kind.name == "GPTNeoXTokenizer") {
    kind.roles = {{"bos_token", end}, {"eos_token", end}, {"unk_token", end}};
    kind.own_template = kind.name == "GPTNeoXTokenizer";
  } else if (kind.name == "Qwen2Tokenizer") {
    kind.roles = {{"eos_token", end}, {"unk_token", end}, {"pad_token", end}};
    kind.roles_are_objects = true;
  } else if (kind.name == "LlamaTokenizer") {
    kind.roles = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    kind.own_template = kind.adds_bos = kind.keeps_prefix_space = true;
  } else if (kind.name == "GemmaTokenizer") {
    kind.roles = {{"bos_token", "<bos>"},
                  {"eos_token", "<eos>"},
                  {"unk_token", "<unk>"},
                  {"pad_token", "<pad>"}};
    kind.own_template = kind.adds_bos = true;
  } else if (kind.name == "BertTokenizer" || kind.name == "DistilBertTokenizer") {
    kind.roles = bert_roles();
    kind.bert = true;
  }
  return kind;
}

SpecialRoles read_special_roles(const fs::path& directory, const JsonView& config,
                                const TokenizerClass& kind) {
  return RoleReader(config, kind).read(directory);
}

}  // namespace kedit::tokenizer
