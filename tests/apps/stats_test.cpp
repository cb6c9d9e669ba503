#include "json/json.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <filesystem>
#include <set>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

// The tiny model, a corpus, and a store with one edit of layer 0's second MLP matrix.
struct Workplace {
  Workplace() {
    write_tiny_model(scratch / "model");
    write_text(scratch / "corpus.txt", "The capital of France is Paris.\nThe capital of Italy.\n");
    const std::string base = stats({})["model"]["fingerprint"];
    Store store = Store::open(file, OpenMode::create);
    store.put_model({base, "qwen2", "", "float32", 1, "out-in"});
    EditDelta delta;
    delta.editor = "rome";
    delta.settings = Json::object();
    delta.base_fingerprint = base;
    delta.updates.push_back({"model.layers.0.mlp.down_proj.weight",
                             LowRank{at::ones({16, 1}), at::arange(32, at::kFloat).view({1, 32})}});
    edit = store.commit(delta);
  }

  Outcome run(const Words& more) const {
    Words words{"stats",    "--json",
                "--model",  (scratch / "model").string(),
                "--corpus", (scratch / "corpus.txt").string()};
    words.insert(words.end(), more.begin(), more.end());
    return run_kedit(words, {.environment = {{"KEDIT_CACHE", (scratch / "cache").string()}}});
  }

  Json stats(const Words& more) const {
    const Outcome outcome = run(more);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return parse_json(outcome.out, "standard output");
  }

  ScratchFolder scratch;
  fs::path file = scratch / "kedit.db";
  std::string edit;
};

std::string matrix_of(const Json& stats, std::size_t layer) {
  return read_text(stats["layers"][layer]["file"].get<std::string>());
}

}  // namespace

TEST_CASE("kedit stats: a model with mounted edits has statistics of its own") {
  const Workplace place;
  const Json base = place.stats({});
  const Json edited = place.stats({"--store", place.file});
  CHECK(base["edits"].empty());
  CHECK(edited["edits"] == Json::array({place.edit}));
  CHECK(edited["model"]["fingerprint"] != base["model"]["fingerprint"]);
  const Json info =
      parse_json(run_kedit({"model", "info", "--json", "--model",
                            (place.scratch / "model").string(), "--store", place.file.string()})
                     .out,
                 "model info");
  CHECK(edited["model"]["fingerprint"] == info["fingerprint"]);
  std::set<std::string> files;
  for (const Json& stats : {base, edited}) {
    for (const Json& layer : stats["layers"]) files.insert(layer["file"].get<std::string>());
  }
  CHECK(files.size() == 4);

  // The keys of layer 1 come after the edited matrix.
  CHECK(matrix_of(edited, 1) != matrix_of(base, 1));
  CHECK(place.stats({"--store", place.file, "--edits", place.edit.substr(0, 6)}) == edited);
  CHECK(place.stats({"--store", place.file, "--branch", "main"}) == edited);
}

TEST_CASE("kedit stats: a store with all edits reverted gives the base's statistics") {
  const Workplace place;
  const Json base = place.stats({});
  Store::open(place.file).revert(place.edit);
  CHECK(place.stats({"--store", place.file}) == base);
}

TEST_CASE("kedit stats: contradictory or unknown --edits are refused") {
  const Workplace place;
  CHECK(place.run({"--edits", place.edit}).code == 2);
  CHECK(place.run({"--store", place.file, "--edits", place.edit, "--branch", "main"}).code == 2);
  const Outcome unknown = place.run({"--store", place.file, "--edits", "ffffffffffff"});
  CHECK(unknown.code == 3);
  CHECK(is_one_sentence(unknown.err, {"ffffffffffff", "no such edit"}));
}

TEST_CASE("kedit stats: text that the model samples itself is a corpus, and settings can name it") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  const RunOptions options{.environment = {{"KEDIT_CACHE", (scratch / "cache").string()}}};
  const auto stats = [&](const std::string& corpus) {
    return run_kedit({"stats", "--json", "--model", model.string(), "--corpus", corpus, "--layers",
                      "1", "--layers", "0,1", "--tokens", "150"},
                     options);
  };
  const Outcome first = stats("self:200:5");
  INFO(first.err);
  REQUIRE(first.code == 0);
  const Json document = parse_json(first.out, "standard output");
  CHECK(document["corpus"]["name"] == "self:200:5");
  REQUIRE(document["statistics"].size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const Json& one = document["statistics"][i];
    CHECK(one["layer"] == i);
    CHECK(one["site"] == "mlp_key");
    CHECK(one["tokens"] == 150);
    CHECK(one["corpus"] == "self:200:5");
    CHECK(fs::exists(one["path"].get<std::string>()));
  }
  CHECK(stats("self:200:5").out == first.out);
  const Outcome wrong = stats("self:many");
  CHECK(wrong.code == 2);
  CHECK(is_one_sentence(wrong.err, {"expected self, self:TOKENS or self:TOKENS:SEED"}));
}

TEST_CASE("kedit stats: under another type than the stored one statistics are found again") {
  const Workplace place;
  const Json once = place.stats({"--dtype", "bfloat16"});
  CHECK(fs::exists(once["statistics"][0]["path"].get<std::string>()));
  CHECK(place.stats({"--dtype", "bfloat16"}) == once);
}
