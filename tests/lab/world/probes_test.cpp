#include "lab/world/corpus.hpp"
#include "lab/world/world_sampler.hpp"
#include "tests/lab/world/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

std::map<std::string, std::vector<lab::LabProbe>> by_measure(const lab::World& world,
                                                             std::int64_t cases) {
  std::map<std::string, std::vector<lab::LabProbe>> all;
  for (lab::LabProbe& probe : lab::lab_probes(world, cases, 5))
    all[probe.measure].push_back(std::move(probe));
  return all;
}

std::size_t facts_in(const std::string& prompt) {
  if (prompt.rfind("Facts:", 0) != 0) return 0;
  const std::string line = prompt.substr(0, prompt.find('\n'));
  return static_cast<std::size_t>(std::count(line.begin(), line.end(), '.'));
}

}  // namespace

TEST_CASE("lab_probes: every row of the lab report has its number of probes") {
  const auto all = by_measure(*lab_world(), 40);
  const std::map<std::string, std::size_t> expected = {{"cloze", 828},
                                                       {"trained paraphrases", 828 * 5},
                                                       {"trained questions", 828 * 2},
                                                       {"held-out questions", 828},
                                                       {"held-out lead-in", 828},
                                                       {"held-out statements", 828 * 2},
                                                       {"cot 2 hops", 40},
                                                       {"cot 3 hops", 40},
                                                       {"cot 4 hops", 40},
                                                       {"direct 2 hops, held out", 40},
                                                       {"direct 2 hops, trained", 40},
                                                       {"direct 3 hops, held out", 40},
                                                       {"direct 3 hops, trained", 40},
                                                       {"in context, 0 distractors", 40},
                                                       {"in context, 1 distractors", 40},
                                                       {"in context, 3 distractors", 40},
                                                       {"in context, cloze, 0 distractors", 40},
                                                       {"in context, cloze, 1 distractors", 40},
                                                       {"in context, cloze, 3 distractors", 40},
                                                       {"irrelevant facts", 40}};
  for (const auto& [measure, count] : expected) {
    INFO(measure);
    REQUIRE(all.count(measure) == 1);
    CHECK(all.at(measure).size() == count);
  }
  for (const char* measure :
       {"cot 2 hops, 1 stated, 0 distractors", "cot 2 hops, 1 stated, 3 distractors",
        "cot 3 hops, 2 stated, 2 distractors"}) {
    INFO(measure);
    REQUIRE(all.count(measure) == 1);
    CHECK(all.at(measure).size() >= 35);  // a chain may have no false continuation
  }
  CHECK(all.size() == expected.size() + 3);
}

TEST_CASE("lab_probes: facts blocks have the stated size and contain the answer") {
  const auto all = by_measure(*lab_world(), 60);
  for (const auto& [measure, size] :
       std::map<std::string, std::size_t>{{"in context, 0 distractors", 1},
                                          {"in context, 3 distractors", 4},
                                          {"irrelevant facts", 2},
                                          {"cot 2 hops, 1 stated, 3 distractors", 4},
                                          {"cot 3 hops, 2 stated, 2 distractors", 4}}) {
    for (const lab::LabProbe& probe : all.at(measure)) {
      INFO(probe.prompt);
      CHECK(facts_in(probe.prompt) == size);
    }
  }
  for (const lab::LabProbe& probe : all.at("in context, 0 distractors")) {
    CHECK(probe.prompt.find(probe.answer + ".") != std::string::npos);
  }
}

TEST_CASE("lab_probes: answers begin with a blank and prompts have none at either end") {
  for (const lab::LabProbe& probe : lab::lab_probes(*lab_world(), 20, 5)) {
    REQUIRE(probe.answer[0] == ' ');
    REQUIRE(probe.prompt[0] != ' ');
    REQUIRE(probe.prompt.back() != ' ');
    REQUIRE((probe.kind == "forced" || probe.kind == "thoughts"));
    REQUIRE((probe.kind == "thoughts") ==
            (probe.prompt.substr(probe.prompt.size() - 9) == "Thoughts:"));
  }
}

TEST_CASE("lab_probes: the same seed gives the same probes") {
  const auto prompts = [](std::uint64_t seed) {
    std::string all;
    for (const lab::LabProbe& probe : lab::lab_probes(*lab_world(), 20, seed))
      all += probe.prompt + probe.answer;
    return all;
  };
  CHECK(prompts(1) == prompts(1));
  CHECK(prompts(1) != prompts(2));
}

TEST_CASE("blind_baseline: guessing the most frequent answer is right for few held-out chains") {
  const double two = lab::blind_baseline(*lab_world(), 2),
               three = lab::blind_baseline(*lab_world(), 3);
  CHECK(two > 0.05);
  CHECK(two < 0.25);
  CHECK(three > 0.05);
  CHECK(three < 0.3);
}
