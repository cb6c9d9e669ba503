#include "json/json.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/real_data.hpp"

#include <ATen/ATen.h>

#include <csignal>
#include <filesystem>
#include <future>
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

namespace {

at::Tensor moment_in(const Json& stats, std::size_t layer) {
  const auto file =
      checkpoint::SafetensorsFile::open(stats["statistics"][layer]["path"].get<std::string>());
  return file.tensor("second_moment").clone();
}

/// Texts enough for several batches of the tiny model.
std::string many_lines() {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    for (int word = 0; word < 20 + i % 7; ++word) lines += "The capital of France is Paris. ";
    lines += std::to_string(i) + "\n";
  }
  return lines;
}

}  // namespace

TEST_CASE("kedit stats: two processes find what one finds, and the first one writes it") {
  const Workplace place;
  write_text(place.scratch / "corpus.txt", many_lines());
  const Json alone = place.stats({"--threads", "1"});
  const std::string port = std::to_string(free_port());
  const auto part = [&](const std::string& rank, const std::string& cache) {
    return run_kedit(
        {"stats", "--json", "--threads", "1", "--model", (place.scratch / "model").string(),
         "--corpus", (place.scratch / "corpus.txt").string(), "--dist-timeout", "120"},
        {.environment = {{"KEDIT_CACHE", (place.scratch / cache).string()},
                         {"RANK", rank},
                         {"WORLD_SIZE", "2"},
                         {"MASTER_PORT", port}}});
  };
  auto second = std::async(std::launch::async, [&] { return part("1", "second"); });
  const Outcome first = part("0", "first");
  const Outcome other = second.get();
  INFO(first.err << other.err);
  REQUIRE(first.code == 0);
  REQUIRE(other.code == 0);
  const Json shared = parse_json(first.out, "process 0");
  const Json rest = parse_json(other.out, "process 1");
  CHECK(rest["statistics"].empty());
  CHECK(rest["process"] == 1);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    CHECK(shared["statistics"][layer]["tokens"] == alone["statistics"][layer]["tokens"]);
    const at::Tensor expected = moment_in(alone, layer);
    CHECK(at::allclose(moment_in(shared, layer), expected, 1e-5, 1e-7));
  }
  CHECK(fs::is_empty(
      place.scratch / "second/second-moment" /
      fs::directory_iterator(place.scratch / "second/second-moment")->path().filename()));
}

TEST_CASE("kedit stats: a process whose partner does not come says so in one sentence") {
  const Workplace place;
  const Outcome lonely =
      run_kedit({"stats", "--model", (place.scratch / "model").string(), "--corpus",
                 (place.scratch / "corpus.txt").string(), "--dist-timeout", "1"},
                {.environment = {{"KEDIT_CACHE", (place.scratch / "cache").string()},
                                 {"RANK", "0"},
                                 {"WORLD_SIZE", "2"},
                                 {"MASTER_PORT", std::to_string(free_port())}}});
  CHECK(lonely.code == 1);
  CHECK(lonely.out.empty());
  CHECK(is_one_sentence(lonely.err, {"joining the other processes", "within 1 s", "start all"}));
}

TEST_CASE("kedit stats: a killed run goes on and ends with the same bits") {
  const Workplace place;
  write_text(place.scratch / "corpus.txt", many_lines());
  const Json undisturbed = place.stats({"--threads", "1"});
  const auto cache = place.scratch / "killed";
  const Words words{"stats",        "--json",
                    "--threads",    "1",
                    "--save-every", "0",
                    "--model",      (place.scratch / "model").string(),
                    "--corpus",     (place.scratch / "corpus.txt").string()};
  const auto unfinished = [&] {
    std::error_code absent;
    for (const auto& entry : fs::recursive_directory_iterator(cache, absent)) {
      if (entry.path().filename().string().starts_with("unfinished-") &&
          entry.path().extension() == ".safetensors") {
        return true;
      }
    }
    return false;
  };
  RunOptions options{.environment = {{"KEDIT_CACHE", cache.string()}}};
  options.signal_when = unfinished;
  const Outcome killed = run_kedit(words, options);
  if (killed.code == 0) return;  // was done before the signal came
  CHECK(killed.code == -SIGKILL);
  CHECK(unfinished());
  const Outcome resumed = run_kedit(words, {.environment = {{"KEDIT_CACHE", cache.string()}}});
  REQUIRE(resumed.code == 0);
  CHECK_FALSE(unfinished());
  const Json document = parse_json(resumed.out, "standard output");
  for (std::size_t layer = 0; layer < 2; ++layer) {
    CHECK(at::equal(moment_in(document, layer), moment_in(undisturbed, layer)));
  }
}

