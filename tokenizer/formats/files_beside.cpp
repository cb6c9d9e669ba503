#include "tokenizer/formats/bert_vocabulary.hpp"
#include "tokenizer/formats/special_roles.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

// What PreTrainedTokenizerFast of transformers 4.57.1 does to a tokenizer.json once it is read, and
// its classes after it; tests/golden/tokens_beside_golden.py asks that library.
namespace kedit::tokenizer {
namespace {

namespace fs = std::filesystem;
using tokenizer::refuse;

bool same(const AddedToken& a, const AddedToken& b) {
  return a.content == b.content && a.single_word == b.single_word && a.lstrip == b.lstrip &&
         a.rstrip == b.rstrip && a.normalized == b.normalized && a.special == b.special;
}

Json json_of(const AddedToken& token) {
  return {{"id", token.id},          {"content", token.content}, {"single_word", token.single_word},
          {"lstrip", token.lstrip},  {"rstrip", token.rstrip},   {"normalized", token.normalized},
          {"special", token.special}};
}

class FilesBeside {
 public:
  FilesBeside(Json document, const fs::path& directory)
      : document_(std::move(document)),
        directory_(directory),
        config_file_(directory / "tokenizer_config.json"),
        config_json_(optional_json(config_file_)),
        config_(config_json_, config_file_.string()),
        kind_(tokenizer_class_of(directory, config_)) {}

  Json apply() {
    if (kind_.name.empty() && !any_file()) return std::move(document_);
    refuse_settings();
    roles_ = read_special_roles(directory_, config_, kind_);
    read_own_tokens();
    const std::vector<NamedToken> listed = listed_tokens();
    for (AddedToken& token : tokens_to_add(listed)) add(std::move(token));
    write_tokens();
    write_prefix_space();
    if (kind_.own_template) write_template();
    if (kind_.bert) write_bert_settings(config_, document_);
    return std::move(document_);
  }

 private:
  bool any_file() const {
    for (const char* name :
         {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}) {
      if (fs::exists(directory_ / name)) return true;
    }
    return false;
  }

  void refuse_settings() const {
    const auto split = config_.find("split_special_tokens");
    if (split && split->boolean()) refuse(*split, "false", "true");
  }

  // added_tokens of the tokenizer.json, in its order.
  void read_own_tokens() {
    const JsonView root(document_, (directory_ / "tokenizer.json").string());
    const auto tokens = root.find("added_tokens");
    for (std::size_t i = 0; tokens && i < tokens->size(); ++i) {
      const JsonView token = tokens->at(i);
      own_.push_back(read_added_token(token, token.at("id").integer()));
    }
  }

  const AddedToken* own(const std::string& content) const {
    const auto found = std::find_if(own_.begin(), own_.end(), [&](const AddedToken& token) {
      return token.content == content;
    });
    return found == own_.end() ? nullptr : &*found;
  }

  // Those that the settings list with an id, in the order of the ids; and gives the roles the flags
  // that stand there.
  std::vector<NamedToken> listed_tokens() {
    std::map<std::int64_t, NamedToken> by_id;
    if (const auto decoder = config_.find("added_tokens_decoder")) {
      for (const std::string& key : decoder->keys()) {
        const bool number = !key.empty() && key.size() <= 9 &&
                            key.find_first_not_of("0123456789") == std::string::npos;
        if (!number) decoder->at(key).fail("an id as the key");
        by_id[std::stoll(key)] = flagged(decoder->at(key));
      }
      for (const auto& item : by_id) give_flags(item.second);
    } else {
      read_added_json(by_id);
      for (const AddedToken& token : own_) {
        by_id[token.id] = {token, true, token.normalized};
        give_flags(by_id[token.id]);
      }
    }
    std::vector<NamedToken> listed;
    for (auto& item : by_id) listed.push_back(std::move(item.second));
    return listed;
  }

  static NamedToken flagged(const JsonView& field) {
    NamedToken named;
    named.object = true;
    named.token = read_added_token(field, 0);
    if (const auto given = field.find("normalized")) named.normalized_given = given->boolean();
    return named;
  }

  void give_flags(const NamedToken& named) {
    for (auto& [role, token] : roles_.single) {
      if (is_common_role(role) && token.token.content == named.token.content) token = named;
    }
  }

  void read_added_json(std::map<std::int64_t, NamedToken>& by_id) const {
    const fs::path file = directory_ / "added_tokens.json";
    const Json json = optional_json(file);
    const JsonView view(json, file.string());
    for (const std::string& content : view.keys()) {
      NamedToken named;
      named.object = true;
      named.token.content = content;
      named.token.special = special_contents().count(content) > 0;
      named.token.normalized = !named.token.special;
      named.normalized_given = named.token.normalized;
      by_id[view.at(content).integer()] = std::move(named);
    }
  }

  std::vector<const NamedToken*> specials() const {
    std::vector<const NamedToken*> all;
    std::set<std::string_view> seen;
    const auto take = [&](const NamedToken& named) {
      if (seen.insert(named.token.content).second) all.push_back(&named);
    };
    const auto extra = std::find_if(roles_.single.begin(), roles_.single.end(),
                                    [](const auto& item) { return !is_common_role(item.first); });
    for (auto role = roles_.single.begin(); role != extra; ++role) take(role->second);
    for (const NamedToken& named : roles_.additional) take(named);
    for (auto role = extra; role != roles_.single.end(); ++role) take(role->second);
    return all;
  }

