#include "json/json.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

using namespace kedit;
using namespace kedit::test;

namespace {

// Standard output as JSON; the parser refuses more than one document.
Json answer(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const Outcome outcome = run_kedit(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

}  // namespace

TEST_CASE("kedit model info: family and sizes and tokenizer of a checkpoint are stated") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const Json info = answer({"model", "info", "--model", model, "--json"});
  CHECK(info["family"] == "qwen2");
  CHECK(info["layers"] == 2);
  CHECK(info["hidden"] == 16);
  CHECK(info["heads"] == 2);
  CHECK(info["vocab"] == 300);
  CHECK(info["max_positions"] == 64);
  CHECK(info["dtype"] == "float32");
  CHECK(info["bytes"] == info["parameters"].get<std::int64_t>() * 4);
  CHECK(info["fingerprint"].get<std::string>().size() == 64);
  // The training text runs out of pairs before the embedding's 300 rows are named.
  CHECK(info["tokenizer"]["vocab"].get<int>() > 257);
  CHECK(info["tokenizer"]["vocab"].get<int>() <= 300);
  std::filesystem::remove(scratch / "model/tokenizer.json");
  CHECK(answer({"model", "info", "--model", model, "--json"})["tokenizer"].is_null());
}

TEST_CASE("kedit model: KEDIT_MODEL is used without --model") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  CHECK(answer({"model", "info", "--json"}, {.environment = {{"KEDIT_MODEL", model}}})["hidden"] ==
        16);
}

TEST_CASE("kedit model logits: logits have shape seq by vocab and are repeatable") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const std::vector<std::string> call{"model", "logits", "--model", model,
                                      "--ids", "1,2,3",  "--json"};
  const Json logits = answer(call)["logits"];
  REQUIRE(logits.size() == 3);
  REQUIRE(logits[0].size() == 300);
  CHECK(run_kedit(call).out == run_kedit(call).out);
  const Json prefix =
      answer({"model", "logits", "--model", model, "--ids", "1", "--json"})["logits"][0];
  for (std::size_t i = 0; i < 300; ++i) {
    CHECK(std::abs(prefix[i].get<double>() - logits[0][i].get<double>()) < 1e-4);
  }
}

TEST_CASE("kedit model generate: ids are continued greedily without a tokenizer") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  std::filesystem::remove(scratch / "model/tokenizer.json");
  const Json result = answer({"model", "generate", "--model", model, "--ids", "5,6", "--max-tokens",
                              "4", "--ignore-eos", "--json"});
  CHECK(result["text"].is_null());
  CHECK(result["stopped"] == "length");
  REQUIRE(result["ids"].size() == 4);
  const Json logits =
      answer({"model", "logits", "--model", model, "--ids", "5,6", "--json"})["logits"][1];
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i].get<double>() > logits[best].get<double>()) best = i;
  }
  CHECK(result["ids"][0] == best);
}

TEST_CASE("kedit model generate: --prompts reads a file or standard input") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const std::string lines = "\"The capital\"\n{\"prompt\": \"The capital of France\"}\n";
  write_text(scratch / "prompts.jsonl", lines);
  const std::vector<std::string> call{"model",        "generate",     "--model",
                                      model,          "--max-tokens", "3",
                                      "--ignore-eos", "--json",       "--prompts"};
  auto from_file = call;
  from_file.push_back((scratch / "prompts.jsonl").string());
  auto from_input = call;
  from_input.emplace_back("-");
  const Json results = answer(from_file)["results"];
  REQUIRE(results.size() == 2);
  CHECK(answer(from_input, {.input = lines})["results"] == results);
  const Json alone = answer({"model", "generate", "--model", model, "--max-tokens", "3",
                             "--ignore-eos", "--json", "--prompt", "The capital of France"});
  CHECK(alone == results[1]);
}

TEST_CASE("kedit model generate: samples repeat with the seed and differ from each other") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const std::vector<std::string> call{
      "model",         "generate", "--model",      model, "--ids",        "5",      "--n",    "3",
      "--temperature", "2",        "--max-tokens", "12",  "--ignore-eos", "--json", "--seed", "7"};
  const Json results = answer(call)["results"];
  REQUIRE(results.size() == 3);
  CHECK(results[0]["ids"] != results[1]["ids"]);
  CHECK(answer(call)["results"] == results);
  auto other = call;
  other.back() = std::string("8");
  CHECK(answer(other)["results"] != results);
}

TEST_CASE("kedit model score: the score is the sum of the target's token log-probabilities") {
  const ScratchFolder scratch;
  const std::string model = write_tiny_model(scratch / "model").string();
  const Json score = answer({"model", "score", "--model", model, "--prompt",
                             "The capital of France is", "--target", " Paris", "--json"});
  REQUIRE(!score["token_ids"].empty());
  REQUIRE(score["token_logprobs"].size() == score["token_ids"].size());
  double sum = 0;
  for (const Json& logprob : score["token_logprobs"]) sum += logprob.get<double>();
  CHECK(score["logprob"].get<double>() == Approx(sum));
  CHECK(score["greedy_match"].is_boolean());
}

