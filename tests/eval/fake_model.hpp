#pragma once

#include "model/language_model.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kedit::testing {

/// A language model that is a function from prompt to text, and remembers what it was asked.
class FakeModel : public LanguageModel {
 public:
  using Function = std::function<std::string(const std::string& prompt)>;
  explicit FakeModel(Function function) : function_(std::move(function)) {}

  std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                   const GenerateOptions&) const override {
    std::vector<Generation> said;
    for (const std::string& prompt : prompts) {
      prompts_.push_back(prompt);
      said.push_back({{}, function_(prompt), StopReason::stop});
    }
    return said;
  }

  std::vector<ContinuationScore> score(
      const std::vector<std::pair<std::string, std::string>>& pairs) const override {
    std::vector<ContinuationScore> scores;
    for (const auto& [prompt, continuation] : pairs) {
      scores.push_back({{0}, {-1.0}, function_(prompt).rfind(continuation, 0) == 0});
    }
    return scores;
  }

  std::string name() const override { return "fake"; }
  const std::vector<std::string>& prompts() const { return prompts_; }

 private:
  Function function_;
  mutable std::vector<std::string> prompts_;
};

}  // namespace kedit::testing
