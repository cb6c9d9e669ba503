#include "eval/audit/audit.hpp"

#include "eval/protocol/contamination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace kedit::audit {
namespace {

using CasePointers = std::vector<const Case*>;
using CasesById = std::unordered_map<std::int64_t, const Case*>;
using Records = std::vector<const MquakeCase*>;

CasesById by_id(const std::vector<Case>& cases) {
  CasesById found;
  for (const Case& one : cases) found.emplace(one.id, &one);
  return found;
}

std::vector<std::int64_t> ids_of(const std::vector<Case>& cases) {
  std::vector<std::int64_t> ids;
  for (const Case& one : cases) ids.push_back(one.id);
  return ids;
}

// The unedited case, on its chain before the edits: a view with no copy of golds would save
// nothing.
bool hits_old_chain(const Case& one, const protocol::EditPool& pool) {
  return std::any_of(one.before.begin(), one.before.end(), [&](const Link& hop) {
    const auto found = pool.find({hop.ids.subject, hop.ids.relation});
    return found != pool.end() && found->second.count(hop.ids.object) == 0;
  });
}

void audit_group(const CasePointers& active, ContaminationAudit& audit) {
  const protocol::EditPool pool = protocol::edit_pool(active);
  const protocol::LabelPool labels = protocol::label_pool(active);
  for (const Case* one : active) {
    const std::vector<std::int64_t> hops = protocol::contradicted_hops(*one, pool);
    if (protocol::contaminated_by_label(*one, labels)) audit.by_label.cases.push_back(one->id);
    if (hops.empty()) continue;
    audit.intra.cases.push_back(one->id);
    audit.hops += static_cast<std::int64_t>(hops.size());
    for (const std::int64_t hop : hops) {
      if (is_edited_hop(*one, static_cast<std::size_t>(hop))) ++audit.edited_hops;
    }
    ++audit.by_hops[one->hop_count()];
    ++audit.by_edits[static_cast<std::int64_t>(one->edits.size())];
  }
}

void sort_lists(ContaminationAudit& audit) {
  for (CaseList* list : {&audit.intra, &audit.inter, &audit.by_label}) {
    std::sort(list->cases.begin(), list->cases.end());
  }
}

struct SlotUse {
  std::set<std::string> objects;
  std::set<std::int64_t> cases;
};
using Slots = std::map<std::pair<std::string, std::string>, SlotUse>;

void add_conflicts(const Slots& slots, const char* level, std::vector<EditConflict>& conflicts) {
  for (const auto& [slot, use] : slots) {
    if (use.objects.size() < 2) continue;
    conflicts.push_back({level,
                         slot.first,
                         slot.second,
                         {use.objects.begin(), use.objects.end()},
                         {use.cases.begin(), use.cases.end()}});
  }
}

// Edits that are active together and want different objects for one (subject, relation).
std::vector<EditConflict> find_conflicts(const std::vector<CasePointers>& groups) {
  std::vector<EditConflict> conflicts;
  for (const CasePointers& group : groups) {
    Slots ids, labels;
    for (const Case* one : group) {
      for (std::size_t i = 0; i < one->edits.size(); ++i) {
        const Triple& edit = one->edit_triples[i];
        const EditRequest& request = one->edits[i];
        SlotUse& by_number = ids[{edit.subject, edit.relation}];
        by_number.objects.insert(edit.object);
        by_number.cases.insert(one->id);
        SlotUse& by_name = labels[{request.subject, request.relation}];
        by_name.objects.insert(request.target_new);
        by_name.cases.insert(one->id);
      }
    }
    add_conflicts(ids, "id", conflicts);
    add_conflicts(labels, "label", conflicts);
  }
  return conflicts;
}

std::string chain_key(const std::vector<Triple>& chain) {
  std::string key;
  for (const Triple& hop : chain) {
    key += fmt::format("{} {} {};", hop.subject, hop.relation, hop.object);
  }
  return key;
}

std::string path_key(const MquakeCase& one) {
  std::string key = one.triples.empty() ? "" : one.triples[0].subject;
  for (const Triple& hop : one.triples) key += " " + hop.relation;
  return key;
}

std::vector<std::string> common_questions(const Records& members) {
  std::vector<std::string> common;
  for (const std::string& question : members.front()->questions) {
    const bool everywhere = std::all_of(members.begin(), members.end(), [&](const MquakeCase* one) {
      return std::count(one->questions.begin(), one->questions.end(), question) > 0;
    });
    if (everywhere) common.push_back(question);
  }
  return common;
}

template <class Key>
std::vector<DuplicateCases> cases_alike(const std::vector<MquakeCase>& cases, Key key) {
  std::map<std::string, Records> by_key;
  std::vector<std::string> order;
  for (const MquakeCase& one : cases) {
    Records& members = by_key[key(one)];
    if (members.empty()) order.push_back(key(one));
    members.push_back(&one);
  }
  std::vector<DuplicateCases> found;
  for (const std::string& name : order) {
    const Records& members = by_key[name];
    if (members.size() < 2) continue;
    DuplicateCases alike;
    for (const MquakeCase* one : members) alike.cases.push_back(one->case_id);
    alike.shared_questions = common_questions(members);
    found.push_back(std::move(alike));
  }
  return found;
}

std::vector<DuplicateCases> find_same_paths(const std::vector<MquakeCase>& cases,
                                            const std::vector<DuplicateCases>& duplicates) {
  std::set<std::vector<std::int64_t>> known;
  for (const DuplicateCases& one : duplicates) known.insert(one.cases);
  std::vector<DuplicateCases> alike = cases_alike(cases, path_key);
  alike.erase(std::remove_if(alike.begin(), alike.end(),
                             [&](const DuplicateCases& one) { return known.count(one.cases) > 0; }),
              alike.end());
  return alike;
}

void count_edits(const std::vector<CasePointers>& groups, Audit& audit) {
  std::set<std::string> distinct;
  for (const CasePointers& group : groups) {
    for (const Case* one : group) {
      audit.edit_occurrences += static_cast<std::int64_t>(one->edit_triples.size());
      for (const Triple& edit : one->edit_triples) distinct.insert(chain_key({edit}));
    }
  }
  audit.distinct_edits = static_cast<std::int64_t>(distinct.size());
}

std::vector<CasePointers> pointers_of(const std::vector<std::vector<std::int64_t>>& groups,
                                      const CasesById& known) {
  std::vector<CasePointers> found;
  for (const auto& ids : groups) {
    found.emplace_back();
    for (const std::int64_t id : ids) found.back().push_back(known.at(id));
  }
  return found;
}

Json ids_json(const std::vector<std::int64_t>& ids) { return Json(ids); }

Json counts_json(const std::map<std::int64_t, std::int64_t>& counts) {
  Json out = Json::object();
  for (const auto& [number, cases] : counts) out[std::to_string(number)] = cases;
  return out;
}

Json contamination_json(const ContaminationAudit& audit) {
  return {{"cases", ids_json(audit.intra.cases)},
          {"count", audit.intra.count()},
          {"hops", audit.hops},
          {"edited_hops", audit.edited_hops},
          {"by_hops", counts_json(audit.by_hops)},
          {"by_edits", counts_json(audit.by_edits)},
          {"by_label", audit.by_label.count()},
          {"unedited_cases", ids_json(audit.inter.cases)},
          {"unedited_count", audit.inter.count()}};
}

Json conflicts_json(const std::vector<EditConflict>& conflicts) {
  Json list = Json::array();
  for (const EditConflict& one : conflicts) {
    list.push_back({{"level", one.level},
                    {"subject", one.subject},
                    {"relation", one.relation},
                    {"objects", one.objects},
                    {"cases", ids_json(one.cases)}});
  }
  return list;
}

Json alike_json(const std::vector<DuplicateCases>& alike) {
  Json list = Json::array();
  for (const DuplicateCases& one : alike) {
    list.push_back({{"cases", ids_json(one.cases)}, {"questions", one.shared_questions}});
  }
  return list;
}

Json findings_json(const std::vector<QuestionFinding>& findings) {
  Json list = Json::array();
  for (const QuestionFinding& one : findings) {
    list.push_back({{"case_id", one.case_id},
                    {"question", one.question},
                    {"kind", one.kind},
                    {"detail", one.detail}});
  }
  return list;
}

// One entry per hop would be a book; what screens are counts and cases.
Json cues_json(const std::vector<QuestionFinding>& cues) {
  std::set<std::pair<std::int64_t, std::int64_t>> questions;
  std::set<std::int64_t> cases;
  std::map<std::string, std::int64_t> relations;
  for (const QuestionFinding& one : cues) {
    questions.emplace(one.case_id, one.question);
    cases.insert(one.case_id);
    ++relations[one.detail];
  }
  return {{"questions", questions.size()},
          {"cases", std::vector<std::int64_t>(cases.begin(), cases.end())},
          {"count", cases.size()},
          {"by_relation", relations}};
}

}  // namespace

