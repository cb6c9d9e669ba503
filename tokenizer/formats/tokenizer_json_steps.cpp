#include "tokenizer/formats/tokenizer_json_fields.hpp"
#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/text/unicode_tables.hpp"
#include "tokenizer/text/utf8.hpp"

#include <map>

namespace kedit::tokenizer {
namespace {

NormalizerPtr read_replace(const JsonView& step) {
  const JsonView pattern = step.at("pattern");
  const std::string content = step.at("content").string();
  const auto regex = pattern.find("Regex");
  if (!regex) return replace_literal_normalizer(pattern.at("String").string(), content);
  return replace_pattern_normalizer(SplitPattern::regex(regex->string(), where_of(*regex)),
                                    content);
}

void append_charsmap(const JsonView& step, std::vector<NormalizerPtr>& steps) {
  const auto field = step.find("precompiled_charsmap");
  if (!field || field->string().empty()) return;
  const auto blob = decode_base64(field->string());
  if (!blob) field->fail("base64");
  steps.push_back(charsmap_normalizer(Charsmap::parse(*blob, where_of(*field))));
}

void append_bert(const JsonView& step, std::vector<NormalizerPtr>& steps) {
  BertCleaning cleaning;
  cleaning.clean_text = flag(step, "clean_text", true);
  cleaning.handle_chinese_chars = flag(step, "handle_chinese_chars", true);
  cleaning.lowercase = flag(step, "lowercase", true);
  cleaning.strip_accents = flag(step, "strip_accents", cleaning.lowercase);
  append_bert_normalizers(cleaning, steps);
}

void append_normalizer(const JsonView& step, std::vector<NormalizerPtr>& steps) {
  static const std::map<std::string, UnicodeForm> kForms = {{"NFC", UnicodeForm::nfc},
                                                            {"NFD", UnicodeForm::nfd},
                                                            {"NFKC", UnicodeForm::nfkc},
                                                            {"NFKD", UnicodeForm::nfkd}};
  const std::string type = type_of(step);
  if (const auto form = kForms.find(type); form != kForms.end()) {
    return steps.push_back(unicode_normalizer(form->second));
  }
  if (type == "Lowercase") return steps.push_back(lowercase_normalizer());
  if (type == "StripAccents") return steps.push_back(strip_accents_normalizer());
  if (type == "Nmt") return steps.push_back(nmt_normalizer());
  if (type == "Replace") return steps.push_back(read_replace(step));
  if (type == "Precompiled") return append_charsmap(step, steps);
  if (type == "BertNormalizer") return append_bert(step, steps);
  if (type == "Prepend") {
    return steps.push_back(prepend_normalizer(step.at("prepend").string()));
  }
  if (type == "Strip") {
    return steps.push_back(
        strip_normalizer(flag(step, "strip_left", true), flag(step, "strip_right", true)));
  }
  refuse(step.at("type"),
         "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Nmt, "
         "Precompiled or BertNormalizer",
         "the normalizer " + type);
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

PreTokenizerPtr split_by(std::string_view regex, SplitBehavior behavior, const JsonView& step,
                         bool invert = false) {
  return split_pre_tokenizer(SplitPattern::regex(regex, where_of(step)), behavior, invert);
}

std::string punctuation() { return fmt::format("[{}]", punctuation_members()); }

// The reference library takes joiners for parts of words here, and only here.
constexpr std::string_view kWords = R"([\w\x{200c}\x{200d}]+|[^\w\s\x{200c}\x{200d}]+)";

PreTokenizerPtr read_split(const JsonView& step) {
  const JsonView pattern = step.at("pattern");
  const auto regex = pattern.find("Regex");
  const JsonView text = regex ? *regex : pattern.at("String");
  SplitPattern compiled = regex ? SplitPattern::regex(text.string(), where_of(text))
                                : SplitPattern::literal(text.string(), where_of(text));
  return split_pre_tokenizer(std::move(compiled), read_behavior(step.at("behavior")),
                             flag(step, "invert", false));
}

PreTokenizerPtr read_digits(const JsonView& step) {
  const bool each = flag(step, "individual_digits", false);
  return split_by(R"(\p{N})", each ? SplitBehavior::isolated : SplitBehavior::contiguous, step);
}

PreTokenizerPtr read_punctuation(const JsonView& step) {
  const auto behavior = step.find("behavior");
  return split_by(punctuation(), behavior ? read_behavior(*behavior) : SplitBehavior::isolated,
                  step);
}

std::string one_character(const JsonView& field) {
  std::string text = field.string();
  if (text.empty() || code_point_at(text, 0).bytes != text.size()) field.fail("one character");
  return text;
}

PrependScheme read_scheme(const JsonView& step) {
  const bool prefix = flag(step, "add_prefix_space", true);
  const auto field = step.find("prepend_scheme");
  if (!field) return prefix ? PrependScheme::always : PrependScheme::never;
  const std::string name = field->string();
  if (!prefix && name != "never") field->fail("never, as add_prefix_space is false");
  if (name == "always") return PrependScheme::always;
  if (name == "first") return PrependScheme::first;
  if (name == "never") return PrependScheme::never;
  field->fail("always, first or never");
}

void append_metaspace(const JsonView& step, std::vector<PreTokenizerPtr>& steps) {
  const std::string mark = one_character(step.at("replacement"));
  steps.push_back(metaspace_pre_tokenizer(mark, read_scheme(step)));
  if (!flag(step, "split", true)) return;
  steps.push_back(split_pre_tokenizer(SplitPattern::literal(mark, where_of(step)),
                                      SplitBehavior::merged_with_next, false));
}

void append_byte_level(const JsonView& step, std::vector<PreTokenizerPtr>& steps) {
  if (flag(step, "add_prefix_space", true)) steps.push_back(prefix_space_pre_tokenizer());
  if (!flag(step, "use_regex", true)) return;
  steps.push_back(split_by(kGpt2Pattern, SplitBehavior::isolated, step));
}

void append_bert_pre_tokenizer(const JsonView& step, std::vector<PreTokenizerPtr>& steps) {
  steps.push_back(split_by(R"(\s)", SplitBehavior::removed, step));
  steps.push_back(split_by(punctuation(), SplitBehavior::isolated, step));
}

void append_delimiter(const JsonView& step, std::vector<PreTokenizerPtr>& steps) {
  const JsonView delimiter = step.at("delimiter");
  steps.push_back(
      split_pre_tokenizer(SplitPattern::literal(one_character(delimiter), where_of(delimiter)),
                          SplitBehavior::removed, false));
}

void append_pre_tokenizer(const JsonView& step, std::vector<PreTokenizerPtr>& steps) {
  const std::string type = type_of(step);
  if (type == "ByteLevel") return append_byte_level(step, steps);
  if (type == "Metaspace") return append_metaspace(step, steps);
  if (type == "BertPreTokenizer") return append_bert_pre_tokenizer(step, steps);
  if (type == "CharDelimiterSplit") return append_delimiter(step, steps);
  if (type == "Split") return steps.push_back(read_split(step));
  if (type == "Digits") return steps.push_back(read_digits(step));
  if (type == "Punctuation") return steps.push_back(read_punctuation(step));
  if (type == "Whitespace") {
    return steps.push_back(split_by(kWords, SplitBehavior::removed, step, true));
  }
  if (type == "WhitespaceSplit") {
    return steps.push_back(split_by(R"(\s)", SplitBehavior::removed, step));
  }
  refuse(step.at("type"),
         "ByteLevel, Metaspace, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, "
         "CharDelimiterSplit or BertPreTokenizer",
         "the pre-tokenizer " + type);
}

}  // namespace

std::vector<NormalizerPtr> read_normalizers(const JsonView& root) {
  std::vector<NormalizerPtr> steps;
  if (const auto normalizer = root.find("normalizer")) {
    for_each_step(*normalizer, "normalizers",
                  [&](const JsonView& step) { append_normalizer(step, steps); });
  }
  return steps;
}

PreTokenizerSteps read_pre_tokenizers(const JsonView& root) {
  PreTokenizerSteps result;
  const auto pre_tokenizer = root.find("pre_tokenizer");
  if (!pre_tokenizer) return result;
  for_each_step(*pre_tokenizer, "pretokenizers", [&](const JsonView& step) {
    const std::string type = type_of(step);
    if (result.byte_level) refuse(step, "nothing after ByteLevel", type);
    append_pre_tokenizer(step, result.steps);
    result.byte_level = type == "ByteLevel";
  });
  return result;
}

}  // namespace kedit::tokenizer
