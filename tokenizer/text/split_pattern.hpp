#pragma once

#include "tokenizer/text/aligned_text.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kedit::tokenizer {

/// What becomes of the matches of a pattern when a text is split by it.
enum class SplitBehavior { isolated, removed, merged_with_previous, merged_with_next, contiguous };

/// Matching needs memory of its own; one per thread.
class SplitScratch {
 public:
  SplitScratch();
  ~SplitScratch();
  SplitScratch(SplitScratch&&) noexcept;
  SplitScratch& operator=(SplitScratch&&) noexcept;

 private:
  friend class SplitPattern;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A compiled splitting pattern. Patterns are written for Oniguruma, which the reference library
/// uses; where PCRE2 reads a piece of syntax otherwise (white space, words, \u), it is rewritten.
/// Immutable; any number of threads may use it, each with its own scratch.
class SplitPattern {
 public:
  /// Throws `TokenizerError` starting with `where` when the pattern is damaged or uses syntax whose
  /// meaning cannot be kept.
  static SplitPattern regex(std::string_view pattern, const std::string& where);
  /// Matches `text` itself.
  static SplitPattern literal(std::string_view text, const std::string& where);
  ~SplitPattern();
  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;

  /// Appends the non-empty pieces of `text` (well-formed UTF-8), as ranges of it plus `base`. With
  /// `invert` what the pattern does not match counts as the match.
  void split(std::string_view text, SplitBehavior behavior, bool invert, std::size_t base,
             SplitScratch& scratch, std::vector<TextRange>& pieces) const;
  /// Appends the matches in `text` (well-formed UTF-8), in order.
  void find_all(std::string_view text, SplitScratch& scratch,
                std::vector<TextRange>& matches) const;

 private:
  struct Impl;
  explicit SplitPattern(std::unique_ptr<Impl> impl);
  static SplitPattern compile(const std::string& pcre, const std::string& where);

  std::unique_ptr<Impl> impl_;
};

}  // namespace kedit::tokenizer
