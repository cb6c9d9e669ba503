#include "editors/editor.hpp"
#include "editors/flat_yaml.hpp"
#include "editors/locate/locate_settings.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

namespace {

const std::string kEasyEditYaml = R"(alg_name: "ROME"
model_name: "./hugging_cache/llama"   # a comment
stats_dir: "./data/stats"
device: 0
layers: [2]
fact_token: "subject_last"
v_num_grad_steps: 25
v_lr: 5e-1
v_loss_layer: 3
v_weight_decay: 1e-3
clamp_norm_factor: 4
kl_factor: 0.0625
mom2_adjustment: false
context_template_length_params: [[5, 10], [10, 10]]
rewrite_module_tmp: "model.layers.{}.mlp.down_proj"
mom2_dataset: wikipedia
mom2_n_samples: 100000
mom2_dtype: 'float32'
model_parallel: false
)";

EditorSettings settings_of(const Json& values) {
  EditorSettings settings;
  settings.values = values;
  return settings;
}

}  // namespace

TEST_CASE("Editor settings: a YAML hyper-parameter file resolves to ROME settings") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "llama.yaml", kEasyEditYaml);
  const EditorSettings settings = EditorSettings::read(directory / "llama.yaml");
  const auto model = tiny_model("llama");
  const LocateSettings rome = resolve_locate_settings("rome", settings, *model);
  CHECK(rome.layers == std::vector<std::int64_t>{2});
  CHECK(rome.value.num_grad_steps == 25);
  CHECK(rome.value.learning_rate == 0.5);
  CHECK(rome.value.weight_decay == 1e-3);
  CHECK_FALSE(rome.moment.adjustment);
  CHECK(rome.context_plan.lengths.size() == 2);
  CHECK_FALSE(rome.context_templates.has_value());
}

TEST_CASE("Editor settings: unused keys are named in one warning and unknown ones are refused") {
  EditorSettings settings;
  settings.values = parse_flat_yaml(kEasyEditYaml, "llama.yaml");
  settings.values["context_templates"] = kTemplates;
  settings.values["L2"] = 10;
  settings.values["v_loss_layer"] = 3;
  std::vector<std::string> warnings;
  RunContext run;
  run.warn = [&](const std::string& text) { warnings.push_back(text); };
  const EditedModel model(tiny_model("llama"));
  const auto rome = make_editor("rome", settings);
  rome->edit(model, {capital_request()}, run);
  rome->edit(model, {capital_request()}, run);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "L2"));
  CHECK(contains(warnings[0], "rewrite_module_tmp"));
  CHECK(contains(warnings[0], "v_loss_layer"));
  CHECK_FALSE(contains(warnings[0], "alg_name"));  // names this very editor
  CHECK_FALSE(contains(warnings[0], "v_lr"));

  CHECK(contains(message_of([] {
                   make_editor("rome", settings_of({{"v_lrr", 1}}));
                 }),
                 "did you mean v_lr?"));
  CHECK(contains(message_of([] { make_editor("rom"); }), "did you mean rome?"));
}

TEST_CASE("Editor settings: values of the wrong type or range are refused by key") {
  const auto model = tiny_model("llama");
  const auto refused = [&](const char* key, const Json& value) {
    Json values = {{"layers", {1}}};
    values[key] = value;
    return message_of([&] { resolve_locate_settings("rome", settings_of(values), *model); });
  };
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"layers", {4}},
                                                 {"layers", {-1}},
                                                 {"layers", {1, 1}},
                                                 {"layers", Json::array()},
                                                 {"layers", "one"},
                                                 {"v_lr", "fast"},
                                                 {"v_lr", -1},
                                                 {"v_num_grad_steps", 0},
                                                 {"v_num_grad_steps", 2.5},
                                                 {"mom2_dtype", "float16"},
                                                 {"fact_token", "object"},
                                                 {"context_templates", {"no slot"}},
                                                 {"second_moment", {{"one", "f"}}},
                                                 {"context_template_length_params", {{5}}},
                                                 {"mom2_adjustment", 1}}) {
    INFO(key << " = " << value.dump());
    const bool names_it =
        contains(refused(key, value), key) || contains(refused(key, value), "slot");
    CHECK(names_it);
  }
}

