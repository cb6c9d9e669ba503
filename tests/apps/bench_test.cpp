#include "json/json.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <csignal>
#include <filesystem>
#include <sstream>

using namespace kedit;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

fs::path lab(const std::string& name) {
  return fs::path(KEDIT_SOURCE_DIR) / "assets" / "lab" / name;
}

// Four cases in groups of two, an editor that changes weights, one that keeps facts, a control.
fs::path write_config(const ScratchFolder& scratch) {
  const fs::path file = scratch / "bench.json";
  const Json config = {{"name", "small"},
                       {"model", lab("model").string()},
                       {"dataset", "mquake:" + lab("mquake.json").string()},
                       {"cases", "1-4"},
                       {"editors", Json::array({{{"name", "rome"}}, {{"name", "in-context"}}})},
                       {"controls", Json::array({"unedited"})},
                       {"protocol", {{"grouping", "seed0"}, {"group_size", 2}}},
                       {"answerers", Json::array({"cloze", "direct"})}};
  write_text(file, to_text(config));
  return file;
}

constexpr std::int64_t kAnswers = 12;  // four cases, three systems

Words run_words(const fs::path& config, const fs::path& store) {
  return {"bench", "run", config.string(), "--store", store.string(), "--json", "--threads", "1"};
}

Json answer(const Words& words, const RunOptions& options = {}) {
  const Outcome outcome = run_kedit(words, options);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

std::string store_path(const ScratchFolder& scratch) { return (scratch / "kedit.db").string(); }

// Every number of the run, as its report tells them.
std::string scores(const std::string& store) {
  const Outcome outcome =
      run_kedit({"report", "--store", store, "--out", "-", "--format", "json", "--draws", "50"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json report = parse_json(outcome.out, "standard output");
  return to_text(report["runs"][0]["scores"]);
}

// What a run that nobody disturbs ends with.
const std::string& undisturbed() {
  static const std::string numbers = [] {
    const ScratchFolder scratch;
    const Json run = answer(run_words(write_config(scratch), scratch / "kedit.db"));
    CHECK(run["state"] == "done");
    return scores(store_path(scratch));
  }();
  return numbers;
}

std::int64_t answered(const fs::path& store) {
  try {
    const auto runs = Store::open(store, OpenMode::read_only).runs();
    return runs.empty() ? 0 : runs.front().done;
  } catch (const StoreError&) {
    return 0;  // not made yet
  }
}

RunOptions signalled(const fs::path& store, int signal, std::int64_t after) {
  RunOptions options;
  options.signal = signal;
  options.signal_when = [store, after] { return answered(store) >= after; };
  return options;
}

}  // namespace

TEST_CASE("kedit bench resume: a killed run resumes with equal scores") {
  const std::int64_t after = GENERATE(std::int64_t{1}, std::int64_t{5}, std::int64_t{9});
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  const Words words = run_words(write_config(scratch), store);
  const Outcome killed = run_kedit(words, signalled(store, SIGKILL, after));
  CHECK(killed.code == -SIGKILL);
  CHECK(run_kedit({"store", "verify", "--store", store.string()}).code == 0);
  CHECK(answered(store) >= after);
  CHECK(answered(store) < kAnswers);
  const Json resumed =
      answer({"bench", "resume", "--store", store.string(), "--json", "--threads", "1"});
  CHECK(resumed["state"] == "done");
  CHECK(answered(store) == kAnswers);
  CHECK(scores(store.string()) == undisturbed());
  CHECK(run_kedit({"store", "verify", "--store", store.string()}).code == 0);
}

TEST_CASE(
    "kedit bench run: an interrupted run ends with exit code 130 and the same command resumes it") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  const Words words = run_words(write_config(scratch), store);
  const Outcome stopped = run_kedit(words, signalled(store, signal, 3));
  CHECK(stopped.code == 130);
  CHECK(stopped.out.empty());
  const Json status = answer({"bench", "status", "--store", store.string(), "--json"});
  CHECK(status["runs"][0]["state"] == "interrupted");
  CHECK(status["runs"][0]["done"] >= 3);
  CHECK(status["runs"][0]["total"] == kAnswers);
  CHECK(answer(words)["state"] == "done");
  CHECK(answered(store) == kAnswers);
  CHECK(scores(store.string()) == undisturbed());
}

TEST_CASE("kedit bench run: --workers gives the scores of a single process") {
  const ScratchFolder scratch;
  Words words = run_words(write_config(scratch), scratch / "kedit.db");
  words.insert(words.end(), {"--workers", "2"});
  const Json joined = answer(words);
  CHECK(joined["state"] == "done");
  CHECK(answered(scratch / "kedit.db") == kAnswers);
  CHECK(scores(store_path(scratch)) == undisturbed());
  CHECK(run_kedit({"store", "verify", "--store", store_path(scratch)}).code == 0);
  CHECK_FALSE(fs::exists(scratch / "kedit.db.1-of-2"));  // joined, they have served
}

TEST_CASE("kedit bench run: --workers keeps a part store that holds another run") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  Json other = parse_json(read_text(config), "bench.json");
  other["name"] = "other";
  other["editors"] = Json::array();
  write_text(scratch / "other.json", to_text(other));
  RunOptions first;
  first.environment = {{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  answer(run_words(scratch / "other.json", scratch / "kedit.db"), first);
  other["name"] = "third";
  write_text(config, to_text(other));
  Words words = run_words(config, scratch / "kedit.db");
  words.insert(words.end(), {"--workers", "2"});
  CHECK(answer(words)["state"] == "done");
  CHECK(fs::exists(scratch / "kedit.db.1-of-2"));
  CHECK_FALSE(fs::exists(scratch / "kedit.db.2-of-2"));
}

TEST_CASE("kedit bench run: a run that cannot begin leaves no store") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  Json value = parse_json(read_text(config), "bench.json");
  value["dataset"] = "counterfact:absent.json";
  value.erase("answerers");
  write_text(config, to_text(value));
  const Outcome refused = run_kedit(run_words(config, scratch / "kedit.db"));
  CHECK(refused.code == 3);
  CHECK(is_one_sentence(refused.err, {"absent.json"}));
  CHECK_FALSE(fs::exists(scratch / "kedit.db"));
}

// A configuration of rome alone whose settings stand in a file in a folder of their own.
fs::path write_rome_config(const ScratchFolder& scratch, const Json& settings) {
  const fs::path config = write_config(scratch);
  Json value = parse_json(read_text(config), "bench.json");
  fs::create_directories(scratch / "hparams");
  write_text(scratch / "hparams/rome.json", to_text(settings));
  value["editors"] = Json::array({{{"name", "rome"}, {"settings", "hparams/rome.json"}}});
  value["controls"] = Json::array();
  value["answerers"] = Json::array({"cloze"});
  write_text(config, to_text(value));
  return config;
}

TEST_CASE("bench: files that a settings file names are found beside it, from anywhere") {
  const ScratchFolder scratch;
  const fs::path config = write_rome_config(scratch, {{"mom2_dataset", "texts.txt"},
                                                      {"mom2_n_samples", 40},
                                                      {"stats", "auto"},
                                                      {"v_num_grad_steps", 2}});
  const std::string corpus = read_text(lab("corpus.txt"));
  write_text(scratch / "hparams/texts.txt", corpus.substr(0, corpus.find('\n', 20000) + 1));
  const fs::path store = scratch / "kedit.db";
  RunOptions options = signalled(store, SIGINT, 1);
  options.environment = {{"KEDIT_CACHE", (scratch / "cache").string()}};
  CHECK(run_kedit(run_words(config, store), options).code == 130);
  // The statistics that were collected are of that file, and the run goes on with it elsewhere.
  RunOptions elsewhere;
  fs::create_directories(scratch / "elsewhere");
  elsewhere.directory = scratch / "elsewhere";
  elsewhere.environment = {{"KEDIT_CACHE", (scratch / "other-cache").string()}};
  const Json run =
      answer({"bench", "resume", "--store", store.string(), "--json", "--threads", "1"}, elsewhere);
  CHECK(run["state"] == "done");
  std::string cached;
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "other-cache")) {
    cached += entry.path().string() + "\n";
  }
  CHECK(cached.find(".safetensors") != std::string::npos);

  // What the report states was used: the lab's own settings below those of the file.
  const Outcome outcome = run_kedit(
      {"report", "--store", store.string(), "--out", "-", "--format", "json", "--draws", "50"});
  REQUIRE(outcome.code == 0);
  const Json header = parse_json(outcome.out, "report")["runs"][0]["header"];
  const Json stated =
      parse_json(header["systems"][0]["settings"].get<std::string>(), "settings of the report");
  CHECK(stated["v_num_grad_steps"] == 2);
  CHECK(stated["mom2_ridge"] == 0.01);
  CHECK(stated["v_lr_scaled"] == true);
  CHECK(stated["layers"] == Json({0}));
  CHECK(stated["mom2_dataset"] == "texts.txt");
}

