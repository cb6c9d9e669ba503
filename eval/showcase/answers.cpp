#include "eval/showcase/answers.hpp"

#include "eval/answering/facts_in_context.hpp"
#include "eval/metrics/matching.hpp"
#include "model/generation/generation.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::showcase {
namespace {

constexpr std::int64_t kWrittenTokens = 10;
constexpr std::int64_t kTopOfEach = 3;
constexpr std::size_t kShownCandidates = 5;

std::string full_prompt(const EditedModel& model, const ShownPrompt& prompt) {
  const PromptForm form = lab_prompts();
  return write_prompt(form, {prompt.ask, prompt.text, "",
                             answering::choose_facts(model.facts(), prompt.text, form.max_facts)});
}

// The first line with something on it; three dots where the model was stopped in the middle of it.
std::string first_line(const Generation& generation) {
  const std::string& text = generation.text;
  const std::size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == std::string::npos) return "";
  const std::size_t end = text.find('\n', begin);
  const bool cut = end == std::string::npos && generation.stopped == StopReason::length;
  return text.substr(begin, end - begin) + (cut ? "\xE2\x80\xA6" : "");
}

// A token as people read it.
std::string shown_token(const Model& model, std::int64_t id) {
  const auto& ends = model.architecture().eos_ids;
  if (std::find(ends.begin(), ends.end(), id) != ends.end()) return "(end of text)";
  const std::string text = model.tokenizer().decode({id});
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "(blank)";
  return text[begin] == '\n' ? "(new line)" : text.substr(begin);
}

std::int64_t first_token(const Model& model, const ShownPrompt& prompt, const std::string& answer) {
  const auto ids = model.tokenizer().ids(spaced_target(prompt.text, answer), false);
  if (ids.empty()) {
    throw EvalError("comparing answers: expected one that has tokens, found \"" + answer + "\"");
  }
  return ids.front();
}

std::vector<std::int64_t> likely(const at::Tensor& probabilities) {
  const std::int64_t kept = std::min(kTopOfEach, probabilities.numel());
  const at::Tensor ids = std::get<1>(probabilities.topk(kept)).contiguous();
  return {ids.const_data_ptr<std::int64_t>(), ids.const_data_ptr<std::int64_t>() + kept};
}

/// One prompt's rows of what all systems said.
class PromptView {
 public:
  PromptView(const std::vector<Said>& systems, std::int64_t row) {
    for (const Said& said : systems) rows_.push_back(said.probabilities.select(0, row));
  }
  double probability(std::size_t system, std::int64_t id) const {
    return rows_[system][id].item<float>();
  }
  double highest(std::int64_t id) const {
    double best = 0.0;
    for (std::size_t i = 0; i < rows_.size(); ++i) best = std::max(best, probability(i, id));
    return best;
  }
  std::int64_t top(std::size_t system) const { return rows_[system].argmax().item<std::int64_t>(); }
  const std::vector<at::Tensor>& rows() const { return rows_; }

 private:
  std::vector<at::Tensor> rows_;  // [vocab] each
};

// `fixed` first, then the others by their highest probability; what is kept is sorted by it.
std::vector<std::int64_t> candidate_ids(const PromptView& view, std::vector<std::int64_t> fixed) {
  const auto by_height = [&](std::int64_t a, std::int64_t b) {
    return std::make_pair(-view.highest(a), a) < std::make_pair(-view.highest(b), b);
  };
  std::vector<std::int64_t> others;
  for (const at::Tensor& row : view.rows()) {
    for (const std::int64_t id : likely(row)) others.push_back(id);
  }
  std::sort(others.begin(), others.end(), by_height);
  std::vector<std::int64_t> kept;
  fixed.insert(fixed.end(), others.begin(), others.end());
  for (const std::int64_t id : fixed) {
    if (kept.size() == kShownCandidates) break;
    if (std::find(kept.begin(), kept.end(), id) == kept.end()) kept.push_back(id);
  }
  std::sort(kept.begin(), kept.end(), by_height);
  return kept;
}

