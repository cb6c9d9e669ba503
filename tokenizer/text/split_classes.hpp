#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kedit::tokenizer {

/// What a named class of an Oniguruma pattern matches in the reference library (Unicode 16), as
/// members of a PCRE2 class: "[:alpha" for the bracket, "\\w" and "[\\w" (within a class), or the
/// name of a property, of which case, blanks, "_" and "-" do not count. Nothing for other names.
std::optional<std::string_view> split_class(std::string_view name);

}  // namespace kedit::tokenizer
