#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kedit::metrics {

/// What Kiss and Strunk's Punkt learnt about a language. Types are in lower case, abbreviations
/// without their last full stop; numbers count as one type, "##number##".
struct PunktTables {
  std::set<std::string> abbreviations;
  std::set<std::string> sentence_starters;
  std::set<std::pair<std::string, std::string>> collocations;  ///< About a full stop between them.
  /// How a type was seen, a sum of flags: in upper case at the beginning of a sentence (2), inside
  /// (4), somewhere (8), in lower case there (16, 32, 64).
  std::unordered_map<std::string, int> letter_cases;
};

/// Cuts texts into sentences by Punkt's rules. Without tables every full stop ends a sentence but
/// those of initials: plain splitting, which cuts behind abbreviations too.
class SentenceModel {
 public:
  SentenceModel() = default;
  explicit SentenceModel(PunktTables tables) : tables_(std::move(tables)) {}
  /// Reads the tables of NLTK's `punkt_tab` (abbrev_types.txt, sent_starters.txt, collocations.tab,
  /// ortho_context.tab). Throws `DataError` naming file and line.
  static SentenceModel read(const std::filesystem::path& directory);

  /// Parts of `text` (well-formed UTF-8), in order; white space between them belongs to none.
  std::vector<std::string_view> sentences(std::string_view text) const;

  /// "punkt" or "plain".
  const char* name() const { return directory_.empty() ? "plain" : "punkt"; }
  const std::filesystem::path& directory() const { return directory_; }  ///< Empty: plain.
  const std::string& sha256() const { return sha256_; }  ///< Over the four tables; empty: plain.

 private:
  PunktTables tables_;
  std::filesystem::path directory_;
  std::string sha256_;
};

/// Where NLTK keeps its English tables: under $NLTK_DATA, else ~/nltk_data, else the system's
/// folders. Nothing where there are none.
std::optional<std::filesystem::path> find_punkt_tables();

/// The sentence model of a choice: a directory with tables, "none" for plain splitting, "" for
/// NLTK's tables where there are some and plain splitting else.
SentenceModel sentence_model(const std::string& choice);

}  // namespace kedit::metrics