PromptResult compare_one(const Model& model, const ShownPrompt& prompt,
                         const std::vector<Said>& systems, std::size_t row) {
  const PromptView view(systems, static_cast<std::int64_t>(row));
  const std::int64_t before = first_token(model, prompt, prompt.before);
  const std::int64_t after = first_token(model, prompt, prompt.after);
  PromptResult result;
  result.prompt = prompt;
  for (std::size_t i = 0; i < systems.size(); ++i) {
    SystemAnswer answer{systems[i].written[row], shown_token(model, view.top(i)),
                        view.probability(i, before), view.probability(i, after)};
    answer.as_wished = prompt.group == Group::neighbour ? view.top(i) == view.top(0)
                                                        : answer.after > answer.before;
    result.answers.push_back(std::move(answer));
  }
  for (const std::int64_t id : candidate_ids(view, {before, after})) {
    Candidate candidate{shown_token(model, id), {}};
    for (std::size_t i = 0; i < systems.size(); ++i) {
      candidate.probability.push_back(view.probability(i, id));
    }
    result.candidates.push_back(std::move(candidate));
  }
  return result;
}

std::vector<std::string> moved_neighbours(const std::vector<PromptResult>& results,
                                          std::size_t system) {
  std::vector<std::string> moved;
  for (const PromptResult& result : results) {
    const SystemAnswer& answer = result.answers[system];
    if (result.prompt.group != Group::neighbour || answer.as_wished) continue;
    moved.push_back(fmt::format("\"{}\" from {} to {}", result.prompt.text,
                                result.answers.front().top, answer.top));
  }
  return moved;
}

}  // namespace

Said ask(const EditedModel& model, const std::vector<ShownPrompt>& prompts) {
  std::vector<std::vector<std::int64_t>> ids;
  std::vector<at::Tensor> rows;
  for (const ShownPrompt& prompt : prompts) {
    ids.push_back(model.tokenizer().ids(full_prompt(model, prompt)));
    rows.push_back(next_probabilities(model, ids.back()));
  }
  GenerateOptions options;
  options.max_tokens = kWrittenTokens;
  Said said{at::stack(rows), {}};
  for (const Generation& one : generate_ids(model, ids, options)) {
    said.written.push_back(first_line(one));
  }
  return said;
}

std::vector<PromptResult> compare(const Model& model, const std::vector<ShownPrompt>& prompts,
                                  const std::vector<Said>& systems) {
  std::vector<PromptResult> results;
  for (std::size_t row = 0; row < prompts.size(); ++row) {
    results.push_back(compare_one(model, prompts[row], systems, row));
  }
  return results;
}

Count count(const std::vector<PromptResult>& results, Group group, std::size_t system) {
  Count counted;
  for (const PromptResult& result : results) {
    if (result.prompt.group != group) continue;
    ++counted.of;
    if (result.answers[system].as_wished) ++counted.right;
  }
  return counted;
}

std::string caption(const EditedFact& fact, std::size_t system) {
  const auto part = [&](Group group) {
    const Count counted = count(fact.results, group, system);
    return fmt::format("{} of {}", counted.right, counted.of);
  };
  const bool took = count(fact.results, Group::edited, system).right > 0;
  std::string text = fmt::format(
      "{} at the edited prompt; it is in {} paraphrases and {} consequences, and {} neighbours "
      "keep their most probable answer",
      took ? "The new answer is ahead of the old one"
           : "The new answer is not ahead of the old one",
      part(Group::paraphrase), part(Group::consequence), part(Group::neighbour));
  const std::vector<std::string> moved = moved_neighbours(fact.results, system);
  if (!moved.empty()) text += fmt::format(" (moved: {})", fmt::join(moved, "; "));
  const std::string& fault = fact.edits.at(system - 1).fault;
  return text + (fault.empty() ? "." : fmt::format(". Its health check fails: {}.", fault));
}

}  // namespace kedit::showcase
