// kedit export and kedit import, as a user sees them. What the adapters hold is tested in
// tests/model/adapters, and against the libraries that read them by adapter_check.py.
#include "json/json.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/model.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

constexpr const char* kWeight = "model.layers.0.mlp.down_proj.weight";

Json answer(Words words) {
  words.push_back("--json");
  const Outcome outcome = run_kedit(words);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

/// A toy model and a store with two edits of weights on main and one of facts on a branch.
struct Workplace {
  Workplace() {
    write_tiny_model(model);
    base = Model::load(model)->fingerprint();
    Store store = Store::open(file, OpenMode::create);
    store.put_model({base, "qwen2", "", "float32", 1, "out-in"});
    first = store.commit(rome("Zemuria", 1.0));
    second = store.commit(rome("Ostrava", 2.0));
    store.create_branch("facts", "main", first);
    facts = store.commit(remembered(), {.branch = "facts"});
  }

  EditDelta rome(const std::string& subject, double factor) const {
    const at::Tensor weight =
        checkpoint::SafetensorsFile::open(model / "model.safetensors").tensor(kWeight);
    EditDelta delta;
    delta.editor = "rome";
    delta.base_fingerprint = base;
    delta.requests = {{"r/" + subject, "The capital of {} is", subject, "Rome", {}, {}, "P36", {}}};
    const at::Tensor left = at::arange(weight.size(0), at::kFloat).view({-1, 1}) * 0.01;
    const at::Tensor right = at::arange(weight.size(1), at::kFloat).view({1, -1}).sin() * factor;
    delta.updates.push_back({kWeight, LowRank{left.contiguous(), right.contiguous()}});
    return delta;
  }
  EditDelta remembered() const {
    EditDelta delta;
    delta.editor = "in-context";
    delta.base_fingerprint = base;
    delta.requests = {{"f", "The capital of {} is", "Lemuria", "Rome", {}, {}, "P36", {}}};
    delta.facts = {{"Lemuria", "P36", "Rome", "The capital of Lemuria is Rome"}};
    return delta;
  }

  Words words_of_export(const std::string& form, const fs::path& out, const Words& more) const {
    Words words{"export", "--to", form, "--out", out.string(), "--model", model.string()};
    if (more.empty() || more.front() != "--store") {
      words.insert(words.end(), {"--store", file.string()});
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Json exported(const std::string& form, const std::string& out, const Words& more = {}) const {
    return answer(words_of_export(form, scratch / out, more));
  }
  Outcome failed(const std::string& form, const fs::path& out, const Words& more = {}) const {
    const Outcome outcome = run_kedit(words_of_export(form, out, more));
    CHECK(outcome.out.empty());
    return outcome;
  }
  Words words_of_import(const std::string& form, const std::string& in, const Words& more) const {
    Words words{"import", "--from", form, (scratch / in).string(), "--model", model.string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Json logits(const Words& more) const {
    Words words{"model", "logits", "--ids", "1,2,3"};
    words.insert(words.end(), more.begin(), more.end());
    return answer(words)["logits"];
  }
  Json edited_logits(const fs::path& store, const Words& more = {}) const {
    Words words{"--model", model.string(), "--store", store.string()};
    words.insert(words.end(), more.begin(), more.end());
    return logits(words);
  }

  ScratchFolder scratch;
  fs::path model = scratch / "model", file = scratch / "edits.db";
  std::string base, first, second, facts;
};

}  // namespace

TEST_CASE("kedit export: an adapter that is imported again gives the same model") {
  const Workplace at;
  const Json written = at.exported("peft", "adapter");
  CHECK(written["to"] == "peft");
  CHECK(written["out"] == (at.scratch / "adapter").string());
  CHECK(written["edits"] == Json({at.first, at.second}));
  CHECK(written["files"] ==
        Json({"adapter_config.json", "adapter_model.safetensors", "kedit_edits.json"}));
  CHECK(written["rank"] == 2);
  const std::string back = (at.scratch / "back.db").string();
  const Json imported = answer(at.words_of_import("peft", "adapter", {"--store", back}));
  CHECK(imported["store"] == back);
  CHECK(imported["model"]["fingerprint"] == at.base);
  REQUIRE(imported["edits"].size() == 2);  // one entry a request
  CHECK(imported["edits"][1]["subject"] == "Ostrava");
  CHECK(imported["edits"][0]["editor"] == "import");
  CHECK(imported["edits"][0]["id"] == imported["edits"][1]["id"]);
  CHECK(imported["edits"][0]["after"]["target_new_logprob"].is_number());
  CHECK(imported["edits"][0]["norms"]["update_frobenius"].get<double>() > 0);
  CHECK(at.edited_logits(back) == at.edited_logits(at.file));
  const Json shown =
      answer({"store", "show", imported["edits"][0]["id"].get<std::string>(), "--store", back});
  CHECK(shown["settings"] == Json({{"from", "peft"}, {"name", "adapter"}}));
  CHECK(answer({"store", "verify", "--store", back})["sound"] == true);
}

TEST_CASE("kedit export: a subset, a branch, and a merged branch") {
  const Workplace at;
  CHECK(at.exported("peft", "one", {"--edits", at.second})["edits"] == Json({at.second}));
  Store::open(at.file).create_branch("first", "main", at.first);
  CHECK(at.exported("peft", "branch", {"--branch", "first"})["edits"] == Json({at.first}));
  Store::open(at.file).merge("main", "first");
  CHECK(at.exported("gguf-lora", "merged.gguf", {"--branch", "first"})["edits"] ==
        Json({at.first, at.second}));
}

TEST_CASE("kedit export: the whole model has the mounted model's fingerprint and logits") {
  const Workplace at;
  const Json written = at.exported("hf", "out");
  const std::string out = (at.scratch / "out").string();
  CHECK(Model::load(out)->fingerprint() == written["fingerprint"]);
  CHECK(at.logits({"--model", out}) == at.edited_logits(at.file));
  CHECK(read_text(at.scratch / "out/tokenizer.json") == read_text(at.model / "tokenizer.json"));
  const std::string back = (at.scratch / "back.db").string();
  const Json imported =
      answer(at.words_of_import("hf", "out", {"--store", back, "--compact", "--name", "mine"}));
  CHECK(imported["edits"][0]["name"] == "mine");
  CHECK(imported["edits"][0]["weights"][0]["kind"] == "low-rank");
  CHECK(imported["edits"][0]["weights"][0]["residual"].get<double>() < 1e-5);
  CHECK(answer(at.words_of_import("hf", "out", {"--store", back, "--dry-run"}))["store"] ==
        nullptr);
}

TEST_CASE("kedit export: what cannot go out is refused by one sentence, and nothing is written") {
  const Workplace at;
  const fs::path out = at.scratch / "out";
  for (const char* form : {"peft", "hf", "gguf-lora"}) {
    CAPTURE(form);
    const Outcome facts = at.failed(form, out, {"--branch", "facts"});
    CHECK(facts.code == 3);
    CHECK(is_one_sentence(facts.err, {"exporting edit " + at.facts + " of in-context", "--edits"}));
  }
  CHECK(at.failed("peft", out, {"--edits", "ffffff"}).code == 3);
  CHECK(at.failed("peft", out, {"--edits", at.first, "--branch", "main"}).code == 2);
  CHECK(at.failed("hf", out, {"--base-name", "x"}).code == 2);
  CHECK(at.failed("peft", out, {"--store", (at.scratch / "none.db").string()}).code == 3);
  Store::open(at.file).revert(at.first);
  Store::open(at.file).revert(at.second);
  const Outcome none = at.failed("peft", out);
  CHECK(none.code == 3);
  CHECK(is_one_sentence(none.err, {"branch main: expected live edits, found none"}));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("kedit export: a place that is taken, or that cannot be written, stays as it is") {
  const Workplace at;
  const std::string form = GENERATE("peft", "hf", "gguf-lora");
  CAPTURE(form);
  fs::create_directory(at.scratch / "taken");
  write_text(at.scratch / "taken/file", "precious");
  const fs::path taken = at.scratch / (form == "gguf-lora" ? "taken/file" : "taken");
  const Outcome there = at.failed(form, taken);
  CHECK(there.code == 1);
  CHECK(is_one_sentence(there.err, {"writing " + taken.string(), "name another"}));
  CHECK(read_text(at.scratch / "taken/file") == "precious");
  const Outcome nowhere = at.failed(form, at.scratch / "no/such/out");
  CHECK(nowhere.code == 1);
  CHECK(is_one_sentence(nowhere.err, {"writing"}));
}

TEST_CASE("kedit export: a disk that is full leaves nothing behind") {
  const Workplace at;
  const std::uintmax_t size = fs::file_size(at.model / "model.safetensors");
  const Outcome full = run_kedit(at.words_of_export("hf", at.scratch / "full", {}),
                                 {.file_size_limit = static_cast<long>(size - 1)});
  CHECK(full.code == 1);
  CHECK(is_one_sentence(full.err, {"writing", "model.safetensors", "nothing was changed"}));
  for (const auto& entry : fs::directory_iterator(at.scratch.path())) {
    CHECK(entry.path().filename().string().rfind("full", 0) != 0);
  }
}

TEST_CASE("kedit import: an adapter without requests is an edit that its note explains") {
  const Workplace at;
  at.exported("peft", "adapter");
  fs::remove(at.scratch / "adapter/kedit_edits.json");
  const std::string back = (at.scratch / "back.db").string();
  const Json imported =
      answer(at.words_of_import("peft", "adapter", {"--store", back, "--name", "medical"}));
  REQUIRE(imported["edits"].size() == 1);
  for (const char* key : {"request_id", "subject", "target_new", "before", "after"}) {
    CHECK(imported["edits"][0][key] == nullptr);
  }
  const Outcome log = run_kedit({"store", "log", "--store", back});
  CHECK(log.out.find("imported from peft medical") != std::string::npos);
  const std::string id = imported["edits"][0]["id"];
  CHECK(run_kedit({"store", "show", id, "--store", back}).code == 0);
  CHECK(run_kedit({"store", "conflicts", "--store", back}).code == 0);
}

TEST_CASE("kedit import: what contradicts a live edit is refused unless it is allowed") {
  const Workplace at;
  at.exported("peft", "adapter", {"--edits", at.first});
  const fs::path record = at.scratch / "adapter/kedit_edits.json";
  Json document = read_json(record);
  document["edits"][0]["requests"][0]["target_new"] = "Paris";
  write_text(record, to_text(document));
  const Outcome outcome =
      run_kedit(at.words_of_import("peft", "adapter", {"--store", at.file.string()}));
  CHECK(outcome.code == 4);
  CHECK(is_one_sentence(outcome.err, {"Zemuria", "Paris", "--allow-conflict"}));
  CHECK(Store::open(at.file).log().size() == 2);
  answer(at.words_of_import("peft", "adapter", {"--store", at.file.string(), "--allow-conflict"}));
  CHECK(Store::open(at.file).log().size() == 3);
}

TEST_CASE("kedit import: damaged files leave the store untouched") {
  const Workplace at;
  at.exported("peft", "adapter");
  write_text(at.scratch / "adapter/adapter_config.json", R"({"peft_type": "LORA", "r": 0})");
  const std::string back = (at.scratch / "back.db").string();
  const Outcome outcome = run_kedit(at.words_of_import("peft", "adapter", {"--store", back}));
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, {"adapter_config.json: /r: expected a rank of at least 1"}));
  CHECK_FALSE(fs::exists(back));
  CHECK(run_kedit(at.words_of_import("hf", "adapter", {"--store", back})).code == 3);
  CHECK(run_kedit(at.words_of_import("peft", "adapter", {"--compact"})).code == 2);
}
