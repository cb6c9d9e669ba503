#include "model/checkpoint/export_model.hpp"

#include "json/json.hpp"
#include "tests/model/adapters/adapter_fixtures.hpp"

#include <algorithm>
#include <fstream>

using namespace kedit;
using namespace kedit::testing;
using checkpoint::export_model;
namespace fs = std::filesystem;

namespace {

std::string fingerprint_of(const fs::path& model) { return Model::load(model)->fingerprint(); }

}  // namespace

TEST_CASE(
    "export_model: the directory's fingerprint is the mounted model's, its shards as before") {
  // one file, shards, a bare decoder's names, a text part, float16
  const std::string name =
      GENERATE("gpt2", "llama", "mistral", "gpt_neox", "phi3", "opt-projected", "gemma3");
  CAPTURE(name);
  const TemporaryDirectory scratch;
  const EditedModel edited = edited_everywhere(golden_as_stored(name));
  const auto files = export_model(edited, scratch / "out", {{"more.json", "{}"}}, {});
  CHECK(fingerprint_of(scratch / "out") == edited.fingerprint());
  CHECK(edited.fingerprint() != edited.base().fingerprint());
  CHECK(read_text_file(scratch / "out/more.json") == "{}");
  for (const auto& entry : fs::directory_iterator(golden_model(name))) {
    const std::string file = entry.path().filename().string();
    if (file == "expected.safetensors" || fs::is_directory(entry)) continue;
    CAPTURE(file);
    CHECK(std::count(files.begin(), files.end(), file) == 1);
    if (entry.path().extension() == ".json") {
      CHECK(read_text_file(entry.path()) == read_text_file(scratch / "out" / file));
    }
  }
}

TEST_CASE("export_model: untouched tensors, header and metadata stay to the byte") {
  const TemporaryDirectory scratch;
  const fs::path base = scratch / "base";
  copy_model("llama", base);
  auto tensors = all_tensors(base / "model.safetensors");
  for (auto& [name, tensor] : tensors) tensor = tensor.to(at::kHalf);
  checkpoint::write_safetensors(base / "model.safetensors", tensors,
                                {{"format", "pt"}, {"who", "me"}});
  LoadOptions options;
  options.keep_types = true;
  const auto model = Model::load(base, options);
  EditedModel edited(model);
  const std::string weight = "model.layers.0.mlp.down_proj.weight";
  edited.mount("e1", delta_of(*model, {low_rank(*model, weight, 1, 1)}));
  export_model(edited, scratch / "out", {}, {});
  const auto before = checkpoint::SafetensorsFile::open(base / "model.safetensors");
  const auto after = checkpoint::SafetensorsFile::open(scratch / "out/model.safetensors");
  CHECK(after.metadata() == before.metadata());
  CHECK(after.names() == before.names());
  for (const std::string& name : before.names()) {
    CHECK(same_tensor_bytes(before.tensor(name), after.tensor(name)) == (name != weight));
  }
  CHECK(same_tensor_bytes(after.tensor(weight), edited.weight(weight)));
}

TEST_CASE("export_model: pickled weights and other formats stay behind, texts come along") {
  const TemporaryDirectory scratch;
  const fs::path base = scratch / "base";
  copy_model("llama", base);
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "other.safetensors",
                           "README.md", "LICENSE", "chat_template.jinja"}) {
    std::ofstream(base / name) << "x";
  }
  LoadOptions options;
  options.keep_types = true;
  export_model(edited_everywhere(Model::load(base, options)), scratch / "out", {}, {});
  for (const char* name :
       {"pytorch_model.bin", "pytorch_model.bin.index.json", "other.safetensors"}) {
    CHECK_FALSE(fs::exists(scratch / "out" / name));
  }
  for (const char* name : {"README.md", "LICENSE", "chat_template.jinja"}) {
    CHECK(fs::exists(scratch / "out" / name));
  }
}

TEST_CASE("export_model: of a GGUF file as it is converted, with the edits") {
  const TemporaryDirectory scratch;
  const auto model =
      Model::load(fs::path(KEDIT_SOURCE_DIR) / "tests/golden/gguf/llama-llama3.gguf");
  const EditedModel edited = edited_everywhere(model);
  export_model(edited, scratch / "out", {{"more.json", "{}"}}, {});
  CHECK(fingerprint_of(scratch / "out") == edited.fingerprint());
  CHECK(fs::exists(scratch / "out/more.json"));
}

TEST_CASE("export_model: a stop leaves nothing behind") {
  const TemporaryDirectory scratch;
  RunContext run;
  run.stop_requested = [] { return true; };
  const EditedModel edited = edited_everywhere(golden_as_stored("llama"));
  CHECK_THROWS_AS(export_model(edited, scratch / "out", {}, run), Interrupted);
  CHECK(fs::is_empty(scratch.path()));
}
