#include "model/checkpoint/checkpoint_files.hpp"

#include "json/json.hpp"
#include "json/short_name.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>

namespace kedit::checkpoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw ModelError(fmt::format("reading {}: {}", file.string(), what));
}

// A shard lies beside its index: a name with a path in it could reach any file.
void check_shard_name(const fs::path& index, const std::string& name) {
  const bool bare = !name.empty() && name.find('/') == std::string::npos && name != "." &&
                    name != ".." && name.find('\0') == std::string::npos;
  if (!bare)
    fail(index,
         fmt::format("/weight_map: expected bare file names, found \"{}\"", short_name(name)));
}

// There at all, as whatever: a link that leads nowhere is a fault of its own, not an absence.
bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::symlink_status(file, error).type() != fs::file_type::not_found;
}

bool has_pickled_weights(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    const auto extension = entry.path().extension();
    if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".pkl" ||
        name.rfind("pytorch_model", 0) == 0) {
      return true;
    }
  }
  return false;
}

constexpr std::int64_t kMaxIndexBytes = std::int64_t{256} << 20;

std::map<std::string, std::vector<std::string>> read_weight_map(const fs::path& index) try {
  const Json json = read_json(index, {kMaxIndexBytes, 8});
  const JsonView map = JsonView(json, index.string()).at("weight_map");
  std::map<std::string, std::vector<std::string>> tensors_by_file;
  if (!map.value().is_object()) map.fail("an object");
  for (const auto& [tensor, name] : map.value().items()) {
    if (!name.is_string()) map.at(tensor).fail("a string");
    const auto file = name.template get<std::string>();
    check_shard_name(index, file);
    tensors_by_file[file].push_back(tensor);
  }
  if (tensors_by_file.empty()) map.fail("the file of at least one tensor");
  return tensors_by_file;
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

}  // namespace

CheckpointFiles::CheckpointFiles(const fs::path& directory) : directory_(directory) {
  const fs::path single = directory / "model.safetensors";
  const fs::path index = directory / "model.safetensors.index.json";
  if (is_there(single)) {
    open_single(single);
    return;
  }
  if (is_there(index)) {
    open_shards(index);
    return;
  }
  const bool pickled = has_pickled_weights(directory);
  fail(directory,
       fmt::format("expected model.safetensors or model.safetensors.index.json, found {}",
                   pickled ? "only pickled weights (.bin, .pt), which can run code when they are "
                             "read; convert them to safetensors first"
                           : "neither"));
}

void CheckpointFiles::open_single(const fs::path& file) {
  files_.push_back(SafetensorsFile::open(file));
  for (const auto& name : files_.back().names()) file_by_name_[name] = 0;
}

void CheckpointFiles::open_shards(const fs::path& index) {
  for (const auto& [file, tensors] : read_weight_map(index)) {
    files_.push_back(SafetensorsFile::open(directory_ / file));
    const SafetensorsFile& shard = files_.back();
    for (const auto& name : shard.names()) {
      if (!file_by_name_.emplace(name, files_.size() - 1).second) {
        fail(shard.path(),
             fmt::format("tensor {}: expected it in one shard, found it in two", short_name(name)));
      }
    }
    for (const auto& name : tensors) {
      if (!shard.contains(name)) {
        fail(shard.path(),
             fmt::format("tensor {}: expected it here as the index says, found no such tensor",
                         short_name(name)));
      }
    }
  }
}

bool CheckpointFiles::contains(const std::string& name) const {
  return file_by_name_.count(name) > 0;
}

at::Tensor CheckpointFiles::find(const std::string& name) const {
  const auto found = file_by_name_.find(name);
  return found == file_by_name_.end() ? at::Tensor() : files_[found->second].tensor(name);
}

std::vector<std::string> CheckpointFiles::names() const {
  std::vector<std::string> out;
  for (const auto& [name, file] : file_by_name_) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::shared_ptr<const MappedFile>> CheckpointFiles::mappings() const {
  std::vector<std::shared_ptr<const MappedFile>> all;
  for (const SafetensorsFile& file : files_) all.push_back(file.mapping());
  return all;
}

fs::path CheckpointFiles::file_of(const std::string& name) const {
  const auto found = file_by_name_.find(name);
  return found == file_by_name_.end() ? directory_ : files_[found->second].path();
}

}  // namespace kedit::checkpoint
