#include "editors/locate/batch_targets.hpp"

#include "editors/editor.hpp"
#include "editors/locate/keys.hpp"
#include "editors/locate/value_problem.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>
#include <utility>

namespace kedit::locate {
namespace {

std::vector<LocatedText> texts_of(const EditedModel& model,
                                  const std::vector<EditRequest>& requests,
                                  const ContextTemplates& templates, FactToken token) {
  std::vector<LocatedText> all;
  for (const EditRequest& request : requests) {
    for (LocatedText& text : subject_texts(model.tokenizer(), request, templates, token)) {
      all.push_back(std::move(text));
    }
  }
  return all;
}

}  // namespace

std::vector<EditRequest> validate_batch(const std::vector<EditRequest>& requests) {
  std::vector<EditRequest> checked;
  std::map<std::pair<std::string, std::string>, std::size_t> asked;
  for (const EditRequest& given : requests) {
    checked.push_back(validate_request(given));
    const EditRequest& now = checked.back();
    const auto [before, fresh] =
        asked.emplace(std::pair{now.prompt, now.subject}, checked.size() - 1);
    const EditRequest& other = checked[before->second];
    if (fresh || other.target_new == now.target_new) continue;
    throw EditError(fmt::format(
        "reading the batch: expected one target for \"{}\" and subject \"{}\", found \"{}\" "
        "(request {}) and \"{}\" (request {}); leave one of them out",
        now.prompt, now.subject, other.target_new, other.id, now.target_new, now.id));
  }
  return checked;
}

BatchTargets find_batch_targets(const EditedModel& model, std::int64_t layer,
                                const std::vector<EditRequest>& requests,
                                const ContextTemplates& templates, FactToken token,
                                bool merge_subjects, const ValueOptions& options,
                                const RunContext& run) {
  BatchTargets targets;
  std::vector<ValueProblem> problems;
  std::map<std::string, std::int64_t> of_subject;
  for (const EditRequest& request : requests) {
    ValueProblem problem =
        make_value_problem(model, {layer, Site::resid_post}, request, templates, token);
    const auto known = merge_subjects ? of_subject.find(request.subject) : of_subject.end();
    if (known != of_subject.end()) {
      problems[static_cast<std::size_t>(known->second)].facts.push_back(
          std::move(problem.facts.front()));
      targets.value_of.push_back(known->second);
      targets.merged = true;
      continue;
    }
    of_subject.emplace(request.subject, std::ssize(problems));
    targets.value_of.push_back(std::ssize(problems));
    problems.push_back(std::move(problem));
  }
  targets.values = optimise_values(model, problems, options, run);
  return targets;
}

BatchReader::BatchReader(const EditedModel& model, const std::vector<EditRequest>& requests,
                         const ContextTemplates& templates, FactToken token)
    : contexts_(std::ssize(templates)),
      all_(model, texts_of(model, requests, templates, token)),
      bare_(model, texts_of(model, requests, {templates.front()}, token)) {}

at::Tensor BatchReader::keys(const EditedModel& model, std::int64_t layer) {
  const at::Tensor all = all_.read(model, layer, layer, Site::mlp_key);
  const at::Tensor by_request = all.view({-1, contexts_, all.size(1)});
  const at::Tensor bare = by_request.select(1, 0);
  if (contexts_ == 1) return bare;
  return (bare + by_request.narrow(1, 1, contexts_ - 1).mean(1)) / 2;
}

at::Tensor BatchReader::outputs(const EditedModel& model, std::int64_t changed,
                                std::int64_t layer) {
  return bare_.read(model, changed, layer, Site::resid_post);
}

at::Tensor wanted_outputs(const BatchTargets& targets, const at::Tensor& outputs) {
  std::vector<at::Tensor> rows;
  for (std::size_t i = 0; i < targets.value_of.size(); ++i) {
    const ValueResult& value = targets.values[static_cast<std::size_t>(targets.value_of[i])];
    // A value that serves several facts is added to each one's own output.
    const at::Tensor before =
        targets.merged ? outputs[static_cast<std::int64_t>(i)].cpu() : value.initial;
    rows.push_back(before + value.delta);
  }
  return at::stack(rows).to(outputs.device());
}

void add_optimisations(EditDeltaBuilder& edit, std::int64_t layer, const BatchTargets& targets) {
  std::vector<bool> told(targets.values.size(), false);
  for (std::size_t i = 0; i < targets.value_of.size(); ++i) {
    const auto value = static_cast<std::size_t>(targets.value_of[i]);
    if (told[value]) continue;
    told[value] = true;
    edit.add_optimisation(layer, targets.values[value], static_cast<std::int64_t>(i));
  }
}

}  // namespace kedit::locate
