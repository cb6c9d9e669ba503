#include "training/trainer.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/training/support.hpp"
#include "training/train_state.hpp"

#include <ATen/ATen.h>

#include <fstream>
#include <unistd.h>

using namespace kedit;
namespace fs = std::filesystem;

namespace {

// A directory of its own, removed at the end.
struct WorkDirectory {
  WorkDirectory() {
    static int count = 0;
    path = fs::temp_directory_path() /
           ("kedit-training-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  }
  ~WorkDirectory() { fs::remove_all(path); }
  fs::path path;
};

Architecture tiny() {
  DecoderShape shape;
  shape.layers = 2;
  shape.hidden = 32;
  shape.heads = 2;
  shape.intermediate = 64;
  shape.vocab = 300;
  return qwen2_architecture(shape);
}

TrainOptions short_run() {
  TrainOptions options;
  options.steps = 24;
  options.rows = 4;
  options.row_tokens = 32;
  options.warmup_steps = 4;
  options.checkpoint_every = 1000;
  return options;
}

TrainResult train(const fs::path& work, const RunContext& run,
                  const TrainOptions& options = short_run(),
                  const std::string& recipe = "a recipe") {
  const auto tokenizer = test::small_tokenizer();
  return train_decoder(tiny(), *tokenizer, test::counting_documents(), options, recipe, work, run);
}

RunContext seeded(std::uint64_t seed) {
  RunContext run;
  run.seed = seed;
  return run;
}

// Asks for a stop after `steps` steps.
RunContext stopping_after(int steps) {
  RunContext run = seeded(5);
  auto left = std::make_shared<int>(steps);
  run.stop_requested = [left] { return (*left)-- <= 0; };
  return run;
}

}  // namespace

TEST_CASE("train_decoder: the loss falls and the same seed repeats bit for bit", "[trainer]") {
  const WorkDirectory one, two, three;
  const TrainResult first = train(one.path, seeded(5));
  CHECK(first.curve.size() == 24);
  CHECK(first.tokens == 24 * 4 * 32);
  CHECK(first.curve.back().loss < 0.7 * first.curve.front().loss);
  const std::string print = weights_fingerprint(tiny(), first.weights);
  CHECK(weights_fingerprint(tiny(), train(two.path, seeded(5)).weights) == print);
  CHECK(weights_fingerprint(tiny(), train(three.path, seeded(6)).weights) != print);
}

TEST_CASE("train_decoder: an interrupted run resumes to the same weights and loss curve",
          "[trainer]") {
  const WorkDirectory whole, broken;
  const TrainResult expected = train(whole.path, seeded(5));
  CHECK_THROWS_AS(train(broken.path, stopping_after(7)), Interrupted);
  CHECK_THROWS_AS(train(broken.path, stopping_after(9)), Interrupted);
  const TrainResult resumed = train(broken.path, seeded(5));
  CHECK(weights_fingerprint(tiny(), resumed.weights) ==
        weights_fingerprint(tiny(), expected.weights));
  REQUIRE(resumed.curve.size() == expected.curve.size());
  for (std::size_t i = 0; i < resumed.curve.size(); ++i) {
    CHECK(resumed.curve[i].step == expected.curve[i].step);
    CHECK(resumed.curve[i].loss == expected.curve[i].loss);
  }
}

TEST_CASE("train_decoder: a finished run is not trained again", "[trainer]") {
  const WorkDirectory work;
  const TrainResult first = train(work.path, seeded(5));
  RunContext watched = seeded(5);
  int reports = 0;
  watched.progress = [&reports](const Progress&) { ++reports; };
  const TrainResult again = train(work.path, watched);
  CHECK(reports == 0);
  CHECK(weights_fingerprint(tiny(), again.weights) == weights_fingerprint(tiny(), first.weights));
}

TEST_CASE("train_decoder: a saved state of another recipe is refused by name", "[trainer]") {
  const WorkDirectory work;
  CHECK_THROWS_AS(train(work.path, stopping_after(3)), Interrupted);
  try {
    train(work.path, seeded(5), short_run(), "another recipe");
    FAIL("expected a refusal");
  } catch (const TrainError& error) {
    const std::string message = error.what();
    CHECK(message.find(train_state_file(work.path).string()) != std::string::npos);
    CHECK(message.find("another recipe") != std::string::npos);
  }
}

TEST_CASE("train_decoder: a damaged saved state is refused", "[trainer]") {
  const WorkDirectory work;
  CHECK_THROWS_AS(train(work.path, stopping_after(3)), Interrupted);
  const fs::path file = train_state_file(work.path);
  SECTION("cut off") { fs::resize_file(file, fs::file_size(file) / 2); }
  SECTION("not a state at all") { std::ofstream(file) << "hello"; }
  CHECK_THROWS_AS(train(work.path, seeded(5)), TrainError);
}

TEST_CASE("train_decoder: options out of range are refused before anything is written",
          "[trainer]") {
  const WorkDirectory work;
  TrainOptions options = short_run();
  options.rows = 0;
  CHECK_THROWS_AS(train(work.path, seeded(5), options), TrainError);
  CHECK_FALSE(fs::exists(work.path));
}

TEST_CASE("train_decoder: a trained checkpoint loads with the fingerprint of the trained weights",
          "[trainer]") {
  const WorkDirectory work;
  const TrainResult result = train(work.path, seeded(5));
  const fs::path directory = work.path / "model";
  write_checkpoint(directory, tiny(), result.weights);
  const auto model = Model::load(directory);
  CHECK(model->fingerprint() == weights_fingerprint(tiny(), result.weights));
  CHECK(model->architecture().eos_ids == std::vector<std::int64_t>{0});
  CHECK(model->architecture().tied_head);
}
