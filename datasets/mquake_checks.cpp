#include "datasets/mquake_checks.hpp"

#include "json/short_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace kedit {
namespace {

[[noreturn]] void fail(const std::string& origin, const std::string& pointer,
                       const std::string& expected, const std::string& found) {
  throw DataError(fmt::format("reading {}: {}: expected {}, found {}", origin, pointer,
                              short_name(expected), short_name(found)));
}

std::string shown(const Triple& triple) {
  return fmt::format("[{}, {}, {}]", triple.subject, triple.relation, triple.object);
}

void check_equal(const std::string& origin, const std::string& pointer, const std::string& expected,
                 const std::string& found) {
  if (expected != found) fail(origin, pointer, "\"" + expected + "\"", "\"" + found + "\"");
}

void check_lengths(const MquakeCase& c, const std::string& origin) {
  const std::size_t hops = c.hops.size();
  if (hops == 0) fail(origin, "/single_hops", "at least one hop", "none");
  const std::pair<const char*, std::size_t> others[] = {
      {"/new_single_hops", c.new_hops.size()},
      {"/orig/triples", c.triples.size()},
      {"/orig/new_triples", c.new_triples.size()},
      {"/orig/triples_labeled", c.triples_labeled.size()},
      {"/orig/new_triples_labeled", c.new_triples_labeled.size()}};
  for (const auto& [pointer, size] : others) {
    if (size != hops) {
      fail(origin, pointer, fmt::format("{} hops as in /single_hops", hops), std::to_string(size));
    }
  }
}

void check_links(const std::vector<Triple>& chain, const std::string& origin, const char* pointer) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (chain[i].object != chain[i + 1].subject) {
      fail(origin, fmt::format("{}/{}", pointer, i + 1),
           "the subject \"" + chain[i].object + "\", where the hop before it ends",
           "\"" + chain[i + 1].subject + "\"");
    }
  }
}

void check_same_question(const MquakeCase& c, const std::string& origin) {
  check_equal(origin, "/orig/new_triples/0/0", c.triples[0].subject, c.new_triples[0].subject);
  for (std::size_t i = 0; i < c.triples.size(); ++i) {
    check_equal(origin, fmt::format("/orig/new_triples/{}/1", i), c.triples[i].relation,
                c.new_triples[i].relation);
  }
}

void check_rewrite(const MquakeCase& c, std::size_t i, const std::string& origin) {
  const Rewrite& rewrite = c.rewrites[i];
  const Triple& edit = c.edit_triples[i];
  const std::string at = fmt::format("/requested_rewrite/{}", i);
  const std::size_t slot = rewrite.prompt.find("{}");
  if (slot == std::string::npos || rewrite.prompt.find("{}", slot + 2) != std::string::npos) {
    fail(origin, at + "/prompt", "exactly one \"{}\"", "\"" + rewrite.prompt + "\"");
  }
  if (rewrite.subject.find("{}") != std::string::npos) {
    fail(origin, at + "/subject", "a name without \"{}\"", "\"" + rewrite.subject + "\"");
  }
  check_equal(origin, at + "/relation_id", edit.relation, rewrite.relation);
  check_equal(origin, at + "/target_new/id", edit.object, rewrite.target_new_id);
  if (rewrite.target_new_id == rewrite.target_true_id) {
    fail(origin, at + "/target_new/id", "another entity than target_true",
         "\"" + rewrite.target_new_id + "\" for both");
  }
  const auto on_chain = std::find(c.new_triples.begin(), c.new_triples.end(), edit);
  if (on_chain == c.new_triples.end()) {
    fail(origin, fmt::format("/orig/edit_triples/{}", i), "a triple of /orig/new_triples",
         shown(edit));
  }
  const Triple& labeled =
      c.new_triples_labeled[static_cast<std::size_t>(on_chain - c.new_triples.begin())];
  check_equal(origin, at + "/subject", labeled.subject, rewrite.subject);
  check_equal(origin, at + "/target_new/str", labeled.object, rewrite.target_new);
}

void check_rewrites(const MquakeCase& c, const std::string& origin) {
  if (c.rewrites.empty()) fail(origin, "/requested_rewrite", "at least one edit", "none");
  if (c.edit_triples.size() != c.rewrites.size()) {
    fail(origin, "/orig/edit_triples",
         fmt::format("{} triples as in /requested_rewrite", c.rewrites.size()),
         std::to_string(c.edit_triples.size()));
  }
  std::set<std::pair<std::string, std::string>> slots;
  for (std::size_t i = 0; i < c.rewrites.size(); ++i) {
    check_rewrite(c, i, origin);
    if (!slots.emplace(c.edit_triples[i].subject, c.edit_triples[i].relation).second) {
      fail(origin, fmt::format("/orig/edit_triples/{}", i), "every subject and relation once",
           shown(c.edit_triples[i]) + " again");
    }
  }
}

