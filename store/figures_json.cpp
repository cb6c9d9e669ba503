#include "store/figures_json.hpp"

#include "edits/delta.hpp"
#include "json/canonical.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace kedit {
namespace {

// ---- Writing ------------------------------------------------------------------

template <typename T>
void put(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = *value;
}

// Numbers and terms that an editor names itself stand beside the parts that all know.
template <typename T>
void put_named(Json& json, const std::map<std::string, T>& named) {
  for (const auto& [name, value] : named) {
    if (json.contains(name)) {
      throw DeltaError(fmt::format(
          "checking a delta: figures: \"{}\" is the name of another part; choose another", name));
    }
    json[name] = value;
  }
}

Json optimisation_to_json(const OptimisationFigures& one) {
  Json json = {
      {"steps", one.loss.size()}, {"loss", one.loss}, {"target_logprob", one.target_logprob}};
  put(json, "request", one.request);
  put(json, "layer", one.layer);
  put(json, "learning_rate", one.learning_rate);
  put(json, "initial_norm", one.initial_norm);
  put(json, "delta_norm", one.delta_norm);
  put(json, "clamp_active", one.clamp_active);
  put_named(json, one.terms);
  put_named(json, one.numbers);
  return json;
}

Json norms_to_json(const EditNorms& norms) {
  Json json = {{"delta", nullptr}, {"update_frobenius", nullptr}, {"weight_frobenius", nullptr}};
  put(json, "delta", norms.delta);
  put(json, "update_frobenius", norms.update_frobenius);
  put(json, "weight_frobenius", norms.weight_frobenius);
  return json;
}

Json health_to_json(const HealthReport& health) {
  Json json = {{"healthy", health.healthy()}, {"updates", Json::array()}};
  for (const UpdateHealth& update : health.updates) {
    Json one = {{"weight", update.weight},
                {"update_frobenius", update.update_norm},
                {"weight_frobenius", update.weight_norm},
                {"ratio", update.ratio()}};
    put(one, "rho", update.rho);
    json["updates"].push_back(std::move(one));
  }
  put(json, "probe_drift", health.probe_drift);
  if (!health.healthy()) json["fault"] = health.fault;
  return json;
}

// ---- Reading ------------------------------------------------------------------

// Null is what a number that is not finite was written as.
double number_of(const JsonView& view) {
  return view.value().is_null() ? std::numeric_limits<double>::quiet_NaN() : view.number();
}

std::optional<double> find_number(const JsonView& object, std::string_view key) {
  if (!object.value().contains(key)) return std::nullopt;
  return number_of(object.at(key));
}

std::optional<std::int64_t> find_integer(const JsonView& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? std::optional(field->integer()) : std::nullopt;
}

std::vector<double> numbers_of(const JsonView& array) {
  std::vector<double> numbers;
  numbers.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) numbers.push_back(number_of(array.at(i)));
  return numbers;
}

bool is_curve(const Json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& element) {
           return element.is_number() || element.is_null();
         });
}

OptimisationFigures optimisation_from_json(const JsonView& json) {
  OptimisationFigures one;
  one.request = find_integer(json, "request");
  one.layer = find_integer(json, "layer");
  one.learning_rate = find_number(json, "learning_rate");
  one.initial_norm = find_number(json, "initial_norm");
  one.delta_norm = find_number(json, "delta_norm");
  if (const auto field = json.find("clamp_active")) one.clamp_active = field->boolean();
  one.loss = numbers_of(json.at("loss"));
  one.target_logprob = numbers_of(json.at("target_logprob"));
  const Json known = optimisation_to_json(one);
  for (const std::string& name : json.keys()) {
    if (known.contains(name)) continue;
    const JsonView value = json.at(name);
    if (value.value().is_number()) one.numbers[name] = value.number();
    if (is_curve(value.value())) one.terms[name] = numbers_of(value);
  }
  return one;
}

// Null stands for a norm that there is not.
EditNorms norms_from_json(const JsonView& json) {
  const auto norm = [&json](std::string_view key) -> std::optional<double> {
    const auto field = json.find(key);
    return field ? std::optional(field->number()) : std::nullopt;
  };
  return {norm("delta"), norm("update_frobenius"), norm("weight_frobenius")};
}

HealthReport health_from_json(const JsonView& json) {
  HealthReport health;
  health.probe_drift = find_number(json, "probe_drift");
  if (const auto fault = json.find("fault")) health.fault = fault->string();
  const JsonView updates = json.at("updates");
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const JsonView view = updates.at(i);
    UpdateHealth update;
    update.weight = view.at("weight").string();
    update.update_norm = number_of(view.at("update_frobenius"));
    update.weight_norm = number_of(view.at("weight_frobenius"));
    update.rho = find_number(view, "rho");
    update.finite = std::isfinite(update.update_norm);
    health.updates.push_back(std::move(update));
  }
  return health;
}

}  // namespace

Json figures_to_json(const EditFigures& figures) {
  Json json = Json::object();
  for (const OptimisationFigures& one : figures.optimisation) {
    json["optimisation"].push_back(optimisation_to_json(one));
  }
  if (figures.norms != EditNorms{}) json["norms"] = norms_to_json(figures.norms);
  if (figures.health) json["health"] = health_to_json(*figures.health);
  if (!figures.seconds.empty()) json["seconds"] = figures.seconds;
  put_named(json, figures.numbers);
  return canonical(json);
}

EditFigures figures_from_json(const JsonView& json) {
  EditFigures figures;
  for (const std::string& name : json.keys()) {
    const JsonView value = json.at(name);
    if (value.value().is_number()) {
      figures.numbers[name] = value.number();
    } else if (name == "optimisation") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        figures.optimisation.push_back(optimisation_from_json(value.at(i)));
      }
    } else if (name == "norms") {
      figures.norms = norms_from_json(value);
    } else if (name == "health") {
      figures.health = health_from_json(value);
    } else if (name == "seconds") {
      for (const std::string& phase : value.keys()) {
        figures.seconds[phase] = number_of(value.at(phase));
      }
    }
  }
  return figures;
}

}  // namespace kedit
