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

namespace {

/// Forty texts of many lengths: several batches for a model of 128 positions.
Corpus many_texts() {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 40; ++i) {
    texts.push_back(std::string(20 + 3 * i, static_cast<char>('a' + i % 26)) + " end");
  }
  return make_corpus("many", texts);
}

std::size_t files_in(const std::filesystem::path& folder) {
  std::error_code absent;
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder, absent), {}));
}

struct Killed {};

}  // namespace

TEST_CASE("collect_second_moments: what was stopped or killed goes on to the same bits") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  const Corpus corpus = many_texts();
  const auto undisturbed = collect_second_moments(*model, {0, 2}, corpus, {}, {});
  MomentWork work;
  work.unfinished = directory.path();
  work.save_seconds = 0;
  const bool killed = GENERATE(false, true);
  int batches = 0;
  RunContext run;
  run.stop_requested = [&] { return !killed && batches == 2; };
  run.progress = [&](const Progress&) {
    if (++batches == 2 && killed) throw Killed();
  };
  if (killed) {
    CHECK_THROWS_AS(collect_second_moments(*model, {0, 2}, corpus, {}, run, work), Killed);
  } else {
    CHECK_THROWS_AS(collect_second_moments(*model, {0, 2}, corpus, {}, run, work), Interrupted);
  }
  CHECK(files_in(directory.path()) == 1);

  MomentFigures figures;
  work.figures = &figures;
  const auto resumed = collect_second_moments(*model, {0, 2}, corpus, {}, {}, work);
  CHECK(figures.tokens > 0);
  CHECK(figures.tokens < undisturbed.at(0).count);
  for (const auto& [layer, moment] : undisturbed) {
    CHECK(resumed.at(layer).count == moment.count);
    CHECK(at::equal(resumed.at(layer).matrix, moment.matrix));
  }
  forget_unfinished(*model, {0, 2}, corpus, {}, work);
  CHECK(files_in(directory.path()) == 0);
}

TEST_CASE("collect_second_moments: sums of another collection or a damaged file are not taken") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  MomentWork work;
  work.unfinished = directory.path();
  work.save_seconds = 0;
  const auto begun = [&](const Corpus& corpus, const std::vector<std::int64_t>& layers) {
    MomentFigures figures;
    work.figures = &figures;
    const auto moments = collect_second_moments(*model, layers, corpus, {}, {}, work);
    return figures.tokens == moments.begin()->second.count;  // from the beginning
  };
  CHECK(begun(many_texts(), {1}));
  CHECK_FALSE(begun(many_texts(), {1}));
  CHECK(begun(many_texts(), {0, 1}));
  Corpus other = many_texts();
  other.texts.front() += "!";
  CHECK(begun(make_corpus("many", other.texts), {1}));
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    write_file_atomically(entry.path(), read_text_file(entry.path()).substr(0, 5000));
  }
  CHECK(begun(many_texts(), {1}));
}

TEST_CASE("MomentCache: nothing unfinished stays behind a finished collection") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  MomentWork work;
  work.save_seconds = 0;
  const MomentCache cache(directory.path());
  cached_second_moments(*model, {1}, many_texts(), {}, cache, {}, work);
  CHECK(files_in(cache.folder(moment_owner(*model))) == 1);
}

TEST_CASE("find_second_moment: what is missing is priced, or collected in one pass if allowed") {
  const auto model = tiny_model("llama");
  const TemporaryDirectory directory;
  setenv("KEDIT_CACHE", directory.path().c_str(), 1);
  std::string lines;
  for (const std::string& text : many_texts().texts) lines += text + "\n";
  write_file_atomically(directory / "texts.txt", lines);
  MomentSource source;
  source.dataset = (directory / "texts.txt").string();
  source.tokens = 500;
  source.layers = {0, 2};
  const std::string refusal = message_of([&] { find_second_moment(*model, 2, source, {}); });
  CHECK(contains(refusal, "layers 0, 2: none are cached for this model over texts.txt"));
  CHECK(contains(refusal, "(40 texts, about 500 tokens, about a second)"));
  CHECK(contains(refusal, "kedit stats --layers 0,2 --corpus " + source.dataset));
  CHECK(contains(refusal, " --tokens 500, or give --stats auto"));
  CHECK(message_of([&] { check_second_moment(*model, 2, source); }) == refusal);

  source.collect = true;
  int passes = 0;
  RunContext run;
  run.progress = [&](const Progress& p) { passes += p.done == p.total ? 1 : 0; };
  CHECK(find_second_moment(*model, 2, source, run).count == 500);
  source.collect = false;
  CHECK(find_second_moment(*model, 0, source, run).count == 500);
  CHECK(passes == 1);
  check_second_moment(*model, 0, source);
  unsetenv("KEDIT_CACHE");
}

TEST_CASE("read_corpus: a text per JSON line, and line breaks in it are part of its identity") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "c.jsonl",
                        "{\"text\":\"one\\ntwo\",\"id\":1}\n\n\"three\"\n{\"text\":\" \"}\n");
  const Corpus corpus = read_corpus(directory / "c.jsonl");
  CHECK(corpus.texts == std::vector<std::string>{"one\ntwo", "three"});
  CHECK(corpus.sha256 != make_corpus("x", {"one", "two", "three"}).sha256);
  write_file_atomically(directory / "bad.jsonl", "{\"text\":\"a\"}\n{\"texts\":\"b\"}\n");
  const std::string message = message_of([&] { read_corpus(directory / "bad.jsonl"); });
  CHECK(contains(message, "bad.jsonl, line 2"));
  CHECK(contains(message, "text"));
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
