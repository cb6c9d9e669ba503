// A command that is told to run with edits runs with them, or says so and ends.
#include "json/json.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

// Two toy models with float16 weights of which one differs in a number, and a store.
struct Workplace {
  Workplace() {
    for (const auto& folder : {model, other}) {
      write_tiny_model(folder);
      rewrite(folder, folder == model ? 0.0 : 1.0);
    }
    base = info(model, {})["fingerprint"];
    Store store = Store::open(file, OpenMode::create);
    store.put_model({base, "qwen2", "where/it/lay", "float16", 1, "out-in"});
  }

  static void rewrite(const fs::path& folder, double added) {
    const checkpoint::SafetensorsFile opened =
        checkpoint::SafetensorsFile::open(folder / "model.safetensors");
    std::vector<std::pair<std::string, at::Tensor>> all;
    for (const auto& name : opened.names()) {
      all.emplace_back(name, opened.tensor(name).to(at::kHalf).clone());
    }
    all.front().second.view({-1})[0] += added;
    checkpoint::write_safetensors(folder / "model.safetensors", all);
  }

  EditDelta rome(const std::string& weight, std::int64_t rows, std::int64_t cols) const {
    EditDelta delta;
    delta.editor = "rome";
    delta.settings = Json::object();
    delta.base_fingerprint = base;
    delta.updates.push_back({weight, LowRank{at::ones({rows, 1}), at::ones({1, cols})}});
    return delta;
  }

  std::string commit(const EditDelta& delta) const {
    return Store::open(file).commit(delta, {.allow_conflict = true});
  }

  Outcome run(const fs::path& folder, Words words, const Words& more) const {
    words.insert(words.end(), {"--json", "--model", folder.string()});
    words.insert(words.end(), more.begin(), more.end());
    return run_kedit(words, {.environment = {{"KEDIT_CACHE", (scratch / "cache").string()}}});
  }

  Json answer(const fs::path& folder, const Words& words, const Words& more) const {
    const Outcome outcome = run(folder, words, more);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(outcome.err.empty());
    return parse_json(outcome.out, "standard output");
  }

  Json info(const fs::path& folder, const Words& more) const {
    return answer(folder, {"model", "info"}, more);
  }

  void check_refused(const Outcome& outcome, const std::vector<std::string>& parts) const {
    INFO(outcome.err);
    CHECK(outcome.code == 4);
    CHECK(outcome.out.empty());
    CHECK(is_one_sentence(outcome.err, parts));
  }

  ScratchFolder scratch;
  fs::path model = scratch / "model", other = scratch / "other", file = scratch / "kedit.db";
  std::string base;
};

const Words kLogits = {"model", "logits", "--ids", "1,2,3"};
constexpr const char* kWeight = "model.layers.0.mlp.down_proj.weight";

}  // namespace

TEST_CASE("an edit made on float16 weights is in force under every --dtype") {
  const Workplace place;
  place.commit(place.rome(kWeight, 16, 32));
  const Words store = {"--store", place.file.string()};
  for (const char* dtype : {"auto", "float32", "bfloat16"}) {
    INFO(dtype);
    Words edited = {"--dtype", dtype};
    const Json info = place.info(place.model, edited);
    CHECK(info["fingerprint"] == place.base);
    CHECK(info["dtype"] == (std::string(dtype) == "auto" ? "float16" : dtype));
    CHECK(info["stored_dtype"] == "float16");
    const Json without = place.answer(place.model, kLogits, edited);
    edited.insert(edited.end(), store.begin(), store.end());
    CHECK(place.answer(place.model, kLogits, edited) != without);
    CHECK(place.info(place.model, edited)["base_fingerprint"] == place.base);
  }
  const Json made =
      place.answer(place.model,
                   {"edit", "--editor", "in-context", "--subject", "France", "--prompt",
                    "The capital of {} is", "--target", "Rome", "--dry-run", "--dtype", "float32"},
                   store);
  CHECK(made["model"] ==
        Json{{"fingerprint", place.base}, {"dtype", "float32"}, {"stored_dtype", "float16"}});
}

