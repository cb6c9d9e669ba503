// Two branches side by side: what parts them, and joining them.
#include "store/merge_plan.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace kedit {
namespace {

using Ids = std::vector<std::string>;
using IdSet = std::set<std::string>;

IdSet set_of(const Ids& ids) { return {ids.begin(), ids.end()}; }

// Of `ids`, in their order, those that are not in `others`.
Ids without(const Ids& ids, const IdSet& others) {
  Ids rest;
  for (const std::string& id : ids) {
    if (!others.contains(id)) rest.push_back(id);
  }
  return rest;
}

IdSet reverted_in(const std::vector<Listed>& list) {
  IdSet reverted;
  for (const Listed& entry : list) {
    if (entry.kind == "revert") reverted.insert(entry.edit);
  }
  return reverted;
}

std::size_t common_beginning(const std::vector<Listed>& a, const std::vector<Listed>& b) {
  std::size_t length = 0;
  while (length < a.size() && length < b.size() && a[length].commit == b[length].commit) ++length;
  return length;
}

std::string content_of_edit(Connection& db, const std::string& edit) {
  Statement query = db.statement("SELECT content_sha256 FROM edits WHERE id = ?");
  query.with(edit);
  return query.step() ? query.text(0) : std::string();
}

// Edits that come and are, under another parent, what the branch already has: mounted twice they
// would count twice.
Ids duplicates_of(Connection& db, const MergePlan& plan) {
  std::set<std::string> contents;
  for (const std::string& id : plan.ours_alone) contents.insert(content_of_edit(db, id));
  Ids duplicates;
  for (const std::string& id : plan.fresh) {
    if (contents.contains(content_of_edit(db, id))) duplicates.push_back(id);
  }
  return duplicates;
}

std::string append_merge(Connection& db, Branch& into, const Branch& from,
                         const std::string& note) {
  const std::string id = commit_id("merge", *from.head, into.head.value_or(""));
  db.statement(
        "INSERT INTO commits (id, kind, parent, edit, time, note, program) "
        "VALUES (?, 'merge', ?, NULL, ?, ?, ?) ON CONFLICT (id) DO NOTHING")
      .with(id, into.head, utc_now(), note, store_program())
      .run();
  db.statement(
        "INSERT INTO merges (commit_id, branch, head) VALUES (?, ?, ?) "
        "ON CONFLICT (commit_id) DO NOTHING")
      .with(id, from.name, *from.head)
      .run();
  list_commit(db, into, id);
  into.head = id;
  return id;
}

// `into` has nothing of its own: it becomes what `from` is, order included.
void take_over(Connection& db, Branch& into, const Branch& from) {
  db.statement("DELETE FROM branch_commits WHERE branch = ?").with(into.key).run();
  db.statement(
        "INSERT INTO branch_commits (branch, position, commit_id) "
        "SELECT ?, position, commit_id FROM branch_commits WHERE branch = ?")
      .with(into.key, from.key)
      .run();
  into.head = from.head;
  into.length = from.length;
}

DiffSide side_of(const BranchPoint& point, const std::string& name,
                 const std::vector<Listed>& list) {
  DiffSide side;
  side.name = name;
  side.branch = point.name;
  if (!list.empty()) side.head = list.back().commit;
  return side;
}

}  // namespace

MergePlan plan_merge(const std::vector<Listed>& ours, const std::vector<Listed>& theirs) {
  MergePlan plan;
  IdSet listed;
  for (const Listed& entry : ours) listed.insert(entry.commit);
  std::vector<Listed> joined = ours;
  for (const Listed& entry : theirs) {
    if (listed.contains(entry.commit)) continue;
    plan.incoming.push_back(entry.commit);
    joined.push_back(entry);
  }
  plan.fast_forward = plan.incoming.size() + ours.size() == theirs.size();
  const Ids live_before = live_of(ours);
  const Ids live_after = live_of(joined);
  const IdSet after = set_of(live_after);
  const IdSet before = set_of(live_before);
  const IdSet live_theirs = set_of(live_of(theirs));
  plan.fresh = without(live_after, before);
  plan.reverted = without(live_before, after);
  for (const std::string& id : live_before) {
    if (after.contains(id) && !live_theirs.contains(id)) plan.ours_alone.push_back(id);
  }
  return plan;
}

