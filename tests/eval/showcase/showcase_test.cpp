#include "eval/showcase/answers.hpp"
#include "eval/showcase/famous_facts.hpp"
#include "model/generation/generation.hpp"
#include "tests/eval/tiny_model.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <set>

using namespace kedit;
using namespace kedit::testing;
using namespace kedit::showcase;

namespace {

std::int64_t token(const Model& model, const std::string& text) {
  return model.tokenizer().ids(text, false).front();
}

// A row that gives some tokens these probabilities and all others none.
at::Tensor row(const Model& model, const std::vector<std::pair<std::string, double>>& tokens) {
  at::Tensor probabilities = at::zeros({model.architecture().vocab});
  for (const auto& [text, probability] : tokens) {
    probabilities[token(model, text)] = probability;
  }
  return probabilities;
}

const std::vector<ShownPrompt> kPrompts = {
    {Group::edited, Ask::cloze, "The capital is", "Belmar", "Corun"},
    {Group::neighbour, Ask::cloze, "A citizen of", "Belmar", "Corun"}};

}  // namespace

TEST_CASE(
    "famous_facts: every fact has prompts of all groups, and names its subject where it must") {
  const Showcase show = famous_facts();
  REQUIRE_FALSE(show.facts.empty());
  for (const FamousFact& fact : show.facts) {
    CAPTURE(fact.request.subject);
    std::set<Group> groups;
    std::set<std::string> texts;
    for (const ShownPrompt& prompt : fact.prompts) {
      CAPTURE(prompt.text);
      groups.insert(prompt.group);
      CHECK(texts.insert(prompt.text).second);
      const bool named = contains(prompt.text, fact.request.subject);
      CHECK(named == (prompt.group != Group::neighbour));
      CHECK_FALSE(prompt.before.empty());
      CHECK_FALSE(prompt.after.empty());
    }
    CHECK(groups.size() == 4);
    CHECK(fact.prompts.front().group == Group::edited);
    CHECK(fact.prompts.front().text == filled_prompt(fact.request));
  }
}

TEST_CASE("rome_settings: the layer lies as deep in a smaller model") {
  const Showcase show = famous_facts();
  Architecture architecture;
  for (const auto& [layers, layer] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{30, 8}, {60, 16}, {2, 0}, {1, 0}}) {
    architecture.layers = layers;
    CHECK(rome_settings(show, architecture)["layers"] == Json::array({layer}));
  }
}

TEST_CASE(
    "ask: probabilities are of the next token, and facts of mounted edits stand in the prompt") {
  const auto base = tiny_model(3);
  EditedModel model(base);
  const Said before = ask(model, kPrompts);
  CHECK(before.probabilities.sizes() == at::IntArrayRef({2, base->architecture().vocab}));
  CHECK(before.probabilities.sum(1).allclose(at::ones({2})));
  const auto ids = base->tokenizer().ids(kPrompts.front().text);
  CHECK(before.probabilities[0].argmax().item<std::int64_t>() == likely_ids(model, ids, 1).front());
  CHECK(before.written.size() == 2);

  EditDelta delta;
  delta.editor = "in-context";
  delta.base_fingerprint = base->fingerprint();
  delta.facts = {{"The capital", "", "Corun", "The capital is Corun"}};
  model.mount("a", delta);
  const Said told = ask(model, kPrompts);
  const at::Tensor by_hand = next_probabilities(
      model, base->tokenizer().ids("Facts: The capital is Corun.\nThe capital is"));
  CHECK(told.probabilities[0].equal(by_hand));
  model.unmount("a");
  CHECK(ask(model, kPrompts).probabilities.equal(before.probabilities));
}

TEST_CASE("compare: new against old answer, neighbours against what they were") {
  const auto model = tiny_model(3);
  const Said before{at::stack({row(*model, {{" Belmar", 0.7}, {" Corun", 0.1}}),
                               row(*model, {{" Belmar", 0.6}, {" Corun", 0.3}})}),
                    {"Belmar", "Belmar"}};
  const Said took{at::stack({row(*model, {{" Corun", 0.5}, {" Belmar", 0.4}}),
                             row(*model, {{" Belmar", 0.5}, {" Corun", 0.4}})}),
                  {"Corun", "Belmar"}};
  const Said harmed{at::stack({row(*model, {{" Belmar", 0.5}, {" Corun", 0.4}}),
                               row(*model, {{" Corun", 0.9}, {" Belmar", 0.1}})}),
                    {"", "Corun"}};
  const auto results = compare(*model, kPrompts, {before, took, harmed});
  REQUIRE(results.size() == 2);
  const std::vector<SystemAnswer>& edited = results[0].answers;
  CHECK(edited[1].before == Approx(0.4));
  CHECK(edited[1].after == Approx(0.5));
  CHECK_FALSE(edited[0].as_wished);
  CHECK(edited[1].as_wished);
  CHECK_FALSE(edited[2].as_wished);
  CHECK(results[1].answers[1].as_wished);  // less sure, but the same answer leads
  CHECK_FALSE(results[1].answers[2].as_wished);
  CHECK(results[0].candidates.front().probability ==
        std::vector<double>{before.probabilities[0].max().item<float>(),
                            took.probabilities[0][token(*model, " Belmar")].item<float>(), 0.5});
  CHECK(results[0].candidates.size() <= 5);
  CHECK(count(results, Group::edited, 1).right == 1);
  CHECK(count(results, Group::neighbour, 2).right == 0);
  CHECK(count(results, Group::neighbour, 2).of == 1);
  CHECK(count(results, Group::paraphrase, 1).of == 0);

  EditedFact fact{{{}, kPrompts}, {ShownEdit{}, ShownEdit{}}, results};
  fact.edits[1].fault = "too large";
  CHECK(contains(caption(fact, 1), "The new answer is ahead of the old one at the edited prompt"));
  CHECK_FALSE(contains(caption(fact, 1), "moved"));
  CHECK(contains(caption(fact, 2), "moved: \"A citizen of\" from"));
  CHECK(contains(caption(fact, 2), "too large"));
}
