#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace kedit::metrics {

/// Replaces every match of a regular expression in one pass from left to right: what a match
/// consumed is not looked at again. Characters are Unicode's; "$1" in the replacement is the first
/// group. Immutable; any number of threads may use it.
class Substitution {
 public:
  /// Throws `std::invalid_argument` for a pattern that does not compile: patterns are the
  /// program's own.
  Substitution(std::string_view pattern, std::string_view replacement);

  /// `text` is well-formed UTF-8. Throws `EvalError` when matching runs out of memory or steps.
  std::string apply(const std::string& text) const;

 private:
  std::shared_ptr<const void> code_;
  std::string replacement_;
};

}  // namespace kedit::metrics