TEST_CASE("kedit stats --nullspace: rank and eigenvalues of every layer are told") {
  const Workplace place;
  const Json stats = place.stats({"--nullspace", "1e9"});
  const Json& space = stats["statistics"][0]["null_space"];
  CHECK(space["rank"] == space["width"]);
  CHECK(space["eigenvalues"].size() == 9);
  CHECK(space["eigenvalues"]["1"].get<double>() > space["eigenvalues"]["0.5"].get<double>());
  const double largest = space["eigenvalues"]["1"];
  const Json again = place.stats({"--nullspace", std::to_string(largest / 2)});
  CHECK(again["statistics"][0]["null_space"]["rank"] < space["width"]);
  const Outcome text = place.run({"--nullspace", "1e9", "--quiet"});
  CHECK(text.code == 0);
}

TEST_CASE("kedit edit: missing statistics are priced, and --stats auto collects them") {
  const ScratchFolder scratch;
  const fs::path model = write_tiny_model(scratch / "model");
  write_text(scratch / "corpus.jsonl", "{\"text\":\"The capital of France is Paris.\"}\n");
  const auto edit = [&](const Words& more) {
    Words words{"edit",
                "--json",
                "--editor",
                "rome",
                "--model",
                model.string(),
                "--force",
                "--store",
                (scratch / "kedit.db").string(),
                "--subject",
                "France",
                "--prompt",
                "The capital of {} is",
                "--target",
                "Rome",
                "--set",
                "layers=[1]",
                "--set",
                "mom2_dataset=" + (scratch / "corpus.jsonl").string(),
                "--set",
                "mom2_n_tokens=5",
                "--set",
                "mom2_ridge=0.1",
                "--set",
                "v_num_grad_steps=2",
                "--set",
                "context_templates=[\"{}\"]"};
    words.insert(words.end(), more.begin(), more.end());
    return run_kedit(words, {.environment = {{"KEDIT_CACHE", (scratch / "cache").string()}}});
  };
  const Outcome refused = edit({});
  CHECK(refused.code == 3);
  CHECK(refused.out.empty());
  CHECK(is_one_sentence(refused.err, {"layer 1", "corpus.jsonl (1 texts, about 5 tokens",
                                      "run kedit stats --layers 1", "--tokens 5", "--stats auto"}));
  const Outcome made = edit({"--stats", "auto"});
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(edit({"--dry-run", "--stats", "never"}).code == 0);
}

TEST_CASE("kedit edit: a damaged .npz of statistics is refused and nothing committed",
          "[real-data]") {
  const auto data = real_data("deltas");
  if (!data) return;
  const ScratchFolder scratch;
  const auto edit = [&](const fs::path& statistics) {
    write_text(scratch / "settings.json",
               to_text({{"layers", {1}},
                        {"context_templates", {"{}"}},
                        {"v_num_grad_steps", 2},
                        {"second_moment", {{"1", statistics.string()}}}}));
    return run_kedit({"edit", "--editor", "rome", "--model", (*data / "gpt2-tiny").string(),
                      "--settings", (scratch / "settings.json").string(), "--store",
                      (scratch / "kedit.db").string(), "--force", "--quiet", "--subject",
                      "Danielle Darrieux", "--prompt", "The mother tongue of {} is", "--target",
                      "English"});
  };
  for (const auto& entry : fs::directory_iterator(*data / "npz/damaged")) {
    INFO(entry.path());
    const Outcome refused = edit(entry.path());
    CHECK(refused.code == 3);
    CHECK(is_one_sentence(refused.err, {entry.path().filename().string()}));
    CHECK(Store::open(scratch / "kedit.db").log("main").empty());
  }
  CHECK(edit(*data / "npz/transformer.h.1.mlp.c_proj_float32_mom2_400.npz").code == 0);
}
