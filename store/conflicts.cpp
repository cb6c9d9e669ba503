// What edits claim, and where claims and keys of live edits stand in each other's way.
#include "edits/request_json.hpp"
#include "json/json.hpp"
#include "store/edit_rows.hpp"
#include "store/merge_plan.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace kedit {
namespace {

EditRequest read_body(const std::string& edit, const std::string& body) {
  const std::string origin = "the store: edit " + edit + ": request";
  try {
    const Json json = parse_json(body, origin);
    return request_from_json(JsonView(json, origin));
  } catch (const JsonError& error) {
    throw StoreError(StoreError::Kind::corrupt,
                     fmt::format("{}; run kedit store verify", error.what()));
  }
}

EditClaim claim_of(const std::string& edit, const std::string& model, const RequestRow& row) {
  EditClaim claim{edit, model, row.id, row.subject, "", row.prompt, row.target_new};
  if (!row.has_body) return claim;
  EditRequest request = read_body(edit, row.body);
  claim.relation = std::move(request.relation);
  claim.target_aliases = std::move(request.target_new_aliases);
  return claim;
}

EditClaim claim_of(const std::string& edit, const std::string& model, const Fact& fact) {
  EditClaim claim{edit, model, "", fact.subject, fact.relation, "", fact.object};
  // Without a relation the sentence up to its object is what can be compared.
  const std::size_t object = fact.sentence.rfind(fact.object);
  if (fact.relation.empty() && object != std::string::npos) {
    claim.prompt = fact.sentence.substr(0, object);
  }
  return claim;
}

// ---- Similar keys ------------------------------------------------------------

struct Key {
  std::string edit;
  at::Tensor direction;  // [d_in] f32, length one
};

// Rank-one updates' key directions of one weight of one model.
using KeysOfWeights = std::map<std::pair<std::string, std::string>, std::vector<Key>>;

// W is [in, out] for "in-out": the key is the left factor; else it is the right one.
std::optional<at::Tensor> key_direction(const WeightUpdate& update,
                                        const std::string& orientation) {
  const auto* factors = std::get_if<LowRank>(&update.update);
  const at::Tensor side = orientation == "in-out" ? factors->left : factors->right;
  const at::Tensor flat = side.flatten().to(at::kFloat);
  const double length = flat.norm().item<double>();
  if (length == 0.0) return std::nullopt;
  return flat / length;
}

void collect_keys(const EditDelta& delta, const std::string& edit, const std::string& orientation,
                  KeysOfWeights& keys, ConflictReport& report) {
  for (const WeightUpdate& update : delta.updates) {
    if (!std::holds_alternative<LowRank>(update.update) || update.rank() != 1) continue;
    if (orientation.empty()) {
      ++report.unknown_orientation;
      continue;
    }
    if (auto direction = key_direction(update, orientation)) {
      keys[{delta.base_fingerprint, update.weight}].push_back({edit, *std::move(direction)});
      ++report.rank_one_updates;
    }
  }
}

// Calls `found(i, j, cosine)` for i < j whose keys are similar. Blocks of rows keep the products of
// 10,000 keys within memory.
template <typename Found>
void for_similar_pairs(const std::vector<Key>& keys, double similarity, const Found& found) {
  constexpr std::int64_t kBlock = 512;
  std::vector<at::Tensor> rows;
  for (const Key& key : keys) rows.push_back(key.direction);
  const at::Tensor all = at::stack(rows);  // [keys, d_in]
  const std::int64_t count = all.size(0);
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, count);
    const at::Tensor cosines = at::matmul(all.slice(0, begin, end), all.slice(0, begin).t());
    const at::Tensor places = (cosines >= similarity).nonzero();  // [hits, 2]
    for (std::int64_t hit = 0; hit < places.size(0); ++hit) {
      const auto i = begin + places[hit][0].item<std::int64_t>();
      const auto j = begin + places[hit][1].item<std::int64_t>();
      if (i >= j) continue;
      found(static_cast<std::size_t>(i), static_cast<std::size_t>(j),
            cosines[i - begin][j - begin].item<double>());
    }
  }
}

// Which edits may meet: all, or one of ours with one of theirs.
struct Meeting {
  bool across = false;
  std::set<std::string> ours, theirs;

  bool counts(const std::vector<EditClaim>& claims) const {
    if (!across) return true;
    const auto any_of = [&](const std::set<std::string>& side) {
      return std::any_of(claims.begin(), claims.end(),
                         [&](const EditClaim& claim) { return side.contains(claim.edit); });
    };
    return any_of(ours) && any_of(theirs);
  }
};

void add_similar_keys(const KeysOfWeights& keys,
                      const std::map<std::string, EditClaim>& first_claim, double similarity,
                      const Meeting& meeting, std::vector<Conflict>& conflicts) {
  const auto claim_of_edit = [&](const std::string& edit, const std::string& model) {
    const auto found = first_claim.find(edit);
    return found != first_claim.end() ? found->second : EditClaim{edit, model, "", "", "", "", ""};
  };
  for (const auto& [place, of_weight] : keys) {
    const auto& [model, weight] = place;
    for_similar_pairs(of_weight, similarity, [&](std::size_t i, std::size_t j, double cosine) {
      if (of_weight[i].edit == of_weight[j].edit) return;
      Conflict conflict{
          ConflictKind::similar_keys,
          {claim_of_edit(of_weight[i].edit, model), claim_of_edit(of_weight[j].edit, model)}};
      if (!meeting.counts(conflict.claims)) return;
      conflict.weight = weight;
      conflict.cosine = cosine;
      conflicts.push_back(std::move(conflict));
    });
  }
}

}  // namespace

