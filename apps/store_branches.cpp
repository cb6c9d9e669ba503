// kedit store branch, checkout, diff, merge and gc.
#include "apps/commands.hpp"
#include "apps/store_view.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string count_of(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Json json_of_branch(const BranchRecord& branch) {
  return {{"name", branch.name},         {"head", or_null(branch.head)},
          {"commits", branch.commits},   {"edits", branch.edits},
          {"live", branch.live},         {"created", branch.created},
          {"current", branch.is_current}};
}

// ---- branch, checkout ----------------------------------------------------------

int list_branches(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  Json branches = Json::array();
  Table table({{""},
               {"branch"},
               {"edits", Table::Align::right},
               {"live", Table::Align::right},
               {"commits", Table::Align::right},
               {"head"}});
  std::string current;
  for (const BranchRecord& branch : store.branches()) {
    if (branch.is_current) current = branch.name;
    branches.push_back(json_of_branch(branch));
    table.row({branch.is_current ? "*" : "", printable(branch.name), fmt::to_string(branch.edits),
               fmt::to_string(branch.live), fmt::to_string(branch.commits),
               branch.head.empty() ? "none" : branch.head});
  }
  return context.answer(
      {{"store", store.path().string()}, {"current", current}, {"branches", branches}},
      table.text(context.style()));
}

int run_branch(Context& context) {
  const Values& options = context.options;
  const auto name = options.find("name");
  const bool deletes = options.flag("delete");
  if (!name) {
    if (deletes || options.given("at")) {
      throw UsageError("expected the name of a branch together with --at and --delete, found none");
    }
    return list_branches(context);
  }
  if (deletes && options.given("at")) {
    throw UsageError("--delete: expected it without --at, found both");
  }
  Store store = context.open_store(OpenMode::existing);
  if (deletes) {
    store.delete_branch(*name);
    return context.answer(
        {{"store", store.path().string()}, {"deleted", *name}},
        fmt::format("branch {} is deleted; edits that were only there stay until kedit store gc\n",
                    *name));
  }
  store.create_branch(*name, context.branch(store), options.find("at").value_or(""));
  BranchRecord made;
  for (BranchRecord& branch : store.branches()) {
    if (branch.name == *name) made = std::move(branch);
  }
  Json document = {{"store", store.path().string()}, {"branch", *name}};
  document.update(json_of_branch(made));
  return context.answer(document,
                        fmt::format("branch {} begins with {} live edits; kedit store checkout {} "
                                    "makes it the branch that is worked on\n",
                                    *name, made.live, *name));
}

int run_checkout(Context& context) {
  Store store = context.open_store(OpenMode::existing);
  std::string previous;  // none in a damaged store, which this mends
  for (const BranchRecord& branch : store.branches()) {
    if (branch.is_current) previous = branch.name;
  }
  const std::string name = context.options.text("name");
  store.checkout(name);
  return context.answer(
      {{"store", store.path().string()}, {"branch", name}, {"previous", or_null(previous)}},
      fmt::format("commands work on branch {} now when none is named\n", name));
}

// ---- diff -------------------------------------------------------------------------

Json json_of_side(const Store& store, const DiffSide& side) {
  Json only = Json::array();
  for (const std::string& id : side.only) {
    if (const auto record = store.record(id)) only.push_back(json_of(*record));
  }
  return {{"name", side.name},
          {"branch", side.branch},
          {"head", or_null(side.head)},
          {"only", only},
          {"reverted", side.reverted}};
}

std::string lines_of_side(const Store& store, const DiffSide& side, char sign, Tone tone,
                          const Style& style) {
  std::string text;
  for (const std::string& id : side.only) {
    const auto record = store.record(id);
    if (!record) continue;
    const std::string line =
        printable(fmt::format("{} {} {} {}", sign, id, record->editor, change_text(*record)));
    text += style.paint(tone, line) + "\n";
  }
  return text;
}

int run_diff(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const BranchDiff diff = store.diff(context.options.text("a"), context.options.text("b"));
  Json contradictions = Json::array();
  for (const Conflict& conflict : diff.contradictions) contradictions.push_back(json_of(conflict));
  const Json document = {{"store", store.path().string()},
                         {"ancestor", or_null(diff.ancestor)},
                         {"common", diff.common},
                         {"a", json_of_side(store, diff.a)},
                         {"b", json_of_side(store, diff.b)},
                         {"contradictions", contradictions}};
  const Style& style = context.style();
  std::string text = fmt::format("{} live on both; - only on {}, + only on {}\n",
                                 count_of(static_cast<std::size_t>(diff.common), "edit"),
                                 printable(diff.a.name), printable(diff.b.name));
  text += lines_of_side(store, diff.a, '-', Tone::bad, style);
  text += lines_of_side(store, diff.b, '+', Tone::good, style);
  return context.answer(document, text + lines_of(diff.contradictions, style));
}

// ---- merge ------------------------------------------------------------------------

std::string text_of_merge(const MergeResult& result, const std::string& from,
                          const std::string& into) {
  if (result.commit.empty()) return fmt::format("{} has all of {} already\n", into, from);
  std::string text =
      fmt::format("{} has {} of {}", into, count_of(result.applied.size(), "edit"), from);
  text += result.fast_forward ? " (it had nothing of its own)"
                              : fmt::format(" (merge {})", result.commit);
  text += "\n";
  if (!result.reverted.empty()) {
    text += fmt::format("{} reverted as on {}\n", count_of(result.reverted.size(), "edit"), from);
  }
  if (!result.duplicates.empty()) {
    text += fmt::format("{} taken back at once: {} had the same already\n",
                        count_of(result.duplicates.size(), "edit"), into);
  }
  return text;
}

