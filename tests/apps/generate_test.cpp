#include "json/json.hpp"
#include "model/decoder/weight_slots.hpp"
#include "model/model.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <sys/stat.h>

using namespace kedit;
using namespace kedit::test;

namespace {

Json answer(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const Outcome outcome = run_kedit(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

// `kedit model generate --json` on a model, eight tokens.
std::vector<std::string> generate(const std::filesystem::path& model,
                                  std::vector<std::string> more) {
  std::vector<std::string> call{"model",        "generate",     "--json", "--model",
                                model.string(), "--max-tokens", "8"};
  call.insert(call.end(), more.begin(), more.end());
  return call;
}

// A tiny model with a table of 24 positions, and the tokenizer of the other tiny model.
std::filesystem::path write_learned_model(const std::filesystem::path& folder) {
  write_tiny_model(folder);
  const Architecture architecture = architecture_from_config({{"model_type", "gpt2"},
                                                              {"n_embd", 16},
                                                              {"n_layer", 1},
                                                              {"n_head", 2},
                                                              {"n_positions", 24},
                                                              {"vocab_size", 300}},
                                                             "a test");
  DecoderWeights weights;
  for (const decoder::WeightSlot& slot : decoder::weight_slots(architecture, weights)) {
    *slot.tensor = at::ones(slot.shape) * 0.1;
  }
  weights.head = weights.token_embedding;
  write_checkpoint(folder, architecture, weights);
  return folder;
}

void check_bad_file(const Outcome& outcome, const std::vector<std::string>& parts) {
  INFO(outcome.err);
  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

}  // namespace

TEST_CASE("kedit model generate: ids of generation_config.json end the text as number or list") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");
  const Json free = answer(generate(model, {"--ids", "5,6", "--ignore-eos"}));
  REQUIRE(free["ids"].size() == 8);
  CHECK(free["stopped"] == "length");
  const Json fourth = free["ids"][3];
  const Json eos = GENERATE(false, true) ? Json::array({299, fourth}) : fourth;
  write_text(scratch / "model/generation_config.json", Json{{"eos_token_id", eos}}.dump());
  const Json ended = answer(generate(model, {"--ids", "5,6"}));
  CHECK(ended["stopped"] == "eos");
  CHECK(ended["ids"].size() <= 3);  // the end-of-text id is not part of the result
  CHECK(std::find(ended["ids"].begin(), ended["ids"].end(), fourth) == ended["ids"].end());
  CHECK(answer(generate(model, {"--ids", "5,6", "--ignore-eos"})) == free);
}

TEST_CASE("kedit model generate: each of several stop strings ends the text") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");
  const Json free = answer(generate(model, {"--prompt", "The capital", "--ignore-eos"}));
  const auto text = free["text"].get<std::string>();
  REQUIRE(text.size() >= 4);
  const std::string stop = text.substr(text.size() / 2, 2);
  const Json cut = answer(generate(
      model, {"--prompt", "The capital", "--ignore-eos", "--stop", "never seen", "--stop", stop}));
  CHECK(cut["stopped"] == "stop");
  CHECK(cut["text"] == text.substr(0, text.find(stop)));
}

TEST_CASE("kedit model generate: a full position table ends the text") {
  const std::string model = golden("models/gpt2").string();
  const Json info = answer({"model", "info", "--model", model, "--json"});
  const auto positions = info["max_positions"].get<std::int64_t>();
  std::string ids = "1";
  for (std::int64_t i = 2; i < positions; ++i) ids += ",1";  // one position is left
  const Json result = answer(generate(model, {"--ids", ids, "--ignore-eos"}));
  CHECK(result["stopped"] == "positions");
  CHECK(result["ids"].size() == 2);
  CHECK(run_kedit(generate(model, {"--ids", ids + ",1,1"})).code == 2);
}

TEST_CASE("kedit model generate: a rotary model beyond its positions gives one warning") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");  // 64 positions
  std::string line = "\"";
  for (int i = 0; i < 70; ++i) line += " 7";
  write_text(scratch / "prompts.jsonl", line + "\"\n" + line + " 8\"\n");
  const Outcome outcome = run_kedit(
      generate(model, {"--prompts", (scratch / "prompts.jsonl").string(), "--ignore-eos"}));
  CHECK(outcome.code == 0);
  CHECK(parse_json(outcome.out, "out")["results"].size() == 2);
  CHECK(is_one_sentence(outcome.err, {"warning:", "64 positions"}));
}

TEST_CASE("kedit model generate: samples of several prompts are ordered and equal in every batch") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");
  write_text(scratch / "prompts.jsonl", "\"The capital\"\n{\"prompt\": \"Rome\", \"id\": 3}\n");
  const std::vector<std::string> sampled{"--temperature", "1.5", "--top-k",     "50",
                                         "--top-p",       "0.9", "--seed",      "4",
                                         "--n",           "2",   "--ignore-eos"};
  auto call = generate(model, {"--prompts", (scratch / "prompts.jsonl").string()});
  call.insert(call.end(), sampled.begin(), sampled.end());
  const Json results = answer(call)["results"];
  REQUIRE(results.size() == 4);
  auto first = generate(model, {"--prompt", "The capital"});
  first.insert(first.end(), sampled.begin(), sampled.end());
  const Json alone = answer(first)["results"];
  CHECK(alone[0] == results[0]);
  CHECK(alone[1] == results[1]);
}

