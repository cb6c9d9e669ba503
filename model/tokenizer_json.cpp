#include "model/tokenizer_json.hpp"

#include "model/architecture.hpp"
#include "model/byte_level.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace kedit {
namespace {

std::string where_of(const JsonView& field) {
  return fmt::format("reading {}: {}", field.origin(), field.pointer());
}

[[noreturn]] void refuse(const JsonView& field, std::string_view expected, std::string_view found) {
  throw ModelError(fmt::format("{}: expected {}, found {}, which this version does not support",
                               where_of(field), expected, found));
}

bool flag(const JsonView& object, std::string_view key, bool otherwise) {
  const auto field = object.find(key);
  return field ? field->boolean() : otherwise;
}

std::string type_of(const JsonView& object) { return object.at("type").string(); }

// Calls visit(step) for the parts of a Sequence (under `list`), or for the value itself.
template <typename Visit>
void for_each_step(const JsonView& value, std::string_view list, Visit visit) {
  if (type_of(value) != "Sequence") return visit(value);
  const JsonView steps = value.at(list);
  for (std::size_t i = 0; i < steps.size(); ++i) for_each_step(steps.at(i), list, visit);
}

void read_normalizer(const JsonView& root, ByteLevelParts& parts) {
  const auto normalizer = root.find("normalizer");
  if (!normalizer) return;
  for_each_step(*normalizer, "normalizers", [&](const JsonView& step) {
    if (type_of(step) != "NFC") {
      refuse(step.at("type"), "NFC", fmt::format("the normalizer {}", type_of(step)));
    }
    parts.nfc = true;
  });
}

SplitBehavior read_behavior(const JsonView& field) {
  const std::string name = field.string();
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  field.fail("Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

SplitStep read_split(const JsonView& step) {
  const JsonView pattern = step.at("pattern");
  const auto regex = pattern.find("Regex");
  const JsonView text = regex ? *regex : pattern.at("String");
  return {regex ? SplitPattern::regex(text.string(), where_of(text))
                : SplitPattern::literal(text.string(), where_of(text)),
          read_behavior(step.at("behavior")), flag(step, "invert", false)};
}

SplitStep split_digits(const JsonView& step) {
  const bool each = flag(step, "individual_digits", false);
  return {SplitPattern::regex(R"(\p{N})", where_of(step)),
          each ? SplitBehavior::isolated : SplitBehavior::contiguous, false};
}

void read_byte_level(const JsonView& step, ByteLevelParts& parts) {
  parts.prefix_space = flag(step, "add_prefix_space", true);
  if (parts.prefix_space && !parts.splits.empty()) {
    refuse(step.at("add_prefix_space"), "false after another pre-tokenizer", "true");
  }
  if (!flag(step, "use_regex", true)) return;
  parts.splits.push_back({SplitPattern::regex(kGpt2Pattern, where_of(step))});
}

void read_pre_tokenizer(const JsonView& root, ByteLevelParts& parts) {
  const auto pre_tokenizer = root.find("pre_tokenizer");
  bool byte_level = false;
  if (pre_tokenizer) {
    for_each_step(*pre_tokenizer, "pretokenizers", [&](const JsonView& step) {
      const std::string type = type_of(step);
      if (byte_level) refuse(step, "nothing after ByteLevel", type);
      if (type == "ByteLevel") {
        read_byte_level(step, parts);
        byte_level = true;
      } else if (type == "Split") {
        parts.splits.push_back(read_split(step));
      } else if (type == "Digits") {
        parts.splits.push_back(split_digits(step));
      } else {
        refuse(step.at("type"), "ByteLevel, Split or Digits", "the pre-tokenizer " + type);
      }
    });
  }
  if (!byte_level) {
    refuse(JsonView(root.value(), root.origin(), "/pre_tokenizer"), "one with ByteLevel",
           "none (a SentencePiece vocabulary, perhaps)");
  }
}

void read_decoder(const JsonView& root) {
  const JsonView decoder = root.at("decoder");
  if (decoder.value().is_null()) decoder.fail("the decoder ByteLevel");
  for_each_step(decoder, "decoders", [&](const JsonView& step) {
    if (type_of(step) != "ByteLevel") {
      refuse(step.at("type"), "ByteLevel", "the decoder " + type_of(step));
    }
  });
}

void read_template(const JsonView& processor, ByteLevelParts& parts) {
  const JsonView single = processor.at("single");
  std::vector<std::int64_t> before, after;
  bool text_seen = false;
  for (std::size_t i = 0; i < single.size(); ++i) {
    if (single.at(i).has("Sequence")) {
      if (text_seen) single.fail("a template with the text once");
      text_seen = true;
      continue;
    }
    const std::string name = single.at(i).at("SpecialToken").at("id").string();
    const JsonView ids = processor.at("special_tokens").at(name).at("ids");
    for (std::size_t k = 0; k < ids.size(); ++k) {
      (text_seen ? after : before).push_back(ids.at(k).integer());
    }
  }
  if (!text_seen) single.fail("a template that holds the text");
  parts.template_before.insert(parts.template_before.begin(), before.begin(), before.end());
  parts.template_after.insert(parts.template_after.end(), after.begin(), after.end());
}

void read_post_processor(const JsonView& root, ByteLevelParts& parts) {
  const auto post_processor = root.find("post_processor");
  if (!post_processor) return;
  for_each_step(*post_processor, "processors", [&](const JsonView& step) {
    const std::string type = type_of(step);
    if (type == "TemplateProcessing") return read_template(step, parts);
    if (type == "ByteLevel") return;  // it only trims offsets, and those here cover whole tokens
    refuse(step.at("type"), "ByteLevel or TemplateProcessing", "the post-processor " + type);
  });
}

void check_template_ids(const JsonView& root, const ByteLevelParts& parts) {
  const auto known = [&](std::int64_t id) {
    return parts.vocabulary.contains(id) ||
           std::any_of(parts.added.begin(), parts.added.end(),
                       [&](const AddedToken& token) { return token.id == id; });
  };
  for (const auto* ids : {&parts.template_before, &parts.template_after}) {
    for (const std::int64_t id : *ids) {
      if (known(id)) continue;
      throw ModelError(
          fmt::format("reading {}: /post_processor: expected ids of the vocabulary, "
                      "found {}",
                      root.origin(), id));
    }
  }
}

bool empty_or_absent(const JsonView& object, std::string_view key) {
  const auto field = object.find(key);
  return !field || field->string().empty();
}

void check_model_kind(const JsonView& model) {
  const auto type = model.find("type");
  if (type && type->string() != "BPE") refuse(*type, "BPE", "a " + type->string() + " model");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!empty_or_absent(model, key))
      refuse(model.at(key), "none", "\"" + model.at(key).string() + "\"");
  }
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0.0) {
    refuse(*dropout, "none", fmt::format("a dropout of {}", dropout->number()));
  }
}

