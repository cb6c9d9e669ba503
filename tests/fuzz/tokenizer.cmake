# The fuzzers of the tokenizer's readers.
set(KEDIT_FUZZED_TOKENIZER
  tokenizer/added_tokens.cpp tokenizer/pipeline_tokenizer.cpp tokenizer/tokenizer.cpp
  tokenizer/formats/added_token_list.cpp tokenizer/formats/sentencepiece_file.cpp
  tokenizer/formats/sentencepiece_tokenizer.cpp tokenizer/formats/tokenizer_files.cpp
  tokenizer/formats/tokenizer_json.cpp tokenizer/formats/tokenizer_json_decoders.cpp
  tokenizer/formats/tokenizer_json_models.cpp tokenizer/formats/tokenizer_json_steps.cpp
  tokenizer/models/bpe.cpp tokenizer/models/bpe_merges.cpp tokenizer/models/prefix_trie.cpp
  tokenizer/models/sentencepiece_model.cpp tokenizer/models/unigram.cpp
  tokenizer/models/vocabulary.cpp tokenizer/models/word_level_and_piece.cpp
  tokenizer/text/aligned_text.cpp tokenizer/text/byte_level.cpp tokenizer/text/charsmap.cpp
  tokenizer/text/normalizer.cpp tokenizer/text/pattern_syntax.cpp
  tokenizer/text/pre_tokenizer.cpp tokenizer/text/split_pattern.cpp
  tokenizer/text/token_decoder.cpp tokenizer/text/unicode_form.cpp
  tokenizer/text/unicode_tables.cpp tokenizer/text/utf8.cpp)
list(APPEND KEDIT_FUZZED_TOKENIZER
  json/json.cpp json/json_view.cpp json/pointer.cpp json/read_file.cpp json/atomic_file.cpp)

foreach(name tokenizer sentencepiece)
  kedit_fuzz(${name}
    CORPUS ${name}
    SOURCES ${KEDIT_FUZZED_TOKENIZER}
    LIBRARIES fmt::fmt-header-only nlohmann_json::nlohmann_json PkgConfig::PCRE2
              PkgConfig::UTF8PROC)
endforeach()
