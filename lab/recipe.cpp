#include "lab/recipe.hpp"

#include "edits/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace kedit::lab {
namespace {

constexpr std::int64_t kShippedFacts = 828;

// The fields of a recipe, told once for reading and writing: `field(name, value)`.
template <typename Shape, typename Field>
void shape_fields(Shape& s, const Field& field) {
  field("layers", s.layers);
  field("hidden", s.hidden);
  field("heads", s.heads);
  field("intermediate", s.intermediate);
  field("vocab", s.vocab);
  field("max_positions", s.max_positions);
  field("rope_theta", s.rope_theta);
}

template <typename Mixture, typename Field>
void mixture_fields(Mixture& m, const Field& field) {
  field("stmt", m.stmt);
  field("qa", m.qa);
  field("direct", m.direct);
  field("cot", m.cot);
  field("ctx1", m.ctx1);
  field("ctxcot", m.ctxcot);
  field("chain", m.chain);
  field("copy_start", m.copy_start);
  field("copy_end", m.copy_end);
  field("copy_until", m.copy_until);
}

template <typename Options, typename Field>
void train_fields(Options& t, const Field& field) {
  field("steps", t.steps);
  field("rows", t.rows);
  field("row_tokens", t.row_tokens);
  field("learning_rate", t.learning_rate);
  field("beta1", t.beta1);
  field("beta2", t.beta2);
  field("epsilon", t.epsilon);
  field("weight_decay", t.weight_decay);
  field("clip_norm", t.clip_norm);
  field("warmup_steps", t.warmup_steps);
  field("decay_share", t.decay_share);
  field("final_rate", t.final_rate);
  field("threads", t.threads);
}

template <typename Recipe, typename Field>
void top_fields(Recipe& r, const Field& field) {
  field("facts", r.facts);
  field("facts_sha256", r.facts_sha256);
  field("cases", r.cases);
  field("world_seed", r.world_seed);
  field("seed", r.seed);
  field("tokenizer_documents", r.tokenizer_documents);
}

// Reads the fields of one object and refuses others.
class FieldReader {
 public:
  explicit FieldReader(JsonView view) : view_(std::move(view)) {}

  template <typename T>
  void operator()(const char* name, T& value) const {
    known_.emplace_back(name);
    const auto found = view_.find(name);
    if (!found) return;
    if constexpr (std::is_same_v<T, std::string>) {
      value = found->string();
    } else if constexpr (std::is_floating_point_v<T>) {
      value = found->number();
    } else {
      const std::int64_t number = found->integer();
      if (number < 0 || number > (std::int64_t{1} << 30)) found->fail("a number from 0 to 2^30");
      value = static_cast<T>(number);
    }
  }

  void allow(const char* name) const { known_.emplace_back(name); }

  void refuse_unknown() const {
    for (const std::string& key : view_.keys()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const auto nearest = nearest_name(key, known_);
      view_.at(key).fail(nearest ? fmt::format("a known field (did you mean \"{}\"?)", *nearest)
                                 : "a known field");
    }
  }

 private:
  JsonView view_;
  mutable std::vector<std::string> known_;
};

template <typename Fields>
Json object_of(const Fields& fields) {
  Json object = Json::object();
  fields([&object](const char* name, const auto& value) { object[name] = value; });
  return object;
}

std::int64_t rounded_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

Json recipe_to_json(const LabRecipe& recipe) {
  Json json = object_of([&](const auto& field) { top_fields(recipe, field); });
  json["shape"] = object_of([&](const auto& field) { shape_fields(recipe.shape, field); });
  json["mixture"] = object_of([&](const auto& field) { mixture_fields(recipe.mixture, field); });
  json["train"] = object_of([&](const auto& field) { train_fields(recipe.train, field); });
  return json;
}

LabRecipe recipe_from_json(const Json& json, const std::string& origin) {
  LabRecipe recipe;
  const JsonView view(json, origin);
  const FieldReader top(view);
  top_fields(recipe, top);
  const auto part = [&](const char* name, const auto& read) {
    top.allow(name);
    const auto found = view.find(name);
    if (!found) return;
    const FieldReader reader(*found);
    read(reader);
    reader.refuse_unknown();
  };
  part("shape", [&](const FieldReader& reader) { shape_fields(recipe.shape, reader); });
  part("mixture", [&](const FieldReader& reader) { mixture_fields(recipe.mixture, reader); });
  part("train", [&](const FieldReader& reader) { train_fields(recipe.train, reader); });
  top.refuse_unknown();
  return recipe;
}

LabRecipe read_recipe(const std::filesystem::path& file) {
  return recipe_from_json(read_json(file), file.string());
}

std::string recipe_hash(const LabRecipe& recipe) {
  return sha256_hex(canonical_text(recipe_to_json(recipe)));
}

DecoderShape scaled_shape(std::int64_t facts, std::int64_t entities) {
  DecoderShape shape;
  shape.vocab = std::clamp<std::int64_t>(rounded_up(1024 + entities, 64), shape.vocab, 8192);
  if (facts > 2000) shape.hidden = facts > 6000 ? 256 : 192;
  shape.heads = shape.hidden / 32;
  shape.intermediate = 3 * shape.hidden;
  return shape;
}

std::int64_t parameter_count(const DecoderShape& s) {
  const std::int64_t attention = 4 * s.hidden * s.hidden + 3 * s.hidden;
  const std::int64_t mlp = 3 * s.hidden * s.intermediate;
  return s.vocab * s.hidden + s.layers * (attention + mlp + 2 * s.hidden) + s.hidden;
}

std::int64_t scaled_steps(const LabRecipe& recipe, std::int64_t facts, double minutes,
                          double tokens_per_second) {
  const double share = static_cast<double>(facts) / static_cast<double>(kShippedFacts);
  double steps = static_cast<double>(TrainOptions{}.steps) * std::max(share, 1.0);
  if (minutes > 0.0) {
    const double slower = static_cast<double>(parameter_count(recipe.shape)) /
                          static_cast<double>(parameter_count(DecoderShape{}));
    const auto step_tokens = static_cast<double>(recipe.train.rows * recipe.train.row_tokens);
    steps = std::min(steps, minutes * 60.0 * tokens_per_second / slower / step_tokens);
  }
  return std::max<std::int64_t>(static_cast<std::int64_t>(steps), 1);
}

}  // namespace kedit::lab
