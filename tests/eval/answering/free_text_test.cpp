#include "eval/answering/free_text.hpp"

#include "eval/metrics/ngram_entropy.hpp"
#include "eval/text_records.hpp"
#include "model/generation/generation.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/eval/tiny_model.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <fstream>
#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

/// Writes the same everywhere; a prompt has as many tokens as bytes.
class WritingModel final : public FakeModel {
 public:
  WritingModel()
      : FakeModel([](const std::string&) { return " is caf\xC3\xA9 \n\nat <|endoftext|>sea."; }) {}
  std::vector<Generation> generate(const std::vector<std::string>& prompts,
                                   const GenerateOptions& options) const override {
    asked.push_back(options);
    return FakeModel::generate(prompts, options);
  }
  std::optional<std::int64_t> token_count(const std::string& prompt) const override {
    return static_cast<std::int64_t>(prompt.size());
  }
  std::optional<std::vector<double>> text_logprobs(const std::string& text,
                                                   std::int64_t max_tokens) const override {
    scored.push_back(text);
    CHECK(max_tokens == 100);
    return std::vector<double>{-1.0, -2.0};
  }
  mutable std::vector<GenerateOptions> asked;
  mutable std::vector<std::string> scored;
};

CounterFactRecord record_with_prompts() {
  CounterFactRecord one = counterfact_record();
  one.case_id = 20;
  one.request.relation = "P36";
  one.target_id = "Q2";
  one.generation = {"Avia", "Avia's people", "Avia"};
  return one;
}

class SnippetFile {
 public:
  SnippetFile() {
    std::ofstream(path_) << R"([{"relation_id": "P36", "target_id": "Q2",
        "samples": [{"name": "Avia", "text": "Avia lies at the sea."},
                    {"name": "Belmar", "text": "Belmar is inland."}]}])";
  }
  ~SnippetFile() { std::filesystem::remove(path_); }
  std::string name() const { return path_.string(); }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / "kedit-free-text.json";
};

answering::FreeTextPlan plain_plan() {
  answering::FreeTextPlan plan;
  plan.punkt = "none";
  return plan;
}

std::vector<std::string> texts_in(const CaseOutputs& outputs) {
  std::vector<std::string> texts;
  for (const Output& one : outputs.outputs) {
    if (one.kind == OutputKind::text) texts.push_back(one.said.raw);
  }
  return texts;
}

}  // namespace

TEST_CASE("free text: sampled as the harness does, prompt included, and cleaned as it does") {
  answering::FreeTextPlan plan = plain_plan();
  plan.seed = 3;
  const WritingModel model;
  const Case one = case_of(record_with_prompts());
  CaseOutputs outputs;
  answering::FreeTextAsker(plan).ask(model, lab_prompts(), one, {}, &outputs);
  CHECK(texts_in(outputs) == std::vector<std::string>{"Avia is cafe\xCC\x81  at sea.",
                                                      "Avia's people is cafe\xCC\x81  at sea.",
                                                      "Avia is cafe\xCC\x81  at sea."});
  REQUIRE(model.asked.size() == 2);  // prompts of one length run together
  std::multiset<std::int64_t> rooms;
  std::set<std::uint64_t> seeds;
  for (const GenerateOptions& options : model.asked) {
    rooms.insert(options.max_tokens);
    seeds.insert(options.seed);
    CHECK(options.top_k == 5);
    CHECK(options.temperature == 1.0);
    CHECK(options.ignore_eos);
  }
  CHECK(rooms == std::multiset<std::int64_t>{100 - 13, 100 - 4});
  CHECK(seeds.size() == 2);
  CHECK(outputs.texts.ngram_entropy ==
        metrics::mean_fluency(texts_in(outputs), metrics::SentenceModel()));
  CHECK_FALSE(outputs.texts.reference_score.has_value());
  CHECK_FALSE(outputs.texts.essence_score.has_value());
}

TEST_CASE("free text: facts stand above the prompt and are no part of the text") {
  const WritingModel model;
  const Case one = case_of(record_with_prompts());
  CaseOutputs outputs;
  const std::vector<Fact> facts = {{"Avia", "P36", "Nor", "The capital of Avia is Nor"}};
  answering::FreeTextAsker(plain_plan())
      .ask(
          model, lab_prompts(), one, [&](const std::string&) { return facts; }, &outputs);
  CHECK(contains(model.prompts().front(), "The capital of Avia is Nor."));
  CHECK_FALSE(contains(texts_in(outputs).front(), "capital"));
}