TEST_CASE("bench: a wrong setting or missing statistics are bad input, also for workers") {
  const ScratchFolder scratch;
  const fs::path store = scratch / "kedit.db";
  const auto refused = [&](const Json& settings, const Words& parts, const Words& more) {
    Words words = run_words(write_rome_config(scratch, settings), store);
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run_kedit(words);
    INFO(outcome.err);
    CHECK(outcome.code == 3);
    CHECK(outcome.out.empty());
    for (const std::string& part : parts) CHECK(outcome.err.find(part) != std::string::npos);
    if (more.empty()) CHECK(is_one_sentence(outcome.err, parts));
    CHECK_FALSE(fs::exists(store));
  };
  refused({{"v_lr", "fast"}}, {"v_lr"}, {});
  refused({{"v_lrr", 1}}, {"v_lrr", "did you mean v_lr?"}, {});
  const std::string absent = (scratch / "hparams/absent.safetensors").string();
  refused({{"second_moment", {{"0", "absent.safetensors"}}}}, {absent, "layer 0"}, {});
  refused({{"second_moment", {{"0", "absent.safetensors"}}}}, {absent}, {"--workers", "2"});
}

TEST_CASE("kedit bench merge: parts of torchrun and Slurm processes are joined in any order") {
  const ScratchFolder scratch;
  const Words words = run_words(write_config(scratch), scratch / "kedit.db");
  RunOptions first, second;
  first.environment = {{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  second.environment = {{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}};
  const Json a = answer(words, first);
  const Json b = answer(words, second);
  CHECK(a["total"].get<std::int64_t>() + b["total"].get<std::int64_t>() == kAnswers);
  CHECK_FALSE(fs::exists(scratch / "kedit.db"));
  // One part alone is a run that is not complete, and resume finishes it.
  const Json half =
      answer({"bench", "merge", b["store"], "--store", store_path(scratch), "--json"});
  CHECK(half["state"] == "interrupted");
  const Json whole =
      answer({"bench", "merge", b["store"], a["store"], "--store", store_path(scratch), "--json"});
  CHECK(whole["state"] == "done");
  CHECK(whole["run"] == half["run"]);
  CHECK(scores(store_path(scratch)) == undisturbed());
}

TEST_CASE("kedit bench run: an invalid rank or an unknown key is refused") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  RunOptions odd;
  odd.environment = {{"RANK", "2"}, {"WORLD_SIZE", "2"}};
  const Outcome refused = run_kedit(run_words(config, scratch / "kedit.db"), odd);
  CHECK(refused.code == 2);
  CHECK(is_one_sentence(refused.err, {"RANK=2 WORLD_SIZE=2"}));

  Json value = parse_json(read_text(config), "bench.json");
  value["protocl"] = Json::object();
  write_text(config, to_text(value));
  const Outcome unknown = run_kedit(run_words(config, scratch / "kedit.db"));
  CHECK(unknown.code == 3);
  CHECK(is_one_sentence(unknown.err,
                        {"bench.json", "unknown key \"protocl\", did you mean \"protocol\"?"}));
}

TEST_CASE("kedit bench merge: stores of different configurations are refused") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  RunOptions first;
  first.environment = {{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  const Json a = answer(run_words(config, scratch / "one.db"), first);
  Json value = parse_json(read_text(config), "bench.json");
  value["cases"] = "1-2";
  write_text(config, to_text(value));
  const Json b = answer(run_words(config, scratch / "two.db"), first);
  const Outcome refused =
      run_kedit({"bench", "merge", a["store"], b["store"], "--store", store_path(scratch)});
  CHECK(refused.code != 0);
  CHECK(is_one_sentence(refused.err, {"two.db", "same configuration"}));
}

TEST_CASE("kedit bench run: --branch starts from its edits also when resumed or with workers") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  const fs::path store = scratch / "kedit.db";
  const Json edit =
      answer({"edit", "--editor", "in-context", "--requests", lab("requests.jsonl").string(),
              "--model", lab("model").string(), "--store", store.string(), "--json"});
  Words words = run_words(config, store);
  words.insert(words.end(), {"--branch", "main"});
  CHECK(run_kedit(words, signalled(store, SIGKILL, 3)).code == -SIGKILL);
  const Json whole =
      answer({"bench", "resume", "--store", store.string(), "--json", "--threads", "1"});
  CHECK(whole["state"] == "done");
  const std::string numbers = scores(store.string());
  CHECK(numbers != undisturbed());

  words.insert(words.end(), {"--workers", "2"});
  const Json shared = answer(words);
  CHECK(shared["state"] == "done");
  CHECK(shared["run"] != whole["run"]);
  CHECK(scores(store.string()) == numbers);
  const Json report = parse_json(
      run_kedit({"report", "--store", store.string(), "--out", "-", "--format", "json"}).out, "-");
  CHECK(report["runs"][0]["header"]["model"]["mounted"].size() == edit["edits"].size());
  const auto beside = store.parent_path();
  CHECK(run_kedit({"report", "--store", store.string(), "--format", "md"}, {.directory = beside})
            .code == 0);
  CHECK(std::filesystem::exists(beside / "report.md"));
  CHECK_FALSE(std::filesystem::exists(beside / "report.html"));

  words = run_words(config, store);
  words.insert(words.end(), {"--edits", "ffffffffffff"});
  const Outcome unknown = run_kedit(words);
  CHECK(unknown.code != 0);
  CHECK(is_one_sentence(unknown.err, {"ffffffffffff", "no such edit"}));
}

namespace {

Json counterfact_record(std::int64_t id, const Json& request, const std::string& neighbour) {
  const std::string prompt = request["prompt"];
  return {{"case_id", id},
          {"requested_rewrite",
           {{"prompt", prompt},
            {"relation_id", "P1"},
            {"subject", request["subject"]},
            {"target_new", {{"str", request["target_new"]}, {"id", "Q1"}}},
            {"target_true", {{"str", request["target_true"]}, {"id", "Q2"}}}}},
          {"paraphrase_prompts", Json::array({request["rephrase"][0]})},
          {"neighborhood_prompts", Json::array({neighbour})},
          {"generation_prompts", Json::array()}};
}

// The first requests of the lab as CounterFact records: a neighbour's prompt is another request's.
fs::path write_counterfact(const ScratchFolder& scratch) {
  std::istringstream lines(read_text(lab("requests.jsonl")));
  std::vector<Json> requests;
  for (std::string line; requests.size() < 4 && std::getline(lines, line);) {
    requests.push_back(parse_json(line, "requests.jsonl"));
  }
  Json records = Json::array();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Json& next = requests[(i + 1) % requests.size()];
    records.push_back(counterfact_record(static_cast<std::int64_t>(i), requests[i],
                                         next["rephrase"][0].get<std::string>()));
  }
  write_text(scratch / "counterfact.json", to_text(records));
  const Json config = {{"name", "records"},
                       {"model", lab("model").string()},
                       {"dataset", "counterfact:counterfact.json"},
                       {"editors", Json::array({{{"name", "rome"}}})},
                       {"controls", Json::array({"unedited", "copy-last-edit"})},
                       {"protocol", {{"group_size", 1}}}};
  write_text(scratch / "records.json", to_text(config));
  return scratch / "records.json";
}

}  // namespace

