set(KEDIT_TOKENIZER_SOURCES
  added_tokens.cpp bpe.cpp byte_level.cpp byte_level_tokenizer.cpp normalizer.cpp
  pattern_syntax.cpp split_pattern.cpp tokenizer.cpp tokenizer_files.cpp tokenizer_json.cpp utf8.cpp
  vocabulary.cpp)