TEST_CASE("kedit model tokenize: a directory with only a tokenizer is enough") {
  const ScratchFolder scratch;
  write_tiny_model(scratch / "model");
  std::filesystem::create_directory(scratch / "only");
  std::filesystem::copy(scratch / "model/tokenizer.json", scratch / "only/tokenizer.json");
  const std::string folder = (scratch / "only").string();
  const std::string text = "The capital of Österreich 🏔 is";
  const Json one = answer(
      {"model", "tokenize", "--model", folder, "--text", text, "--json", "--skip-special-tokens"});
  CHECK(one["text"] == text);
  CHECK(one["tokens"].size() == one["ids"].size());
  const Json bare = answer(
      {"model", "tokenize", "--model", folder, "--text", text, "--json", "--no-special-tokens"});
  CHECK(bare["ids"].size() + 1 == one["ids"].size());
  CHECK(bare["text"] == text);
  write_text(scratch / "texts.json", Json(std::vector<std::string>{text, ""}).dump());
  const Json many = answer({"model", "tokenize", "--model", folder, "--texts",
                            (scratch / "texts.json").string(), "--json", "--no-special-tokens"});
  CHECK(many["results"][0]["ids"] == bare["ids"]);
  CHECK(many["results"][1]["ids"].empty());
  CHECK(many["results"][1]["text"] == "");
}

TEST_CASE("kedit model logits: ids or positions outside the model end with exit code 2") {
  const ScratchFolder scratch;
  const std::string tiny = write_tiny_model(scratch / "model").string();
  const Outcome outside = run_kedit({"model", "logits", "--model", tiny, "--ids", "300", "--json"});
  CHECK(outside.code == 2);
  CHECK(outside.out.empty());
  CHECK(is_one_sentence(outside.err, {"--ids", "0 to 299", "found 300"}));
  CHECK(run_kedit({"model", "logits", "--model", tiny, "--ids", "-1"}).code == 2);

  const std::string learned = golden("models/gpt2").string();
  const auto positions = answer({"model", "info", "--model", learned, "--json"})["max_positions"];
  std::string ids = "1";
  for (std::int64_t i = 0; i < positions.get<std::int64_t>(); ++i) ids += ",1";
  const Outcome too_long =
      run_kedit({"model", "logits", "--model", learned, "--ids", ids, "--json"});
  CHECK(too_long.code == 2);
  CHECK(too_long.out.empty());
  CHECK(is_one_sentence(too_long.err, {"--ids", "position table"}));
}

TEST_CASE(
    "kedit model logits: a rotary model beyond its positions gives one warning and a result") {
  const ScratchFolder scratch;
  const std::string tiny = write_tiny_model(scratch / "model").string();
  std::string ids = "1";
  for (int i = 0; i < 64; ++i) ids += ",1";
  const Outcome outcome = run_kedit({"model", "logits", "--model", tiny, "--ids", ids, "--json"});
  CHECK(outcome.code == 0);
  CHECK(parse_json(outcome.out, "out")["logits"].size() == 65);
  CHECK(is_one_sentence(outcome.err, {"warning: 65 tokens", "64 positions"}));
}

TEST_CASE("kedit model info: a GGUF file names its quantisation, a directory its format") {
  const std::string file = std::string(KEDIT_SOURCE_DIR) + "/tests/golden/gguf/qwen3.gguf";
  const Json info = answer({"model", "info", "--model", file, "--json"});
  CHECK(info["family"] == "qwen3");
  CHECK(info["dtype"] == "float32");
  CHECK(info["source"]["format"] == "gguf");
  CHECK(info["source"]["quantisation"] == "F32");
  CHECK(info["tokenizer"].is_null());
  const std::string directory = std::string(KEDIT_SOURCE_DIR) + "/tests/golden/models/qwen3";
  const Json original = answer({"model", "info", "--model", directory, "--json"});
  CHECK(original["source"] == Json({{"format", "safetensors"}}));
  CHECK(original["fingerprint"] == info["fingerprint"]);
}

TEST_CASE("kedit model: a damaged GGUF file is one sentence, exit code 3, and no output") {
  const ScratchFolder scratch;
  write_text(scratch / "m.gguf", "GGUF" + std::string("\3\0\0\0", 4) + std::string(16, '\xff'));
  const Outcome outcome =
      run_kedit({"model", "logits", "--ids", "1", "--model", (scratch / "m.gguf").string()});
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find("m.gguf: the key count: expected at most 0") != std::string::npos);
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("kedit model tokenize: a model without a tokenizer is refused") {
  const std::string file = std::string(KEDIT_SOURCE_DIR) + "/tests/golden/gguf/qwen3.gguf";
  const Outcome outcome = run_kedit({"model", "tokenize", "--text", "a", "--model", file});
  CHECK(outcome.code == 3);
  CHECK(outcome.err.find("qwen3.gguf: key tokenizer.ggml.model: expected a tokenizer") !=
        std::string::npos);
}
