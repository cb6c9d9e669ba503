#include "tokenizer/formats/tokenizer_json.hpp"

#include "json/short_name.hpp"
#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace kedit::tokenizer {
namespace {

constexpr std::size_t kMostTemplateParts = 1000;

void wrap(std::vector<std::int64_t> before, const std::vector<std::int64_t>& after,
          TokenizerParts& parts) {
  before.insert(before.end(), parts.template_before.begin(), parts.template_before.end());
  parts.template_before = std::move(before);
  parts.template_after.insert(parts.template_after.end(), after.begin(), after.end());
}

void read_template(const JsonView& processor, TokenizerParts& parts) {
  const JsonView single = processor.at("single");
  if (single.size() > kMostTemplateParts) {
    single.fail(fmt::format("at most {} parts", kMostTemplateParts));
  }
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> after;
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
  wrap(before, after, parts);
}

// BertProcessing and RobertaProcessing: a ["token", id] before and one after.
void read_bert_processing(const JsonView& processor, TokenizerParts& parts) {
  const auto id = [&](std::string_view key) {
    return processor.at(key).at(std::size_t{1}).integer();
  };
  wrap({id("cls")}, {id("sep")}, parts);
}

void read_post_processor(const JsonView& root, TokenizerParts& parts) {
  const auto post_processor = root.find("post_processor");
  if (!post_processor) return;
  for_each_step(*post_processor, "processors", [&](const JsonView& step) {
    const std::string type = type_of(step);
    if (type == "TemplateProcessing") return read_template(step, parts);
    if (type == "ByteLevel") return;  // it only trims offsets, and those here cover whole tokens
    if (type == "BertProcessing" || type == "RobertaProcessing") {
      return read_bert_processing(step, parts);
    }
    refuse(step.at("type"), "ByteLevel, TemplateProcessing, BertProcessing or RobertaProcessing",
           "the post-processor " + type);
  });
}

void check_template_ids(const JsonView& root, const TokenizerParts& parts) {
  std::unordered_set<std::int64_t> added;
  for (const AddedToken& token : parts.added) added.insert(token.id);
  const auto known = [&](std::int64_t id) {
    return parts.vocabulary->contains(id) || added.count(id) > 0;
  };
  for (const auto* ids : {&parts.template_before, &parts.template_after}) {
    for (const std::int64_t id : *ids) {
      if (known(id)) continue;
      throw TokenizerError(
          fmt::format("reading {}: /post_processor: expected ids of the vocabulary, "
                      "found {}",
                      root.origin(), id));
    }
  }
}

std::vector<AddedToken> read_added_tokens(const JsonView& root, const Vocabulary& vocabulary) {
  AddedTokenList added;
  if (const auto tokens = root.find("added_tokens")) {
    for (std::size_t i = 0; i < tokens->size(); ++i) {
      const JsonView token = tokens->at(i);
      added.append(read_added_token(token, token.at("id").integer()), vocabulary, where_of(token));
    }
  }
  return std::move(added.tokens);
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

std::optional<Merge> find_merge(const Vocabulary& vocabulary, std::string_view left,
                                std::string_view right, std::size_t prefix_bytes) {
  std::string merged(left);
  merged += right.substr(std::min(prefix_bytes, right.size()));
  const auto left_id = vocabulary.id(left);
  const auto right_id = vocabulary.id(right);
  const auto merged_id = vocabulary.id(merged);
  if (!left_id || !right_id || !merged_id) return std::nullopt;
  return Merge{*left_id, *right_id, *merged_id};
}

void fail_merge(const std::string& where, std::string_view left, std::string_view right) {
  throw TokenizerError(
      fmt::format("{}: expected tokens whose join is a token of the vocabulary, found "
                  "\"{} {}\"",
                  where, short_name(left), short_name(right)));
}

std::shared_ptr<const Tokenizer> tokenizer_from_json(const Json& document,
                                                     const std::string& origin) {
  const JsonView root(document, origin);
  TokenizerParts parts;
  PreTokenizerSteps pre_tokenizers = read_pre_tokenizers(root);
  parts.pre_tokenizers = std::move(pre_tokenizers.steps);
  parts.normalizers = read_normalizers(root);
  parts.decoders = read_decoders(root);
  read_model(root, pre_tokenizers.byte_level, parts);
  parts.added = read_added_tokens(root, *parts.vocabulary);
  read_post_processor(root, parts);
  check_template_ids(root, parts);
  return std::make_shared<PipelineTokenizer>(std::move(parts));
}

}  // namespace kedit::tokenizer
