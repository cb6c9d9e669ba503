#include "model/checkpoint/export_model.hpp"

#include "json/atomic_directory.hpp"
#include "json/json.hpp"
#include "model/checkpoint/checkpoint_files.hpp"
#include "model/checkpoint/convert.hpp"
#include "model/checkpoint/safetensors_copy.hpp"
#include "model/checkpoint/stored_names.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <system_error>

namespace kedit::checkpoint {
namespace {

namespace fs = std::filesystem;
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// The tensors that edits touch, under their names in the files. A tied head that is stored all the
// same goes with the embedding.
std::map<std::string, at::Tensor> touched_tensors(const EditedModel& model,
                                                  const StoredNames& names) {
  const Architecture& architecture = model.architecture();
  const std::string embedding = architecture.names.token_embedding + ".weight";
  std::map<std::string, at::Tensor> touched;
  for (const auto& delta : model.deltas()) {
    for (const WeightUpdate& update : delta->updates) {
      touched[names.stored_name(update.weight).value()] = model.weight(update.weight);
      if (!architecture.tied_head || update.weight != embedding) continue;
      const auto head = names.stored_name(architecture.names.head + ".weight");
      if (head) touched[*head] = model.weight(update.weight);
    }
  }
  return touched;
}

// What describes a model and its text, by the kinds of files that it comes as. Weights in other
// formats would be those of the unedited model.
bool is_companion(const fs::directory_entry& entry) {
  constexpr std::array<std::string_view, 6> kTexts = {".json",  ".jinja", ".txt",
                                                      ".model", ".md",    ".tiktoken"};
  const std::string name = entry.path().filename().string();
  if (!entry.is_regular_file() || name.starts_with(".") || name.starts_with("pytorch_model")) {
    return false;
  }
  if (name.starts_with("LICENSE") || name.starts_with("NOTICE")) return true;
  return std::find(kTexts.begin(), kTexts.end(), entry.path().extension().string()) != kTexts.end();
}

void copy_companions(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    if (is_companion(entry)) fs::copy_file(entry.path(), to / entry.path().filename());
  }
  const char* templates = "additional_chat_templates";
  if (fs::is_directory(from / templates)) {
    fs::copy(from / templates, to / templates, fs::copy_options::recursive);
  }
}

void write_more(const NamedTexts& more, const fs::path& directory) {
  for (const auto& [name, content] : more) write_file_atomically(directory / name, content);
}

std::vector<std::string> names_in_directory(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(directory).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void write_shards(const EditedModel& model, const fs::path& directory, const RunContext& run) {
  const fs::path& base = model.base().path();
  const CheckpointFiles files(base);
  const auto touched = touched_tensors(model, StoredNames(files, model.architecture()));
  std::set<fs::path> shards;
  for (const std::string& name : files.names()) shards.insert(files.file_of(name));
  for (const fs::path& shard : shards) {
    copy_safetensors(shard, directory / shard.filename(), touched,
                     [&](std::int64_t done, std::int64_t all) {
                       if (run.should_stop())
                         throw Interrupted("exporting a model was interrupted");
                       run.report({"writing " + shard.filename().string(), done, all, "bytes"});
                     });
  }
}

}  // namespace

std::vector<std::string> export_model(const EditedModel& model, const fs::path& out,
                                      const NamedTexts& more, const RunContext& run) try {
  if (model.base().source().format == "gguf") {
    ConvertOptions options;
    options.weights = &model.weights();
    options.more_files = more;
    return convert_model(model.base(), out, options, run);
  }
  AtomicDirectory directory(out);
  copy_companions(model.base().path(), directory.path());
  write_more(more, directory.path());
  write_shards(model, directory.path(), run);
  std::vector<std::string> names = names_in_directory(directory.path());
  directory.commit();
  return names;
} catch (const fs::filesystem_error& error) {
  throw FileWriteError(
      fmt::format("writing {}: {}; nothing was changed", out.string(), error.code().message()));
}

}  // namespace kedit::checkpoint
