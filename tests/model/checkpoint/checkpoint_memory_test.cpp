// What is remembered of a checkpoint from one start to the next, and what is not believed.
#include "model/checkpoint/checkpoint_memory.hpp"

#include "edits/hash.hpp"
#include "model/checkpoint/stored_weights.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <sys/stat.h>
#include <utility>

using namespace kedit;
using namespace kedit::testing;
namespace fs = std::filesystem;

namespace {

// A copy of the golden llama that was last changed `hours` ago, and a cache.
struct Place {
  Place() {
    copy_model("llama", model);
    age(2);
  }

  void age(int hours) const {
    const auto then = fs::file_time_type::clock::now() - std::chrono::hours(hours);
    for (const auto& entry : fs::directory_iterator(model)) fs::last_write_time(entry, then);
  }

  std::shared_ptr<const Model> load(bool verify = false, std::vector<std::string>* warnings = {}) {
    LoadOptions options;
    options.cache = cache;
    options.verify = verify;
    options.warn = [&](const std::string& sentence) {
      if (warnings != nullptr) warnings->push_back(sentence);
    };
    return Model::load(model, options);
  }

  // The one file that the cache holds.
  fs::path memory() const { return fs::directory_iterator(cache / "checkpoints")->path(); }

  // Other bytes at the end of the weights, in place.
  void overwrite_end(float value) const {
    std::fstream file(model / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-static_cast<std::streamoff>(sizeof(value)), std::ios::end);
    file.write(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  TemporaryDirectory scratch;
  fs::path model = scratch / "model", cache = scratch / "cache";
};

struct Start {
  std::string fingerprint;
  bool remembered;
};

Start start(Place& place, bool verify = false, std::vector<std::string>* warnings = nullptr) {
  const auto model = place.load(verify, warnings);
  const std::string fingerprint = model->fingerprint();
  return {fingerprint, model->remembered()};
}

std::string true_fingerprint(const Place& place) { return Model::load(place.model)->fingerprint(); }

}  // namespace

TEST_CASE("checkpoint memory: the second start reads no weight and finds the same fingerprint") {
  Place place;
  const Start first = start(place);
  CHECK_FALSE(first.remembered);
  CHECK(first.fingerprint == true_fingerprint(place));
  const Start second = start(place);
  CHECK(second.remembered);
  CHECK(second.fingerprint == first.fingerprint);
  CHECK_FALSE(Model::load(place.model)->path().empty());  // without a cache: nothing of it
  CHECK(start(place).remembered);
}

TEST_CASE("checkpoint memory: what a load alone found, no NaN, is remembered without digests") {
  Place place;
  CHECK_FALSE(place.load()->remembered());
  CHECK(place.load()->remembered());
  CHECK_FALSE(start(place).remembered);  // hashed now
  CHECK(start(place).remembered);
}

TEST_CASE("checkpoint memory: content decides when size, time, inode or path differ") {
  Place place;
  const Start before = start(place);
  REQUIRE(start(place).remembered);
  SECTION("another time, other content of the same size") {
    place.overwrite_end(0.75F);
    place.age(1);
    const Start after = start(place);
    CHECK_FALSE(after.remembered);
    CHECK(after.fingerprint != before.fingerprint);
    CHECK(after.fingerprint == true_fingerprint(place));
  }
  SECTION("another inode") {
    const auto time = fs::last_write_time(place.model / "model.safetensors");
    fs::copy_file(place.model / "model.safetensors", place.model / "other");
    fs::rename(place.model / "other", place.model / "model.safetensors");
    fs::last_write_time(place.model / "model.safetensors", time);
    CHECK_FALSE(start(place).remembered);
  }
  SECTION("another configuration") {
    std::ofstream(place.model / "config.json", std::ios::app) << "\n";
    CHECK_FALSE(start(place).remembered);
  }
  SECTION("another path") {
    fs::rename(place.model, place.scratch / "moved");
    place.model = place.scratch / "moved";
    CHECK_FALSE(start(place).remembered);
  }
  SECTION("a number that is none") {
    place.overwrite_end(NAN);
    place.age(1);
    CHECK(contains(thrown_message<ModelError>([&] { place.load(); }), "found NaN or infinity"));
  }
}

TEST_CASE("checkpoint memory: verifying finds a change that size, time and inode do not show") {
  Place place;
  const Start before = start(place);
  const auto time = fs::last_write_time(place.model / "model.safetensors");
  place.overwrite_end(0.75F);
  fs::last_write_time(place.model / "model.safetensors", time);
  CHECK(start(place).fingerprint == before.fingerprint);  // what a memory cannot know

  std::vector<std::string> warnings;
  const Start verified = start(place, true, &warnings);
  CHECK_FALSE(verified.remembered);
  CHECK(verified.fingerprint == true_fingerprint(place));
  CHECK(verified.fingerprint != before.fingerprint);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings.front(), "verifying " + place.model.string() + ": 1 of its tensors"));
  CHECK(start(place).fingerprint == verified.fingerprint);  // known from now on
  warnings.clear();
  CHECK(start(place, true, &warnings).fingerprint == verified.fingerprint);
  CHECK(warnings.empty());