/// One label and one alias list per entity id over the whole file.
class EntityNames {
 public:
  void check_label(const std::string& id, const std::string& label, const std::string& origin,
                   const std::string& pointer) {
    const auto [known, fresh] = labels_.emplace(id, label);
    if (!fresh && known->second != label) {
      fail(origin, pointer, "\"" + known->second + "\", the label of " + id + " elsewhere",
           "\"" + label + "\"");
    }
  }
  void check_aliases(const std::string& id, const std::vector<std::string>& aliases,
                     const std::string& origin, const std::string& pointer) {
    const auto [known, fresh] = aliases_.emplace(id, &aliases);
    if (!fresh && *known->second != aliases) {
      fail(origin, pointer, "the aliases that " + id + " has elsewhere",
           std::to_string(aliases.size()) + " others");
    }
  }

 private:
  std::unordered_map<std::string, std::string> labels_;
  std::unordered_map<std::string, const std::vector<std::string>*> aliases_;
};

void check_mentions(const std::string& text, const std::string& label, const std::string& origin,
                    const std::string& pointer) {
  if (text.find(label) == std::string::npos) {
    fail(origin, pointer, "a text that names \"" + label + "\"", "\"" + text + "\"");
  }
}

void check_hop_labels(const std::vector<Hop>& hops, const std::vector<Triple>& ids,
                      const std::vector<Triple>& labels, const std::string& origin,
                      const std::string& prefix, EntityNames& names) {
  check_links(labels, origin, ("/orig/" + prefix + "triples_labeled").c_str());
  for (std::size_t i = 0; i < hops.size(); ++i) {
    const std::string hop = fmt::format("/{}single_hops/{}", prefix, i);
    const std::string labeled = fmt::format("/orig/{}triples_labeled/{}", prefix, i);
    names.check_label(ids[i].subject, labels[i].subject, origin, labeled + "/0");
    names.check_label(ids[i].object, labels[i].object, origin, labeled + "/2");
    names.check_aliases(ids[i].object, hops[i].gold.aliases, origin, hop + "/answer_alias");
    check_equal(origin, hop + "/answer", labels[i].object, hops[i].gold.answer);
    check_mentions(hops[i].cloze, labels[i].subject, origin, hop + "/cloze");
    check_mentions(hops[i].question, labels[i].subject, origin, hop + "/question");
  }
}

void check_final(const Gold& final, const Gold& last_hop, const std::string& origin,
                 const std::string& prefix) {
  check_equal(origin, "/" + prefix + "answer", last_hop.answer, final.answer);
  if (final.aliases != last_hop.aliases) {
    fail(origin, "/" + prefix + "answer_alias", "the aliases of the last hop",
         std::to_string(final.aliases.size()) + " others");
  }
}

}  // namespace

void check_structure(const MquakeCase& c, const std::string& origin) {
  check_lengths(c, origin);
  check_links(c.triples, origin, "/orig/triples");
  check_links(c.new_triples, origin, "/orig/new_triples");
  check_same_question(c, origin);
  check_rewrites(c, origin);
}

void check_labels(const std::vector<MquakeCase>& cases, const std::string& file) {
  EntityNames names;
  for (const MquakeCase& c : cases) {
    const std::string origin = fmt::format("{}: case {}", file, c.case_id);
    check_hop_labels(c.hops, c.triples, c.triples_labeled, origin, "", names);
    check_hop_labels(c.new_hops, c.new_triples, c.new_triples_labeled, origin, "new_", names);
    check_final(c.pre, c.hops.back().gold, origin, "");
    check_final(c.post, c.new_hops.back().gold, origin, "new_");
    for (std::size_t i = 0; i < c.questions.size(); ++i) {
      check_mentions(c.questions[i], c.triples_labeled[0].subject, origin,
                     fmt::format("/questions/{}", i));
    }
    for (std::size_t i = 0; i < c.rewrites.size(); ++i) {
      const std::string at = fmt::format("/requested_rewrite/{}/target_true/str", i);
      names.check_label(c.rewrites[i].target_true_id, c.rewrites[i].target_true, origin, at);
    }
  }
}

}  // namespace kedit
