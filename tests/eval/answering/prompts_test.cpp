#include "eval/answering/prompts.hpp"

#include "datasets/mquake.hpp"
#include "eval/answering/answerers.hpp"
#include "eval/answering/facts_in_context.hpp"
#include "eval/metrics/matching.hpp"
#include "eval/metrics/metrics.hpp"
#include "tests/eval/fake_model.hpp"
#include "tests/eval/messages.hpp"
#include "tests/eval/mini_cases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace kedit;
using namespace kedit::testing;

TEST_CASE(
    "Lab prompts: cloze and direct and chain-of-thought prompts have the form of the corpus") {
  const PromptForm lab = lab_prompts();
  const Fact fact{"Avia", "P36", "Dorel", "The capital of Avia is Dorel"};
  CHECK(write_prompt(lab, {Ask::cloze, "The capital of Avia is", "P36", {}}) ==
        "The capital of Avia is");
  CHECK(write_prompt(lab, {Ask::direct, "Where?", "", {fact, fact}}) ==
        "Facts: The capital of Avia is Dorel. The capital of Avia is Dorel.\nQuestion: "
        "Where?\nAnswer:");
  CHECK(write_prompt(lab, {Ask::cot, "Where?", "", {}}) == "Question: Where?\nThoughts:");
}

TEST_CASE("Lab prompts: a fact that ends in a period gets no second one") {
  const Fact fact{"Usa", "P36", "Washington, D.C.", "The capital of Usa is Washington, D.C."};
  CHECK(write_prompt(lab_prompts(), {Ask::cloze, "x", "", {fact}}) ==
        "Facts: The capital of Usa is Washington, D.C.\nx");
}

TEST_CASE("Prompt templates: braces in a question are not filled in") {
  CHECK(write_prompt(lab_prompts(), {Ask::direct, "{facts} {text}?", "", {}}) ==
        "Question: {facts} {text}?\nAnswer:");
}

TEST_CASE("prompt_hash: every change of the prompt text changes the hash") {
  PromptForm form = lab_prompts();
  const std::string hash = prompt_hash(form);
  CHECK(hash.size() == 64);
  CHECK(prompt_hash(lab_prompts()) == hash);
  form.direct.plain += " ";
  CHECK(prompt_hash(form) != hash);
}

TEST_CASE("Few-shot prompts: 16 direct and 5 chain-of-thought exemplars are kept") {
  const PromptForm form = few_shot_prompts({});
  const auto count = [&](Ask ask, bool facts) {
    return std::count_if(form.exemplars.begin(), form.exemplars.end(), [&](const Exemplar& one) {
      return one.ask == ask && one.with_facts == facts;
    });
  };
  CHECK(count(Ask::direct, false) == 16);
  CHECK(count(Ask::cot, false) == 5);
  CHECK(count(Ask::direct, true) >= 2);
  CHECK(count(Ask::cot, true) >= 2);
  const std::string prompt = write_prompt(form, {Ask::cot, "Why?", "", {}});
  CHECK(prompt.substr(prompt.size() - 24) == "Question: Why?\nThoughts:");
  for (const Exemplar& one : form.exemplars) {
    CHECK(one.text.substr(one.text.size() - 2) == "\n\n");
    CHECK_FALSE(one.tells.empty());
  }
}

TEST_CASE("Few-shot prompts: every relation has eight exemplars with different subjects") {
  std::map<std::string, std::set<std::string>> subjects;
  for (const Exemplar& one : few_shot_prompts({}).exemplars) {
    if (one.ask == Ask::question) subjects[one.relation].insert(one.tells.at(0).first);
  }
  CHECK(subjects.size() == 36);
  for (const auto& [relation, told] : subjects) {
    CAPTURE(relation);
    CHECK(told.size() == 8);
  }
}

TEST_CASE("Few-shot prompts: exemplars that state a fact of the dataset are left out") {
  const PromptForm all = few_shot_prompts({});
  const auto& told = all.exemplars.front().tells.front();
  Case one = two_hop_case(1);
  one.before[0].ids.relation = told.second;
  one.before[0].labels.subject = told.first;
  const PromptForm fewer = few_shot_prompts({one});
  CHECK(fewer.exemplars.size() < all.exemplars.size());
  CHECK(prompt_hash(fewer) != prompt_hash(all));
}

