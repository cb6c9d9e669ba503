#include "editors/locate/context_templates.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

TEST_CASE("Context templates: the bare prompt and the requested number of prefixes are returned") {
  const EditedModel model(tiny_model("gpt2"));
  const ContextTemplates templates = generate_context_templates(model, {{{5, 3}, {10, 2}}}, {});
  REQUIRE(templates.size() == 6);
  CHECK(templates.front() == "{}");
  for (std::size_t i = 1; i < templates.size(); ++i) {
    CHECK(templates[i].size() > 4);
    CHECK(templates[i].substr(templates[i].size() - 4) == ". {}");
  }
  CHECK_NOTHROW(check_context_templates(templates));
}

TEST_CASE("Context templates: they depend on the seed and not on mounted edits") {
  EditedModel model(tiny_model("gpt2"));
  RunContext run;
  run.seed = 5;
  const ContextTemplates first = generate_context_templates(model, {}, run);
  CHECK(first.size() == 21);
  CHECK(generate_context_templates(model, {}, run) == first);

  EditDelta delta;
  delta.base_fingerprint = model.base().fingerprint();
  delta.updates.push_back({"transformer.h.0.mlp.c_proj.weight", Dense{at::ones({40, 24})}});
  model.mount("change", delta);
  CHECK(generate_context_templates(model, {}, run) == first);

  run.seed = 6;
  CHECK(generate_context_templates(model, {}, run) != first);
}

TEST_CASE("clean_prefix: special tokens and braces and line breaks are removed from sampled text") {
  CHECK(clean_prefix("<|endoftext|>A {b}\n\nc") == "A  b  c");
  CHECK(clean_prefix("\xEF\xAC\x81n") == "fin");  // the ligature fi, compatibility-decomposed
  CHECK(clean_prefix("bad \xC3") == "bad \xC3");
}

TEST_CASE("Context templates: an empty list or a template without a slot is refused") {
  CHECK(contains(message_of([] { check_context_templates({}); }), "context_templates"));
  CHECK(contains(message_of([] { check_context_templates({"{}", "no slot"}); }), "no slot"));
}

TEST_CASE("cached_context_templates: kept templates are those that are sampled") {
  const TemporaryDirectory cache;
  ::setenv("KEDIT_CACHE", cache.path().c_str(), 1);
  const EditedModel model(tiny_model("llama"));
  const ContextPlan plan{{{6, 3}}, true};
  const ContextTemplates sampled = generate_context_templates(model, plan, {});
  CHECK(cached_context_templates(model, plan, {}) == sampled);
  const auto folder = cache / "context-templates";
  const auto files = [&] {
    return std::vector<std::filesystem::path>(std::filesystem::directory_iterator(folder), {});
  };
  REQUIRE(files().size() == 1);
  CHECK(cached_context_templates(model, plan, {}) == sampled);
  RunContext other;
  other.seed = 1;
  CHECK(cached_context_templates(model, plan, other) != sampled);
  CHECK(files().size() == 2);
  for (const auto& file : files()) write_file_atomically(file, "[\"no slot\"]");
  CHECK(cached_context_templates(model, plan, {}) == sampled);
  ::unsetenv("KEDIT_CACHE");
}
