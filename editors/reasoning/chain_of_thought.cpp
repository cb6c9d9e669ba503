#include "editors/reasoning/chain_of_thought.hpp"

#include <algorithm>

namespace kedit::reasoning {
namespace {

constexpr std::int64_t kThoughtTokens = 160;
constexpr std::string_view kAnswerMark = "Answer:";
constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

}  // namespace

GenerateOptions thought_options() {
  GenerateOptions options;
  options.max_tokens = kThoughtTokens;
  options.stop = {"\n\n"};
  return options;
}

std::optional<std::string> stated_answer(std::string_view transcript) {
  const std::size_t mark = transcript.rfind(kAnswerMark);
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view answer = transcript.substr(mark + kAnswerMark.size());
  answer = answer.substr(0, answer.find('\n'));
  const std::size_t begin = answer.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return std::nullopt;
  return std::string(answer.substr(begin, answer.find_last_not_of(kWhiteSpace) - begin + 1));
}

}  // namespace kedit::reasoning