  std::set<std::string> special_contents() const {
    std::set<std::string> contents;
    for (const NamedToken* named : specials()) contents.insert(named->token.content);
    return contents;
  }

  // In the library's order, which gives new tokens their ids.
  std::vector<AddedToken> tokens_to_add(const std::vector<NamedToken>& listed) const {
    std::vector<NamedToken> chosen;
    std::set<std::string> known;
    for (const AddedToken& token : own_) known.insert(token.content);
    for (const NamedToken& named : listed) {
      const bool there = std::any_of(own_.begin(), own_.end(), [&](const AddedToken& token) {
        return same(token, named.token);
      });
      if (!there) chosen.push_back(named);
    }
    for (const NamedToken& named : chosen) known.insert(named.token.content);
    const std::size_t of_list = chosen.size();
    for (const NamedToken* named : specials()) {
      const bool twice =
          std::any_of(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(of_list),
                      [&](const auto& other) { return same(other.token, named->token); });
      if (named->object ? !twice : known.count(named->token.content) == 0) chosen.push_back(*named);
    }
    const std::set<std::string> contents = special_contents();
    std::vector<AddedToken> tokens;
    for (const NamedToken& named : chosen) {
      AddedToken token = named.token;
      token.special = token.special || contents.count(token.content) > 0;
      token.normalized = named.normalized_given.value_or(!token.special);
      if (!token.content.empty()) tokens.push_back(std::move(token));
    }
    return tokens;
  }

  void add(AddedToken token) {
    const auto old = std::find_if(own_.begin(), own_.end(), [&](const AddedToken& other) {
      return other.content == token.content;
    });
    if (old !=
        own_.end()) {  // its flags change; where it is sought, and whether it is special, stay
      token.id = old->id;
      token.normalized = old->normalized && (old->special || token.normalized);
      token.special = token.special || old->special;
      *old = std::move(token);
      return;
    }
    token.id = id_of(token.content);
    own_.push_back(std::move(token));
  }

  std::int64_t id_of(const std::string& content) {
    if (vocabulary_.empty()) read_vocabulary_ids();
    const auto found = vocabulary_.find(content);
    if (found != vocabulary_.end()) return found->second;
    const auto size = static_cast<std::int64_t>(vocabulary_.size());
    std::int64_t most = -1;
    for (const AddedToken& token : own_) most = std::max(most, token.id);
    return std::max(most + 1, size);
  }

  void read_vocabulary_ids() {
    const JsonView root(document_, (directory_ / "tokenizer.json").string());
    const JsonView field = root.at("model").at("vocab");
    if (field.value().is_array()) {
      for (std::size_t i = 0; i < field.size(); ++i) {
        vocabulary_.emplace(field.at(i).at(std::size_t{0}).string(), static_cast<std::int64_t>(i));
      }
      return;
    }
    if (!field.value().is_object()) field.fail("an object of tokens and ids");
    for (const auto& [token, id] : field.value().items()) {
      if (!id.is_number_integer()) field.at(token).fail("an integer");
      vocabulary_.emplace(token, id.get<std::int64_t>());
    }
  }

  void write_tokens() {
    Json list = Json::array();
    for (const AddedToken& token : own_) list.push_back(json_of(token));
    document_["added_tokens"] = std::move(list);
  }

  // Only where the step stands alone: within a sequence the library does not look for it.
  void write_prefix_space() {
    const auto given = config_.find("add_prefix_space");
    const bool silent = !config_json_.contains("add_prefix_space");
    if (!given && (!silent || kind_.keeps_prefix_space)) return;
    const bool wanted = given && given->boolean();
    const auto step = document_.find("pre_tokenizer");
    const bool alone = step != document_.end() && step->is_object() && step->contains("type") &&
                       step->at("type") == "ByteLevel";
    if (alone) (*step)["add_prefix_space"] = wanted;
  }

  void write_template() {
    const auto flag = [&](const char* key, bool otherwise) {
      const auto field = config_.find(key);
      return field ? field->boolean() : otherwise;
    };
    Json single = Json::array();
    Json specials = Json::object();
    const auto put = [&](const char* role, const char* option) {
      const NamedToken* named = roles_.find(role);
      if (named == nullptr) {
        throw TokenizerError(
            fmt::format("reading {}: /{}: expected a {} to add to every text, "
                        "found none",
                        config_.origin(), option, role));
      }
      const AddedToken* token = own(named->token.content);
      const std::int64_t id = token != nullptr ? token->id : id_of(named->token.content);
      single.push_back({{"SpecialToken", {{"id", named->token.content}, {"type_id", 0}}}});
      specials[named->token.content] = {{"id", named->token.content}, {"ids", {id}}};
    };
    if (flag("add_bos_token", kind_.adds_bos)) put("bos_token", "add_bos_token");
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    if (flag("add_eos_token", false)) put("eos_token", "add_eos_token");
    document_["post_processor"] = {
        {"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", specials}};
  }

  Json document_;
  const fs::path& directory_;
  fs::path config_file_;
  Json config_json_;
  JsonView config_;
  TokenizerClass kind_;
  SpecialRoles roles_;
  std::vector<AddedToken> own_;
  std::unordered_map<std::string, std::int64_t> vocabulary_;
};

}  // namespace

Json with_files_beside(Json document, const fs::path& directory) {
  if (!document.is_object()) return document;
  return FilesBeside(std::move(document), directory).apply();
}

}  // namespace kedit::tokenizer
