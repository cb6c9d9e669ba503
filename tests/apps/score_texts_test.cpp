#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <cmath>

using namespace kedit;
using namespace kedit::test;

namespace {

Json answer(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const Outcome outcome = run_kedit(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

const std::string kPunkt = golden("text_metrics/punkt").string();
const std::string kSnippets = R"([{"relation_id": "P1", "target_id": "Q1", "samples": [
    {"name": "Ann", "text": "Ann bakes rye in Nor."}, {"name": "Bo", "text": "Bo bakes too."}]}])";

}  // namespace

TEST_CASE("kedit score --texts: words, sentences and entropy of a text, and whose sentences") {
  const std::string line = R"({"id": "a", "text": "Dr. Lund saw it. The town did not."})";
  const Json punkt =
      answer({"score", "--texts", "-", "--punkt", kPunkt, "--json"}, {.input = line});
  CHECK(punkt["sentences"] == "punkt");
  CHECK(punkt["sentences_sha256"].get<std::string>().size() == 64);
  REQUIRE(punkt["results"].size() == 1);
  CHECK(punkt["results"][0]["id"] == "a");
  CHECK(punkt["results"][0]["sentences"] == Json({"Dr. Lund saw it.", "The town did not."}));
  CHECK(punkt["results"][0]["tokens"] ==
        Json({"Dr.", "Lund", "saw", "it", ".", "The", "town", "did", "not", "."}));
  CHECK(punkt["results"][0]["ngram_entropy"].get<double>() > 3.0);
  CHECK_FALSE(punkt["results"][0].contains("reference_score"));
  const Json plain =
      answer({"score", "--texts", "-", "--punkt", "none", "--json"}, {.input = line});
  CHECK(plain["sentences"] == "plain");
  CHECK(plain["results"][0]["sentences"].size() == 3);
}

TEST_CASE("kedit score --texts: NLTK's folder is found, and a damaged one is named") {
  const ScratchFolder scratch;
  const std::filesystem::path tables = scratch / "tokenizers/punkt_tab/english";
  std::filesystem::create_directories(tables.parent_path());
  std::filesystem::copy(kPunkt, tables);
  const RunOptions options{.input = R"({"text": "x"})",
                           .environment = {{"NLTK_DATA", "/nowhere:" + scratch.path().string()}}};
  CHECK(answer({"score", "--texts", "-", "--json"}, options)["sentences"] == "punkt");
  std::filesystem::remove(tables / "collocations.tab");
  const Outcome outcome = run_kedit({"score", "--texts", "-", "--json"}, options);
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, {"collocations.tab"}));
}

TEST_CASE("kedit score --texts: consistency and essence where snippets and a model are given") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  write_text(scratch / "snippets.json", kSnippets);
  const std::string lines =
      R"({"id": 1, "texts": ["Ann bakes rye."], "relation_id": "P1", "target_id": "Q1", "subject": "Ann"}
{"id": 2, "texts": ["zz qq"], "relation_id": "P1", "target_id": "Q1", "subject": "Cy"}
{"id": 3, "texts": ["Ann bakes."], "relation_id": "P1", "target_id": "Q2", "subject": "Ann"}
{"id": 4, "texts": []}
)";
  const Json document = answer({"score", "--texts", "-", "--punkt", "none", "--snippets",
                                (scratch / "snippets.json").string(), "--model", model, "--json"},
                               {.input = lines});
  const Json& results = document["results"];
  REQUIRE(results.size() == 4);
  CHECK(document["snippets_sha256"].get<std::string>().size() == 64);
  CHECK(results[0]["reference_score"].get<double>() > 0.5);
  CHECK(results[0]["essence_score"].get<double>() > 1.0);
  CHECK_FALSE(results[0].contains("tokens"));
  CHECK(results[1]["reference_score"].is_null());  // no word of theirs is known
  CHECK_FALSE(results[1].contains("essence_score"));
  CHECK_FALSE(results[2].contains("reference_score"));
  CHECK_FALSE(results[2].contains("essence_score"));
  CHECK(results[3]["ngram_entropy"].is_null());  // a mean of nothing
  const Outcome table = run_kedit({"score", "--texts", "-", "--punkt", "none", "--snippets",
                                   (scratch / "snippets.json").string()},
                                  {.input = lines});
  CHECK(table.out.find("not a number") != std::string::npos);
  CHECK(table.out.find("split plainly") != std::string::npos);
}

