#include "model/generation/prompt_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::generation {

void check_prompts(const Architecture& architecture, const std::vector<TokenIds>& prompts,
                   const std::string& act, std::int64_t unseen) {
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const TokenIds& prompt = prompts[i];
    const auto fail = [&](const std::string& expected, std::int64_t found) {
      throw ModelError(
          fmt::format("{}: prompt {}: expected {}, found {}", act, i, expected, found));
    };
    if (prompt.empty()) fail("at least one token", 0);
    const auto length = static_cast<std::int64_t>(prompt.size()) - unseen;
    const auto foreign = std::find_if(prompt.begin(), prompt.end(), [&](std::int64_t id) {
      return id < 0 || id >= architecture.vocab;
    });
    if (foreign != prompt.end()) {
      fail(fmt::format("token ids from 0 to {}", architecture.vocab - 1), *foreign);
    }
    const auto limit = architecture.position_limit();
    if (limit && length > *limit) {
      fail(fmt::format("at most {} tokens, the model's positions", *limit), length);
    }
  }
}

}  // namespace kedit::generation
