#include "lab/chain_of_thought.hpp"

#include "model/generation/generation.hpp"

#include <string_view>

namespace kedit {
namespace {

constexpr std::int64_t kThoughtTokens = 128;

std::string answer_in(const std::string& text) {
  static constexpr std::string_view kMark = "Answer:";
  const auto mark = text.find(kMark);
  if (mark == std::string::npos) return "";
  const auto begin = mark + kMark.size();
  return trimmed_answer(text.substr(begin, text.find('\n', begin) - begin));
}

}  // namespace

std::string trimmed_answer(const std::string& text) {
  const auto begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

std::vector<std::string> answers_after_thoughts(const EditedModel& model,
                                                const std::vector<std::string>& prompts,
                                                std::int64_t batch_rows) {
  GenerateOptions options;
  options.max_tokens = kThoughtTokens;
  options.stop = {"\nQuestion:", "\n\n"};
  std::vector<std::string> answers;
  for (const Generation& result :
       LocalLanguageModel(model, batch_rows).generate(prompts, options)) {
    answers.push_back(answer_in(result.text));
  }
  return answers;
}

}  // namespace kedit
