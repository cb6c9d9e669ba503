#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"

#include <thread>

using namespace kedit;
using namespace kedit::testing;

namespace {

using Offsets = std::vector<std::pair<std::size_t, std::size_t>>;

// Counts the cases that differ from the golden, and tells of the first few.
std::size_t differing_cases(const Tokenizer& tokenizer, const Json& golden) {
  std::size_t differing = 0;
  for (const Json& expected : golden.at("cases")) {
    const std::string text = expected.at("text").get<std::string>();
    const Encoding encoding = tokenizer.encode(text);
    const auto ids = expected.at("ids").get<std::vector<std::int64_t>>();
    const bool same_ids = encoding.ids == ids;
    const bool same_offsets = expected.at("offsets").is_null() ||
                              encoding.offsets == expected.at("offsets").get<Offsets>();
    const bool same_text = tokenizer.decode(ids) == expected.at("decoded").get<std::string>();
    const auto split =
        expected.contains("split_ids") ? expected.at("split_ids") : expected.at("ids");
    const bool same_split =
        tokenizer.encode(text, {true, true}).ids == split.get<std::vector<std::int64_t>>();
    if (same_ids && same_offsets && same_text && same_split) continue;
    if (++differing <= 3) {
      UNSCOPED_INFO(to_text(expected) << " but " << to_text(Json(encoding.ids)) << " at "
                                      << to_text(Json(encoding.offsets)));
    }
  }
  return differing;
}

}  // namespace

TEST_CASE("Byte-level BPE: every supported configuration equals the reference library") {
  const std::string kind = GENERATE("plain", "prefixed", "composed", "steps");
  const Json golden = read_json(golden_file(kind + "_golden.json"));
  const auto tokenizer = golden_tokenizer(kind + "_tokenizer.json");
  CAPTURE(kind);
  REQUIRE(golden.at("cases").size() >= 300);
  CHECK(differing_cases(*tokenizer, golden) == 0);
}

TEST_CASE("Byte-level BPE: real GPT-2 and Qwen2 vocabularies give the reference ids and offsets",
          "[real-data]") {
  const std::string family = GENERATE("gpt2", "qwen2");
  const auto vocabulary = test::real_data("tokenizers/" + family);
  if (!vocabulary) return;
  const Json golden = read_json(golden_file(family + "_golden.json"));
  const auto tokenizer = Tokenizer::load(*vocabulary);
  CAPTURE(family);
  REQUIRE(golden.at("cases").size() >= 300);
  CHECK(differing_cases(*tokenizer, golden) == 0);
  CHECK(tokenizer->vocab_size() == (family == "gpt2" ? 50257 : 151646));
  CHECK(tokenizer->kind() == "byte-level BPE");
}

TEST_CASE("tokenizer.json: merges given as strings give the ids of the GPT-2 vocabulary files",
          "[real-data]") {
  const auto checkpoint = test::real_data("deltas/llama-tiny");
  const auto vocabulary = test::real_data("tokenizers/gpt2");
  if (!checkpoint || !vocabulary) return;
  const auto json = Tokenizer::load(*checkpoint);
  const auto files = Tokenizer::load(*vocabulary);
  const Json golden = read_json(golden_file("gpt2_golden.json"));
  for (const Json& expected : golden.at("cases")) {
    const std::string text = expected.at("text").get<std::string>();
    REQUIRE(json->ids(text) == files->ids(text));
  }
}

TEST_CASE("Tokenizer: encoding from several threads equals encoding from one") {
  const auto tokenizer = golden_tokenizer("composed_tokenizer.json");
  const Json golden = read_json(golden_file("composed_golden.json"));
  std::vector<std::size_t> differing(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < differing.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 3; ++round) {
        for (const Json& expected : golden.at("cases")) {
          const auto ids = tokenizer->ids(expected.at("text").get<std::string>());
          if (ids != expected.at("ids").get<std::vector<std::int64_t>>()) ++differing[thread];
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(differing == std::vector<std::size_t>(4, 0));
}
