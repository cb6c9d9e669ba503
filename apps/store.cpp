// kedit store: the edits of a store, their history, taking one back, checking all.
#include "apps/commands.hpp"
#include "apps/exit_code.hpp"
#include "apps/store_view.hpp"
#include "edits/hash.hpp"
#include "edits/request_json.hpp"
#include "json/canonical.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "store/figures_json.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace kedit::cli {

std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  // U+0080 to U+009F are control characters as well; in UTF-8 they begin with 0xc2.
  for (std::size_t i = text.find('\xc2'); i < text.size(); i = text.find('\xc2', i + 1)) {
    if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      text.replace(i, 2, "?");
    }
  }
  return text;
}

EditRecord printable(EditRecord record) {
  for (std::string* text :
       {&record.id, &record.editor, &record.kind, &record.subject, &record.prompt,
        &record.target_new, &record.time, &record.parent, &record.model, &record.note,
        &record.program, &record.reverted_by, &record.run}) {
    *text = printable(std::move(*text));
  }
  return record;
}

Json json_of(const EditRecord& record) {
  Json edit = {{"id", record.id},
               {"editor", record.editor},
               {"subject", record.subject},
               {"prompt", record.prompt},
               {"target_new", record.target_new},
               {"time", record.time},
               {"parent", record.parent.empty() ? Json(nullptr) : Json(record.parent)},
               {"model", record.model},
               {"kind", record.kind},
               {"request_count", record.requests},
               {"note", record.note},
               {"forced", record.forced}};
  if (!record.reverted_by.empty()) edit["reverted_by"] = record.reverted_by;
  if (!record.run.empty()) edit["run"] = record.run;
  return edit;
}

std::string change_text(const EditRecord& record) {
  if (record.requests == 0 && record.subject.empty()) return printable(record.note);
  std::string text = fmt::format("{} -> {}", record.subject, record.target_new);
  if (record.requests > 1) text += fmt::format(" (and {} more)", record.requests - 1);
  return printable(text);
}

