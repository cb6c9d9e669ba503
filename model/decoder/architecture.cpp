#include "model/decoder/architecture.hpp"

#include "model/families/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <system_error>
#include <utility>

namespace kedit {
namespace {

namespace fs = std::filesystem;

// Every family, explicitly: nothing registers itself before main.
using Families = std::array<families::Family, 13>;
Families all_families() {
  using namespace families;
  return {gpt2(),  gptj(),  gpt_neox(), opt(),         llama(), mistral(), qwen2(),
          qwen3(), gemma(), gemma2(),   gemma3_text(), phi3(),  olmo2()};
}

using EncoderFamilies = std::array<families::Family, 1>;
EncoderFamilies all_encoders() { return {families::bert()}; }

template <class All>
const families::Family* find_family(const All& all, std::string_view model_type) {
  for (const auto& family : all) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

template <class All>
const families::Family& known_family(const All& all, const std::string& model_type) {
  const auto* family = find_family(all, model_type);
  if (family != nullptr) return *family;
  throw ModelError(fmt::format("writing a configuration: expected a family among {}, found \"{}\"",
                               fmt::join(supported_families(), ", "), model_type));
}

// One id, a list of ids, or nothing.
std::vector<std::int64_t> read_eos_ids(const JsonView& config) {
  const auto field = config.find("eos_token_id");
  if (!field) return {};
  if (!field->value().is_array()) return {field->integer()};
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < field->size(); ++i) ids.push_back(field->at(i).integer());
  return ids;
}

std::string first_class_name(const JsonView& config) {
  const auto classes = config.find("architectures");
  return classes && classes->size() > 0 ? classes->at(std::size_t{0}).string() : "";
}

Architecture interpret_as(const families::Family& family, const JsonView& config) {
  families::refuse_foreign(config);
  Architecture architecture;
  architecture.family = family.model_type;
  architecture.class_name = first_class_name(config);
  architecture.eos_ids = read_eos_ids(config);
  family.read(config, architecture);
  families::check_consistent(config, architecture);
  families::refuse_unread(config, architecture);
  return architecture;
}

Architecture interpret_decoder(const JsonView& config) {
  const auto all = all_families();
  const JsonView model_type = config.at("model_type");
  const auto* family = find_family(all, model_type.string());
  if (family != nullptr) return interpret_as(*family, config);
  if (find_family(all_encoders(), model_type.string()) != nullptr) {
    model_type.fail("a model that writes text (an encoder makes vectors only: kedit model embed)");
  }
  model_type.fail(fmt::format("a supported family ({}) or a model with such a text part ({})",
                              fmt::join(supported_families(), ", "),
                              fmt::join(families::models_with_text_part(), ", ")));
}

Architecture interpret_encoder(const JsonView& config) {
  const auto all = all_encoders();
  const JsonView model_type = config.at("model_type");
  const auto* family = find_family(all, model_type.string());
  if (family != nullptr) return interpret_as(*family, config);
  model_type.fail(fmt::format("an encoder ({})", fmt::join(encoder_families(), ", ")));
}

Architecture interpret(const JsonView& config) {
  const auto part = families::text_part(config);
  if (!part) return interpret_decoder(config);
  const JsonView text(part->config, config.origin(), part->pointer);
  Architecture architecture = interpret_decoder(text);
  architecture.part_of = config.at("model_type").string();
  architecture.class_name = class_name_of_family(architecture.family);
  auto ids = read_eos_ids(config);
  if (!ids.empty()) architecture.eos_ids = std::move(ids);
  return architecture;
}

const JsonLimits kConfigLimits{std::int64_t{16} << 20, 32};

Json read_config(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    throw ModelError(fmt::format(
        "loading model {}: expected a directory with config.json or a GGUF file, found {}",
        directory.string(), fs::exists(directory, error) ? "a file" : "nothing"));
  }
  return read_json(directory / "config.json", kConfigLimits);
}

}  // namespace

std::vector<std::string> encoder_families() {
  std::vector<std::string> names;
  for (const auto& family : all_encoders()) names.emplace_back(family.model_type);
  return names;
}

std::vector<std::string> supported_families() {
  std::vector<std::string> names;
  for (const auto& family : all_families()) names.emplace_back(family.model_type);
  return names;
}

Architecture architecture_from_config(const Json& config, const std::string& origin) {
  try {
    return interpret(JsonView(config, origin));
  } catch (const JsonError& error) {
    throw ModelError(error.what());
  }
}

Architecture read_architecture(const fs::path& directory) try {
  const Json config = read_config(directory);
  Architecture architecture = interpret(JsonView(config, (directory / "config.json").string()));
  std::error_code error;
  const fs::path generation_file = directory / "generation_config.json";
  if (fs::symlink_status(generation_file, error).type() != fs::file_type::not_found) {
    const Json generation = read_json(generation_file, kConfigLimits);
    const auto ids = read_eos_ids(JsonView(generation, generation_file.string()));
    if (!ids.empty()) architecture.eos_ids = ids;
  }
  return architecture;
} catch (const JsonError& fault) {
  throw ModelError(fault.what());
}

Architecture read_encoder_architecture(const fs::path& directory) try {
  const Json config = read_config(directory);
  return interpret_encoder(JsonView(config, (directory / "config.json").string()));
} catch (const JsonError& fault) {
  throw ModelError(fault.what());
}

std::string class_name_of_family(const std::string& model_type) {
  return std::string(known_family(all_families(), model_type).class_name);
}

Json architecture_to_config(const Architecture& architecture) {
  const families::Family family = architecture.bidirectional
                                      ? known_family(all_encoders(), architecture.family)
                                      : known_family(all_families(), architecture.family);
  Json config = Json::object();
  const std::string& class_name = architecture.class_name;
  config["architectures"] = {class_name.empty() ? std::string(family.class_name) : class_name};
  config["model_type"] = architecture.family;
  family.write(architecture, config);
  if (architecture.eos_ids.size() == 1) config["eos_token_id"] = architecture.eos_ids.front();
  if (architecture.eos_ids.size() > 1) config["eos_token_id"] = architecture.eos_ids;
  return config;
}

std::optional<std::int64_t> Architecture::position_limit() const {
  if (positions == PositionKind::learned) return max_positions;
  return std::nullopt;
}

std::optional<std::int64_t> Architecture::first_length() const {
  const bool switches =
      positions == PositionKind::rotary && rope_scaling.kind == RopeKind::longrope;
  return switches ? std::optional(rope_scaling.original_positions) : std::nullopt;
}

std::string weight_name(const std::string& name_template, std::int64_t layer) {
  std::string name = name_template;
  const auto place = name.find("{}");
  if (place != std::string::npos) name.replace(place, 2, std::to_string(layer));
  return name + ".weight";
}

}  // namespace kedit
