#include "lab/rome_probes.hpp"

#include "datasets/mquake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <string_view>

namespace kedit::lab {
namespace {

constexpr std::size_t kOtherSubjects = 8;
constexpr std::size_t kFarFacts = 10;
constexpr std::int64_t kCasesPerEdit =
    5;  // about 5 of 18 cases have two or three hops and one edit

std::string filled(std::string text, const std::string& subject) {
  const auto slot = text.find("{}");
  if (slot != std::string::npos) text.replace(slot, 2, subject);
  return text;
}

std::string asked(const std::string& question, std::string_view mark) {
  return fmt::format("Question: {}\n{}:", question, mark);
}

class EditProbes {
 public:
  EditProbes(const World& world, std::uint64_t seed) : world_(world), random_(seed) {}

  LabEdit make(const MquakeCase& one) {
    LabEdit edit;
    edit.request = requests_of(one).front();
    const Rewrite& rewrite = one.rewrites.front();
    wanted(rewrite, edit);
    kept(rewrite, edit);
    const std::string question = asked(one.questions.front(), "Thoughts");
    edit.thought_prompt = question;
    edit.in_context_prompt = fmt::format(
        "Facts: {} {}.\n{}", filled(rewrite.prompt, rewrite.subject), rewrite.target_new, question);
    edit.thought_answer = one.post.answer;
    return edit;
  }

 private:
  const std::string& name(std::int32_t entity) const {
    return world_.entities[static_cast<std::size_t>(entity)].name;
  }
  const std::string& relation(const WorldFact& fact) const {
    return world_.relations[static_cast<std::size_t>(fact.relation)];
  }
  std::pair<std::string, std::string> cloze(const WorldFact& fact) const {
    return {filled(templates_of(relation(fact)).cloze, name(fact.subject)),
            " " + name(fact.object)};
  }

  static void wanted(const Rewrite& rewrite, LabEdit& edit) {
    const RelationTemplates& texts = templates_of(rewrite.relation);
    const std::string target = " " + rewrite.target_new;
    const auto add = [&](const char* measure, const std::vector<std::string>& forms,
                         bool question) {
      for (const std::string& form : forms) {
        const std::string text = filled(form, rewrite.subject);
        edit.wanted[measure].emplace_back(question ? asked(text, "Answer") : text, target);
      }
    };
    add("efficacy", {texts.cloze}, false);
    add("paraphrases", texts.statements, false);
    add("held-out statements", texts.held_out_statements, false);
    add("questions", texts.questions, true);
    add("questions", texts.held_out_questions, true);
  }

  void kept(const Rewrite& rewrite, LabEdit& edit) {
    std::vector<WorldFact> others, far;
    for (const WorldFact& fact : world_.facts) {
      const bool same_subject = name(fact.subject) == rewrite.subject;
      const bool same_relation = relation(fact) == rewrite.relation;
      if (same_subject && !same_relation) edit.kept["same subject"].push_back(cloze(fact));
      if (!same_subject && same_relation) others.push_back(fact);
      if (!same_subject && !same_relation) far.push_back(fact);
    }
    for (const WorldFact& fact : sample(others, kOtherSubjects)) {
      edit.kept["other subjects"].push_back(cloze(fact));
    }
    for (const WorldFact& fact : sample(far, kFarFacts)) {
      edit.kept["far facts"].push_back(cloze(fact));
    }
  }

  std::vector<WorldFact> sample(std::vector<WorldFact> facts, std::size_t count) {
    for (std::size_t i = 0; i + 1 < facts.size() && i < count; ++i) {
      std::swap(facts[i], facts[i + random_() % (facts.size() - i)]);
    }
    facts.resize(std::min(count, facts.size()));
    return facts;
  }

  const World& world_;
  std::mt19937_64 random_;
};

}  // namespace

std::vector<LabEdit> lab_edits(const World& world, std::int64_t count, std::uint64_t seed) {
  EditProbes probes(world, seed);
  std::vector<LabEdit> edits;
  for (const MquakeCase& one : make_cases(world, kCasesPerEdit * count, seed)) {
    if (static_cast<std::int64_t>(edits.size()) >= count) break;
    if (one.hop_count() <= 3 && one.rewrites.size() == 1) edits.push_back(probes.make(one));
  }
  return edits;
}

}  // namespace kedit::lab