Audit audit_dataset(const MquakeDataset& dataset, const protocol::GroupingProtocol& protocol) {
  const std::vector<Case> cases = cases_of(dataset.cases);
  const CasesById known = by_id(cases);
  const std::vector<std::int64_t> ids = ids_of(cases);
  const auto groups = protocol::group_cases(ids, protocol);
  const std::vector<CasePointers> active = pointers_of(groups, known);
  Audit audit;
  audit.cases = static_cast<std::int64_t>(dataset.cases.size());
  audit.groups = static_cast<std::int64_t>(groups.size());
  audit.groups_sha256 = protocol::grouping_hash(groups);
  for (const CasePointers& group : active) {
    audit.edited_cases += static_cast<std::int64_t>(group.size());
    audit_group(group, audit.contamination);
  }
  count_edits(active, audit);
  const std::vector<std::int64_t> rest = protocol::unedited_cases(ids, protocol);
  audit.unedited_cases = static_cast<std::int64_t>(rest.size());
  if (!rest.empty()) {
    const protocol::EditPool pool = protocol::edit_pool(active.front());
    for (const std::int64_t id : rest) {
      if (hits_old_chain(*known.at(id), pool)) audit.contamination.inter.cases.push_back(id);
    }
  }
  sort_lists(audit.contamination);
  audit.edit_conflicts = find_conflicts(active);
  audit.duplicates = cases_alike(dataset.cases, [](const MquakeCase& one) {
    return chain_key(one.triples) + "|" + chain_key(one.new_triples);
  });
  audit.same_paths = find_same_paths(dataset.cases, audit.duplicates);
  audit.leaks = find_leaks(dataset.cases);
  audit.missing_start = find_missing_starts(dataset.cases);
  audit.missing_cues = find_missing_cues(dataset.cases);
  audit.shared_questions = find_shared_questions(dataset.cases);
  audit.label_defects = find_label_defects(dataset.cases);
  audit.ambiguous = find_ambiguous(dataset.cases);
  return audit;
}

