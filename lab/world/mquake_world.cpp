#include "lab/world/world.hpp"

#include <fmt/format.h>

#include <unordered_map>

namespace kedit::lab {
namespace {

class FileWorldMaker {
 public:
  explicit FileWorldMaker(std::vector<MquakeCase> cases) { world_.cases = std::move(cases); }

  World make() {
    for (const MquakeCase& c : world_.cases) note_edits(c);
    for (const MquakeCase& c : world_.cases) state_chain(c.triples, c.triples_labeled);
    for (const MquakeCase& c : world_.cases) state_old_objects(c);
    for (const MquakeCase& c : world_.cases) state_chain(c.new_triples, c.new_triples_labeled);
    for (const MquakeCase& c : world_.cases) count_texts(c);
    spell_texts();
    world_.build_index();
    return std::move(world_);
  }

 private:
  void note_edits(const MquakeCase& c);
  void state_chain(const std::vector<Triple>& ids, const std::vector<Triple>& labels);
  void state_old_objects(const MquakeCase& c);
  void state(const Triple& id, const std::string& subject, const std::string& object);
  void count_texts(const MquakeCase& c);
  void count_chain_texts(const std::vector<Hop>& hops, const std::vector<Triple>& ids,
                         const std::vector<Triple>& labels);
  void spell_texts();

  std::int32_t entity(const std::string& id, const std::string& label) {
    const auto [known, fresh] =
        entities_.emplace(id, static_cast<std::int32_t>(world_.entities.size()));
    if (fresh) world_.entities.push_back({id, "", label});
    return known->second;
  }
  std::int32_t relation(const std::string& id) {
    const auto [known, fresh] =
        relations_.emplace(id, static_cast<std::int32_t>(world_.relations.size()));
    if (fresh) world_.relations.push_back(id);
    return known->second;
  }

  using Counts = std::map<std::string, std::int64_t>;
  World world_;
  std::unordered_map<std::string, std::int32_t> entities_, relations_;
  std::set<Triple> edits_;
  std::set<std::pair<std::string, std::string>> told_;  ///< (subject label, relation)
  std::map<std::string, Counts> clozes_, questions_;    ///< relation -> template -> count
};

void FileWorldMaker::note_edits(const MquakeCase& c) {
  edits_.insert(c.edit_triples.begin(), c.edit_triples.end());
}

// Texts know entities by label only, so a label's slot is filled once even if two ids share it.
void FileWorldMaker::state(const Triple& id, const std::string& subject,
                           const std::string& object) {
  const std::int32_t s = entity(id.subject, subject);
  const std::int32_t o = entity(id.object, object);
  const std::int32_t r = relation(id.relation);
  if (edits_.count(id) != 0 || !told_.emplace(subject, id.relation).second) return;
  world_.facts.push_back({s, r, o});
}

void FileWorldMaker::state_chain(const std::vector<Triple>& ids,
                                 const std::vector<Triple>& labels) {
  for (std::size_t i = 0; i < ids.size(); ++i) state(ids[i], labels[i].subject, labels[i].object);
}

void FileWorldMaker::state_old_objects(const MquakeCase& c) {
  for (std::size_t i = 0; i < c.rewrites.size(); ++i) {
    const Rewrite& rewrite = c.rewrites[i];
    state({c.edit_triples[i].subject, rewrite.relation, rewrite.target_true_id}, rewrite.subject,
          rewrite.target_true);
  }
}

std::string template_of(const std::string& text, const std::string& subject) {
  std::string form = text;
  const std::size_t place = form.find(subject);
  if (place == std::string::npos) return {};
  return form.replace(place, subject.size(), "{}");
}

void FileWorldMaker::count_chain_texts(const std::vector<Hop>& hops, const std::vector<Triple>& ids,
                                       const std::vector<Triple>& labels) {
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const std::string cloze = template_of(hops[i].cloze, labels[i].subject);
    const std::string question = template_of(hops[i].question, labels[i].subject);
    if (!cloze.empty()) ++clozes_[ids[i].relation][cloze];
    if (!question.empty()) ++questions_[ids[i].relation][question];
  }
}

void FileWorldMaker::count_texts(const MquakeCase& c) {
  count_chain_texts(c.hops, c.triples, c.triples_labeled);
  count_chain_texts(c.new_hops, c.new_triples, c.new_triples_labeled);
}

// The file's most frequent spelling of base cloze and first question replaces the table's.
void FileWorldMaker::spell_texts() {
  const auto most_frequent = [](const Counts& counts, const std::string& otherwise) {
    std::string best = otherwise;
    std::int64_t most = 0;
    for (const auto& [text, count] : counts) {
      if (count > most) best = text;
      most = std::max(most, count);
    }
    return best;
  };
  for (const std::string& id : world_.relations) {
    RelationTemplates texts = templates_of(id);
    const std::string cloze = most_frequent(clozes_[id], texts.cloze);
    if (texts.verb_phrase == texts.cloze) texts.verb_phrase = cloze;
    texts.cloze = cloze;
    texts.questions[0] = most_frequent(questions_[id], texts.questions[0]);
    world_.texts.push_back(std::move(texts));
  }
}

void trim_questions(MquakeCase& c) {
  for (std::string& question : c.questions) {
    question.erase(question.find_last_not_of(" \t\r\n") + 1);
    question.erase(0, question.find_first_not_of(" \t\r\n"));
  }
}

}  // namespace

World world_from_mquake(const MquakeDataset& dataset, const std::vector<std::int64_t>& case_ids) {
  std::vector<MquakeCase> cases = select_cases(dataset, case_ids);
  if (cases.empty()) {
    throw DataError("making a world from " + dataset.name +
                    ": expected at least one case, found none");
  }
  for (MquakeCase& mquake_case : cases) trim_questions(mquake_case);
  World world = FileWorldMaker(std::move(cases)).make();
  world.source = fmt::format("{} ({} cases, {} to {})", dataset.name, case_ids.size(),
                             case_ids.front(), case_ids.back());
  return world;
}

}  // namespace kedit::lab
