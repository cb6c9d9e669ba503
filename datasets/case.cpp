#include "datasets/case.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kedit {
namespace {

constexpr std::array<std::pair<PromptKind, const char*>, 10> kKinds = {{
    {PromptKind::edit, "edit"},
    {PromptKind::hop_cloze, "hop_cloze"},
    {PromptKind::hop_question, "hop_question"},
    {PromptKind::old_hop_cloze, "old_hop_cloze"},
    {PromptKind::old_hop_question, "old_hop_question"},
    {PromptKind::question, "question"},
    {PromptKind::rewrite, "rewrite"},
    {PromptKind::paraphrase, "paraphrase"},
    {PromptKind::locality, "locality"},
    {PromptKind::generation, "generation"},
}};

// What answered before the edits answers after them as well; further answers count on both sides.
Gold both_sides(const Gold& old) {
  Gold gold{old.answer, old.aliases, {}};
  gold.aliases.insert(gold.aliases.end(), old.further.begin(), old.further.end());
  return gold;
}

}  // namespace

const char* to_string(PromptKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "?";
}

bool parse_prompt_kind(std::string_view name, PromptKind* kind) {
  for (const auto& [known, text] : kKinds) {
    if (name != text) continue;
    *kind = known;
    return true;
  }
  return false;
}

std::int64_t Case::count(PromptKind kind) const {
  return std::count_if(prompts.begin(), prompts.end(),
                       [&](const Prompt& one) { return one.kind == kind; });
}

const Prompt* Case::find(PromptKind kind, std::int64_t place) const {
  const auto found = std::find_if(prompts.begin(), prompts.end(), [&](const Prompt& one) {
    return one.kind == kind && one.place == place;
  });
  return found == prompts.end() ? nullptr : &*found;
}

bool is_edited_hop(const Case& one, std::size_t hop) {
  return hop < one.after.size() && std::find(one.edit_triples.begin(), one.edit_triples.end(),
                                             one.after[hop].ids) != one.edit_triples.end();
}

Case as_unedited(Case one) {
  std::vector<Prompt> kept;
  for (Prompt& prompt : one.prompts) {
    switch (prompt.kind) {
      case PromptKind::question:
        prompt.gold = both_sides(prompt.old);
        kept.push_back(std::move(prompt));
        break;
      case PromptKind::old_hop_cloze:
      case PromptKind::old_hop_question: {
        Prompt now = prompt;
        now.kind = prompt.kind == PromptKind::old_hop_cloze ? PromptKind::hop_cloze
                                                            : PromptKind::hop_question;
        kept.push_back(std::move(now));
        kept.push_back(std::move(prompt));
        break;
      }
      default:
        break;  // about edits, or about what they make of the chain
    }
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Prompt& a, const Prompt& b) { return a.kind < b.kind; });
  one.prompts = std::move(kept);
  one.edits.clear();
  one.edit_triples.clear();
  one.after = one.before;
  return one;
}

}  // namespace kedit
