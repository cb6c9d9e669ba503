#include "tokenizer/text/split_classes.hpp"

#include <array>

namespace kedit::tokenizer {
namespace {

struct SplitClass {
  std::string_view names;  // each between blanks
  std::string_view members;
};

#include "tokenizer/text/split_classes.inc"

}  // namespace

std::optional<std::string_view> split_class(std::string_view name) {
  std::string wanted = " ";
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    wanted += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  wanted += ' ';
  for (const SplitClass& entry : kSplitClasses) {
    if (entry.names.find(wanted) != std::string_view::npos) return entry.members;
  }
  return std::nullopt;
}

}  // namespace kedit::tokenizer