TEST_CASE("a live edit for another model ends a command that is to run with it, with exit code 4") {
  const Workplace place;
  const std::string id = place.commit(place.rome(kWeight, 16, 32));
  const std::string found = place.info(place.other, {})["fingerprint"];
  const std::string store = place.file.string();
  const std::vector<std::string> parts = {"edit " + id, found.substr(0, 12),
                                          place.base.substr(0, 12), "where/it/lay"};
  place.check_refused(place.run(place.other, kLogits, {"--store", store}), parts);
  place.check_refused(place.run(place.other, kLogits, {"--store", store, "--branch", "main"}),
                      parts);
  place.check_refused(place.run(place.other, kLogits, {"--store", store, "--edits", id}), parts);
  place.check_refused(
      place.run(place.other, {"model", "generate", "--ids", "1"}, {"--store", store}), parts);
  const Words edit = {"edit",   "--editor", "in-context",           "--subject",
                      "France", "--prompt", "The capital of {} is", "--target",
                      "Rome",   "--dry-run"};
  place.check_refused(place.run(place.other, edit, {"--store", store, "--edits", id}), parts);

  // Where edits are made, a store may hold those of several models.
  const Outcome made = place.run(place.other, edit, {"--store", store});
  CHECK(made.code == 0);
  CHECK(made.err.find("1 live edits on branch main are for another model") != std::string::npos);

  Store::open(place.file).revert(id);
  CHECK(place.run(place.other, kLogits, {"--store", store}).code == 0);
}

TEST_CASE("an edit that does not fit the model that it names is damaged: exit code 4") {
  const Workplace place;
  place.commit(place.rome(kWeight, 16, 32));
  const std::string id = place.commit(place.rome(kWeight, 15, 32));
  const Words store = {"--store", place.file.string()};
  place.check_refused(place.run(place.model, kLogits, store), {id, "found [15, 32]"});
  Store::open(place.file).revert(id);
  const std::string ghost = place.commit(place.rome("ghost.weight", 2, 2));
  place.check_refused(place.run(place.model, kLogits, store), {"ghost.weight"});
  place.check_refused(
      place.run(place.model, kLogits, {"--store", place.file.string(), "--edits", ghost}),
      {"ghost.weight"});
  const Outcome twice =
      place.run(place.model, kLogits, {"--store", place.file.string(), "--edits", id + "," + id});
  CHECK(twice.code == 2);
  CHECK(is_one_sentence(twice.err, {"--edits", "once"}));
}

TEST_CASE("a command that looks at weights alone says which live edits it cannot put into force") {
  const Workplace place;
  place.commit(place.rome(kWeight, 16, 32));
  const Words store = {"--store", place.file.string()};
  const Json before = place.answer(place.model, kLogits, store);  // nothing on standard error
  for (const char* sentence : {"one", "two"}) {
    EditDelta delta;
    delta.editor = "in-context";
    delta.settings = Json::object();
    delta.base_fingerprint = place.base;
    delta.facts.push_back({sentence, "P1", "o", sentence});
    place.commit(delta);
  }
  for (const Words& words :
       {kLogits, Words{"model", "generate", "--ids", "1"},
        Words{"model", "score", "--prompt", "The capital", "--target", " of"}}) {
    INFO(words[1]);
    const Outcome outcome = place.run(place.model, words, store);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.find("note: 2 live edits of in-context remember facts") == 0);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_NOTHROW(parse_json(outcome.out, "standard output"));
    Words quiet = store;
    quiet.emplace_back("--quiet");
    CHECK(place.run(place.model, words, quiet).err.empty());
  }
  CHECK(parse_json(place.run(place.model, kLogits, store).out, "standard output") == before);
}

TEST_CASE("--verify-model finds weights that were changed behind size, time and inode") {
  const Workplace place;
  const fs::path weights = place.model / "model.safetensors";
  const auto time = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const auto& entry : fs::directory_iterator(place.model)) fs::last_write_time(entry, time);
  CHECK(place.info(place.model, {})["fingerprint"] == place.base);
  std::string bytes = read_text(weights);
  bytes[bytes.size() - 1] ^= 1;
  write_text(weights, bytes);
  fs::last_write_time(weights, time);
  CHECK(place.info(place.model, {})["fingerprint"] == place.base);  // from the cache
  const Outcome verified = place.run(place.model, {"model", "info"}, {"--verify-model"});
  CHECK(verified.code == 0);
  CHECK(is_one_sentence(verified.err, {"warning", "verifying", "1 of its tensors"}));
  CHECK(parse_json(verified.out, "standard output")["fingerprint"] != place.base);
}
