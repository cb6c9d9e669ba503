// Detectors that look at questions and labels, not at the pool of edits.
#include "datasets/mquake_checks.hpp"
#include "eval/audit/audit.hpp"
#include "eval/metrics/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace kedit::audit {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::int64_t place(std::size_t index) { return static_cast<std::int64_t>(index); }

// Labels of the edited chain that the old chain does not have, without the final answer.
std::vector<std::string> new_intermediates(const MquakeCase& one) {
  std::set<std::string> old;
  for (const Triple& hop : one.triples_labeled) old.insert(hop.object);
  std::vector<std::string> fresh;
  for (std::size_t i = 0; i + 1 < one.new_triples_labeled.size(); ++i) {
    const std::string& label = one.new_triples_labeled[i].object;
    if (old.count(label) == 0) fresh.push_back(label);
  }
  return fresh;
}

std::string path_of(const MquakeCase& one) {
  std::string path = one.triples.empty() ? "" : one.triples.front().subject;
  for (const Triple& hop : one.triples) path += " " + hop.relation;
  return path;
}

// The start and the objects before the last one; a chain that comes back to one of them gives its
// answer away, or was built on a wrong label.
bool answer_stands_earlier(const std::vector<Triple>& chain) {
  if (chain.empty()) return false;
  const std::string& answer = chain.back().object;
  return std::any_of(chain.begin(), chain.end(),
                     [&](const Triple& hop) { return hop.subject == answer; });
}

// Words that a question about a relation uses, as parts of lower-case words. P1308 ("The {} is")
// has none. Our own list: what it flags is to be read by a person.
const std::map<std::string, std::vector<std::string>>& cue_lexicon() {
  static const std::map<std::string, std::vector<std::string>> lexicon = {
      {"P6", {"head of", "government", "prime minister", "leader", "mayor"}},
      {"P19", {"born", "birth", "native", "come into the world"}},
      {"P20", {"die", "death", "passed away", "dead", "deceased"}},
      {"P26", {"spouse", "married", "wife", "husband", "partner"}},
      {"P27", {"citizen", "national", "country", "from"}},
      {"P30", {"continent"}},
      {"P35", {"head of state", "head", "president", "monarch", "leader"}},
      {"P36", {"capital", "seat of government"}},
      {"P37", {"language", "spoken", "speak"}},
      {"P40", {"child", "son", "daughter", "offspring", "parent"}},
      {"P50", {"author", "writ", "wrote", "novel", "book"}},
      {"P69", {"educat", "universit", "school", "alma mater", "stud", "attend"}},
      {"P106", {"occupation", "work", "profession", "job", "field", "kind of"}},
      {"P108", {"employ", "work", "company", "organi"}},
      {"P112", {"found", "establish", "creat", "start"}},
      {"P136", {"genre", "type of music", "kind of music", "style", "music"}},
      {"P140", {"religio", "faith", "belief", "worship", "affiliat"}},
      {"P159", {"headquarter", "based", "head office", "located"}},
      {"P169", {"chief executive", "ceo", "executive", "lead", "head"}},
      {"P170", {"creat", "made", "invent", "design"}},
      {"P175", {"perform", "sing", "sung", "artist", "band", "singer"}},
      {"P176", {"produc", "manufactur", "made", "make", "maker", "compan"}},
      {"P178", {"develop", "creat", "made", "program"}},
      {"P286", {"coach", "manag", "train"}},
      {"P407", {"language", "written in", "spoken"}},
      {"P413", {"position", "play as", "role"}},
      {"P449", {"broadcast", "air", "network", "channel"}},
      {"P488", {"chair", "president", "head", "lead"}},
      {"P495", {"origin", "country", "nation", "come from", "created in", "from"}},
      {"P641", {"sport", "athlet", "game"}},
      {"P740", {"found", "form", "establish", "origin", "start"}},
      {"P800", {"famous", "notable", "known for", "renowned", "work"}},
      {"P937", {"work", "employ", "career"}},
      {"P1037", {"direct", "manag", "head", "lead"}},
      {"P1412", {"language", "speak", "spoke", "fluent"}},
  };
  return lexicon;
}

