#include "json/short_name.hpp"
#include "tokenizer/formats/sentencepiece_file.hpp"
#include "tokenizer/formats/tokenizer_json.hpp"
#include "tokenizer/formats/tokenizer_settings.hpp"
#include "tokenizer/models/bpe.hpp"
#include "tokenizer/models/sentencepiece_model.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

namespace fs = std::filesystem;
using PieceType = SentencePieceFile::PieceType;

// What the reference library's tokenizer classes do that their files do not say.
struct ClassDefaults {
  std::string bos, eos, unk;
  bool has_legacy;  // "legacy": false means a prefix only where the text starts
};

ClassDefaults defaults_of(const std::string& name, const std::string& where) {
  if (name == "LlamaTokenizer" || name == "LlamaTokenizerFast") {
    return {"<s>", "</s>", "<unk>", true};
  }
  if (name == "GemmaTokenizer" || name == "GemmaTokenizerFast") {
    return {"<bos>", "<eos>", "<unk>", false};
  }
  throw TokenizerError(
      fmt::format("{}: expected LlamaTokenizer or GemmaTokenizer, found {}, which this version "
                  "does not support without a tokenizer.json",
                  where, short_name(name)));
}

class SentencePieceReader {
 public:
  explicit SentencePieceReader(const fs::path& directory)
      : file_(directory / "tokenizer.model"),
        settings_(directory),
        model_(parse_sentencepiece(read_text_file(file_), file_.string())) {}

  std::shared_ptr<const Tokenizer> read() {
    defaults_ = defaults_of(settings_.class_name("gemma", "GemmaTokenizer", "LlamaTokenizer"),
                            settings_.where("/tokenizer_class"));
    check_model();
    read_vocabulary();
    read_added_tokens();
    parts_.normalizers.push_back(
        sentencepiece_normalizer(model_, dummy_prefix(), "reading " + file_.string()));
    parts_.model = sentencepiece_model(model_, parts_.vocabulary, unk_id_);
    add_template("add_bos_token", "bos_token", defaults_.bos, true, parts_.template_before);
    add_template("add_eos_token", "eos_token", defaults_.eos, false, parts_.template_after);
    add_decoders();
    parts_.added = std::move(added_.tokens);
    return std::make_shared<PipelineTokenizer>(std::move(parts_));
  }

 private:
  [[noreturn]] void refuse(std::string_view expected, std::string_view found) const {
    throw TokenizerError(
        fmt::format("reading {}: expected {}, found {}, which this version does not "
                    "support",
                    file_.string(), expected, found));
  }

  void check_model() {
    using Type = SentencePieceFile::ModelType;
    if (model_.model_type == Type::word) refuse("a Unigram or BPE model", "a WORD model");
    if (model_.model_type == Type::character) refuse("a Unigram or BPE model", "a CHAR model");
    if (model_.whitespace_as_suffix) {
      refuse("treat_whitespace_as_suffix false", "true");
    }
    const bool bpe = model_.model_type == Type::bpe;
    const auto unused =
        std::find_if(model_.pieces.begin(), model_.pieces.end(),
                     [](const auto& piece) { return piece.type == PieceType::unused; });
    if (bpe && unused != model_.pieces.end()) {
      refuse("a BPE model without unused pieces", fmt::format("\"{}\"", short_name(unused->text)));
    }
    parts_.kind = bpe ? "SentencePiece BPE" : "SentencePiece Unigram";
  }

  void read_vocabulary() {
    Vocabulary vocabulary;
    std::optional<std::int64_t> unknown;
    for (std::size_t i = 0; i < model_.pieces.size(); ++i) {
      const auto& piece = model_.pieces[i];
      const auto id = static_cast<std::int64_t>(i);
      if (!vocabulary.add(piece.text, id)) {
        fail(fmt::format("piece {}: expected a piece that differs from those before, found \"{}\"",
                         i, short_name(piece.text)));
      }
      if (piece.type == PieceType::unknown) unknown = id;
    }
    if (!unknown) fail("expected a piece of type unknown, found none");
    unk_id_ = *unknown;
    if (model_.byte_fallback) {
      const auto ids = byte_fallback_ids(vocabulary);
      const auto there = std::count_if(ids.begin(), ids.end(), [](auto id) { return id >= 0; });
      if (there < 256) {
        fail(fmt::format("expected 256 byte pieces as byte_fallback is set, found {}", there));
      }
    }
    parts_.vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw TokenizerError(fmt::format("reading {}: {}", file_.string(), what));
  }

  // The settings file first, for its flags; then control tokens, which every text is searched for.
  void read_added_tokens() {
    const Vocabulary& vocabulary = *parts_.vocabulary;
    read_added_tokens_decoder(settings_.config(), vocabulary, added_);
    for (AddedToken& token : added_.tokens) token.normalized = false;
    const auto special = settings_.special_contents({defaults_.bos, defaults_.eos, defaults_.unk});
    settings_.append_listed_tokens(special, true, vocabulary, added_);
    const auto append = [&](const std::string& content) {
      settings_.append_special_token(content, vocabulary, added_);
    };
    for (const std::string& content : special) append(content);
    for (const auto& piece : model_.pieces) {
      const bool control = piece.type == PieceType::control || piece.type == PieceType::unknown;
      if (control) append(piece.text);
    }
  }

  DummyPrefix dummy_prefix() const {
    const bool legacy = !defaults_.has_legacy || settings_.flag("legacy", true);
    if (legacy) return model_.add_dummy_prefix ? DummyPrefix::every_section : DummyPrefix::never;
    return settings_.flag("add_prefix_space", true) ? DummyPrefix::text_start : DummyPrefix::never;
  }

  void add_template(const char* option, const char* role, const std::string& otherwise,
                    bool by_default, std::vector<std::int64_t>& ids) const {
    if (!settings_.flag(option, by_default)) return;
    const auto field = settings_.config().find(role);
    const std::string content = field ? token_content(*field) : otherwise;
    const auto added = added_.seen.id(content);
    const auto id = added ? added : parts_.vocabulary->id(content);
    if (!id) {
      throw TokenizerError(fmt::format("{}: expected a {} of the vocabulary, found \"{}\"",
                                       settings_.where(fmt::format("/{}", option)), role,
                                       short_name(content)));
    }
    ids.push_back(*id);
  }

  void add_decoders() {
    parts_.decoders.push_back(replace_literal_decoder("\xE2\x96\x81", " "));
    parts_.decoders.push_back(byte_fallback_decoder());
    parts_.decoders.push_back(fuse_decoder());
    if (dummy_prefix() != DummyPrefix::never) parts_.decoders.push_back(strip_decoder(" ", 1, 0));
  }

  fs::path file_;
  TokenizerSettings settings_;
  SentencePieceFile model_;
  ClassDefaults defaults_;
  AddedTokenList added_;
  std::int64_t unk_id_ = 0;
  TokenizerParts parts_;
};

}  // namespace

std::shared_ptr<const Tokenizer> tokenizer_from_sentencepiece(const fs::path& directory) {
  return SentencePieceReader(directory).read();
}

}  // namespace kedit::tokenizer
