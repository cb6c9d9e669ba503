#pragma once

#include "apps/command.hpp"

#include <string_view>

namespace kedit::cli {

/// The reader of standard output went away. Nobody needs to be told.
class OutputClosed : public Failure {
 public:
  using Failure::Failure;
};

/// Writes all of `bytes` to standard output, unbuffered, so that a full disk is noticed here and
/// not at exit. Throws `Failure`, or `OutputClosed` for a broken pipe.
void print_bytes(std::string_view bytes);

}  // namespace kedit::cli
