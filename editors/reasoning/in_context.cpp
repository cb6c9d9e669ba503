#include "editors/reasoning/in_context.hpp"

#include "editors/setting_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit::reasoning {

Fact fact_of(const EditRequest& request) {
  EditRequest plain = request;
  const std::size_t begin = plain.target_new.find_first_not_of(' ');
  plain.target_new.erase(plain.target_new.find_last_not_of(' ') + 1);
  plain.target_new.erase(0, begin);
  return {plain.subject, plain.relation, plain.target_new, edit_sentence(plain)};
}

InContextEditor::InContextEditor(EditorSettings settings)
    : ignored_(ignored_settings("in-context", settings.values, {})) {}

std::vector<EditDelta> InContextEditor::edit(const EditedModel& model,
                                             const std::vector<EditRequest>& requests,
                                             const RunContext& run) const {
  if (!ignored_.empty()) {
    run.warning(
        fmt::format("in-context does not use these settings: {}", fmt::join(ignored_, ", ")));
  }
  std::vector<EditDelta> deltas;
  for (const EditRequest& given : requests) {
    const EditRequest request = validate_request(given);
    EditDelta delta;
    delta.editor = "in-context";
    delta.settings = settings_for(model.base());
    delta.base_fingerprint = model.base().fingerprint();
    delta.requests = {request};
    delta.facts = {fact_of(request)};
    deltas.push_back(std::move(delta));
  }
  return deltas;
}

}  // namespace kedit::reasoning
