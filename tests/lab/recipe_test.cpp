#include "lab/recipe.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

TEST_CASE("a recipe survives writing and reading", "[lab_recipe]") {
  LabRecipe recipe;
  recipe.facts = "mquake:some.json";
  recipe.cases = "1-20";
  recipe.seed = 42;
  recipe.shape.layers = 6;
  recipe.mixture.ctxcot = 7.5;
  recipe.train.steps = 77;
  recipe.train.learning_rate = 1e-4;
  const LabRecipe read = recipe_from_json(recipe_to_json(recipe), "recipe.json");
  CHECK(recipe_to_json(read) == recipe_to_json(recipe));
  CHECK(recipe_hash(read) == recipe_hash(recipe));
  CHECK(recipe_hash(LabRecipe()) != recipe_hash(recipe));
}

TEST_CASE("fields left out keep the shipped recipe's values", "[lab_recipe]") {
  const LabRecipe recipe = recipe_from_json(parse_json(R"({"train": {"steps": 10}})", "r"), "r");
  CHECK(recipe.train.steps == 10);
  CHECK(recipe.train.rows == TrainOptions().rows);
  CHECK(recipe.shape.vocab == DecoderShape().vocab);
}

TEST_CASE("how often a state is saved is no part of the recipe", "[lab_recipe]") {
  LabRecipe often;
  often.train.checkpoint_every = 1;
  CHECK(recipe_hash(often) == recipe_hash(LabRecipe()));
}

TEST_CASE("a mistyped field is refused with the nearest name", "[lab_recipe]") {
  try {
    recipe_from_json(parse_json(R"({"train": {"step": 10}})", "r"), "recipe.json");
    FAIL("expected a refusal");
  } catch (const JsonError& error) {
    const std::string message = error.what();
    CHECK(message.find("recipe.json") != std::string::npos);
    CHECK(message.find("/train/step") != std::string::npos);
    CHECK(message.find("steps") != std::string::npos);
  }
  CHECK_THROWS_AS(recipe_from_json(parse_json(R"({"seed": "one"})", "r"), "r"), JsonError);
  CHECK_THROWS_AS(recipe_from_json(parse_json(R"({"seed": -1})", "r"), "r"), JsonError);
}

TEST_CASE("sizes grow with the facts, and the invented world has the shipped ones",
          "[lab_recipe]") {
  const DecoderShape shipped = scaled_shape(828, 198);
  CHECK(shipped.vocab == DecoderShape().vocab);
  CHECK(shipped.hidden == DecoderShape().hidden);
  CHECK(parameter_count(shipped) == 1018496);
  const DecoderShape large = scaled_shape(3000, 2500);
  CHECK(large.vocab == 3584 - 3584 % 64);
  CHECK(large.hidden == 192);
  CHECK(large.heads * 32 == large.hidden);
}

TEST_CASE("steps follow the facts, within the minutes given", "[lab_recipe]") {
  LabRecipe recipe;
  CHECK(scaled_steps(recipe, 828, 0.0, 7000.0) == TrainOptions().steps);
  CHECK(scaled_steps(recipe, 400, 0.0, 7000.0) == TrainOptions().steps);
  CHECK(scaled_steps(recipe, 1656, 0.0, 7000.0) == 2 * TrainOptions().steps);
  CHECK(scaled_steps(recipe, 828, 1.0, 7000.0) == 218);  // 420,000 tokens of 1,920 a step
}
