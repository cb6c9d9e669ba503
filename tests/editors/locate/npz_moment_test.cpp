// Statistics files of the reference programs, and archives made to mislead (tests/golden/npz).
#include "editors/locate/npz_moment.hpp"

#include "editors/editor.hpp"
#include "json/json.hpp"
#include "model/model.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <ATen/ATen.h>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::path(KEDIT_SOURCE_DIR) / "tests/golden/npz";

}  // namespace

TEST_CASE("npz statistics: every form that NumPy writes gives the sum over the count") {
  const auto [name, type] =
      GENERATE(table<std::string, at::ScalarType>({{"stored", at::kFloat},
                                                   {"deflated", at::kFloat},
                                                   {"column-major", at::kFloat},
                                                   {"zip64", at::kFloat},
                                                   {"commented", at::kFloat},
                                                   {"float64", at::kDouble}}));
  const SecondMoment moment = read_second_moment(kFolder / "good" / (name + ".npz"), 3);
  CHECK(moment.count == 4);
  CHECK(moment.matrix.scalar_type() == type);
  CHECK(moment.matrix.is_contiguous());
  const at::Tensor expected = at::tensor({2.0, 0.5, 1.0, 0.5, 1.5, 0.25, 1.0, 0.25, 3.0});
  CHECK(at::equal(moment.matrix.to(at::kDouble), expected.view({3, 3}).to(at::kDouble)));
}

TEST_CASE("npz statistics: what lies about its sizes, shapes or numbers is refused by name") {
  const Json expected = read_json(kFolder / "bad.json");
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kFolder / "bad")) {
    INFO(entry.path());
    ++files;
    std::string message;
    try {
      read_second_moment(entry.path(), 3);
    } catch (const StatisticsError& error) {
      message = error.what();
    } catch (const ModelError& error) {
      message = error.what();
    }
    CHECK(contains(message, entry.path().string()));
    CHECK(contains(message, expected.at(entry.path().stem().string()).get<std::string>()));
  }
  CHECK(files == expected.size());
}

TEST_CASE("npz statistics: a file cut short anywhere is refused") {
  const TemporaryDirectory directory;
  const auto name = GENERATE("stored", "deflated", "zip64");
  const std::string whole = read_text_file(kFolder / "good" / (std::string(name) + ".npz"));
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += 7) {
    write_file_atomically(directory / "cut.npz", whole.substr(0, bytes));
    CHECK_THROWS(read_second_moment(directory / "cut.npz", 3));
  }
}

TEST_CASE("npz statistics: no changed byte leads astray") {
  const TemporaryDirectory directory;
  const auto name = GENERATE("stored", "deflated", "zip64");
  const fs::path file = kFolder / "good" / (std::string(name) + ".npz");
  const std::string whole = read_text_file(file);
  const SecondMoment intact = read_second_moment(file, 3);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    std::string changed = whole;
    changed[byte] = static_cast<char>(changed[byte] ^ (1 << (byte % 8)));
    write_file_atomically(directory / "changed.npz", changed);
    try {
      const SecondMoment read = read_second_moment(directory / "changed.npz", 3);
      CHECK((read.count == intact.count && at::equal(read.matrix, intact.matrix)));
    } catch (const StatisticsError&) {
    }
  }
}

TEST_CASE("npz statistics: files of the reference programs agree with the safetensors ones",
          "[real-data]") {
  const auto data = real_data("deltas");
  if (!data) return;
  const auto file = *data / "npz/transformer.h.1.mlp.c_proj_float32_mom2_400.npz";
  const SecondMoment theirs = read_second_moment(file, 128);
  const SecondMoment ours = read_second_moment(*data / "gpt2-tiny-stats/layer1.safetensors", 128);
  CHECK(theirs.count == ours.count);
  CHECK(relative_error(theirs.matrix, ours.matrix) < 1e-6);
  for (const auto& entry : fs::directory_iterator(*data / "npz/damaged")) {
    CHECK_THROWS_AS(read_second_moment(entry.path(), 128), StatisticsError);
  }
}
