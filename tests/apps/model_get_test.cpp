#include "json/json.hpp"
#include "model/catalogue.hpp"
#include "model/catalogue/record.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kName = "smollm2-135m-instruct";

// What counts as fetched: a record, and weights of the right size (here a file without content).
fs::path pretend_fetched(const fs::path& cache) {
  const catalogue::Entry& entry = *catalogue::find(kName);
  const fs::path folder = cache / "models" / entry.name;
  fs::create_directories(folder);
  const fs::path weights = folder / catalogue::place_of(entry, entry.weights_file);
  write_text(weights, "");
  fs::resize_file(weights, static_cast<std::uintmax_t>(entry.weights_bytes));
  write_text(folder / catalogue::kRecordFile, catalogue::record_text(entry));
  return weights;
}

}  // namespace

TEST_CASE("kedit model get: what is there already is told at once, without Python") {
  const ScratchFolder cache;
  const RunOptions options{
      .environment = {{"KEDIT_CACHE", cache.path().string()}, {"PATH", "/nonexistent"}}};
  const auto listed = [&] {
    const Outcome outcome = run_kedit({"model", "get", "--list", "--json"}, options);
    REQUIRE(outcome.code == 0);
    return parse_json(outcome.out, "standard output")["models"];
  };
  for (const Json& model : listed()) {
    CHECK(model["fetched"] == false);
    CHECK(model["path"].is_null());
  }
  const fs::path weights = pretend_fetched(cache.path());
  CHECK(listed()[0]["fetched"] == true);
  const Outcome got = run_kedit({"model", "get", kName, "--json"}, options);
  REQUIRE(got.code == 0);
  CHECK(got.err.empty());
  const Json model = parse_json(got.out, "standard output");
  CHECK(model["name"] == kName);
  CHECK(model["path"] == weights.string());
  CHECK(model["licence"] == "Apache-2.0");
  CHECK(model["bytes"] == 98362432);
  CHECK(model["sha256"].get<std::string>().size() == 64);
}

TEST_CASE("kedit model get: wrong names, no Python and a cache that cannot be written") {
  const ScratchFolder cache;
  const std::map<std::string, std::string> environment = {{"KEDIT_CACHE", cache.path().string()},
                                                          {"PATH", "/nonexistent"}};
  const auto check = [&](const std::vector<std::string>& words, int code,
                         const std::vector<std::string>& parts) {
    const Outcome outcome = run_kedit(words, {.environment = environment});
    INFO(outcome.err);
    CHECK(outcome.code == code);
    CHECK(outcome.out.empty());
    CHECK(is_one_sentence(outcome.err, parts));
  };
  check({"model", "get"}, 2, {kName, "--list"});
  check({"model", "get", "smollm2"}, 2, {"all-minilm-l6-v2", "did you mean", kName});
  check({"model", "get", kName, "--list"}, 2, {"both"});
  check({"model", "get", kName, "--quiet"}, 1, {"no python3 on the PATH"});
  check({"model", "info", "--model", kName}, 3, {"kedit model get"});
  check({"model", "info", "--model", "smollm2"}, 3, {"did you mean", kName});
  CHECK_FALSE(catalogue::fetched(*catalogue::find(kName), cache / "models"));

  write_text(cache / "file", "x");
  const Outcome blocked = run_kedit(
      {"model", "get", kName, "--quiet"},
      {.environment = {{"KEDIT_CACHE", (cache / "file").string()}, {"PATH", "/nonexistent"}}});
  CHECK(blocked.code == 1);
  CHECK(is_one_sentence(blocked.err, {"writing", "KEDIT_CACHE"}));
}

TEST_CASE("kedit: the name of a fetched model is a model to every command") {
  const ScratchFolder scratch;
  const fs::path weights = pretend_fetched(scratch.path());
  const std::string cache = scratch.path().string();
  // The file holds no model; that it is named in the message shows that it was looked into.
  const auto refused = [&](const std::vector<std::string>& words, const std::string& model) {
    const Outcome outcome =
        run_kedit(words, {.environment = {{"KEDIT_CACHE", cache}, {"KEDIT_MODEL", model}}});
    INFO(outcome.err);
    CHECK(outcome.code == 3);
    CHECK(is_one_sentence(outcome.err, {weights.string()}));
  };
  refused({"model", "info", "--model", kName}, "");
  refused({"model", "info"}, kName);
  write_text(scratch / "bench.json",
             R"({"name":"x","model":"smollm2-135m-instruct","editors":[{"name":"in-context"}],
                 "dataset":"mquake:)" KEDIT_SOURCE_DIR R"(/assets/lab/mquake.json"})");
  refused({"bench", "run", (scratch / "bench.json").string(), "--store",
           (scratch / "runs.db").string()},
          "");
}
