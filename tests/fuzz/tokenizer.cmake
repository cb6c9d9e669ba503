# The fuzzers of the tokenizer's readers.
set(KEDIT_FUZZED_TOKENIZER
  added_token_list added_tokens aligned_text bpe bpe_merges byte_level charsmap normalizer
  pattern_syntax pipeline_tokenizer pre_tokenizer prefix_trie sentencepiece_file
  sentencepiece_model sentencepiece_tokenizer split_pattern token_decoder tokenizer
  tokenizer_files tokenizer_json tokenizer_json_decoders tokenizer_json_models
  tokenizer_json_steps unicode_form unicode_tables unigram utf8 vocabulary word_models)
list(TRANSFORM KEDIT_FUZZED_TOKENIZER REPLACE "(.+)" "model/\\1.cpp")
list(APPEND KEDIT_FUZZED_TOKENIZER
  json/json.cpp json/json_view.cpp json/pointer.cpp json/read_file.cpp json/atomic_file.cpp)

foreach(name tokenizer sentencepiece)
  kedit_fuzz(${name}
    CORPUS ${name}
    SOURCES ${KEDIT_FUZZED_TOKENIZER}
    LIBRARIES fmt::fmt-header-only nlohmann_json::nlohmann_json PkgConfig::PCRE2
              PkgConfig::UTF8PROC)
endforeach()
