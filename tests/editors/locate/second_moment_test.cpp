#include "editors/locate/second_moment.hpp"

#include "editors/editor.hpp"
#include "editors/locate/moment_source.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

const Corpus kCorpus = make_corpus(
    "texts", {"One short line.", "Another line, which is a little longer than the first.", "x",
              "The fourth of them stands here and says nothing of weight."});

/// One text at a time, straight from the definition.
at::Tensor plain_moment(const Model& model, std::int64_t layer, const Corpus& corpus,
                        std::int64_t* count) {
  at::Tensor sum = at::zeros({40, 40}, at::kDouble);
  *count = 0;
  for (const std::string& text : corpus.texts) {
    auto ids = model.tokenizer().ids(text);
    ids.resize(std::min<std::size_t>(ids.size(), 128));
    at::Tensor keys;
    Taps taps;
    taps.add(layer, Site::mlp_key, [&keys](const at::Tensor& k) { return keys = k; });
    ForwardInput input;
    input.ids = at::tensor(ids, at::kLong).unsqueeze(0);
    forward(model.architecture(), model.weights(), input, nullptr, &taps);
    for (std::int64_t t = 0; t < keys.size(1); ++t) {
      const at::Tensor k = keys[0][t].to(at::kDouble);
      sum += at::outer(k, k);
      ++*count;
    }
  }
  return sum / static_cast<double>(*count);
}

}  // namespace

TEST_CASE("collect_second_moments: all layers in one pass equal the definition") {
  const auto model = tiny_model(GENERATE("llama", "gpt2"));
  const auto moments = collect_second_moments(*model, {0, 2}, kCorpus, {}, {});
  REQUIRE(moments.size() == 2);
  for (const auto& [layer, moment] : moments) {
    std::int64_t count = 0;
    const at::Tensor expected = plain_moment(*model, layer, kCorpus, &count);
    CHECK(moment.count == count);
    CHECK(moment.matrix.scalar_type() == at::kFloat);
    CHECK(relative_error(moment.matrix, expected) < 1e-5);
  }
}

TEST_CASE(
    "collect_second_moments: long texts are truncated and fewer samples are chosen reproducibly") {
  const auto model = tiny_model("llama");
  const Corpus lengthy = make_corpus("lengthy", {std::string(500, 'a'), "b"});
  CHECK(collect_second_moments(*model, {1}, lengthy, {}, {}).at(1).count == 129);

  MomentOptions options;
  options.samples = 2;
  const auto first = collect_second_moments(*model, {1}, kCorpus, options, {}).at(1);
  const auto again = collect_second_moments(*model, {1}, kCorpus, options, {}).at(1);
  CHECK(first.provenance.at("samples") == 2);
  CHECK(at::equal(first.matrix, again.matrix));
}

TEST_CASE("collect_second_moments: progress is reported and a stop request interrupts") {
  const auto model = tiny_model("llama");
  RunContext run;
  std::int64_t done = 0;
  std::int64_t total = 0;
  run.progress = [&](const Progress& p) { done = p.done, total = p.total; };
  collect_second_moments(*model, {1}, kCorpus, {}, run);
  CHECK(done == total);
  CHECK(total > 100);
  run.stop_requested = [] { return true; };
  CHECK_THROWS_AS(collect_second_moments(*model, {1}, kCorpus, {}, run), Interrupted);
  CHECK_THROWS_AS(collect_second_moments(*model, {4}, kCorpus, {}, {}), EditError);
}

TEST_CASE("Second moment file: matrix and count and provenance round-trip") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  const SecondMoment moment = collect_second_moments(*model, {1}, kCorpus, {}, {}).at(1);
  write_second_moment(directory / "c.safetensors", moment);
  const SecondMoment read = read_second_moment(directory / "c.safetensors", 40);
  CHECK(at::equal(read.matrix, moment.matrix));
  CHECK(read.count == moment.count);
  CHECK(read.provenance == moment.provenance);
}

TEST_CASE("Second moment file: unusable files are refused") {
  const TemporaryDirectory directory;
  const auto file = directory / "c.safetensors";
  const auto refused = [&](const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
    checkpoint::write_safetensors(file, tensors);
    return message_of([&] { read_second_moment(file, 4); });
  };
  CHECK(contains(refused({{"other", at::eye(4)}}), "second_moment"));
  CHECK(contains(refused({{"second_moment", at::eye(5)}}), "[4, 4]"));
  CHECK(contains(refused({{"second_moment", at::full({4, 4}, NAN)}}), "NaN"));
  CHECK(contains(refused({{"second_moment", at::arange(16, at::kFloat).reshape({4, 4})}}),
                 "symmetric"));
  CHECK(contains(refused({{"second_moment", at::ones({4, 4}, at::kLong)}}), "integers"));
}

TEST_CASE("MomentCache: statistics are found by model and layer and corpus and dtype") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  const MomentCache cache(directory.path());
  int passes = 0;
  RunContext run;
  run.progress = [&](const Progress& p) { passes += p.done == p.total ? 1 : 0; };
  const auto first = cached_second_moments(*model, {0, 1}, kCorpus, {}, cache, run);
  CHECK(passes == 1);
  const auto second = cached_second_moments(*model, {0, 1}, kCorpus, {}, cache, run);
  CHECK(passes == 1);
  CHECK(at::equal(first.at(1).matrix, second.at(1).matrix));
  CHECK(cache.files(model->fingerprint(), 1).size() == 1);

  MomentOptions wide;
  wide.dtype = "float64";
  cached_second_moments(*model, {1}, kCorpus, wide, cache, run);
  CHECK(passes == 2);
  CHECK(cache.files(model->fingerprint(), 1).size() == 2);
}

TEST_CASE("statistics that cannot be kept are given all the same, with one warning") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  write_file_atomically(directory / "file", "no directory");
  std::vector<std::string> warnings;
  RunContext run;
  run.warn = [&](const std::string& text) { warnings.push_back(text); };
  const auto moments = cached_second_moments(*model, {0, 1}, kCorpus, {},
                                             MomentCache(directory / "file" / "cache"), run);
  CHECK(moments.size() == 2);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "KEDIT_CACHE"));
}

TEST_CASE("find_second_moment: missing or ambiguous statistics are refused and never collected") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  setenv("KEDIT_CACHE", directory.path().c_str(), 1);
  CHECK(cache_directory() == directory.path());
  MomentSource source;
  CHECK(contains(message_of([&] { find_second_moment(*model, 1, source, {}); }), "kedit stats"));

  cached_second_moments(*model, {1}, kCorpus, {}, MomentCache(), {});
  CHECK(find_second_moment(*model, 1, source, {}).count > 0);
  cached_second_moments(*model, {1}, make_corpus("other", {"Another text."}), {}, MomentCache(),
                        {});
  CHECK(contains(message_of([&] { find_second_moment(*model, 1, source, {}); }), "mom2_dataset"));
  unsetenv("KEDIT_CACHE");
}

TEST_CASE("read_corpus: one text per line is read and blank lines are skipped") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "corpus.txt", "one\r\n\n  \ntwo");
  const Corpus corpus = read_corpus(directory / "corpus.txt");
  CHECK(corpus.texts == std::vector<std::string>{"one", "two"});
  CHECK(corpus.sha256 == make_corpus("x", {"one", "two"}).sha256);
  write_file_atomically(directory / "empty.txt", "\n");
  CHECK_THROWS_AS(read_corpus(directory / "empty.txt"), EditError);
}
