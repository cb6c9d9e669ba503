#include "lab/world/names.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace kedit::assets {
extern const std::string_view real_names;  // assets/world/real_names.txt, built in
}

namespace kedit::lab {
namespace {

using Names = std::set<std::string, std::less<>>;

void add_words(std::string_view line, Names& names) {
  while (!line.empty()) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    names.emplace(line.substr(0, blank));
    line.remove_prefix(std::min(blank + 1, line.size()));
  }
}

// One line after the other; a line that starts with "#" says what follows.
Names all_names() {
  Names names;
  std::string_view text = assets::real_names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (text.front() != '#') add_words(text.substr(0, end), names);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

}  // namespace

bool is_real_name(std::string_view name) {
  static const Names names = all_names();
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return names.find(lower) != names.end();
}

}  // namespace kedit::lab
