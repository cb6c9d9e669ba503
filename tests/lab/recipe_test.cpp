#include "lab/recipe.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

TEST_CASE("LabRecipe: JSON round trip keeps all fields and the hash", "[lab_recipe]") {
  lab::LabRecipe recipe;
  recipe.facts = "mquake:some.json";
  recipe.cases = "1-20";
  recipe.seed = 42;
  recipe.shape.layers = 6;
  recipe.mixture.ctxcot = 7.5;
  recipe.train.steps = 77;
  recipe.train.learning_rate = 1e-4;
  const lab::LabRecipe read = lab::recipe_from_json(lab::recipe_to_json(recipe), "recipe.json");
  CHECK(lab::recipe_to_json(read) == lab::recipe_to_json(recipe));
  CHECK(lab::recipe_hash(read) == lab::recipe_hash(recipe));
  CHECK(lab::recipe_hash(lab::LabRecipe()) != lab::recipe_hash(recipe));
}

TEST_CASE("LabRecipe: missing fields keep the shipped values", "[lab_recipe]") {
  const lab::LabRecipe recipe =
      lab::recipe_from_json(parse_json(R"({"train": {"steps": 10}})", "r"), "r");
  CHECK(recipe.train.steps == 10);
  CHECK(recipe.train.rows == TrainOptions().rows);
  CHECK(recipe.shape.vocab == DecoderShape().vocab);
}

TEST_CASE("LabRecipe: the checkpoint interval is not part of the hash", "[lab_recipe]") {
  lab::LabRecipe often;
  often.train.checkpoint_every = 1;
  CHECK(lab::recipe_hash(often) == lab::recipe_hash(lab::LabRecipe()));
}

TEST_CASE("LabRecipe: a misspelled field is refused with the nearest name", "[lab_recipe]") {
  try {
    lab::recipe_from_json(parse_json(R"({"train": {"step": 10}})", "r"), "recipe.json");
    FAIL("expected a refusal");
  } catch (const JsonError& error) {
    const std::string message = error.what();
    CHECK(message.find("recipe.json") != std::string::npos);
    CHECK(message.find("/train/step") != std::string::npos);
    CHECK(message.find("steps") != std::string::npos);
  }
  CHECK_THROWS_AS(lab::recipe_from_json(parse_json(R"({"seed": "one"})", "r"), "r"), JsonError);
  CHECK_THROWS_AS(lab::recipe_from_json(parse_json(R"({"seed": -1})", "r"), "r"), JsonError);
}

TEST_CASE("scaled_shape: sizes grow with the facts and the invented world gets the shipped shape",
          "[lab_recipe]") {
  const DecoderShape shipped = lab::scaled_shape(828, 198);
  CHECK(shipped.vocab == DecoderShape().vocab);
  CHECK(shipped.hidden == DecoderShape().hidden);
  CHECK(lab::parameter_count(shipped) == 1018496);
  const DecoderShape large = lab::scaled_shape(3000, 2500);
  CHECK(large.vocab == 3584 - 3584 % 64);
  CHECK(large.hidden == 192);
  CHECK(large.heads * 32 == large.hidden);
}

TEST_CASE("scaled_steps: steps grow with the facts within the time limit", "[lab_recipe]") {
  lab::LabRecipe recipe;
  CHECK(lab::scaled_steps(recipe, 828, 0.0, 7000.0) == TrainOptions().steps);
  CHECK(lab::scaled_steps(recipe, 400, 0.0, 7000.0) == TrainOptions().steps);
  CHECK(lab::scaled_steps(recipe, 1656, 0.0, 7000.0) == 2 * TrainOptions().steps);
  CHECK(lab::scaled_steps(recipe, 828, 1.0, 7000.0) == 218);  // 420,000 tokens of 1,920 a step
}
