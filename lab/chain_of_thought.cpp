#include "lab/chain_of_thought.hpp"

#include "editors/reasoning/chain_of_thought.hpp"
#include "model/generation/generation.hpp"

namespace kedit::lab {

std::string trimmed_answer(const std::string& text) {
  const auto begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

std::vector<std::string> answers_after_thoughts(const EditedModel& model,
                                                const std::vector<std::string>& prompts,
                                                std::int64_t batch_rows) {
  std::vector<std::string> answers;
  for (const Generation& result :
       LocalLanguageModel(model, batch_rows).generate(prompts, reasoning::thought_options())) {
    answers.push_back(reasoning::stated_answer(result.text).value_or(""));
  }
  return answers;
}

}  // namespace kedit::lab
