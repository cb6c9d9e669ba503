#pragma once

#include "json/json.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit {

/// Token ids of a text, with the byte range of the text that each one covers: offsets[i] = [begin,
/// end). A token that covers part of a character has the whole character's range. Special tokens
/// added by the template have an empty range.
struct Encoding {
  std::vector<std::int64_t> ids;
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

struct EncodeOptions {
  bool add_special_tokens = true;     ///< What the tokenizer file's template adds (a BOS, usually).
  bool split_special_tokens = false;  ///< True: "<|endoftext|>" written in a text is ordinary text.
};

/// Text to token ids and back, equal to the reference tokenizers library. Immutable once loaded;
/// `encode` may be called from several threads. Throws `TokenizerError` for damaged files and for
/// text that is not UTF-8.
class Tokenizer {
 public:
  /// `tokenizer.json`, else `vocab.json` + `merges.txt`, else SentencePiece's `tokenizer.model`,
  /// else BERT's `vocab.txt` of a directory, each with the `tokenizer_config.json`,
  /// `special_tokens_map.json` and `added_tokens.json` beside it, as the reference library's
  /// AutoTokenizer reads them.
  static std::shared_ptr<const Tokenizer> load(const std::filesystem::path& directory);
  /// From the text of a tokenizer.json.
  static std::shared_ptr<const Tokenizer> parse(std::string_view tokenizer_json,
                                                const std::string& origin);
  /// From the document of a tokenizer.json; `origin` is the file that messages name.
  static std::shared_ptr<const Tokenizer> from_document(const Json& tokenizer_json,
                                                        const std::string& origin);
  /// True if the directory holds any tokenizer file this class knows.
  static bool present(const std::filesystem::path& directory);

  virtual ~Tokenizer() = default;
  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  virtual std::string decode(const std::vector<std::int64_t>& ids,
                             bool skip_special_tokens = false) const = 0;
  /// True if a token's text depends on no more than its neighbours, so that the end of a text can
  /// be decoded from its last tokens alone: `decode(ids)` ends as `decode` of a tail of `ids` ends,
  /// but for the text of the tail's first token, where the tail begins between two characters.
  virtual bool decodes_in_parts() const { return false; }
  virtual std::int64_t vocab_size() const = 0;           ///< Highest id + 1.
  virtual std::string token(std::int64_t id) const = 0;  ///< As the vocabulary spells it.
  virtual std::optional<std::int64_t> id(std::string_view token) const = 0;
  virtual bool is_special(std::int64_t id) const = 0;
  virtual std::string kind() const = 0;  ///< "byte-level BPE", ...

  std::vector<std::int64_t> ids(std::string_view text, bool add_special_tokens = true) const {
    return encode(text, {add_special_tokens, false}).ids;
  }
};

}  // namespace kedit
