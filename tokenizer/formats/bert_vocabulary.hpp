#pragma once

#include "json/json.hpp"

#include <filesystem>

namespace kedit::tokenizer {

/// The tokenizer.json that the library's BertTokenizer makes of a directory's `vocab.txt` (a token
/// a line, its id the number of the line) and its tokenizer_config.json, before the files beside it
/// have their say. Throws `TokenizerError` for a vocabulary without the tokens that every text
/// needs, and for a class that reads the file otherwise.
Json tokenizer_json_of_bert_vocabulary(const std::filesystem::path& directory);

/// Writes do_lower_case, strip_accents and tokenize_chinese_chars of a tokenizer_config.json (or
/// what BertTokenizer takes without them) into a document's BertNormalizer, as that class does.
void write_bert_settings(const JsonView& config, Json& document);

}  // namespace kedit::tokenizer
