# Tests of the tokenizer, generation and scoring.
set(KEDIT_TOKENIZER_TESTS
  chat_template_test.cpp generation_greedy_test.cpp generation_sampling_test.cpp generation_score_test.cpp
  tokenizer_components_test.cpp tokenizer_damage_test.cpp tokenizer_files_test.cpp tokenizer_golden_test.cpp
  tokenizer_offsets_test.cpp tokenizer_split_test.cpp)