const std::vector<AuditDetector>& audit_detectors() {
  static const std::vector<AuditDetector> list = {
      {"contaminated",
       "an active edit of another case gives a hop of the expected chain another object, so that "
       "the expected answer is not reachable"},
      {"edit_conflicts", "two active edits want different objects for one subject and relation"},
      {"duplicates", "cases with the same chains before and after the edits"},
      {"same_paths", "cases with the same start and relations, but other chains"},
      {"leaks",
       "a question contains the new answer or an intermediate that only the edited chain has, as "
       "part of any word"},
      {"missing_info",
       "a question without its start, without a hint at some hop's relation (a screening list), or "
       "asked word by word by a case of another path"},
      {"label_defects",
       "labels, answers and aliases of a record disagree, or the final answer stands earlier in "
       "its own chain"},
      {"ambiguous", "a gold string counts as right both before and after the edits"},
  };
  return list;
}

Json to_json(const Audit& audit, const MquakeDataset& dataset,
             const protocol::GroupingProtocol& protocol) {
  Json defects = Json::array();
  for (const LabelDefect& one : audit.label_defects) {
    defects.push_back({{"case_id", one.case_id}, {"what", one.what}});
  }
  Json ambiguous = Json::array();
  for (const AmbiguousGold& one : audit.ambiguous) {
    ambiguous.push_back({{"case_id", one.case_id}, {"golds", one.shared}});
  }
  const std::int64_t size = protocol.group_size;
  return {{"dataset",
           {{"name", dataset.name},
            {"sha256", dataset.sha256},
            {"content_sha256", dataset.content_sha256}}},
          {"protocol",
           {{"grouping", to_string(protocol.grouping)},
            {"group_size", size == 0 ? Json("all") : Json(size)},
            {"seed", protocol.seed},
            {"groups", audit.groups},
            {"groups_sha256", audit.groups_sha256},
            {"edited_cases", audit.edited_cases},
            {"unedited_cases", audit.unedited_cases}}},
          {"cases", audit.cases},
          {"edits", {{"distinct", audit.distinct_edits}, {"occurrences", audit.edit_occurrences}}},
          {"contaminated", contamination_json(audit.contamination)},
          {"edit_conflicts", conflicts_json(audit.edit_conflicts)},
          {"duplicates", alike_json(audit.duplicates)},
          {"same_paths", alike_json(audit.same_paths)},
          {"label_defects", defects},
          {"leaks", findings_json(audit.leaks)},
          {"missing_info",
           {{"start", findings_json(audit.missing_start)},
            {"cues", cues_json(audit.missing_cues)},
            {"shared_questions", findings_json(audit.shared_questions)}}},
          {"ambiguous", ambiguous}};
}

}  // namespace kedit::audit
