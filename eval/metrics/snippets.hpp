#pragma once

#include "eval/metrics/tfidf.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kedit::metrics {

/// A text about an entity that has some object under a relation.
struct Snippet {
  std::string name;  ///< Of the entity.
  std::string text;
};

/// Reference texts by relation and object, in the form of the ROME authors'
/// attribute_snippets.json:
/// [{"relation_id", "target_id", "samples": [{"name", "text"}]}].
class Snippets {
 public:
  /// Throws `DataError` naming file and pointer.
  static Snippets read(const std::filesystem::path& file);

  /// All texts of a relation and an object joined by blanks; empty where there are none.
  std::string about_object(const std::string& relation, const std::string& target) const;
  /// Those among them that are about `subject`.
  std::string about_subject(const std::string& relation, const std::string& target,
                            const std::string& subject) const;
  bool has(const std::string& relation, const std::string& target) const {
    return samples_.count({relation, target}) > 0;
  }

  const TfIdf& index() const { return index_; }          ///< Fitted on every text, each a document.
  const std::string& sha256() const { return sha256_; }  ///< Of the file.

 private:
  using Samples = std::map<std::pair<std::string, std::string>, std::vector<Snippet>>;
  Snippets(Samples samples, const std::vector<std::string>& texts, std::string sha256);

  Samples samples_;
  TfIdf index_;
  std::string sha256_;
};

}  // namespace kedit::metrics