TEST_CASE("kedit score --texts: wrong lines are refused by record and field") {
  struct Row {
    std::string input;
    std::vector<std::string> parts;
  };
  const auto row = GENERATE(values<Row>({
      {"", {"expected a record with texts"}},
      {"{\"text\": \"a\"", {"line 1"}},
      {"{\"text\": \"a\"}\n\nx\n", {"line 3"}},
      {R"({"id": "a"})", {"record 1", "either \"text\" or \"texts\""}},
      {R"({"text": "a", "texts": ["b"]})", {"record 1", "either"}},
      {R"({"text": 3})", {"record 1", "/text"}},
      {R"({"texts": ["a", 3]})", {"record 1", "/texts"}},
      {R"({"id": [], "text": "a"})", {"record 1", "/id"}},
      {R"({"text": "a", "relation_id": 27})", {"record 1", "/relation_id"}},
      {"{\"id\": \"a\", \"text\": \"a\"}\n{\"id\": \"a\", \"text\": \"b\"}",
       {"record 2", "/id", "every id once"}},
  }));
  CAPTURE(row.input);
  const Outcome outcome =
      run_kedit({"score", "--texts", "-", "--punkt", "none", "--json"}, {.input = row.input});
  INFO(outcome.err);
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, row.parts));
}

TEST_CASE("kedit score: options of texts and of predictions do not mix") {
  using Words = std::vector<std::string>;
  const auto [arguments, part] = GENERATE(table<Words, std::string>({
      {{"score"}, "exactly one of --dataset, --texts"},
      {{"score", "--texts", "x", "--dataset", "mquake:y"}, "exactly one of --dataset, --texts"},
      {{"score", "--texts", "x", "--match", "M0"}, "--match"},
      {{"score", "--dataset", "mquake:y"}, "--predictions"},
      {{"score", "--dataset", "mquake:y", "--predictions", "p", "--punkt", "none"}, "--punkt"},
      {{"score", "--texts", "x", "--model", "m"}, "--snippets"},
  }));
  const Outcome outcome = run_kedit(arguments);
  INFO(outcome.err);
  CHECK(outcome.code == 2);
  CHECK(is_one_sentence(outcome.err, {part}));
}

TEST_CASE("kedit model score --pairs: each pair as alone, with the entropy of what comes next") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const std::string lines =
      "{\"id\": \"x\", \"prompt\": \"The capital of France is\", "
      "\"target\": \" Paris\"}\n{\"prompt\": \"The river\"}\n";
  const Json many =
      answer({"model", "score", "--model", model, "--pairs", "-", "--json"}, {.input = lines});
  REQUIRE(many["results"].size() == 2);
  Json alone = answer({"model", "score", "--model", model, "--prompt", "The capital of France is",
                       "--target", " Paris", "--json"});
  CHECK(many["results"][0]["id"] == "x");
  CHECK(many["results"][0]["token_ids"] == alone["token_ids"]);
  CHECK(many["results"][0]["logprob"].get<double>() == Approx(alone["logprob"].get<double>()));
  CHECK(many["results"][0]["next_entropy"].get<double>() ==
        Approx(alone["next_entropy"].get<double>()));
  CHECK(many["results"][1]["id"] == 2);
  CHECK_FALSE(many["results"][1].contains("logprob"));
  const double entropy = many["results"][1]["next_entropy"].get<double>();
  CHECK(entropy > 0.0);
  CHECK(entropy <= std::log(300.0) + 1e-6);
  CHECK(answer(
            {"model", "score", "--model", model, "--prompt", "The river", "--json"})["next_entropy"]
            .get<double>() == Approx(entropy));
}

