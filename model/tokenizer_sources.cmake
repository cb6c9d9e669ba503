# Tokenizer, generation and scoring.
set(KEDIT_TOKENIZER_SOURCES
  added_tokens.cpp bpe.cpp byte_level.cpp byte_level_tokenizer.cpp generation.cpp
  language_model.cpp normalizer.cpp pattern_syntax.cpp prompts.cpp ragged_batch.cpp sampling.cpp
  scoring.cpp split_pattern.cpp tokenizer.cpp tokenizer_files.cpp tokenizer_json.cpp utf8.cpp
  vocabulary.cpp)
