# Tokenizer, generation and scoring.
set(KEDIT_TOKENIZER_SOURCES
  added_token_list.cpp added_tokens.cpp aligned_text.cpp bpe.cpp bpe_merges.cpp byte_level.cpp
  charsmap.cpp chat_template.cpp generation.cpp jinja/expression.cpp jinja/filters.cpp
  jinja/functions.cpp jinja/lexer.cpp jinja/operand.cpp jinja/operators.cpp jinja/scope.cpp
  jinja/statements.cpp jinja/strings.cpp jinja/template.cpp jinja/value.cpp jinja/value_text.cpp
  language_model.cpp normalizer.cpp pattern_syntax.cpp
  pipeline_tokenizer.cpp pre_tokenizer.cpp prefix_trie.cpp prompts.cpp ragged_batch.cpp
  sampling.cpp scoring.cpp sentencepiece_file.cpp sentencepiece_model.cpp
  sentencepiece_tokenizer.cpp split_pattern.cpp token_decoder.cpp tokenizer.cpp tokenizer_files.cpp
  tokenizer_json.cpp tokenizer_json_decoders.cpp tokenizer_json_models.cpp
  tokenizer_json_steps.cpp tokenizer_settings.cpp unicode_form.cpp unicode_tables.cpp unigram.cpp utf8.cpp vocabulary.cpp word_models.cpp)
