#include "json/short_name.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_settings.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/text/byte_level.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace kedit::tokenizer {
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
  throw TokenizerError(
      fmt::format("{}: expected GPT2Tokenizer or Qwen2Tokenizer, found {}, which this "
                  "version does not support without a tokenizer.json",
                  where, short_name(name)));
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

void read_merges_file(const fs::path& file, const Vocabulary& vocabulary, BpeModel& bpe) {
  const std::string text = read_text_file(file);
  const auto lines = lines_of(text);
  bpe.reserve_merges(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || (i == 0 && lines[i].starts_with("#version"))) continue;
    const auto where = [&] { return fmt::format("reading {}: line {}", file.string(), i + 1); };
    const auto [left, right] = split_merge(lines[i]);
    if (left.empty() || right.empty()) {
      throw TokenizerError(
          fmt::format("{}: expected two tokens with a blank between them, found \"{}\"", where(),
                      short_name(lines[i])));
    }
    const auto merge = find_merge(vocabulary, left, right);
    if (!merge) fail_merge(where(), left, right);
    bpe.add_merge(merge->left, merge->right, merge->merged);
  }
}

class VocabFilesReader {
 public:
  explicit VocabFilesReader(const fs::path& directory)
      : directory_(directory), settings_(directory) {}

  std::shared_ptr<const Tokenizer> read() {
    const fs::path vocab_file = directory_ / "vocab.json";
    const Json vocab = read_json(vocab_file);
    parts_.vocabulary =
        std::make_shared<const Vocabulary>(read_vocabulary(JsonView(vocab, vocab_file.string())));
    read_class();
    read_added_tokens();
    add_bos_template();
    read_model();
    parts_.added = std::move(added_.tokens);
    return std::make_shared<PipelineTokenizer>(std::move(parts_));
  }

 private:
  void read_class() {
    const std::string where = settings_.where("/tokenizer_class");
    // These two files alone are GPT-2's format.
    const auto defaults =
        defaults_of(settings_.class_name("qwen2", "Qwen2Tokenizer", "GPT2Tokenizer"), where);
    const bool prefix_space = settings_.flag("add_prefix_space");
    if (defaults.nfc) parts_.normalizers.push_back(unicode_normalizer(UnicodeForm::nfc));
    if (prefix_space) parts_.pre_tokenizers.push_back(prefix_space_pre_tokenizer());
    parts_.pre_tokenizers.push_back(split_pre_tokenizer(
        SplitPattern::regex(defaults.pattern, where), SplitBehavior::isolated, false));
    parts_.decoders.push_back(byte_level_decoder());
    if (prefix_space && defaults.nfc) {
      throw TokenizerError(settings_.where("/add_prefix_space") +
                           ": expected false, found true, which this "
                           "version does not support for Qwen2Tokenizer");
    }
  }

  void read_added_tokens() {
    const Vocabulary& vocabulary = *parts_.vocabulary;
    read_added_tokens_decoder(settings_.config(), vocabulary, added_);
    // eos and unk of both classes unless they say otherwise
    const auto special = settings_.special_contents({"<|endoftext|>"});
    settings_.append_listed_tokens(special, false, vocabulary, added_);
    for (const std::string& content : special) {
      settings_.append_special_token(content, vocabulary, added_);
    }
  }

  void add_bos_template() {
    if (!settings_.flag("add_bos_token")) return;
    const auto bos = settings_.config().find("bos_token");
    const std::string content = bos ? token_content(*bos) : "<|endoftext|>";
    const auto id = added_.seen.id(content);
    if (id) parts_.template_before.assign(1, *id);
    if (!id) {
      throw TokenizerError(fmt::format("{}: expected a bos_token of the vocabulary, found \"{}\"",
                                       settings_.where("/add_bos_token"), short_name(content)));
    }
  }

  void read_model() {
    BpeModel::Options options;
    options.byte_level = true;
    auto bpe = std::make_unique<BpeModel>(parts_.vocabulary, options);
    read_merges_file(directory_ / "merges.txt", *parts_.vocabulary, *bpe);
    parts_.model = std::move(bpe);
    parts_.kind = "byte-level BPE";
  }

  const fs::path& directory_;
  TokenizerSettings settings_;
  AddedTokenList added_;
  TokenizerParts parts_;
};

}  // namespace

std::shared_ptr<const Tokenizer> tokenizer_from_vocab_files(const fs::path& directory) {
  return VocabFilesReader(directory).read();
}

}  // namespace kedit::tokenizer