void read_model_options(const JsonView& model, ByteLevelParts& parts) {
  parts.bpe.fuse_unk = flag(model, "fuse_unk", false);
  parts.bpe.ignore_merges = flag(model, "ignore_merges", false);
  const auto unk = model.find("unk_token");
  if (!unk || unk->string().empty()) return;
  parts.bpe.unk_id = parts.vocabulary.id(unk->string());
  if (!parts.bpe.unk_id) unk->fail("a token of the vocabulary");
}

// A merge is "left right", or ["left", "right"] in newer files.
ByteLevelTokenizer::Merge read_merge(const JsonView& merges, std::size_t index,
                                     const Vocabulary& vocabulary) {
  const Json& merge = merges.value()[index];
  std::string_view left, right;
  if (merge.is_string()) {
    std::tie(left, right) = split_merge(merge.get_ref<const std::string&>());
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    left = merge[0].get_ref<const std::string&>();
    right = merge[1].get_ref<const std::string&>();
  }
  if (left.empty() || right.empty()) merges.at(index).fail("two tokens");
  const auto ids = find_merge(vocabulary, left, right);
  if (!ids) fail_merge(where_of(merges.at(index)), left, right);
  return *ids;
}

std::vector<ByteLevelTokenizer::Merge> read_merges(const JsonView& merges,
                                                   const Vocabulary& vocabulary) {
  std::vector<ByteLevelTokenizer::Merge> result;
  const std::size_t count = merges.size();
  result.reserve(count);
  for (std::size_t i = 0; i < count; ++i) result.push_back(read_merge(merges, i, vocabulary));
  return result;
}

void read_added_tokens(const JsonView& root, ByteLevelParts& parts) {
  const auto tokens = root.find("added_tokens");
  if (!tokens) return;
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const JsonView token = tokens->at(i);
    append_added_token(read_added_token(token, token.at("id").integer()), parts.vocabulary,
                       where_of(token), parts.added);
  }
}

