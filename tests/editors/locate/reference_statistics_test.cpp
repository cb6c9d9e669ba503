#include "editors/locate/reference_statistics.hpp"

#include "json/json.hpp"
#include "model/model.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;
namespace fs = std::filesystem;

TEST_CASE("stats_dir: the reference programs' files are found under either name of the model") {
  const TemporaryDirectory directory;
  const auto memory = tiny_model("llama");
  const fs::path folder = directory / "models--Some--tiny-model/snapshots/1234";
  write_checkpoint(folder, memory->architecture(), memory->weights());
  Json config = read_json(folder / "config.json");
  config["_name_or_path"] = "Other/small-model/";
  write_file_atomically(folder / "config.json", to_text(config));
  const auto model = Model::load(folder);
  const std::vector<std::string> names{"small-model", "Other_small-model", "tiny-model",
                                       "Some_tiny-model", "1234"};
  CHECK(reference_model_names(*model) == names);

  MomentSource source;
  source.directory = directory / "stats";
  source.samples = 400;
  CHECK_FALSE(find_reference_statistics(*model, 1, source));
  const std::string& name = GENERATE_COPY(from_range(names));
  const fs::path file =
      source.directory / name / "wikipedia_stats/model.layers.1.mlp.down_proj_float32_mom2_400.npz";
  fs::create_directories(file.parent_path());
  write_file_atomically(file, "PK");
  CHECK(find_reference_statistics(*model, 1, source) == file);
  CHECK(reference_statistics_name(*model, 1, source) ==
        (source.directory / "*" / file.lexically_relative(source.directory / name)).string());
  CHECK_FALSE(find_reference_statistics(*model, 2, source));
  source.dataset = "wikitext";
  CHECK_FALSE(find_reference_statistics(*model, 1, source));
}
