#include "apps/stored_model.hpp"

#include "model/cache_directory.hpp"

namespace kedit::cli {

std::shared_ptr<const Model> load_as_stored(Context& context, const std::filesystem::path& path) {
  LoadOptions options;
  options.keep_types = true;
  options.allow_nonfinite = context.options.flag("allow-nonfinite");
  options.cache = own_cache_directory().value_or(std::filesystem::path());
  options.warn = [&context](const std::string& sentence) { context.warn(sentence); };
  return Model::load(path, options);
}

}  // namespace kedit::cli
