#include "model/gguf/gguf_file.hpp"

#include "json/short_name.hpp"
#include "model/decoder/architecture.hpp"  // ModelError

#include <fmt/format.h>

#include <fstream>
#include <system_error>

namespace kedit::gguf {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxParts = 9999;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw ModelError(fmt::format("reading {}: {}", file.string(), what));
}

std::int64_t count_of(const Json& metadata, const std::string& key, std::int64_t absent,
                      std::int64_t most, const fs::path& file) {
  const JsonView view(metadata, file.string());
  const auto field = view.find(key);
  if (!field) return absent;
  const std::int64_t value = field->integer();
  if (value < 0 || value > most) field->fail(fmt::format("an integer from 0 to {}", most));
  return value;
}

std::string part_ending(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number, count);
}

// NAME of "NAME-00001-of-00003.gguf".
std::string stem_of_first(const fs::path& first, std::int64_t count) {
  const std::string name = first.filename().string();
  const std::string ending = part_ending(1, count);
  if (name.size() > ending.size() && name.ends_with(ending)) {
    return name.substr(0, name.size() - ending.size());
  }
  fail(first, fmt::format("expected the first of {} parts, called NAME{}, found this name", count,
                          ending));
}

}  // namespace

GgufFile::Part GgufFile::open_part(const fs::path& file) {
  Part part;
  part.path = file;
  part.mapping = std::make_shared<checkpoint::MappedFile>(file);
  part.header = std::make_shared<const Header>(
      read_header(part.mapping->data(), part.mapping->size(), file.string()));
  return part;
}

GgufFile GgufFile::open(const fs::path& file) {
  GgufFile model;
  model.path_ = file;
  model.parts_.push_back(open_part(file));
  const auto& header = model.parts_.front().header;
  model.metadata_ = {header, &header->metadata};
  model.open_other_parts();
  model.index_tensors();
  return model;
}

void GgufFile::open_other_parts() {
  const std::int64_t count = count_of(*metadata_, "split.count", 1, kMaxParts, path_);
  if (count <= 1) return;
  const std::int64_t number = count_of(*metadata_, "split.no", 0, kMaxParts, path_);
  if (number != 0) {
    fail(path_, fmt::format("key split.no: expected the first of {} parts, found part {}; name the "
                            "first part",
                            count, number + 1));
  }
  const std::string stem = stem_of_first(path_, count);
  for (std::int64_t i = 1; i < count; ++i) {
    const fs::path file = path_.parent_path() / (stem + part_ending(i + 1, count));
    std::error_code error;
    if (!fs::exists(file, error)) {
      fail(file, fmt::format("expected part {} of {} beside the first, found no such file", i + 1,
                             count));
    }
    parts_.push_back(open_part(file));
    const Json& keys = parts_.back().header->metadata;
    const std::int64_t found = count_of(keys, "split.no", -1, kMaxParts, file);
    if (found != i || count_of(keys, "split.count", -1, kMaxParts, file) != count) {
      fail(file, fmt::format("key split.no: expected part {} of {}, found {}", i + 1, count,
                             found < 0 ? "no part" : fmt::format("part {}", found + 1)));
    }
  }
}

void GgufFile::index_tensors() {
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    for (const TensorInfo& info : parts_[p].header->tensors) {
      if (!index_.emplace(info.name, tensors_.size()).second) {
        fail(parts_[p].path, fmt::format("tensor {}: expected it in one part, found it in two",
                                         short_name(info.name)));
      }
      tensors_.push_back({&info, parts_[p].mapping->data() + info.begin, p});
    }
  }
  const auto counted = static_cast<std::int64_t>(tensors_.size());
  const auto said =
      count_of(*metadata_, "split.tensors.count", counted, std::int64_t{1} << 31, path_);
  if (said != counted) {
    fail(path_, fmt::format("key split.tensors.count: expected the {} tensors of all parts, found "
                            "{}; parts of different models lie side by side",
                            counted, said));
  }
}

const GgufFile::Tensor& GgufFile::tensor(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  if (found != index_.end()) return tensors_[found->second];
  fail(path_, fmt::format("tensor {}: expected it, found no such tensor", short_name(name)));
}

const fs::path& GgufFile::file_of(const Tensor& tensor) const { return parts_[tensor.part].path; }

std::vector<std::shared_ptr<const checkpoint::MappedFile>> GgufFile::mappings() const {
  std::vector<std::shared_ptr<const checkpoint::MappedFile>> all;
  for (const Part& part : parts_) all.push_back(part.mapping);
  return all;
}

bool is_gguf(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  if (path.extension() == ".gguf") return true;
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof(magic));
  return std::string_view(magic, sizeof(magic)) == "GGUF";
}

}  // namespace kedit::gguf
