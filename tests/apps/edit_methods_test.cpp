// The editors through the program, on the lab model.
#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <filesystem>
#include <set>
#include <sstream>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

fs::path lab(const std::string& name) {
  return fs::path(KEDIT_SOURCE_DIR) / "assets" / "lab" / name;
}

Json answer(const Words& arguments) {
  const Outcome outcome = run_kedit(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

/// Lines [first, last) of the lab's requests as a file.
std::string requests(const ScratchFolder& scratch, std::size_t first, std::size_t last) {
  std::istringstream all(read_text(lab("requests.jsonl")));
  std::string text, line;
  for (std::size_t number = 0; std::getline(all, line); ++number) {
    if (number >= first && number < last) text += line + "\n";
  }
  const fs::path file = scratch / ("requests" + std::to_string(first) + ".jsonl");
  write_text(file, text);
  return file.string();
}

Words edit(const std::string& editor, const ScratchFolder& scratch, const std::string& file,
           const Words& more = {}) {
  Words words{"edit",
              "--editor",
              editor,
              "--model",
              lab("model").string(),
              "--store",
              (scratch / "kedit.db").string(),
              "--requests",
              file,
              "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::set<std::string> ids_of(const Json& document) {
  std::set<std::string> ids;
  for (const Json& one : document["edits"]) ids.insert(one["id"]);
  return ids;
}

void check_forced(const Json& document) {
  for (const Json& one : document["edits"]) {
    INFO(one["subject"]);
    CHECK(one["after"]["target_new_logprob"] > one["before"]["target_new_logprob"]);
    CHECK(one["optimisation"]["steps"] == one["optimisation"]["loss"].size());
    CHECK(one["optimisation"]["steps"] > 1);
  }
}

}  // namespace

TEST_CASE("kedit edit: editors that solve batches make one edit of all requests") {
  const std::string editor = GENERATE("memit", "alphaedit", "ft");
  const ScratchFolder scratch;
  const Json all = answer(edit(editor, scratch, requests(scratch, 0, 3)));
  REQUIRE(all["edits"].size() == 3);
  CHECK(ids_of(all).size() == 1);
  check_forced(all);
  CHECK(all["settings"]["layers"] == Json({0}));
  std::set<std::string> phases;
  for (const Json& phase : all["measured"]["phases"]) phases.insert(phase["name"]);
  for (const char* name : {"load", "value", "solve", "measure", "commit"}) {
    CHECK(phases.count(name) == 1);
  }
  CHECK(all["measured"]["peak_bytes"] > 0);
  CHECK(run_kedit({"store", "verify", "--store", (scratch / "kedit.db").string()}).code == 0);
}

TEST_CASE("kedit edit: batches of a given size follow each other, and are watched") {
  const ScratchFolder scratch;
  const Json all = answer(edit("memit", scratch, requests(scratch, 0, 3), {"--batch-size", "2"}));
  CHECK(ids_of(all).size() == 2);
  CHECK(all["edits"][0]["id"] == all["edits"][1]["id"]);
  REQUIRE(all["collapse"].size() == 2);
  CHECK(all["collapse"][1]["edits"] == 3);
  CHECK(all["collapse"][1]["perplexity"] > 0);
  const Outcome wrong =
      run_kedit(edit("rome", scratch, requests(scratch, 3, 4), {"--batch-size", "2"}));
  CHECK(wrong.code == 2);
  CHECK(is_one_sentence(wrong.err, {"--batch-size", "--mode batch"}));
}

TEST_CASE("kedit edit: independent edits do not see each other, whatever runs side by side") {
  const std::string editor = GENERATE("rome", "r-rome", "memit");
  const ScratchFolder scratch;
  const Json all = answer(
      edit(editor, scratch, requests(scratch, 0, 3), {"--mode", "independent", "--dry-run"}));
  REQUIRE(all["edits"].size() == 3);
  check_forced(all);
  const Json last = answer(edit(editor, scratch, requests(scratch, 2, 3), {"--dry-run"}));
  CHECK(all["edits"][2]["norms"]["update_frobenius"].get<double>() ==
        Approx(last["edits"][0]["norms"]["update_frobenius"].get<double>()).epsilon(1e-3));
}

TEST_CASE("kedit edit: AlphaEdit looks back at live edits of the store and forgets reverted ones") {
  const ScratchFolder scratch;
  const std::string store = (scratch / "kedit.db").string();
  const std::string second = requests(scratch, 1, 2);
  const auto norm = [](const Json& document) {
    return document["edits"][0]["norms"]["update_frobenius"].get<double>();
  };
  const double alone = norm(answer(edit("alphaedit", scratch, second, {"--dry-run"})));
  const Json first = answer(edit("alphaedit", scratch, requests(scratch, 0, 1)));
  CHECK(norm(answer(edit("alphaedit", scratch, second, {"--dry-run"}))) !=
        Approx(alone).epsilon(1e-5));
  CHECK(run_kedit({"store", "verify", "--store", store}).code == 0);
  CHECK(run_kedit({"store", "revert", first["edits"][0]["id"], "--store", store}).code == 0);
  CHECK(norm(answer(edit("alphaedit", scratch, second, {"--dry-run"}))) ==
        Approx(alone).epsilon(1e-6));
}

TEST_CASE("kedit edit: a row of edits stops before the one that ruins the model") {
  const ScratchFolder scratch;
  // A rate that tears the weights apart.
  const Words ruin{"--batch-size", "1", "--set", "lr=0.3", "--force", "--stop-on-collapse"};
  const Outcome outcome = run_kedit(edit("ft", scratch, requests(scratch, 0, 3), ruin));
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  CHECK(contains(outcome.err, "perplexity"));
  CHECK(contains(outcome.err, "not committed"));
  const Json log = answer({"store", "log", "--json", "--store", (scratch / "kedit.db").string()});
  CHECK(log["edits"].empty());
}

TEST_CASE("kedit edit --plan: phases with seconds and memory, and nothing else happens") {
  const std::string editor = GENERATE("rome", "memit", "alphaedit");
  const ScratchFolder scratch;
  const Json plan = answer(edit(editor, scratch, requests(scratch, 0, 2), {"--plan"}))["plan"];
  CHECK(plan["requests"] == 2);
  CHECK(plan["missing"].empty());
  double seconds = 0;
  for (const Json& phase : plan["phases"]) {
    CHECK(phase["peak_bytes"] > 0);
    seconds += phase["seconds"].get<double>();
  }
  CHECK(seconds > 0);
  CHECK_FALSE(fs::exists(scratch / "kedit.db"));
  const Json more = answer(edit(editor, scratch, requests(scratch, 0, 30), {"--plan"}))["plan"];
  CHECK(more["seconds"] > 4 * seconds);
}

TEST_CASE("kedit edit --plan: statistics that are missing are named") {
  const ScratchFolder scratch;
  RunOptions options;
  options.environment["KEDIT_CACHE"] = (scratch / "cache").string();
  const Outcome outcome = run_kedit(edit("memit", scratch, requests(scratch, 0, 1),
                                         {"--plan", "--set", "mom2_dataset=wikipedia"}),
                                    options);
  REQUIRE(outcome.code == 0);
  const Json plan = parse_json(outcome.out, "standard output")["plan"];
  REQUIRE(plan["missing"].size() == 1);
  CHECK(contains(plan["missing"][0].get<std::string>(), "kedit stats"));
}

TEST_CASE("kedit edit: published settings are found by name, and those of another model refused") {
  const ScratchFolder scratch;
  const std::string file = requests(scratch, 0, 1);
  const Outcome other = run_kedit(edit("rome", scratch, file, {"--settings", "gpt2-xl"}));
  CHECK(other.code == 3);
  CHECK(is_one_sentence(other.err, {"gpt2-xl", "48 layers", "qwen2"}));
  const Outcome unknown = run_kedit(edit("memit", scratch, file, {"--settings", "gpt5"}));
  CHECK(unknown.code == 3);
  CHECK(is_one_sentence(unknown.err, {"llama-3-8b", "gpt5"}));
}

TEST_CASE("kedit explain: every editor, its settings and what was published") {
  const Json all = answer({"explain", "--json"});
  std::set<std::string> names;
  for (const Json& editor : all["editors"]) names.insert(editor["name"]);
  CHECK(names.count("alphaedit") == 1);
  for (const std::string& name : names) {
    INFO(name);
    const Json one = answer({"explain", name, "--json"});
    CHECK(one["editor"] == name);
    for (const Json& setting : one["settings"]) {
      CHECK_FALSE(setting["effect"].get<std::string>().empty());
      CHECK_FALSE(setting["origin"].get<std::string>().empty());
      CHECK(setting.contains("unit"));
      CHECK(setting.contains("default"));
    }
  }
  const Json lambda = answer({"explain", "memit", "mom2_update_weight", "--json"});
  CHECK(lambda["default"] == 15000);
  CHECK(lambda["published"]["gpt2-xl"]["value"] == 20000);
  const Json published = answer({"explain", "alphaedit", "--settings", "llama-3-8b", "--json"});
  CHECK(published["settings"]["v_lr"] == 0.1);
  const Outcome wrong = run_kedit({"explain", "memit", "mom2_update_weigh"});
  CHECK(wrong.code == 2);
  CHECK(is_one_sentence(wrong.err, {"did you mean mom2_update_weight?"}));
  CHECK(run_kedit({"explain", "romee"}).code == 2);
}
