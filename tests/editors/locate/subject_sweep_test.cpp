#include "editors/locate/subject_sweep.hpp"

#include "editors/editor.hpp"
#include "editors/locate/keys.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

std::vector<LocatedText> texts_of(const EditedModel& model) {
  std::vector<LocatedText> texts;
  for (const char* text : {"Avaria", "The capital of Avaria", "So it is in Belgara and beyond"}) {
    const auto ids = model.tokenizer().ids(text);
    texts.push_back({ids, std::ssize(ids) - 1});
  }
  texts[2].position = 4;
  return texts;
}

/// The activation by a pass of its own, text by text.
at::Tensor plainly(const EditedModel& model, std::int64_t layer, Site site) {
  std::vector<at::Tensor> rows;
  for (const LocatedText& text : texts_of(model)) {
    at::Tensor found;
    Taps taps;
    taps.add(layer, site, read_at({0}, {text.position}, &found)).stop_after(layer);
    ForwardInput input;
    input.ids = padded_batch(model, {text});
    input.want_logits = false;
    model.forward(input, nullptr, &taps);
    rows.push_back(found);
  }
  return at::cat(rows);
}

EditDelta change_of(const EditedModel& model, std::int64_t layer) {
  EditDelta delta;
  delta.editor = "test";
  delta.base_fingerprint = model.base().fingerprint();
  const std::string name = weight_name(model.architecture().names.down, layer);
  const at::Tensor weight = model.base().weight(name);
  delta.updates.push_back({name, Dense{at::full(weight.sizes(), 0.05F)}});
  return delta;
}

}  // namespace

TEST_CASE("SubjectSweep: keys and outputs follow changes of ever higher layers") {
  const std::int64_t budget = GENERATE(std::int64_t{1} << 30, std::int64_t{1});  // kept, run anew
  EditedModel model(tiny_model(GENERATE("llama", "gpt2", "olmo2")));
  SubjectSweep keys(model, texts_of(model), budget);
  SubjectSweep outputs(model, texts_of(model), budget);
  for (const std::int64_t layer : {1, 2}) {
    CAPTURE(layer);
    const at::Tensor before = plainly(model, layer, Site::mlp_key);
    CHECK(relative_error(keys.read(model, layer, layer, Site::mlp_key), before) < 1e-5);
    CHECK(relative_error(outputs.read(model, layer, 3, Site::resid_post),
                         plainly(model, 3, Site::resid_post)) < 1e-5);
    model.mount("layer " + std::to_string(layer), change_of(model, layer));
  }
  CHECK(relative_error(outputs.read(model, 2, 3, Site::resid_post),
                       plainly(model, 3, Site::resid_post)) < 1e-5);
}

TEST_CASE("SubjectSweep: a text beyond the model's positions is refused") {
  const EditedModel model(tiny_model("gpt2"));
  const std::vector<std::int64_t> ids(200, 65);
  CHECK_THROWS_AS(SubjectSweep(model, {{ids, 199}}), EditError);
}