TEST_CASE("Editor settings: a model without shipped defaults needs a layer") {
  const auto model = tiny_model("llama");
  CHECK(
      contains(message_of([&] { resolve_locate_settings("rome", {}, *model); }), "--set layers="));
  EditorSettings settings;
  settings.set("layers=2");
  CHECK(resolve_locate_settings("rome", settings, *model).layers == std::vector<std::int64_t>{2});
}

TEST_CASE("Editor settings: --set assignments hold JSON or plain text") {
  EditorSettings settings;
  settings.set("layers=[1, 2]");
  settings.set("v_lr=0.1");
  settings.set("mom2_dtype=float64");
  settings.set("mom2_adjustment=false");
  CHECK(settings.values == Json({{"layers", {1, 2}},
                                 {"v_lr", 0.1},
                                 {"mom2_dtype", "float64"},
                                 {"mom2_adjustment", false}}));
  CHECK_THROWS_AS(settings.set("v_lr"), SettingsError);
  CHECK_THROWS_AS(settings.set("=1"), SettingsError);
}

TEST_CASE("Editor settings: defaults shipped with a lab model rank below the user's settings") {
  const TemporaryDirectory directory;
  const auto memory = tiny_model("llama");
  write_checkpoint(directory / "lab/model", memory->architecture(), memory->weights());
  const auto model = Model::load(directory / "lab/model");
  Json lab = {{"fingerprint", model->fingerprint()},
              {"context_templates", {" {}", " So {}"}},
              {"rome",
               {{"layers", {1}},
                {"v_lr_scaled", true},
                {"second_moment", {{"1", "stats/layer1.safetensors"}}}}}};
  write_file_atomically(directory / "lab/lab.json", to_text(lab));

  const LocateSettings shipped = resolve_locate_settings("rome", {}, *model);
  CHECK(shipped.layers == std::vector<std::int64_t>{1});
  CHECK(shipped.value.scale_learning_rate);
  CHECK(*shipped.context_templates == std::vector<std::string>{" {}", " So {}"});
  CHECK(shipped.moment.files.at(1) == directory / "lab/stats/layer1.safetensors");

  const LocateSettings own =
      resolve_locate_settings("rome", settings_of({{"layers", {2}}}), *model);
  CHECK(own.layers == std::vector<std::int64_t>{2});
  CHECK(own.value.scale_learning_rate);

  lab["fingerprint"] = "another model";
  write_file_atomically(directory / "lab/lab.json", to_text(lab));
  CHECK_THROWS_AS(resolve_locate_settings("rome", {}, *model),
                  SettingsError);  // not about this model
}

TEST_CASE("parse_flat_yaml: flat keys and lists are read and other YAML is refused with its line") {
  const Json json = parse_flat_yaml(
      "a: 1\nb: 'x: #y'\nc:\n  - 1\n  - \"t\\n\"\nd: [a, [1, 2.5]]\n"
      "e: ~\nf: True\ng: wiki pedia # c\nh:\n",
      "f.yaml");
  CHECK(json == Json({{"a", 1},
                      {"b", "x: #y"},
                      {"c", {1, "t\n"}},
                      {"d", {"a", {1, 2.5}}},
                      {"e", nullptr},
                      {"f", true},
                      {"g", "wiki pedia"},
                      {"h", nullptr}}));
  const auto refused = [](const char* text) {
    return message_of([text] { parse_flat_yaml(text, "f.yaml"); });
  };
  for (const char* text : {"a: {b: 1}", "a:\n  b: 1", "a: &x 1", "a: |\n", "a: [1", "a: 'b",
                           "nothing", "a: 1\na: 2", "a: [1] 2"}) {
    INFO(text);
    CHECK(contains(refused(text), "f.yaml: line "));
  }
}