namespace {

std::string state_text(const EditRecord& record) {
  if (!record.reverted_by.empty()) return "reverted by " + record.reverted_by;
  return record.forced ? "live, forced" : "live";
}

int run_log(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const std::string branch = context.branch(store);
  std::vector<EditRecord> log = store.log(branch);
  const std::size_t all = log.size();
  if (const auto last = context.options.find("last")) {
    const auto keep = std::min<std::size_t>(all, std::stoull(*last));
    log.erase(log.begin(), log.end() - static_cast<std::ptrdiff_t>(keep));
  }
  Json edits = Json::array();
  Table table({{"id"}, {"time"}, {"editor"}, {"kind"}, {"edit"}, {"state"}});
  for (const EditRecord& record : log) {
    edits.push_back(json_of(record));
    const EditRecord shown = printable(record);
    table.row(
        {shown.id, shown.time, shown.editor, shown.kind, change_text(shown), state_text(shown)});
  }
  const std::string title = fmt::format("{}, branch {}: {} edit{}\n", store.path().string(),
                                        printable(branch), all, all == 1 ? "" : "s");
  return context.answer({{"store", store.path().string()}, {"branch", branch}, {"edits", edits}},
                        log.empty() ? title : title + "\n" + table.text(context.style()));
}

Json weights_of(const EditDelta& delta) {
  Json weights = Json::array();
  for (const WeightUpdate& update : delta.updates) {
    const std::vector<std::uint8_t> bytes = encode_update(update);
    weights.push_back(
        {{"weight", update.weight},
         {"kind", std::holds_alternative<LowRank>(update.update) ? "low-rank" : "dense"},
         {"shape", {update.rows(), update.cols()}},
         {"rank", update.rank()},
         {"dtype", "float32"},
         {"bytes", bytes.size()},
         {"sha256", Sha256().update(bytes.data(), bytes.size()).hex()}});
  }
  return weights;
}

Json facts_of(const EditDelta& delta) {
  Json facts = Json::array();
  for (const Fact& fact : delta.facts) {
    facts.push_back({{"subject", fact.subject},
                     {"relation", fact.relation},
                     {"object", fact.object},
                     {"sentence", fact.sentence}});
  }
  return facts;
}

Json requests_of(const EditDelta& delta) {
  Json requests = Json::array();
  for (const EditRequest& request : delta.requests) {
    requests.push_back(canonical(request_to_json(request)));
  }
  return requests;
}

Json history_of(const Store& store, const std::string& id) {
  Json history = Json::array();
  for (const CommitRecord& commit : store.history(id)) {
    history.push_back({{"commit", commit.id},
                       {"kind", commit.kind},
                       {"branch", commit.branch},
                       {"time", commit.time},
                       {"note", commit.note},
                       {"program", commit.program}});
  }
  return history;
}

Json model_of(const Store& store, const std::string& fingerprint) {
  const auto model = store.model(fingerprint);
  if (!model) return nullptr;
  return {{"fingerprint", model->fingerprint},
          {"family", model->family},
          {"path", model->path},
          {"dtype", model->dtype},
          {"parameters", model->parameters}};
}

// All that is known of an edit: what `log` says, and how it came to be.
Json explained(const Store& store, const EditRecord& record, const EditDelta& delta) {
  Json document = json_of(record);
  document["program"] = record.program;
  document["settings"] = delta.settings;
  const bool has_seed = delta.settings.contains("seed");
  document["seed"] = has_seed ? delta.settings["seed"] : Json(nullptr);
  document["base"] = model_of(store, record.model);
  document["request_ids"] = Json::array();
  for (const EditRequest& request : delta.requests) document["request_ids"].push_back(request.id);
  document["requests"] = requests_of(delta);
  document["weights"] = weights_of(delta);
  document["facts"] = facts_of(delta);
  document["diagnostics"] = figures_to_json(delta.figures);
  document["history"] = history_of(store, record.id);
  return document;
}

// A dense change is written as a product too, with an identity on its shorter side: exact.
LowRank factors_of(const WeightUpdate& update) {
  if (const auto* low_rank = std::get_if<LowRank>(&update.update)) return *low_rank;
  const at::Tensor& change = std::get<Dense>(update.update).change;
  if (update.rows() <= update.cols()) return {at::eye(update.rows(), at::kFloat), change};
  return {change, at::eye(update.cols(), at::kFloat)};
}

void write_factors(const std::filesystem::path& file, const EditRecord& record,
                   const EditDelta& delta) {
  if (delta.updates.empty()) {
    throw Failure(
        fmt::format("writing {}: edit {} changes no weights, it keeps facts; leave "
                    "--factors out",
                    file.string(), record.id));
  }
  std::map<std::string, LowRank> by_weight;  // several updates of one weight stand side by side
  for (const WeightUpdate& update : delta.updates) {
    const LowRank factors = factors_of(update);
    const auto [place, is_first] = by_weight.try_emplace(update.weight, factors);
    if (is_first) continue;
    place->second = {at::cat({place->second.left, factors.left}, 1).contiguous(),
                     at::cat({place->second.right, factors.right}, 0).contiguous()};
  }
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [weight, factors] : by_weight) {
    tensors.emplace_back(weight + ".left", factors.left);
    tensors.emplace_back(weight + ".right", factors.right);
  }
  checkpoint::write_safetensors(file, tensors,
                                {{"format", "pt"}, {"edit", record.id}, {"model", record.model}});
}

std::string lines_of_weights(const Json& document) {
  std::string text;
  for (const Json& weight : document["weights"]) {
    text += fmt::format("  {} {}, rank {}, SHA-256 {}\n",
                        printable(weight["weight"].get<std::string>()), to_text(weight["shape"]),
                        to_text(weight["rank"]), weight["sha256"].get<std::string>());
  }
  return text.empty() ? "" : "weights\n" + text;
}

std::string lines_of_facts(const Json& document) {
  std::string text;
  for (const Json& fact : document["facts"]) {
    text += fmt::format("  {}\n", printable(fact["sentence"].get<std::string>()));
  }
  return text.empty() ? "" : "facts\n" + text;
}

std::string lines_of_history(const Json& document) {
  std::string text;
  for (const Json& commit : document["history"]) {
    const std::string note = commit["note"].get<std::string>();
    const std::string line =
        fmt::format("{} {} {} on {}{}{}", commit["time"].get<std::string>(),
                    commit["commit"].get<std::string>(), commit["kind"].get<std::string>(),
                    commit["branch"].get<std::string>(), note.empty() ? "" : ": ", note);
    text += fmt::format("  {}\n", printable(line));
  }
  return text.empty() ? "" : "history\n" + text;
}