std::shared_ptr<const Tokenizer> build(const JsonView& root) {
  const JsonView model = root.at("model");
  check_model_kind(model);
  ByteLevelParts parts;
  read_pre_tokenizer(root, parts);
  read_normalizer(root, parts);
  read_decoder(root);
  parts.vocabulary = read_vocabulary(model.at("vocab"));
  read_model_options(model, parts);
  read_added_tokens(root, parts);
  read_post_processor(root, parts);
  check_template_ids(root, parts);
  const auto merges = read_merges(model.at("merges"), parts.vocabulary);
  if (flag(model, "byte_fallback", false) &&
      !BpeModel(parts.vocabulary, parts.bpe).covers_all_bytes()) {
    refuse(model.at("byte_fallback"), "false", "true with a vocabulary that lacks bytes");
  }
  return std::make_shared<ByteLevelTokenizer>(std::move(parts), merges);
}

}  // namespace

Vocabulary read_vocabulary(const JsonView& field) {
  if (!field.value().is_object() || field.value().empty())
    field.fail("an object of tokens and ids");
  Vocabulary vocabulary;
  for (const auto& [token, id] : field.value().items()) {
    const bool fits = id.is_number_integer() && id.template get<std::int64_t>() >= 0 &&
                      id.template get<std::int64_t>() <= Vocabulary::kMaxId;
    if (!fits) field.at(token).fail(fmt::format("an id from 0 to {}", Vocabulary::kMaxId));
    if (!vocabulary.add(token, id.template get<std::int64_t>())) {
      field.at(token).fail("an id of its own");
    }
  }
  return vocabulary;
}

std::pair<std::string_view, std::string_view> split_merge(std::string_view line) {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) {
    return {};
  }
  return {line.substr(0, blank), line.substr(blank + 1)};
}

std::optional<ByteLevelTokenizer::Merge> find_merge(const Vocabulary& vocabulary,
                                                    std::string_view left, std::string_view right) {
  std::string merged(left);
  merged += right;
  const auto left_id = vocabulary.id(left);
  const auto right_id = vocabulary.id(right);
  const auto merged_id = vocabulary.id(merged);
  if (!left_id || !right_id || !merged_id) return std::nullopt;
  return ByteLevelTokenizer::Merge{*left_id, *right_id, *merged_id};
}

void fail_merge(const std::string& where, std::string_view left, std::string_view right) {
  throw ModelError(
      fmt::format("{}: expected tokens whose join is a token of the vocabulary, found "
                  "\"{} {}\"",
                  where, left, right));
}

AddedToken read_added_token(const JsonView& field, std::int64_t id) {
  AddedToken token;
  token.id = id;
  token.content = field.at("content").string();
  token.single_word = flag(field, "single_word", false);
  token.lstrip = flag(field, "lstrip", false);
  token.rstrip = flag(field, "rstrip", false);
  token.special = flag(field, "special", false);
  token.normalized = flag(field, "normalized", !token.special);
  return token;
}

void append_added_token(AddedToken token, const Vocabulary& vocabulary, const std::string& where,
                        std::vector<AddedToken>& added) {
  const auto fail = [&](std::string_view expected, std::int64_t found) {
    throw ModelError(fmt::format("{}: expected {}, found the id {} for the added token \"{}\"",
                                 where, expected, found, token.content));
  };
  if (token.content.empty()) {
    throw ModelError(fmt::format("{}: expected an added token, found an empty one", where));
  }
  if (token.id < 0 || token.id > Vocabulary::kMaxId) {
    fail(fmt::format("an id from 0 to {}", Vocabulary::kMaxId), token.id);
  }
  const auto in_vocabulary = vocabulary.id(token.content);
  if (in_vocabulary && *in_vocabulary != token.id) {
    fail(fmt::format("{}, its id in the vocabulary", *in_vocabulary), token.id);
  }
  if (!in_vocabulary && vocabulary.contains(token.id)) fail("a free id", token.id);
  for (const AddedToken& other : added) {
    if (other.content == token.content || other.id == token.id) {
      fail("tokens and ids that differ from those before", token.id);
    }
  }
  added.push_back(std::move(token));
}

std::shared_ptr<const Tokenizer> tokenizer_from_json(const Json& document,
                                                     const std::string& origin) {
  return build(JsonView(document, origin));
}

}  // namespace kedit
