#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kedit::tokenizer {

/// Token strings and their ids, both ways. Ids may have gaps.
class Vocabulary {
 public:
  /// No id of a file may be larger: the table by id must stay small whatever the file says.
  static constexpr std::int64_t kMaxId = (std::int64_t{1} << 21) - 1;

  /// False, and nothing added, when the token or the id (0 to kMaxId) is taken.
  bool add(std::string token, std::int64_t id);

  std::optional<std::int64_t> id(std::string_view token) const;
  /// Empty when no token has this id.
  const std::string& token(std::int64_t id) const;
  bool contains(std::int64_t id) const;
  std::int64_t size() const {
    return static_cast<std::int64_t>(by_id_.size());
  }  ///< Highest id + 1.

  /// Whose `operator()` takes views, so that look-ups do not allocate.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

 private:
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> ids_;
  std::vector<const std::string*> by_id_;  // keys of ids_, which never move; null in a gap
  std::string none_;

 public:
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;
};

}  // namespace kedit::tokenizer