TEST_CASE("make_editor: every known editor can be made and describes itself") {
  for (const EditorInfo& info : known_editors()) {
    CHECK(make_editor(info.name)->name() == info.name);
    CHECK_FALSE(info.summary.empty());
    CHECK_FALSE(info.evidence.empty());
  }
  CHECK(find_editor("rome")->name == "rome");
  CHECK(find_editor("romee") == nullptr);
}

TEST_CASE("Editor::settings_for: what ships with the model is in it, and directories are not") {
  const TemporaryDirectory directory;
  const auto memory = tiny_model("llama");
  write_checkpoint(directory / "lab/model", memory->architecture(), memory->weights());
  const auto model = Model::load(directory / "lab/model");
  const Json lab = {{"fingerprint", model->fingerprint()},
                    {"rome",
                     {{"layers", {1}},
                      {"v_num_grad_steps", 25},
                      {"mom2_ridge", 0.01},
                      {"mom2_dataset", "corpus.txt"},
                      {"stats", "auto"}}}};
  write_file_atomically(directory / "lab/lab.json", to_text(lab));
  write_file_atomically(directory / "lab/corpus.txt", "Some text.");
  const auto rome = make_editor("rome", settings_of({{"v_lr", 0.25}}));
  const Json effective = rome->settings_for(*model);
  CHECK(effective["layers"] == Json({1}));
  CHECK(effective["v_num_grad_steps"] == 25);
  CHECK(effective["mom2_ridge"] == 0.01);
  CHECK(effective["v_lr"] == 0.25);
  CHECK(effective["mom2_dataset"] == "corpus.txt");
  CHECK_FALSE(effective.contains("stats"));
  CHECK(make_editor("in-context")->settings_for(*model) == Json::object());
}

TEST_CASE("Editor::settings_for: wrong values and missing statistics are setup errors") {
  const TemporaryDirectory directory;
  setenv("KEDIT_CACHE", directory.path().c_str(), 1);
  const auto model = tiny_model("llama");
  const auto settings_for = [&](const Json& values) {
    make_editor("rome", settings_of(values))->settings_for(*model);
  };
  CHECK_THROWS_AS(settings_for({{"layers", {99}}}), SettingsError);
  CHECK_THROWS_AS(settings_for({{"layers", {1}}}), StatisticsError);
  CHECK_THROWS_AS(settings_for({{"layers", {1}}, {"second_moment", {{"1", "absent.safetensors"}}}}),
                  StatisticsError);
  CHECK_NOTHROW(settings_for({{"layers", {1}}, {"mom2_adjustment", false}}));
  unsetenv("KEDIT_CACHE");
}

TEST_CASE("EditorSettings::anchored: files are taken from the settings' directory, names stay") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "corpus.txt", "Some text.");
  EditorSettings settings =
      settings_of({{"second_moment", {{"1", "one.safetensors"}, {"2", "/two.safetensors"}}},
                   {"mom2_dataset", "corpus.txt"}});
  CHECK(settings.anchored() == settings.values);
  settings.directory = directory.path();
  CHECK(settings.anchored()["second_moment"]["1"] == (directory / "one.safetensors").string());
  CHECK(settings.anchored()["second_moment"]["2"] == "/two.safetensors");
  CHECK(settings.anchored()["mom2_dataset"] == (directory / "corpus.txt").string());
  settings.values["mom2_dataset"] = "wikipedia";
  CHECK(settings.anchored()["mom2_dataset"] == "wikipedia");
}

TEST_CASE("a byte order mark before settings in YAML is no part of them") {
  CHECK(parse_flat_yaml("\xEF\xBB\xBFv_num_grad_steps: 2\n", "f.yaml") ==
        Json({{"v_num_grad_steps", 2}}));
}