std::vector<EditClaim> claims_of(const std::string& edit, const EditContent& content) {
  std::vector<EditClaim> claims;
  for (const RequestRow& row : content.requests) {
    if (!row.subject.empty()) claims.push_back(claim_of(edit, content.model, row));
  }
  if (!claims.empty()) return claims;
  for (const Fact& fact : content.facts) claims.push_back(claim_of(edit, content.model, fact));
  return claims;
}

std::vector<EditClaim> read_claims(Connection& db, const std::vector<std::string>& edits) {
  std::vector<EditClaim> all;
  for (const std::string& edit : edits) {
    std::vector<EditClaim> claims = claims_of(edit, read_content(db, edit, Factors::leave));
    std::move(claims.begin(), claims.end(), std::back_inserter(all));
  }
  return all;
}

bool Store::Impl::knows_live_claims(const Branch& branch) const {
  return live_claims && live_claims->branch == branch.key && live_claims->head == branch.head;
}

LiveClaims Store::Impl::take_live_claims(const Branch& branch) {
  if (knows_live_claims(branch)) {
    LiveClaims known = *std::move(live_claims);
    live_claims.reset();
    return known;
  }
  live_claims.reset();
  LiveClaims live{branch.key, branch.head, {}};
  for (EditClaim& claim : read_claims(db, live_of(read_list(db, branch.key)))) {
    live.claims.add(std::move(claim));
  }
  return live;
}

void Store::Impl::require_agreement(const LiveClaims& live, const EditClaim& claim,
                                    const std::string& branch) const {
  const std::vector<Conflict> found = live.claims.contradictions(claim);
  if (found.empty()) return;
  const EditClaim& other = found.front().claims.front();
  refuse(
      StoreError::Kind::conflict,
      fmt::format("\"{}\" ({}) -> \"{}\" contradicts edit {} of branch {}, which makes it \"{}\" "
                  "(same subject and {}); revert that one first (kedit store revert {}), or "
                  "give --allow-conflict",
                  claim.subject, claim.prompt.empty() ? claim.relation : claim.prompt, claim.target,
                  other.edit, branch, other.target, found.front().matched, other.edit));
}

std::vector<EditClaim> Store::claims(const std::string& branch) const {
  Connection& db = impl_->db;
  db.begin_act("reading what the branch claims");
  const Transaction snapshot(db, Transaction::Kind::read);
  return read_claims(db, live_of(read_list(db, branch_key(db, branch))));
}

std::vector<Conflict> Store::contradictions(const std::vector<EditClaim>& claims,
                                            const std::string& branch) const {
  ClaimIndex index;
  for (EditClaim& claim : this->claims(branch)) index.add(std::move(claim));
  std::vector<Conflict> all;
  for (const EditClaim& claim : claims) {
    for (Conflict& conflict : index.contradictions(claim)) all.push_back(std::move(conflict));
    index.add(claim);
  }
  return all;
}

ConflictReport Store::conflicts(const std::string& branch, const ConflictOptions& options) const {
  Connection& db = impl_->db;
  db.begin_act("looking for conflicts");
  const Transaction snapshot(db, Transaction::Kind::read);
  const std::vector<Listed> ours = read_list(db, branch_key(db, branch));
  std::vector<std::string> edits = live_of(ours);
  Meeting meeting;
  ConflictReport report;
  if (!options.with.empty()) {
    const MergePlan plan = plan_merge(ours, read_list(db, branch_key(db, options.with)));
    meeting = {true,
               {plan.ours_alone.begin(), plan.ours_alone.end()},
               {plan.fresh.begin(), plan.fresh.end()}};
    edits = plan.ours_alone;
    edits.insert(edits.end(), plan.fresh.begin(), plan.fresh.end());
    report.conflicts = contradictions_of(db, plan.ours_alone, plan.fresh);
  }
  report.edits = static_cast<std::int64_t>(edits.size());

  ClaimIndex index;
  std::map<std::string, EditClaim> first_claim;
  for (EditClaim& claim : read_claims(db, edits)) {
    first_claim.emplace(claim.edit, claim);
    index.add(std::move(claim));
  }
  for (Conflict& conflict : index.conflicts()) {
    const bool told = meeting.across && conflict.kind == ConflictKind::same_key;
    if (!told && meeting.counts(conflict.claims)) report.conflicts.push_back(std::move(conflict));
  }
  KeysOfWeights keys;
  for (const std::string& id : edits) {
    const std::optional<EditDelta> delta = find(id);
    if (!delta || delta->updates.empty()) continue;
    const std::optional<ModelRecord> known = model(delta->base_fingerprint);
    collect_keys(*delta, id, known ? known->orientation : "", keys, report);
  }
  add_similar_keys(keys, first_claim, options.similarity, meeting, report.conflicts);
  std::stable_sort(report.conflicts.begin(), report.conflicts.end(),
                   [](const Conflict& a, const Conflict& b) { return a.kind < b.kind; });
  return report;
}

}  // namespace kedit
