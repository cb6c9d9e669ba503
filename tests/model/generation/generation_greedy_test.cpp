#include "tests/model/generation/generation_fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace kedit;
using namespace kedit::testing;

namespace {

GenerateOptions tokens(std::int64_t count) {
  GenerateOptions options;
  options.max_tokens = count;
  options.ignore_eos = true;
  return options;
}

Architecture any_architecture() { return GENERATE(0, 1) == 0 ? tiny_qwen2() : tiny_gpt2(); }

}  // namespace

TEST_CASE("Greedy generation: result equals a loop without KV cache") {
  const EditedModel model = random_model(any_architecture());
  const auto prompt = random_ids(9, 3);
  const auto result = generate_ids(model, {prompt}, tokens(20));
  REQUIRE(result.size() == 1);
  CHECK(result[0].ids == plain_greedy(model, prompt, 20));
  CHECK(result[0].stopped == StopReason::length);
  CHECK(result[0].text == model.tokenizer().decode(result[0].ids));
}

TEST_CASE(
    "Greedy generation: prompts of very different lengths in a batch give their single results") {
  const EditedModel model = random_model(any_architecture());
  std::vector<std::vector<std::int64_t>> prompts;
  for (const std::int64_t length : {1, 2, 3, 5, 8, 13, 21, 4, 1, 20}) {
    prompts.push_back(random_ids(length, static_cast<std::uint64_t>(prompts.size())));
  }
  const std::int64_t batch_rows = GENERATE(64, 4, 1);
  const auto together = generate_ids(model, prompts, tokens(12), batch_rows);
  REQUIRE(together.size() == prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(together[i].ids == plain_greedy(model, prompts[i], 12));
  }
}

TEST_CASE("Greedy generation: a long prefix shared by all prompts leaves results unchanged") {
  const EditedModel model = random_model(tiny_qwen2());
  const auto beginning = random_ids(40, 9);
  std::vector<std::vector<std::int64_t>> prompts;
  for (std::uint64_t i = 0; i < 5; ++i) {
    prompts.push_back(beginning);
    const auto rest = random_ids(static_cast<std::int64_t>(i), 20 + i);
    prompts.back().insert(prompts.back().end(), rest.begin(), rest.end());
  }
  const auto results = generate_ids(model, prompts, tokens(8), 3);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(results[i].ids == plain_greedy(model, prompts[i], 8));
  }
}

TEST_CASE("Greedy generation: duplicate prompts and samples of a prompt are equal") {
  const EditedModel model = random_model(tiny_qwen2());
  GenerateOptions options = tokens(6);
  options.samples = 3;
  const auto a = random_ids(5, 1);
  const auto b = random_ids(7, 2);
  const auto results = generate_ids(model, {a, b, a}, options);
  REQUIRE(results.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(results[i].ids == plain_greedy(model, i / 3 == 1 ? b : a, 6));
  }
}

TEST_CASE("Greedy generation: an end-of-text id ends the text and is not part of it") {
  Architecture architecture = tiny_qwen2();
  const auto prompt = random_ids(6, 4);
  const auto free = plain_greedy(random_model(architecture), prompt, 12);
  architecture.eos_ids = {419, free[5]};
  const EditedModel model = random_model(architecture);
  const auto first = std::find(free.begin(), free.end(), free[5]);

  GenerateOptions options = tokens(12);
  CHECK(generate_ids(model, {prompt}, options)[0].ids == free);
  options.ignore_eos = false;
  const auto results = generate_ids(model, {prompt, random_ids(3, 8)}, options);
  CHECK(results[0].stopped == StopReason::eos);
  CHECK(results[0].ids == std::vector<std::int64_t>(free.begin(), first));
}

TEST_CASE("Greedy generation: a full learned position table ends the text") {
  const EditedModel model = random_model(tiny_gpt2());  // 40 positions
  const auto results = generate_ids(model, {random_ids(38, 1), random_ids(5, 2)}, tokens(10));
  CHECK(results[0].stopped == StopReason::positions);
  CHECK(results[0].ids == plain_greedy(model, random_ids(38, 1), 3));  // the last needs no position
  CHECK(results[1].stopped == StopReason::length);
  CHECK(results[1].ids.size() == 10);
  CHECK(generate_ids(model, {random_ids(40, 1)}, tokens(10))[0].ids.size() == 1);
  const std::string message = message_of<ModelError>([&] {
    generate_ids(model, {{1}, random_ids(41, 1)}, tokens(1));
  });
  CHECK(holds(message, "prompt 1: expected at most 40 tokens"));
}