TEST_CASE("take_answer: the answer ends at the sentence or line or answer line") {
  const auto text = [](Ask ask, const std::string& raw) {
    return take_answer(ask, raw, {"The capital of {} is"}).answer;
  };
  CHECK(text(Ask::cloze, " Dorel. The capital") == "Dorel");
  CHECK(text(Ask::cloze, " Washington, D.C. The") == "Washington, D.C.");
  CHECK(text(Ask::direct, " Dorel\nQuestion") == "Dorel");
  CHECK(text(Ask::direct, " Dorel.") == "Dorel.");
  CHECK(text(Ask::cot, " The capital of Avia is Dorel.\nAnswer: Dorel") == "Dorel");
  CHECK_FALSE(text(Ask::cloze, " \n").has_value());
  CHECK_FALSE(text(Ask::cot, "no mark").has_value());
}

TEST_CASE("choose_facts: all facts are shown if they fit and else those named in the question") {
  std::vector<Fact> pool;
  for (const char* subject : {"Ann Lee", "Bo Li", "Ann Smith", "The Isle"}) {
    pool.push_back({subject, "P1", "x", std::string(subject) + " is x"});
  }
  CHECK(answering::choose_facts(pool, "nothing", 4).size() == 4);
  const auto two = answering::choose_facts(pool, "Where was ann smith born?", 2);
  REQUIRE(two.size() == 2);
  CHECK(two[0].subject == "Ann Lee");  // half of its words
  CHECK(two[1].subject == "Ann Smith");
  CHECK(answering::choose_facts(pool, "Nobody here", 2).empty());
}

TEST_CASE("ask_case: edits and hops and questions are asked and equal prompts only once") {
  const Case one = two_hop_case(1);
  FakeModel model([](const std::string& prompt) {
    if (contains(prompt, "Thoughts:")) {
      return std::string(
          " Person 1 is a citizen of Belmar. The capital of Belmar is Corun.\nAnswer: Corun");
    }
    if (contains(prompt, "is a citizen of")) return std::string(" Belmar. Next");
    return std::string(" Corun");
  });
  answering::AskPlan plan;
  plan.clozes = {"{} is a citizen of", "The capital of {} is"};
  const CaseOutputs outputs = answering::ask_case(model, lab_prompts(), one, plan, {});
  const auto at = [&](PromptKind prompt, OutputKind kind, std::int64_t place) {
    return output_at(outputs, one, prompt, kind, place);
  };
  CHECK(at(PromptKind::edit, OutputKind::answer, 0).said.answer == "Belmar");
  CHECK(at(PromptKind::hop_cloze, OutputKind::answer, 0).said.answer == "Belmar");
  CHECK(at(PromptKind::hop_question, OutputKind::answer, 1).said.answer == "Corun");
  CHECK(outputs_of(outputs, one, PromptKind::question, OutputKind::answer).size() == 3);
  CHECK(at(PromptKind::question, OutputKind::thoughts, 2).said.trace->size() == 2);
  CHECK(at(PromptKind::edit, OutputKind::forced, 0).forced.recalled);
  CHECK(outputs.outputs.size() == 10);
  // One cloze for edit and hop, one hop question, three direct, three with thoughts.
  CHECK(model.prompts().size() == 8);
  const metrics::JudgedCase judged =
      metrics::judge(one, &outputs, MatchRule::exact, GoldSide::post);
  const auto path =
      std::count_if(judged.outputs.begin(), judged.outputs.end(),
                    [](const metrics::JudgedOutput& o) { return o.trace && o.trace->path; });
  CHECK(path == 3);
}

TEST_CASE("ask_case: only the question kinds of the evaluation plan are asked") {
  FakeModel model([](const std::string&) { return std::string(" x"); });
  answering::AskPlan plan;
  plan.asks = {Ask::direct};
  const CaseOutputs outputs = answering::ask_case(model, lab_prompts(), two_hop_case(1), plan, {});
  REQUIRE(outputs.outputs.size() == 3);
  CHECK(outputs_of(outputs, two_hop_case(1), PromptKind::question, OutputKind::answer).size() == 3);
}

TEST_CASE("copy_last_edit: every answer is the object of the last edit") {
  const Case one = two_hop_case(1);
  const auto facts = answering::facts_of(one.edits);
  const CaseOutputs outputs =
      answering::copy_last_edit(one, {}, [&](const std::string&) { return facts; });
  CHECK(output_at(outputs, one, PromptKind::edit, OutputKind::answer, 0).said.answer == "Belmar");
  CHECK(direct_at(outputs, one, 0).answer == "Belmar");
  CHECK(output_at(outputs, one, PromptKind::question, OutputKind::thoughts, 0).said.trace->empty());
}

TEST_CASE("Few-shot prompts: no exemplar states a fact of MQuAKE-CF-3k", "[slow][real-data]") {
  const auto data = test::real_data("mquake/MQuAKE-CF-3k.json");
  if (!data) return;
  CHECK(prompt_hash(few_shot_prompts(cases_of(read_mquake(*data).cases))) ==
        prompt_hash(few_shot_prompts({})));
}
