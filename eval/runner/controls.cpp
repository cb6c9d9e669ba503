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

// What every system that runs a model is asked besides its case.
void ask_further(const SystemParts& parts, const LanguageModel& model, const Case& one,
                 const answering::FactChooser& facts, CaseOutputs* outputs) {
  if (parts.specificity) parts.specificity->ask(model, one, facts, outputs);
  if (parts.free_text) parts.free_text->ask(model, parts.prompts, one, facts, outputs);
}

class Unedited final : public System {
 public:
  explicit Unedited(const SystemParts& parts) : parts_(parts) {}
  SystemInfo info() const override { return control_info("unedited"); }
  void enter(const CaseGroup&, const CaseOutputs*, const RunContext&) override {}
  CaseOutputs answer(const Case& one) override {
    const answering::FactChooser facts = [&](const std::string& question) {
      return answering::choose_facts(parts_.base_facts, question, parts_.prompts.max_facts);
    };
    CaseOutputs outputs =
        answering::ask_case(*parts_.base, parts_.prompts, one, parts_.plan, facts);
    if (parts_.recall) parts_.recall->ask(one, &outputs);
    ask_further(parts_, *parts_.base, one, facts, &outputs);
    return outputs;
  }
  void leave() override {}

 private:
  SystemParts parts_;
};

class Oracle final : public System {
 public:
  explicit Oracle(const SystemParts& parts) : parts_(parts) {}
  SystemInfo info() const override { return control_info("oracle"); }
  void enter(const CaseGroup&, const CaseOutputs*, const RunContext&) override {}
  CaseOutputs answer(const Case& one) override {
    const std::vector<Fact> own = answering::facts_of(one.edits);
    const answering::FactChooser facts = [&](const std::string& question) {
      std::vector<Fact> shown =
          answering::choose_facts(parts_.base_facts, question, parts_.prompts.max_facts);
      shown.insert(shown.end(), own.begin(), own.end());
      return shown;
    };
    CaseOutputs outputs =
        answering::ask_case(*parts_.base, parts_.prompts, one, parts_.plan, facts);
    ask_further(parts_, *parts_.base, one, facts, &outputs);
    return outputs;
  }
  void leave() override {}

 private:
  SystemParts parts_;
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
