#include "eval/answering/facts_in_context.hpp"
#include "eval/runner/system.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit::runner {
namespace {

SystemInfo control_info(const std::string& name) {
  SystemInfo info;
  info.label = info.name = name;
  info.kind = "control";
  for (const ControlInfo& known : known_controls()) {
    if (known.name == name) info.summary = known.summary;
  }
  return info;
}

/// A control that runs the unedited model, and makes no edits.
class ModelControl : public System {
 public:
  explicit ModelControl(const SystemParts& parts) : parts_(parts) {}
  void enter(const CaseGroup&, const CaseOutputs*, const RunContext&) override {}
  CaseOutputs answer(const Case& one) override { return answer_all({&one}).front(); }
  std::vector<CaseOutputs> answer_all(const std::vector<const Case*>& cases) override {
    std::vector<answering::AskedCase> asked;
    for (const Case* one : cases) asked.push_back({one, facts_for(*one)});
    return ask_together(parts_, *parts_.base, asked);
  }
  void leave() override {}

 protected:
  virtual answering::FactChooser facts_for(const Case& one) const = 0;
  std::vector<Fact> base_facts(const std::string& question) const {
    return answering::choose_facts(parts_.base_facts, question, parts_.prompts.max_facts);
  }

  SystemParts parts_;
};

class Unedited final : public ModelControl {
 public:
  using ModelControl::ModelControl;
  SystemInfo info() const override { return control_info("unedited"); }
  std::vector<CaseOutputs> answer_all(const std::vector<const Case*>& cases) override {
    std::vector<CaseOutputs> answers = ModelControl::answer_all(cases);
    for (std::size_t i = 0; parts_.recall && i < cases.size(); ++i) {
      parts_.recall->ask(*cases[i], &answers[i]);
    }
    return answers;
  }

 private:
  answering::FactChooser facts_for(const Case&) const override {
    return [this](const std::string& question) { return base_facts(question); };
  }
};

class Oracle final : public ModelControl {
 public:
  using ModelControl::ModelControl;
  SystemInfo info() const override { return control_info("oracle"); }

 private:
  answering::FactChooser facts_for(const Case& one) const override {
    return [this, own = answering::facts_of(one.edits)](const std::string& question) {
      std::vector<Fact> shown = base_facts(question);
      shown.insert(shown.end(), own.begin(), own.end());
      return shown;
    };
  }
};

class CopyLastEdit final : public System {
 public:
  explicit CopyLastEdit(const SystemParts& parts) : parts_(parts) {}
  SystemInfo info() const override { return control_info("copy-last-edit"); }
  void enter(const CaseGroup& group, const CaseOutputs*, const RunContext&) override {
    pool_ = answering::facts_of(group.pool);
  }
  CaseOutputs answer(const Case& one) override {
    const std::vector<Fact> shown =
        parts_.mask == MaskMode::memory ? answering::without_contradictions(pool_, one) : pool_;
    return answering::copy_last_edit(one, parts_.plan, [&](const std::string& question) {
      return answering::choose_facts(shown, question, parts_.prompts.max_facts);
    });
  }
  void leave() override { pool_.clear(); }

 private:
  SystemParts parts_;
  std::vector<Fact> pool_;
};

}  // namespace

std::vector<CaseOutputs> System::answer_all(const std::vector<const Case*>& cases) {
  std::vector<CaseOutputs> answers;
  for (const Case* one : cases) answers.push_back(answer(*one));
  return answers;
}

std::vector<CaseOutputs> ask_together(const SystemParts& parts, const LanguageModel& model,
                                      const std::vector<answering::AskedCase>& cases) {
  std::vector<CaseOutputs> answers = answering::ask_cases(model, parts.prompts, cases, parts.plan);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [of, facts] = cases[i];
    if (parts.specificity) parts.specificity->ask(model, *of, facts, &answers[i]);
    if (parts.free_text) parts.free_text->ask(model, parts.prompts, *of, facts, &answers[i]);
  }
  return answers;
}

Json to_json(const SystemInfo& info) {
  return {{"label", info.label},     {"kind", info.kind},         {"name", info.name},
          {"summary", info.summary}, {"evidence", info.evidence}, {"settings", info.settings}};
}

std::unique_ptr<System> make_control(const std::string& name, const SystemParts& parts) {
  if (name == "unedited") return std::make_unique<Unedited>(parts);
  if (name == "oracle") return std::make_unique<Oracle>(parts);
  if (name == "copy-last-edit") return std::make_unique<CopyLastEdit>(parts);
  std::vector<std::string> names;
  for (const ControlInfo& known : known_controls()) names.push_back(known.name);
  throw EvalError(fmt::format("choosing a control: expected one of {}, found \"{}\"",
                              fmt::join(names, ", "), name));
}

}  // namespace kedit::runner