std::vector<Conflict> contradictions_of(Connection& db, const std::vector<std::string>& first,
                                        const std::vector<std::string>& second) {
  ClaimIndex index;
  for (EditClaim& claim : read_claims(db, first)) index.add(std::move(claim));
  std::vector<Conflict> found;
  for (const EditClaim& claim : read_claims(db, second)) {
    for (Conflict& conflict : index.contradictions(claim)) found.push_back(std::move(conflict));
  }
  return found;
}

BranchDiff Store::diff(const std::string& a, const std::string& b) const {
  Connection& db = impl_->db;
  db.begin_act(fmt::format("comparing {} and {}", a, b));
  const Transaction snapshot(db, Transaction::Kind::read);
  const BranchPoint point_a = impl_->branch_or_id(a);
  const BranchPoint point_b = impl_->branch_or_id(b);
  // A branch without commits has no list to read; 0 would read all of it.
  const auto list_of = [&](const BranchPoint& point) {
    return point.position == 0 ? std::vector<Listed>{}
                               : read_list(db, point.branch, point.position);
  };
  const std::vector<Listed> list_a = list_of(point_a);
  const std::vector<Listed> list_b = list_of(point_b);
  BranchDiff diff;
  diff.a = side_of(point_a, a, list_a);
  diff.b = side_of(point_b, b, list_b);
  if (const std::size_t length = common_beginning(list_a, list_b)) {
    diff.ancestor = list_a[length - 1].commit;
  }
  const Ids live_a = live_of(list_a);
  const Ids live_b = live_of(list_b);
  diff.a.only = without(live_a, set_of(live_b));
  diff.b.only = without(live_b, set_of(live_a));
  diff.common = static_cast<std::int64_t>(live_a.size() - diff.a.only.size());
  const IdSet reverted_a = reverted_in(list_a);
  const IdSet reverted_b = reverted_in(list_b);
  std::copy_if(diff.b.only.begin(), diff.b.only.end(), std::back_inserter(diff.a.reverted),
               [&](const std::string& id) { return reverted_a.contains(id); });
  std::copy_if(diff.a.only.begin(), diff.a.only.end(), std::back_inserter(diff.b.reverted),
               [&](const std::string& id) { return reverted_b.contains(id); });
  diff.contradictions = contradictions_of(db, diff.a.only, diff.b.only);
  return diff;
}

MergeResult Store::merge(const std::string& from_name, const std::string& into_name,
                         const MergeOptions& options) {
  Connection& db = impl_->db;
  db.begin_act(fmt::format("merging {} into {}", from_name, into_name));
  Transaction transaction(db);
  const Branch from = read_branch(db, from_name);
  Branch into = read_branch(db, into_name);
  if (from.key == into.key) {
    impl_->refuse(StoreError::Kind::conflict,
                  "a branch cannot be merged into itself; name another one");
  }
  const MergePlan plan = plan_merge(read_list(db, into.key), read_list(db, from.key));
  MergeResult result;
  if (plan.incoming.empty()) return result;
  result.fast_forward = plan.fast_forward;
  result.conflicts = contradictions_of(db, plan.ours_alone, plan.fresh);
  if (!result.conflicts.empty() && !options.allow_conflict) {
    impl_->refuse(StoreError::Kind::conflict,
                  fmt::format("{}{}; revert one of them (kedit store revert), or give "
                              "--allow-conflict to merge all the same",
                              describe(result.conflicts.front()),
                              result.conflicts.size() == 1
                                  ? std::string()
                                  : fmt::format(" (and {} more)", result.conflicts.size() - 1)));
  }
  if (plan.fast_forward) {
    take_over(db, into, from);
  } else {
    for (const std::string& commit : plan.incoming) list_commit(db, into, commit);
    append_merge(db, into, from, options.note);
    result.duplicates = duplicates_of(db, plan);
    for (const std::string& id : result.duplicates) {
      append_commit(db, into, "revert", id, "the branch has the same edit already");
    }
  }
  write_head(db, into);
  transaction.commit();
  result.commit = *into.head;
  result.applied = without(plan.fresh, set_of(result.duplicates));
  result.reverted = plan.reverted;
  return result;
}

BranchPoint Store::Impl::branch_or_id(const std::string& name) const {
  bool is_branch = false;
  {
    Statement query = db.statement("SELECT 1 FROM branches WHERE name = ?");
    query.with(name);
    is_branch = query.step();
  }
  if (is_branch) return branch_point(name, "");
  const std::string current =
      db.text("SELECT b.name FROM current_branch c JOIN branches b ON b.id = c.branch");
  const bool may_be_id =
      name.size() >= 4 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
  return branch_point(may_be_id ? current : name, name);
}

}  // namespace kedit
