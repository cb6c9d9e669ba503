#include "editors/locate/self_corpus.hpp"

#include "editors/editor.hpp"
#include "editors/locate/moment_source.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <filesystem>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) files.push_back(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("SelfCorpus: names say tokens and seed") {
  CHECK_FALSE(SelfCorpus::parse("selfish.txt"));
  CHECK_FALSE(SelfCorpus::parse("./self"));
  CHECK(SelfCorpus::parse("self")->name() == "self:100000:0");
  CHECK(SelfCorpus::parse("self:500")->name() == "self:500:0");
  CHECK(SelfCorpus::parse("self:500:7")->name() == "self:500:7");
  for (const char* wrong : {"self:", "self:0", "self:x", "self:5:", "self:5:-1", "self:5:1:2",
                            "self:99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK(contains(thrown_message<StatisticsError>([&] { SelfCorpus::parse(wrong); }),
                   "expected self, self:TOKENS or self:TOKENS:SEED"));
  }
}

TEST_CASE("self_generated_corpus: equal seeds give equal texts, kept under their hash") {
  const TemporaryDirectory cache, other;
  const auto model = tiny_model(GENERATE("llama", "gpt2"));
  const SelfCorpus wanted{600, 3};
  const Corpus first = self_generated_corpus(*model, wanted, cache.path(), {});
  CHECK(first.name == "self:600:3");
  CHECK(self_generated_corpus(*model, wanted, other.path(), {}).sha256 == first.sha256);
  const auto files = files_below(cache.path());
  REQUIRE(files.size() == 1);
  CHECK(files[0].filename() == "tokens600-seed3-" + first.sha256.substr(0, 16) + ".txt");
  CHECK(read_corpus(files[0]).sha256 == first.sha256);  // a text file like any other
  CHECK(self_generated_corpus(*model, {600, 4}, cache.path(), {}).sha256 != first.sha256);
  CHECK(kept_self_corpus(*model, wanted, cache.path())->sha256 == first.sha256);
}

TEST_CASE("self_generated_corpus: an interrupted run goes on where it was") {
  const TemporaryDirectory cache, other;
  const auto model = tiny_model("llama");
  const SelfCorpus wanted{9000, 0};
  RunContext run;
  int asked = 0;
  run.stop_requested = [&] { return ++asked == 2; };
  CHECK_THROWS_AS(self_generated_corpus(*model, wanted, cache.path(), run), Interrupted);
  CHECK_FALSE(kept_self_corpus(*model, wanted, cache.path()));
  std::vector<std::int64_t> seen;
  run.progress = [&](const Progress& progress) { seen.push_back(progress.done); };
  const Corpus resumed = self_generated_corpus(*model, wanted, cache.path(), run);
  CHECK(seen.front() > 0);
  CHECK(seen.back() == wanted.tokens);
  CHECK(resumed.sha256 == self_generated_corpus(*model, wanted, other.path(), {}).sha256);
}

TEST_CASE("self_generated_corpus: a kept text that was changed is refused by name") {
  const TemporaryDirectory cache;
  const auto model = tiny_model("llama");
  self_generated_corpus(*model, {200, 0}, cache.path(), {});
  const fs::path file = files_below(cache.path()).at(0);
  write_file_atomically(file, "Another text.\n");
  const std::string message = thrown_message<StatisticsError>([&] {
    kept_self_corpus(*model, {200, 0}, cache.path());
  });
  CHECK(contains(message, file.string()));
  CHECK(contains(message, "expected the content whose hash its name holds"));
}

TEST_CASE("mom2_dataset: text that the model sampled is found, and asked for where there is none") {
  const TemporaryDirectory cache;
  const auto model = tiny_model("llama");
  ::setenv("KEDIT_CACHE", cache.path().c_str(), 1);
  MomentSource source;
  source.dataset = "self:300";
  const std::string message =
      thrown_message<StatisticsError>([&] { check_second_moment(*model, 1, source); });
  CHECK(contains(message, "run kedit stats --layers 1 --corpus self:300:0"));
  const Corpus text = self_generated_corpus(*model, {300, 0}, cache.path(), {});
  CHECK_THROWS_AS(check_second_moment(*model, 1, source), StatisticsError);
  source.collect = true;
  check_second_moment(*model, 1, source);
  const SecondMoment found = find_second_moment(*model, 1, source, {});
  CHECK(found.provenance.at("corpus") == "self:300:0");
  CHECK(at::equal(found.matrix, collect_second_moments(*model, {1}, text, {}, {}).at(1).matrix));
  ::unsetenv("KEDIT_CACHE");
}

TEST_CASE("collect_second_moments: so many tokens and no more, reproducibly") {
  const auto model = tiny_model("llama");
  const Corpus corpus = make_corpus("texts", {std::string(40, 'a'), std::string(30, 'b'), "c"});
  MomentOptions options;
  options.tokens = 50;
  const auto first = collect_second_moments(*model, {1}, corpus, options, {}).at(1);
  CHECK(first.count == 50);
  CHECK(first.provenance.at("tokens") == 50);
  CHECK(at::equal(first.matrix,
                  collect_second_moments(*model, {1}, corpus, options, {}).at(1).matrix));
  options.tokens = 1000;
  CHECK(collect_second_moments(*model, {1}, corpus, options, {}).at(1).count == 71);
  const MomentKey all = moment_key(*model, 1, corpus, {});
  CHECK(all.file_name() != moment_key(*model, 1, corpus, options).file_name());
}
