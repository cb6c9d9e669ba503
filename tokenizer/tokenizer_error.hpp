#pragma once

#include <stdexcept>

namespace kedit {

/// A tokenizer's files or a text given to it cannot be used: damaged, not supported, not UTF-8. The
/// message is one sentence with file and field, expected and found.
class TokenizerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace kedit