  place.overwrite_end(NAN);
  fs::last_write_time(place.model / "model.safetensors", time);
  CHECK_NOTHROW(place.load());
  CHECK(contains(thrown_message<ModelError>([&] { place.load(true); }), "found NaN or infinity"));
}

TEST_CASE("checkpoint memory: a damaged or hostile memory is none") {
  Place place;
  const Start before = start(place);
  const fs::path file = place.memory();
  const std::string sound = read_text_file(file);
  const auto spoilt = [&](const std::function<void(Json&)>& change) {
    Json document = parse_json(sound, "the memory");
    change(document);
    document.erase("sha256");
    document["sha256"] = sha256_hex(canonical_text(document));
    return to_text(document);
  };
  std::string flipped = sound;
  flipped[sound.find("digests") + 80] ^= 1;
  const std::vector<std::string> contents = {
      "",
      "no JSON",
      "[]",
      "{}",
      std::string(100000, '['),
      sound.substr(0, sound.size() / 2),
      flipped,
      spoilt([](Json& document) { document["form"] = 2; }),
      spoilt([](Json& document) { document["files"][0]["bytes"] = 1; }),
      spoilt([](Json& document) { document["finite"] = "yes"; }),
      spoilt([](Json& document) { document["digests"].begin().value() = "abc"; }),
      spoilt([](Json& document) { document["digests"] = Json::array(); }),
  };
  for (const std::string& content : contents) {
    INFO(content.substr(0, 60));
    write_file_atomically(file, content);
    const Start again = start(place);
    CHECK_FALSE(again.remembered);
    CHECK(again.fingerprint == before.fingerprint);
    CHECK(start(place).remembered);  // mended
  }
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(start(place).fingerprint == before.fingerprint);
  fs::remove(file);
  fs::create_directories(file / "in the way");
  CHECK(start(place).fingerprint == before.fingerprint);
  fs::remove_all(place.cache);
  std::ofstream(place.cache) << "a file where the directory should be";
  CHECK(start(place).fingerprint == before.fingerprint);
}

TEST_CASE("checkpoint memory: files changed a moment ago are not remembered") {
  Place place;
  place.age(0);
  start(place);
  CHECK_FALSE(start(place).remembered);
  place.age(1);
  start(place);
  CHECK(start(place).remembered);
}

TEST_CASE("checkpoint memory: files that change while they are read are not remembered") {
  Place place;
  const auto model = place.load();  // looked for NaN, and remembered that
  place.age(1);
  model->fingerprint();
  CHECK_FALSE(start(place).remembered);
}

TEST_CASE("StoredWeights: the first tensor with NaN is named, on any number of threads") {
  constexpr std::int64_t kLong = (std::int64_t{1} << 22) + 5;  // more than a task takes
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    for (const int threads : {1, 3}) {
      checkpoint::StoredWeights::NamedTensors tensors = {{"a", at::ones({3}, type)},
                                                         {"b", at::ones({kLong}, type)},
                                                         {"c", at::ones({2, 2}, type)}};
      CHECK_FALSE(checkpoint::StoredWeights(tensors).first_nonfinite(threads));
      tensors[2].second[0][0] = NAN;
      CHECK(checkpoint::StoredWeights(tensors).first_nonfinite(threads) == std::size_t{2});
      tensors[1].second[kLong - 1] = HUGE_VAL;
      CHECK(checkpoint::StoredWeights(tensors).first_nonfinite(threads) == std::size_t{1});
    }
  }
  CHECK_FALSE(checkpoint::StoredWeights(checkpoint::StoredWeights::Tensors{}).first_nonfinite(2));
}

TEST_CASE("StoredWeights: digests are the same, and in order, on any number of threads") {
  checkpoint::StoredWeights::NamedTensors tensors;
  for (int i = 0; i < 9; ++i) {
    tensors.emplace_back(std::to_string(i), at::full({1 + (i * 5) % 9, 3}, i));
  }
  const auto one = checkpoint::StoredWeights(tensors).digests(1);
  checkpoint::StoredWeights many(tensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CHECK(one[i].name == tensors[i].first);
    CHECK(one[i].sha256 == checkpoint::tensor_digest(tensors[i].second));
    CHECK(many.digests(4)[i].sha256 == one[i].sha256);
  }
}