TEST_CASE("kedit bench run: CounterFact is scored and a killed run resumes with equal scores") {
  const ScratchFolder scratch;
  const fs::path config = write_counterfact(scratch);
  const fs::path store = scratch / "kedit.db", cut = scratch / "cut.db";
  const Json run = answer(run_words(config, store));
  const Json& systems = run["systems"];
  CHECK(systems["rome"]["counterfact_es"]["M0"]["value"].get<double>() == 1.0);
  CHECK(systems["rome"]["counterfact_ps"]["M0"]["value"].get<double>() > 0.5);
  CHECK(systems["unedited"]["counterfact_es"]["M0"]["value"].get<double>() == 0.0);
  CHECK(systems["rome"].contains("counterfact_s"));
  CHECK_FALSE(systems["copy-last-edit"].contains("counterfact_es"));
  CHECK(run_kedit(run_words(config, cut), signalled(cut, SIGKILL, 5)).code == -SIGKILL);
  CHECK(answer(run_words(config, cut))["state"] == "done");
  CHECK(scores(cut.string()) == scores(store.string()));
}

TEST_CASE("kedit bench run: a dataset with disagreeing labels runs with a warning") {
  const ScratchFolder scratch;
  const fs::path config = write_config(scratch);
  Json cases = parse_json(read_text(lab("mquake.json")), "mquake.json");
  cases[0]["single_hops"][0]["answer"] = "Elsewhere";
  write_text(scratch / "odd.json", to_text(cases));
  Json value = parse_json(read_text(config), "bench.json");
  value["dataset"] = "mquake:odd.json";
  value["editors"] = Json::array();
  write_text(config, to_text(value));
  const Outcome outcome = run_kedit(run_words(config, scratch / "kedit.db"));
  CHECK(outcome.code == 0);
  CHECK(outcome.err.find("warning") != std::string::npos);
  CHECK(outcome.err.find("/single_hops/0/answer") != std::string::npos);
}

TEST_CASE(
    "kedit bench recalled: the cases that the lab model knows, as a configuration takes them") {
  const Json found = answer({"bench", "recalled", "--model", lab("model").string(), "--dataset",
                             "mquake:" + lab("mquake.json").string(), "--cases", "1-3,5", "--json",
                             "--threads", "1"});
  CHECK(found["asked"] == 4);
  CHECK(found["recalled"] == 4);
  CHECK(found["cases"] == "1-3,5");
}
