#include "eval/answering/recalled.hpp"

#include "eval/evaluate.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

// The question at the end of a prompt, behind the exemplars.
bool asks(const std::string& prompt, const std::string& question) {
  constexpr std::size_t kRest = 10;
  const auto found = prompt.rfind(question);
  return found != std::string::npos && prompt.size() - found < question.size() + kRest;
}

std::vector<std::int64_t> recalled(const std::vector<const Case*>& cases, const FakeModel& model) {
  return answering::recalled_cases(cases, model, few_shot_prompts({}), {});
}

}  // namespace

TEST_CASE("recalled_cases: a chain counts when every hop before the edits is answered") {
  const Case first = two_hop_case(1), second = two_hop_case(2);
  const FakeModel model([](const std::string& prompt) -> std::string {
    if (asks(prompt, "Where is Person 1 a citizen?")) return " Avia\n";
    if (asks(prompt, "What is the capital of Avia?")) return " Dorel\n";
    return " Nowhere\n";
  });
  CHECK(recalled({&first, &second}, model) == std::vector<std::int64_t>{1});
  const FakeModel forgetful([](const std::string& prompt) -> std::string {
    return asks(prompt, "a citizen?") ? " Avia\n" : " Nowhere\n";
  });
  CHECK(recalled({&first, &second}, forgetful).empty());
}

TEST_CASE("recalled_cases: a record counts when its true object is what greedy decoding writes") {
  const Case record = case_of(counterfact_record());
  const Prompt& prompt = *record.find(PromptKind::rewrite, 0);
  const FakeModel knows([&](const std::string&) { return " " + prompt.rival + "."; });
  CHECK(recalled({&record}, knows) == std::vector<std::int64_t>{record.id});
  const FakeModel edited([&](const std::string&) { return " " + prompt.gold.answer + "."; });
  CHECK(recalled({&record}, edited).empty());
}

TEST_CASE("recalled_cases: a case without anything to recall is refused by its id") {
  Case bare = case_of(counterfact_record());
  bare.id = 77;
  for (Prompt& prompt : bare.prompts) prompt.rival.clear();
  const FakeModel model([](const std::string&) { return ""; });
  CHECK(contains(thrown_message<EvalError>([&] { recalled({&bare}, model); }), "of case 77:"));
}

TEST_CASE("recalled_cases: a stop is heard between batches") {
  const Case record = case_of(counterfact_record());
  const FakeModel model([](const std::string&) { return ""; });
  RunContext run;
  run.stop_requested = [] { return true; };
  CHECK_THROWS_AS(answering::recalled_cases({&record}, model, few_shot_prompts({}), run),
                  Interrupted);
}