TEST_CASE("free text: every n-th record, and only records with such prompts") {
  answering::FreeTextPlan plan = plain_plan();
  const answering::FreeTextAsker tenth(plan);
  CounterFactRecord record = record_with_prompts();
  CHECK(tenth.wants(case_of(record)));
  record.case_id = 21;
  CHECK_FALSE(tenth.wants(case_of(record)));
  plan.every = 1;
  CHECK(answering::FreeTextAsker(plan).wants(case_of(record)));
  record.generation.clear();
  CHECK_FALSE(answering::FreeTextAsker(plan).wants(case_of(record)));
}

TEST_CASE("free text: consistency and essence come from the snippets of relation and object") {
  const SnippetFile file;
  answering::FreeTextPlan plan = plain_plan();
  plan.snippets = file.name();
  const answering::FreeTextAsker asker(plan);
  const WritingModel model;
  CaseOutputs outputs;
  asker.ask(model, lab_prompts(), case_of(record_with_prompts()), {}, &outputs);
  CHECK(outputs.texts.reference_score.value() > 0.1);
  CHECK(outputs.texts.essence_score == Approx(std::exp(1.0)));
  CHECK(model.scored == std::vector<std::string>{"Avia lies at the sea."});
  CHECK(asker.description()["snippets_sha256"].get<std::string>().size() == 64);
  CHECK(asker.description()["sentences"] == "plain");
  // No snippets for another object: nothing is said, rather than 0.
  CounterFactRecord other = record_with_prompts();
  other.target_id = "Q3";
  CaseOutputs of_other;
  asker.ask(model, lab_prompts(), case_of(other), {}, &of_other);
  CHECK(of_other.texts.ngram_entropy.has_value());
  CHECK_FALSE(of_other.texts.reference_score.has_value());
  CHECK_FALSE(of_other.texts.essence_score.has_value());
  plan.snippets = "/nonexistent.json";
  CHECK(contains(message_of([&] { answering::FreeTextAsker refused(plan); }), "/nonexistent.json"));
}

TEST_CASE("free text: outputs are stored and read back, also what is not a number") {
  const Case one = case_of(record_with_prompts());
  CaseOutputs outputs;
  outputs.case_id = one.id;
  answering::FreeTextAsker(plain_plan()).ask(WritingModel(), lab_prompts(), one, {}, &outputs);
  outputs.texts.reference_score = std::nan("");
  const CaseOutputs again = case_outputs_from_json(to_text(to_json(outputs, one)), one);
  CHECK(texts_in(again) == texts_in(outputs));
  CHECK(again.texts.ngram_entropy == outputs.texts.ngram_entropy);
  REQUIRE(again.texts.reference_score.has_value());
  CHECK(std::isnan(*again.texts.reference_score));
  CHECK_FALSE(again.texts.essence_score.has_value());
}

TEST_CASE("free text: a local model draws anew for each prompt, and the same for the same seed") {
  const EditedModel model(tiny_model(1));
  const LocalLanguageModel language(model);
  const Case one = case_of(record_with_prompts());
  answering::FreeTextPlan plan = plain_plan();
  plan.tokens = 20;
  const auto drawn = [&](std::uint64_t seed) {
    plan.seed = seed;
    CaseOutputs outputs;
    answering::FreeTextAsker(plan).ask(language, lab_prompts(), one, {}, &outputs);
    return texts_in(outputs);
  };
  const std::vector<std::string> first = drawn(0);
  REQUIRE(first.size() == 3);
  CHECK(first[0] != first[2]);  // the same prompt, another draw
  CHECK(drawn(0) == first);
  CHECK(drawn(1) != first);
}

TEST_CASE("a local model's own log-probabilities of a text are those of its tokens but the first") {
  const EditedModel model(tiny_model(1));
  const LocalLanguageModel language(model);
  const std::string text = "The capital of Belmar is Corun";
  const auto ids = model.tokenizer().ids(text);
  CHECK(language.token_count(text) == static_cast<std::int64_t>(ids.size()));
  const auto logprobs = language.text_logprobs(text, 100).value();
  REQUIRE(logprobs.size() + 1 == ids.size());
  const auto score = score_ids(model, {{{ids[0]}, {ids.begin() + 1, ids.end()}}}).front();
  CHECK(logprobs == score.token_logprobs);
  CHECK(language.text_logprobs(text, 3).value().size() == 2);
  CHECK(language.text_logprobs("", 3).value().empty());
  const FakeModel fake([](const std::string&) { return ""; });
  CHECK_FALSE(fake.text_logprobs(text, 100).has_value());
}
