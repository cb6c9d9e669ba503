#pragma once

#include "json/json.hpp"

// Tokenizers out of the metadata of GGUF files, as the documents that Hugging Face directories keep
// beside a model. `metadata` is one flat object with the file's own keys
// ("tokenizer.ggml.tokens": [...]); its origin is the file.
namespace kedit::tokenizer {

/// False where the file names no tokenizer, or "no_vocab".
bool has_gguf_tokenizer(const JsonView& metadata);

/// The tokenizer.json that the metadata mean; `Tokenizer::from_document` and the reference library
/// read it to the same ids. Knows the kinds `gpt2` (byte-level BPE with the splitting that
/// `tokenizer.ggml.pre` names) and `llama` (SentencePiece BPE by scores). Throws `TokenizerError`
/// with file and key for what is damaged or not supported.
Json tokenizer_json_of_gguf(const JsonView& metadata);

/// The tokenizer_config.json beside it: tokens with a role, chat template, context length.
/// Throws as above.
Json tokenizer_config_of_gguf(const JsonView& metadata);

}  // namespace kedit::tokenizer