int run_merge(Context& context) {
  Store store = context.open_store(OpenMode::existing);
  const Values& options = context.options;
  const std::string from = options.text("name");
  const std::string into = context.branch(store);
  const MergeResult result = store.merge(from, into,
                                         {.allow_conflict = options.flag("allow-conflict"),
                                          .note = options.find("note").value_or("")});
  Json conflicts = Json::array();
  for (const Conflict& conflict : result.conflicts) conflicts.push_back(json_of(conflict));
  return context.answer({{"store", store.path().string()},
                         {"branch", into},
                         {"merged", from},
                         {"fast_forward", result.fast_forward},
                         {"commit", or_null(result.commit)},
                         {"edits", result.applied},
                         {"reverted", result.reverted},
                         {"duplicates", result.duplicates},
                         {"conflicts", conflicts}},
                        text_of_merge(result, printable(from), printable(into)) +
                            lines_of(result.conflicts, context.style()));
}

// ---- gc ---------------------------------------------------------------------------

int run_gc(Context& context) {
  const bool dry_run = context.options.flag("dry-run");
  Store store = context.open_store(dry_run ? OpenMode::read_only : OpenMode::existing);
  const GarbageReport report = store.collect_garbage(dry_run);
  if (!report.not_compacted_because.empty()) context.warn(report.not_compacted_because);
  Json edits = Json::array();
  std::string lines;
  for (const EditRecord& record : report.edits) {
    edits.push_back(json_of(record));
    lines += fmt::format("  {} {} {}\n", record.id, printable(record.editor), change_text(record));
  }
  const std::string text = fmt::format(
      "{} {} and {} that no branch and no run refers to, factors of {}; file {} -> {}\n{}",
      dry_run ? "would remove" : "removed", count_of(report.edits.size(), "edit"),
      count_of(static_cast<std::size_t>(report.commits), "commit"),
      short_bytes(report.factor_bytes), short_bytes(report.bytes_before),
      short_bytes(report.bytes_after), lines);
  return context.answer({{"store", store.path().string()},
                         {"dry_run", dry_run},
                         {"edits", edits},
                         {"commits", report.commits},
                         {"factor_bytes", report.factor_bytes},
                         {"bytes_before", report.bytes_before},
                         {"bytes_after", report.bytes_after},
                         {"compacted", report.compacted}},
                        text);
}

Command branch_command() {
  Command branch;
  branch.name = "store branch";
  branch.summary = "list the branches, or make one";
  branch.description =
      "A new branch begins with the commits of the branch checked out (or of --branch); with --at "
      "only up to that edit or commit.";
  branch.takes = kStore;
  branch.arguments = {text("name", "NAME", "the new branch; without it, all are listed")};
  branch.options = {
      text("at", "ID", "end with this edit or commit, on any branch that has it"),
      flag("delete", "delete the branch; what only it had stays until kedit store gc")};
  branch.example = "kedit store branch trial --at 3fa91c --store kedit.db";
  branch.run = run_branch;
  return branch;
}

Command checkout_command() {
  Command checkout;
  checkout.name = "store checkout";
  checkout.summary = "choose the branch that commands work on when none is named";
  checkout.takes = kStore;
  checkout.arguments = {text("name", "NAME", "the branch").required()};
  checkout.example = "kedit store checkout trial --store kedit.db";
  checkout.run = run_checkout;
  return checkout;
}

Command diff_command() {
  Command diff;
  diff.name = "store diff";
  diff.summary = "compare what is live on two branches, or after two edits";
  diff.takes = kStore;
  const char* side = "a branch, or an edit or commit: its branch up to there";
  diff.arguments = {text("a", "A", side).required(), text("b", "B", side).required()};
  diff.example = "kedit store diff main trial --store kedit.db";
  diff.run = run_diff;
  return diff;
}

Command merge_command() {
  Command merge;
  merge.name = "store merge";
  merge.summary = "bring the edits of another branch onto this one";
  merge.description =
      "Appends the commits that the other branch has and this one lacks, and a merge commit. What "
      "either side reverted is reverted. Edits that contradict edits of this branch are refused "
      "(exit code 4) and nothing is changed; kedit store conflicts --with NAME lists them.";
  merge.takes = kStore;
  merge.arguments = {text("name", "NAME", "the branch to take from").required()};
  merge.options = {flag("allow-conflict", "merge contradicting edits all the same"),
                   text("note", "TEXT", "kept with the merge commit")};
  merge.example = "kedit store merge trial --store kedit.db";
  merge.run = run_merge;
  return merge;
}

}  // namespace

std::vector<Command> store_branch_commands() {
  return {branch_command(), checkout_command(), diff_command(), merge_command()};
}

Command store_gc_command() {
  Command gc;
  gc.name = "store gc";
  gc.summary = "remove edits that no branch and no run refers to, and compact the file";
  gc.description =
      "Edits become unreachable when the only branches that have them are deleted. A reverted edit "
      "stays: it belongs to the history of its branch.";
  gc.takes = kStore;
  gc.options = {flag("dry-run", "only list what would be removed")};
  gc.example = "kedit store gc --dry-run --store kedit.db";
  gc.run = run_gc;
  return gc;
}

}  // namespace kedit::cli
