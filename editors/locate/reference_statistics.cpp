#include "editors/locate/reference_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
  std::error_code absent;
  return fs::is_regular_file(file, absent);
}

void add_name(const std::string& name, std::vector<std::string>& names) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of(std::string("/\0", 2)) == std::string::npos;
  if (plain && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

void add_both(std::string name, std::vector<std::string>& names) {
  while (!name.empty() && name.back() == '/') name.pop_back();
  add_name(name.substr(name.rfind('/') + 1), names);
  std::replace(name.begin(), name.end(), '/', '_');
  add_name(name, names);
}

// "models--EleutherAI--gpt-j-6b" of the hub's cache is EleutherAI/gpt-j-6b.
void add_hub_name(const fs::path& path, std::vector<std::string>& names) {
  for (const fs::path& part : path) {
    std::string name = part.string();
    if (!name.starts_with("models--")) continue;
    name.erase(0, 8);
    if (const auto dashes = name.find("--"); dashes != std::string::npos) {
      name.replace(dashes, 2, "/");
    }
    add_both(name, names);
  }
}

std::string corpus_name(const MomentSource& source) {
  return source.dataset.empty() ? "wikipedia" : fs::path(source.dataset).stem().string();
}

fs::path place_in(const std::string& name, const Model& model, std::int64_t layer,
                  const MomentSource& source) {
  std::string module = weight_name(model.architecture().names.down, layer);
  if (module.ends_with(".weight")) module.erase(module.size() - 7);
  return source.directory / name / fmt::format("{}_stats", corpus_name(source)) /
         fmt::format("{}_{}_mom2_{}.npz", module, source.dtype, source.samples);
}

}  // namespace

std::vector<std::string> reference_model_names(const Model& model) {
  std::vector<std::string> names;
  if (model.path().empty()) return names;
  const fs::path configuration = model.path() / "config.json";
  if (is_there(configuration)) {
    const Json config = read_json(configuration);
    const auto name = config.find("_name_or_path");
    if (name != config.end() && name->is_string()) add_both(name->get<std::string>(), names);
  }
  const fs::path path = fs::absolute(model.path()).lexically_normal();
  add_hub_name(path, names);
  add_name(
      path.filename().empty() ? path.parent_path().filename().string() : path.filename().string(),
      names);
  return names;
}

std::string reference_statistics_name(const Model& model, std::int64_t layer,
                                      const MomentSource& source) {
  return place_in("*", model, layer, source).string();
}

std::optional<fs::path> find_reference_statistics(const Model& model, std::int64_t layer,
                                                  const MomentSource& source) {
  if (source.directory.empty()) return std::nullopt;
  for (const std::string& name : reference_model_names(model)) {
    const fs::path file = place_in(name, model, layer, source);
    if (is_there(file)) return file;
  }
  return std::nullopt;
}

}  // namespace kedit::locate