std::string text_of(const EditRecord& record, const Json& document) {
  std::string text = fmt::format(
      "edit      {}\neditor    {}\nchange    {}\nprompt    {}\nstate     {}\nmade      {} by {}\n"
      "parent    {}\nmodel     {}\nsettings  {}\n",
      record.id, record.editor, change_text(record), printable(record.prompt), state_text(record),
      record.time, record.program, record.parent.empty() ? "none" : record.parent, record.model,
      to_text(document["settings"]));
  if (!record.run.empty()) text += fmt::format("run       {}\n", record.run);
  return text + lines_of_weights(document) + lines_of_facts(document) + lines_of_history(document);
}

int run_show(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const std::string id = store.resolve(context.options.text("id"));
  const auto record = store.record(id);
  const auto delta = store.find(id);
  if (!record || !delta) throw std::logic_error("an edit was found by its id and is not there");
  Json document = explained(store, *record, *delta);
  std::string text = text_of(printable(*record), document);
  if (const auto factors = context.options.find("factors")) {
    write_factors(*factors, *record, *delta);
    document["factors"] = *factors;
    text += fmt::format("{} written\n", *factors);
  }
  return context.answer(document, text);
}

int run_revert(Context& context) {
  Store store = context.open_store(OpenMode::existing);
  const std::string branch = context.branch(store);
  const std::string id = store.resolve(context.options.text("id"));
  const std::string revert = store.revert(id, branch);
  return context.answer(
      {{"store", store.path().string()}, {"branch", branch}, {"edit", id}, {"reverted_by", revert}},
      fmt::format("edit {} no longer applies on {} (revert {}); it stays in the "
                  "history\n",
                  id, printable(branch), revert));
}

int run_verify(Context& context) {
  const Store store = context.open_store(OpenMode::read_only);
  const std::vector<std::string> faults = store.verify();
  const std::string file = store.path().string();
  std::string text = faults.empty() ? file + ": nothing wrong\n"
                                    : fmt::format("{}: {} fault{}\n", file, faults.size(),
                                                  faults.size() == 1 ? "" : "s");
  for (const std::string& fault : faults) text += fmt::format("  {}\n", printable(fault));
  context.answer({{"store", file}, {"sound", faults.empty()}, {"faults", faults}}, text);
  return faults.empty() ? kDone : kStoreTrouble;
}

Command log_command() {
  Command log;
  log.name = "store log";
  log.summary = "list the edits of a branch, oldest first, reverted ones included";
  log.takes = kStore;
  log.options = {integer("last", "N", "only the newest N edits").at_least(1)};
  log.example = "kedit store log --store kedit.db --last 10";
  log.run = run_log;
  return log;
}

Command show_command() {
  Command show;
  show.name = "store show";
  show.summary = "explain one edit: request, settings, weights, checksums, history";
  show.takes = kStore;
  show.arguments = {
      text("id", "ID", "the edit's id, or as many of its digits as tell it").required()};
  show.options = {text("factors", "FILE",
                       "also write <weight>.left and <weight>.right as safetensors; the stored "
                       "matrix becomes W + left @ right")};
  show.example = "kedit store show 3fa91c --store kedit.db --factors edit.safetensors";
  show.run = run_show;
  return show;
}

Command revert_command() {
  Command revert;
  revert.name = "store revert";
  revert.summary = "take one edit back; any order, the others stay";
  revert.description =
      "Appends a revert to the branch. Weights are rebuilt from the base and the edits that "
      "remain, "
      "so the model is to the bit what it would be had the edit never been made.";
  revert.takes = kStore;
  revert.arguments = {
      text("id", "ID", "the edit's id, or as many of its digits as tell it").required()};
  revert.example = "kedit store revert 3fa91c --store kedit.db";
  revert.run = run_revert;
  return revert;
}

Command verify_command() {
  Command verify;
  verify.name = "store verify";
  verify.summary = "check every page, checksum, reference, id and branch";
  verify.description = "Exit code 0: nothing wrong; 4: faults, all of them listed.";
  verify.takes = kStore;
  verify.example = "kedit store verify --store kedit.db";
  verify.run = run_verify;
  return verify;
}

}  // namespace

std::vector<Command> store_commands() {
  std::vector<Command> all = {log_command(), show_command(), revert_command()};
  for (const auto& more : {store_branch_commands(), store_conflict_commands()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  all.push_back(verify_command());
  all.push_back(store_gc_command());
  return all;
}

}  // namespace kedit::cli
