#include "store/claims.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

namespace kedit {
namespace {

struct Freed {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string with_single_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string ascii_folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Parts with their length in front: no two lists of parts give the same key.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) key += fmt::format("{}:{}", part.size(), part);
  return key;
}

std::string about(const EditClaim& claim) {
  const std::string what = claim.prompt.empty()
                               ? fmt::format("\"{}\"", claim.subject)
                               : fmt::format("\"{}\" ({})", claim.subject, claim.prompt);
  return claim.relation.empty() ? what : fmt::format("{} {}", what, claim.relation);
}

}  // namespace

std::string_view to_string(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::same_key:
      return "same-key";
    case ConflictKind::path:
      return "path";
    case ConflictKind::similar_keys:
      return "similar-keys";
    case ConflictKind::repeated:
      return "repeated";
    default:
      return "same-subject";
  }
}

std::string_view grade_of(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::same_key:
    case ConflictKind::path:
      return "conflict";
    case ConflictKind::similar_keys:
    case ConflictKind::repeated:
      return "warning";
    default:
      return "note";
  }
}

std::string describe(const Conflict& conflict) {
  const EditClaim& first = conflict.claims.front();
  const EditClaim& last = conflict.claims.back();
  switch (conflict.kind) {
    case ConflictKind::same_key:
      return fmt::format("edit {} makes {} \"{}\", edit {} makes it \"{}\" (same subject and {})",
                         first.edit, about(first), first.target, last.edit, last.target,
                         conflict.matched);
    case ConflictKind::repeated:
      return fmt::format("edits {} and {} both make {} \"{}\": the change counts twice", first.edit,
                         last.edit, about(first), first.target);
    case ConflictKind::similar_keys:
      return fmt::format(
          "edits {} and {} answer to nearly the same key of {} (cosine {:.3f}): "
          "\"{}\" -> \"{}\" and \"{}\" -> \"{}\"",
          first.edit, last.edit, conflict.weight, conflict.cosine, first.subject, first.target,
          last.subject, last.target);
    case ConflictKind::path:
      return fmt::format(
          "{}, hop {}: its chain needs \"{}\" {} to stay \"{}\", edit {} makes it "
          "\"{}\"",
          conflict.chain, conflict.hop + 1, conflict.hop_claim.subject, conflict.hop_claim.relation,
          conflict.hop_claim.target, first.edit, first.target);
    default:
      return fmt::format("{} claims about different relations of \"{}\"", conflict.claims.size(),
                         first.subject);
  }
}

std::string normalised_name(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, Freed> owner(mapped);
  if (length < 0 || mapped == nullptr) return with_single_blanks(ascii_folded(text));
  return with_single_blanks(
      {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)});
}

// ---- Claims about the same thing -------------------------------------------------

ClaimIndex::Entry ClaimIndex::entry_of(EditClaim claim) {
  Entry entry;
  entry.subject = joined({claim.model, normalised_name(claim.subject)});
  if (!claim.relation.empty()) {
    entry.relation = joined({entry.subject, "relation", normalised_name(claim.relation)});
  }
  if (!claim.prompt.empty()) {
    entry.prompt = joined({entry.subject, "prompt", normalised_name(claim.prompt)});
  }
  entry.target = normalised_name(claim.target);
  entry.claim = std::move(claim);
  return entry;
}

void ClaimIndex::add(EditClaim claim) {
  Entry entry = entry_of(std::move(claim));
  const std::size_t place = claims_.size();
  if (!entry.relation.empty()) by_key_.emplace(entry.relation, place);
  if (!entry.prompt.empty()) by_key_.emplace(entry.prompt, place);
  by_edit_.emplace(entry.claim.edit, place);
  claims_.push_back(std::move(entry));
}

void ClaimIndex::remove(const std::string& edit) {
  const auto [begin, end] = by_edit_.equal_range(edit);
  for (auto place = begin; place != end; ++place) drop(place->second);
  by_edit_.erase(edit);
}

void ClaimIndex::drop(std::size_t place) {
  const Entry& entry = claims_[place];
  for (const std::string* key : {&entry.relation, &entry.prompt}) {
    const auto [begin, end] = by_key_.equal_range(*key);
    const auto found =
        std::find_if(begin, end, [&](const auto& listed) { return listed.second == place; });
    if (found != end) by_key_.erase(found);
  }
  claims_[place].live = false;
  ++removed_;
}

// Places of live claims, ascending.
std::vector<std::size_t> ClaimIndex::about_the_same(const Entry& entry) const {
  std::set<std::size_t> places;
  for (const std::string* key : {&entry.relation, &entry.prompt}) {
    if (key->empty()) continue;
    const auto [begin, end] = by_key_.equal_range(*key);
    for (auto place = begin; place != end; ++place) places.insert(place->second);
  }
  return {places.begin(), places.end()};
}

namespace {

bool names_same_target(const EditClaim& one, const std::string& normalised) {
  return std::any_of(
      one.target_aliases.begin(), one.target_aliases.end(),
      [&](const std::string& alias) { return normalised_name(alias) == normalised; });
}

}  // namespace

std::vector<Conflict> ClaimIndex::contradictions(const EditClaim& claim) const {
  const Entry entry = entry_of(claim);
  std::vector<Conflict> found;
  for (const std::size_t place : about_the_same(entry)) {
    const Entry& other = claims_[place];
    if (other.target == entry.target || names_same_target(claim, other.target) ||
        names_same_target(other.claim, entry.target)) {
      continue;
    }
    const bool by_relation = !entry.relation.empty() && entry.relation == other.relation;
    found.push_back(
        {ConflictKind::same_key, {other.claim, claim}, by_relation ? "relation" : "prompt"});
  }
  return found;
}

std::vector<Conflict> ClaimIndex::conflicts() const {
  std::vector<Conflict> found;
  // Latest claim with a key so far; then the subjects, for what has different keys.
  ClaimIndex latest;
  std::map<std::string, std::vector<std::size_t>> subjects;
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const Entry& entry = claims_[i];
    if (!entry.live) continue;
    const std::vector<std::size_t> earlier = latest.about_the_same(entry);
    if (earlier.empty()) {
      subjects[entry.subject].push_back(i);
    } else {
      std::vector<Conflict> contradicted = latest.contradictions(entry.claim);
      const Entry& last = latest.claims_[earlier.back()];
      if (contradicted.empty()) {
        const bool by_relation = !entry.relation.empty() && entry.relation == last.relation;
        contradicted.push_back({ConflictKind::repeated,
                                {last.claim, entry.claim},
                                by_relation ? "relation" : "prompt"});
      }
      found.push_back(std::move(contradicted.back()));
      for (const std::size_t place : earlier) latest.drop(place);
    }
    latest.add(entry.claim);
  }
  for (const auto& [subject, places] : subjects) {
    if (places.size() < 2) continue;
    Conflict group{ConflictKind::same_subject, {}};
    for (const std::size_t place : places) group.claims.push_back(claims_[place].claim);
    found.push_back(std::move(group));
  }
  return found;
}

}  // namespace kedit