TEST_CASE("generate: records with ids give what --ids gives, mixed with texts as well") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");
  const std::string file = (scratch / "prompts.jsonl").string();
  write_text(file, "{\"ids\": [5, 6, 7]}\n\"The capital\"\n{\"ids\": [9]}\n");
  const Json results = answer(generate(model, {"--prompts", file}))["results"];
  REQUIRE(results.size() == 3);
  CHECK(results[0] == answer(generate(model, {"--ids", "5,6,7"})));
  CHECK(results[1] == answer(generate(model, {"--prompt", "The capital"})));
  CHECK(results[2] == answer(generate(model, {"--ids", "9"})));

  write_text(model / "chat_template.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
  check_bad_file(run_kedit(generate(model, {"--chat", "--prompts", file})),
                 {"record 1 (line 1)", "--chat", "found ids"});
  std::filesystem::remove(model / "tokenizer.json");
  write_text(file, "{\"ids\": [5, 6, 7]}\n");
  CHECK(answer(generate(model, {"--prompts", file}))["results"][0]["ids"] == results[0]["ids"]);
}

TEST_CASE("kedit model generate: a malformed prompt file is refused with one sentence") {
  const ScratchFolder scratch;
  const auto model = write_tiny_model(scratch / "model");
  const std::string file = (scratch / "prompts.jsonl").string();
  const auto outcome_of = [&](const std::string& text) {
    write_text(file, text);
    return run_kedit(generate(model, {"--prompts", file}));
  };
  check_bad_file(outcome_of("\"fine\"\n{\"prompt\": \n"), {"prompts.jsonl"});
  check_bad_file(outcome_of("\"fine\"\n{\"text\": \"x\"}\n"), {"record 2 (line 2)", "prompt"});
  check_bad_file(outcome_of("\"fine\"\n\n7\n"), {"record 2 (line 3)", "string"});
  check_bad_file(outcome_of("\"fine\"\n{\"ids\": \"1\"}\n"), {"line 2", "/ids", "array"});
  check_bad_file(outcome_of("{\"ids\": [1, \"2\"]}\n"), {"line 1", "/ids/1", "integer"});
  check_bad_file(outcome_of("{\"ids\": []}\n"), {"line 1", "at least one token"});
  check_bad_file(outcome_of("\"fine\"\n{\"ids\": [1, 300]}\n"), {"line 2", "0 to 299", "300"});
  check_bad_file(outcome_of("{\"ids\": [1], \"prompt\": \"x\"}\n"),
                 {"line 1", "either a prompt or ids"});
  check_bad_file(outcome_of(""), {"at least one prompt"});
  check_bad_file(outcome_of("\"\xff\"\n"), {"prompts.jsonl"});
  check_bad_file(run_kedit(generate(model, {"--prompts", (scratch / "none").string()})), {"none"});
  check_bad_file(run_kedit(generate(model, {"--prompts", scratch.path().string()})), {"directory"});
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  check_bad_file(run_kedit(generate(model, {"--prompts", (scratch / "pipe").string()})),
                 {"named pipe"});
  check_bad_file(run_kedit(generate(model, {"--prompts", "-"}), {.input = "{"}),
                 {"reading standard input", "line 1"});
}

TEST_CASE("kedit model generate: a too long prompt in a file is refused with its record") {
  const ScratchFolder scratch;
  const auto model = write_learned_model(scratch / "model");  // 24 positions
  std::string line = "\"";
  for (int i = 0; i < 25; ++i) line += " 7";
  write_text(scratch / "prompts.jsonl", "\"7\"\n" + line + "\"\n");
  check_bad_file(run_kedit(generate(model, {"--prompts", (scratch / "prompts.jsonl").string()})),
                 {"record 2", "position table"});
  const Outcome target = run_kedit({"model", "score", "--model", model.string(), "--prompt", "7",
                                    "--target", line.substr(1), "--json"});
  CHECK(target.code == 2);
  CHECK(target.out.empty());
  CHECK(is_one_sentence(target.err, {"--target", "position table"}));
}

TEST_CASE(
    "kedit model generate: a prompt too long after the chat template is refused by its source") {
  const ScratchFolder scratch;
  const auto model = write_learned_model(scratch / "model");  // 24 positions
  write_text(model / "chat_template.jinja",
             "{% for m in messages %}{{ m.content * 20 }}{% endfor %}");
  const Outcome fits = run_kedit(generate(model, {"--chat", "--prompt", "7"}));
  CHECK(fits.code == 0);
  const Outcome option = run_kedit(generate(model, {"--chat", "--prompt", "7 8"}));
  CHECK(option.code == 2);
  CHECK(option.out.empty());
  CHECK(is_one_sentence(option.err, {"--prompt", "at most 24 tokens", "position table"}));
  write_text(scratch / "prompts.jsonl", "\"7\"\n\"7 8\"\n");
  check_bad_file(
      run_kedit(generate(model, {"--chat", "--prompts", (scratch / "prompts.jsonl").string()})),
      {"record 2", "position table"});
}