TEST_CASE("Greedy generation: a stop string ends the text before it even across tokens") {
  const EditedModel model = random_model(tiny_qwen2());
  const auto prompt = random_ids(6, 4);
  const auto free = generate_ids(model, {prompt}, tokens(16))[0];
  const Tokenizer& tokenizer = model.tokenizer();
  // Ends inside token 5 and begins in token 4: found only when both are decoded together.
  const std::string before = tokenizer.decode({free.ids.begin(), free.ids.begin() + 4});
  const std::string joint = tokenizer.decode({free.ids.begin(), free.ids.begin() + 6});
  const std::string stop = joint.substr(before.size());
  REQUIRE(stop.size() >= 2);
  GenerateOptions options = tokens(16);
  options.stop = {"never to be seen in this text", stop};
  const auto cut = generate_ids(model, {prompt, random_ids(2, 2)}, options)[0];
  CHECK(cut.stopped == StopReason::stop);
  CHECK(cut.text == joint.substr(0, joint.find(stop)));
  CHECK(cut.ids ==
        std::vector<std::int64_t>(free.ids.begin(),
                                  free.ids.begin() + static_cast<std::ptrdiff_t>(cut.ids.size())));
  CHECK(cut.ids.size() <= 6);
}

TEST_CASE("Greedy generation: zero requested tokens give an empty result") {
  const EditedModel model = random_model(tiny_qwen2());
  const auto result = generate_ids(model, {{1, 2}}, tokens(0))[0];
  CHECK(result.ids.empty());
  CHECK(result.stopped == StopReason::length);
  CHECK(generate_ids(model, {}, tokens(3)).empty());
}

TEST_CASE("Greedy generation: works without a tokenizer unless stop strings are given") {
  const EditedModel model = random_model(tiny_qwen2(), 1, false);
  GenerateOptions options = tokens(3);
  CHECK(generate_ids(model, {{5}}, options)[0].text.empty());
  options.stop = {"x"};
  CHECK_THROWS_AS(generate_ids(model, {{5}}, options), std::invalid_argument);
}

TEST_CASE("Greedy generation: prompts and options out of range are refused") {
  const EditedModel model = random_model(tiny_qwen2());
  CHECK(holds(message_of<ModelError>([&] {
                generate_ids(model, {{1}, {}}, tokens(1));
              }),
              "prompt 1"));
  CHECK(holds(message_of<ModelError>([&] { generate_ids(model, {{420}}, tokens(1)); }),
              "token ids from 0 to 419, found 420"));
  CHECK_THROWS_AS(generate_ids(model, {{-1}}, tokens(1)), ModelError);
  const auto refused = [&](auto change) {
    GenerateOptions options;
    change(options);
    CHECK_THROWS_AS(generate_ids(model, {{1}}, options), std::invalid_argument);
  };
  refused([](GenerateOptions& options) { options.max_tokens = -1; });
  refused([](GenerateOptions& options) { options.samples = 0; });
  refused([](GenerateOptions& options) { options.temperature = -0.5; });
  refused([](GenerateOptions& options) { options.top_p = 0.0; });
  refused([](GenerateOptions& options) { options.top_p = 1.5; });
  refused([](GenerateOptions& options) { options.top_k = -1; });
  refused([](GenerateOptions& options) { options.stop = {""}; });
}

TEST_CASE("Greedy generation: rows that end early leave the other rows unchanged") {
  Architecture architecture = any_architecture();
  std::vector<std::vector<std::int64_t>> prompts, expected;
  for (std::uint64_t i = 0; i < 12; ++i) {
    prompts.push_back(random_ids(static_cast<std::int64_t>(1 + i), 60 + i));
    expected.push_back(plain_greedy(random_model(architecture), prompts.back(), 14));
  }
  architecture.eos_ids.clear();
  for (std::size_t i = 0; i < 9; ++i) architecture.eos_ids.push_back(expected[i][i + 1]);
  std::set<std::size_t> lengths;
  for (auto& ids : expected) {
    const auto& eos = architecture.eos_ids;
    ids.erase(std::find_first_of(ids.begin(), ids.end(), eos.begin(), eos.end()), ids.end());
    lengths.insert(ids.size());
  }
  REQUIRE(lengths.size() >= 4);
  GenerateOptions options = tokens(14);
  options.ignore_eos = false;
  const auto results = generate_ids(random_model(architecture), prompts, options, GENERATE(64, 5));
  for (std::size_t i = 0; i < prompts.size(); ++i) CHECK(results[i].ids == expected[i]);
}
