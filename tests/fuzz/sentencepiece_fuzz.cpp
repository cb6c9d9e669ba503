// The bytes of a SentencePiece tokenizer.model: a TokenizerError, or a model whose tokens cover the
// normalized text.
#include "tokenizer/models/sentencepiece_model.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kText =
    "The  capital of\tFrance\n caf\xC3\xA9 e\xCC\x81 <sep> \xF0\x9F\x98\x80 ";

// As far as the reader of the format gets with it: distinct pieces, all bytes where it falls back.
kedit::tokenizer::VocabularyPtr vocabulary_of(const kedit::tokenizer::SentencePieceFile& file) {
  kedit::tokenizer::Vocabulary vocabulary;
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    if (!vocabulary.add(file.pieces[id].text, static_cast<std::int64_t>(id))) return nullptr;
  }
  if (file.byte_fallback && !vocabulary.id("<0xFF>")) return nullptr;
  return std::make_shared<const kedit::tokenizer::Vocabulary>(std::move(vocabulary));
}

void try_model(const kedit::tokenizer::SentencePieceFile& file,
               kedit::tokenizer::DummyPrefix prefix) {
  const auto vocabulary = vocabulary_of(file);
  if (!vocabulary) return;
  const auto normalizer = kedit::tokenizer::sentencepiece_normalizer(file, prefix, "input");
  const auto model = kedit::tokenizer::sentencepiece_model(file, vocabulary, 0);
  kedit::tokenizer::AlignedText text(kText, 0);
  kedit::tokenizer::SplitScratch split;
  normalizer->apply(text, split);
  if (text.text().empty() || kedit::tokenizer::first_invalid_utf8(text.text())) return;
  std::vector<kedit::tokenizer::TokenSymbol> symbols;
  const auto scratch = model->make_scratch();
  model->encode(text.text(), *scratch, symbols);
  std::size_t covered = 0;
  for (const auto& symbol : symbols) covered += symbol.bytes;
  if (covered != text.text().size()) std::abort();
  const auto [begin, end] = text.original(0, text.text().size());
  if (begin > end || end > kText.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file =
        kedit::tokenizer::parse_sentencepiece({reinterpret_cast<const char*>(data), size}, "input");
    try_model(file, kedit::tokenizer::DummyPrefix::every_section);
    try_model(file, kedit::tokenizer::DummyPrefix::text_start);
  } catch (const kedit::TokenizerError&) {
    return 0;
  }
  return 0;
}
