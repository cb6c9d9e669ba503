// The C++ API from outside: load, edit, commit, mount, evaluate, unmount. The model is a tiny
// random one, made here, so that the installed package needs nothing beside it.
#include "editors/editor.hpp"
#include "eval/evaluate.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"
#include "store/store.hpp"
#include "training/bpe_trainer.hpp"
#include "training/trainer.hpp"

#include <ATen/ATen.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

std::filesystem::path write_tiny_model(const std::filesystem::path& directory) {
  kedit::DecoderShape shape;
  shape.layers = 2;
  shape.hidden = 32;
  shape.heads = 4;
  shape.intermediate = 64;
  shape.vocab = 300;
  const kedit::Architecture architecture = kedit::qwen2_architecture(shape);
  std::filesystem::create_directories(directory);
  kedit::write_checkpoint(directory, architecture, kedit::initial_weights(architecture, 1));
  kedit::write_file_atomically(
      directory / "tokenizer.json",
      kedit::train_byte_level_bpe(
          {"The capital of France is Paris. The capital of Japan is Tokyo."}, shape.vocab));
  return directory;
}

void run(const std::filesystem::path& work) {
  kedit::EditRequest request;
  request.id = "france/capital";
  request.prompt = "The capital of {} is";
  request.subject = "France";
  request.target_new = "Tokyo";

  kedit::EditorSettings settings;
  settings.values = kedit::Json{{"layers", {0}},
                                {"context_templates", {"{}"}},
                                {"mom2_adjustment", false},
                                {"v_num_grad_steps", 20}};
  settings.force = true;  // a random model is no healthy patient
  const auto editor = kedit::make_editor("rome", settings);

  kedit::EditedModel model(kedit::Model::load(write_tiny_model(work / "model")));
  const kedit::EditDelta delta = editor->edit(model, {request}, kedit::RunContext{}).at(0);

  std::filesystem::remove(work / "edits.db");
  auto store = kedit::Store::open(work / "edits.db", kedit::OpenMode::create);
  const kedit::Model& base = model.base();
  store.put_model({base.fingerprint(), base.architecture().family, base.path().string(),
                   base.dtype(), base.parameters()});
  const std::string id = store.commit(delta, {.note = "from outside"});

  const auto probes = kedit::probes_of({request});
  const kedit::Report before = kedit::evaluate(model, probes);
  model.mount(id, *store.find(id));
  require(model.fingerprint() != base.fingerprint(), "mounting changed nothing");
  const kedit::Report after = kedit::evaluate(model, probes);
  model.unmount(id);
  require(model.fingerprint() == base.fingerprint(), "unmounting left something behind");
  kedit::write_markdown(std::cout, kedit::compare(before, after));

  store.revert(id);
  require(store.live("main", base.fingerprint()).empty(), "the revert did not take");
  require(store.verify().empty(), "the store has faults");
}

}  // namespace

int main(int count, char** words) {
  try {
    run(count > 1 ? words[1] : ".");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "uses_kedit: %s\n", error.what());
    return 1;
  }
}