bool hints_at(const std::string& lower_question, const std::string& relation) {
  const std::vector<std::string>& cues = relation_cues(relation);
  return cues.empty() || std::any_of(cues.begin(), cues.end(), [&](const std::string& cue) {
           return contains(lower_question, cue);
         });
}

}  // namespace

const std::vector<std::string>& relation_cues(const std::string& relation) {
  static const std::vector<std::string> none;
  const auto found = cue_lexicon().find(relation);
  return found == cue_lexicon().end() ? none : found->second;
}

std::vector<QuestionFinding> find_leaks(const std::vector<MquakeCase>& cases) {
  std::vector<QuestionFinding> leaks;
  for (const MquakeCase& one : cases) {
    const std::vector<std::string> fresh = new_intermediates(one);
    for (std::size_t i = 0; i < one.questions.size(); ++i) {
      const std::string& question = one.questions[i];
      if (contains(question, one.post.answer)) {
        leaks.push_back({one.case_id, place(i), "new answer", one.post.answer});
      }
      for (const std::string& label : fresh) {
        if (!contains(question, label)) continue;
        leaks.push_back({one.case_id, place(i), "new intermediate", label});
        break;
      }
    }
  }
  return leaks;
}

std::vector<QuestionFinding> find_missing_starts(const std::vector<MquakeCase>& cases) {
  std::vector<QuestionFinding> missing;
  for (const MquakeCase& one : cases) {
    const std::string& start = one.triples_labeled.front().subject;
    for (std::size_t i = 0; i < one.questions.size(); ++i) {
      if (contains(one.questions[i], start)) continue;
      missing.push_back({one.case_id, place(i), "start", start});
    }
  }
  return missing;
}

std::vector<QuestionFinding> find_missing_cues(const std::vector<MquakeCase>& cases) {
  std::vector<QuestionFinding> missing;
  for (const MquakeCase& one : cases) {
    for (std::size_t i = 0; i < one.questions.size(); ++i) {
      const std::string question = tokenizer::lower_case(one.questions[i]);
      for (const Triple& hop : one.triples) {
        if (hints_at(question, hop.relation)) continue;
        missing.push_back({one.case_id, place(i), "cue", hop.relation});
      }
    }
  }
  return missing;
}

std::vector<QuestionFinding> find_shared_questions(const std::vector<MquakeCase>& cases) {
  std::unordered_map<std::string, std::set<std::string>> paths;
  for (const MquakeCase& one : cases) {
    for (const std::string& question : one.questions) paths[question].insert(path_of(one));
  }
  std::vector<QuestionFinding> shared;
  for (const MquakeCase& one : cases) {
    for (std::size_t i = 0; i < one.questions.size(); ++i) {
      if (paths[one.questions[i]].size() < 2) continue;
      shared.push_back({one.case_id, place(i), "shared question", one.questions[i]});
    }
  }
  return shared;
}

std::vector<LabelDefect> find_label_defects(const std::vector<MquakeCase>& cases) {
  std::vector<LabelDefect> defects;
  for (const MquakeCase& one : cases) {
    try {
      check_labels({one}, "case");
    } catch (const DataError& error) {
      defects.push_back({one.case_id, error.what()});
    }
    if (answer_stands_earlier(one.triples_labeled)) {
      defects.push_back({one.case_id, "the old answer stands earlier in its own chain"});
    }
    if (answer_stands_earlier(one.new_triples_labeled)) {
      defects.push_back({one.case_id, "the new answer stands earlier in its own chain"});
    }
  }
  return defects;
}

std::vector<AmbiguousGold> find_ambiguous(const std::vector<MquakeCase>& cases) {
  std::vector<AmbiguousGold> found;
  for (const MquakeCase& one : cases) {
    std::set<std::string> before(one.pre.aliases.begin(), one.pre.aliases.end());
    before.insert(one.answer_extended.begin(), one.answer_extended.end());
    before.insert(one.pre.answer);
    std::set<std::string> shared;
    if (before.count(one.post.answer) > 0) shared.insert(one.post.answer);
    for (const std::string& alias : one.post.aliases) {
      if (before.count(alias) > 0) shared.insert(alias);
    }
    if (!shared.empty()) found.push_back({one.case_id, {shared.begin(), shared.end()}});
  }
  return found;
}

}  // namespace kedit::audit
