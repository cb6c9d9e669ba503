#pragma once

#include "editors/editor.hpp"

namespace kedit::reasoning {

/// In-context editing: every edit becomes a fact (its prompt filled in, with the new target) that
/// answerers put in front of the question. No weight changes. One delta per request.
class InContextEditor : public Editor {
 public:
  explicit InContextEditor(EditorSettings settings);

  std::string_view name() const noexcept override { return "in-context"; }
  std::vector<EditDelta> edit(const EditedModel& model, const std::vector<EditRequest>& requests,
                              const RunContext& run) const override;
  Json settings_for(const Model&) const override { return Json::object(); }

 private:
  std::vector<std::string> ignored_;
};

/// The fact that a request makes true; blanks around its target are no part of it.
Fact fact_of(const EditRequest& request);

}  // namespace kedit::reasoning