TEST_CASE("kedit model score --pairs: wrong lines and options are refused") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const auto refused = [&](const std::string& input, const std::string& part) {
    const Outcome outcome =
        run_kedit({"model", "score", "--model", model, "--pairs", "-"}, {.input = input});
    INFO(outcome.err);
    CHECK(outcome.code == 3);
    CHECK(is_one_sentence(outcome.err, {part}));
  };
  refused("", "at least one prompt");
  refused("{\"target\": \" x\"}", "/prompt");
  refused("{\"prompt\": \"a\", \"target\": \"\"}", "/target");
  refused("{\"prompt\": \"a\"}\n{\"id\": [], \"prompt\": \"a\"}", "record 2");
  const Outcome both =
      run_kedit({"model", "score", "--model", model, "--pairs", "-", "--target", " x"});
  CHECK(both.code == 2);
  CHECK(is_one_sentence(both.err, {"--target"}));
}

TEST_CASE("kedit score --texts: essence and exact match of the harness on its tiny model",
          "[real-data]") {
  const auto model = real_data("deltas/gpt2-tiny");
  const auto consistency = real_data("metrics/consistency.json");
  const auto exact = real_data("metrics/exact.json");
  const auto punkt = real_data("metrics/punkt_english");
  if (!model || !consistency || !exact || !punkt) return;
  const ScratchFolder scratch;
  const Json data = read_json(*consistency);
  Json snippets = data["snippets"];
  std::string lines;
  std::vector<Json> expected;
  for (Json one : data["cases"]) {
    expected.push_back(one);
    if (one.contains("essence_text")) {  // as the only snippet about somebody
      snippets.push_back({{"relation_id", "P0"},
                          {"target_id", "Q0"},
                          {"samples", {{{"name", "Nobody"}, {"text", one["essence_text"]}}}}});
      one = {{"texts", {"x"}}, {"relation_id", "P0"}, {"target_id", "Q0"}, {"subject", "Nobody"}};
    }
    lines += to_text(one) + "\n";
  }
  write_text(scratch / "snippets.json", to_text(snippets));
  const Json results =
      answer({"score", "--texts", "-", "--snippets", (scratch / "snippets.json").string(),
              "--model", model->string(), "--punkt", punkt->string(), "--json"},
             {.input = lines})["results"];
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(results[i]["essence_score"].get<double>() ==
          Approx(expected[i]["essence_score"].get<double>()).epsilon(1e-4));
  }
  std::string pairs;
  std::vector<Json> wanted;
  const Json recorded = read_json(*exact);
  for (const Json& one : recorded["cases"]) {
    for (const Json& prompt : one["prompts"]) {
      for (const char* side : {"new", "true"}) {
        const std::string target = " " + one[std::string("target_") + side].get<std::string>();
        pairs += to_text(Json{{"prompt", prompt["prompt"]}, {"target", target}}) + "\n";
        wanted.push_back({{"nll", prompt[std::string("nll_") + side]},
                          {"counts", prompt["counts"] == side},
                          {"correct", prompt["correct"]}});
      }
    }
  }
  const Json scores =
      answer({"model", "score", "--pairs", "-", "--model", model->string(), "--json"},
             {.input = pairs})["results"];
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double tokens = static_cast<double>(scores[i]["token_ids"].size());
    CHECK(-scores[i]["logprob"].get<double>() / tokens ==
          Approx(wanted[i]["nll"].get<double>()).epsilon(1e-4));
    if (wanted[i]["counts"].get<bool>()) CHECK(scores[i]["greedy_match"] == wanted[i]["correct"]);
  }
}
