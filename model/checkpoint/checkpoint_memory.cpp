#include "model/checkpoint/checkpoint_memory.hpp"

#include "edits/hash.hpp"
#include "json/json.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

namespace kedit::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kForm = 1;  // of the file; another one is not read
constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;
constexpr std::int64_t kSettled = 2'000'000'000;  // ns: coarser than any file system's clock

Json to_json(const std::vector<FileStamp>& stamps) {
  Json list = Json::array();
  for (const FileStamp& stamp : stamps) {
    list.push_back({{"path", stamp.path},
                    {"bytes", stamp.bytes},
                    {"changed_ns", stamp.changed_ns},
                    {"inode", stamp.inode}});
  }
  return list;
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Guards against damage, not against whoever may write into the user's own cache.
std::string checksum(Json document) {
  document.erase("sha256");
  return sha256_hex(canonical_text(document));
}

std::optional<CheckpointFindings> findings_of(const Json& document,
                                              const std::vector<FileStamp>& stamps,
                                              const std::string& origin) {
  const JsonView view(document, origin);
  if (view.at("form").integer() != kForm) return std::nullopt;
  if (view.at("sha256").string() != checksum(document)) return std::nullopt;
  if (canonical_text(view.at("files").value()) != canonical_text(to_json(stamps))) {
    return std::nullopt;
  }
  CheckpointFindings findings;
  findings.finite = view.at("finite").boolean();
  const JsonView digests = view.at("digests");
  for (const std::string& name : digests.keys()) {
    findings.digests[name] = digests.at(name).string();
    if (!is_digest(findings.digests[name])) return std::nullopt;
  }
  return findings;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

CheckpointMemory::CheckpointMemory(const fs::path& cache, const fs::path& checkpoint,
                                   std::vector<std::shared_ptr<const MappedFile>> mapped)
    : checkpoint_(checkpoint), mapped_(std::move(mapped)) {
  const std::string where = fs::absolute(checkpoint).lexically_normal().string();
  file_ = cache / "checkpoints" / (sha256_hex(where).substr(0, 32) + ".json");
  stamps_ = stamps_now();
}

std::vector<FileStamp> CheckpointMemory::stamps_now() const {
  std::vector<FileStamp> stamps;
  for (const auto& file : mapped_) {
    if (auto stamp = file->stamp()) stamps.push_back(*std::move(stamp));
  }
  for (const char* name : {"config.json", "model.safetensors.index.json"}) {
    if (auto stamp = stamp_of(checkpoint_ / name)) stamps.push_back(*std::move(stamp));
  }
  return stamps;
}

std::optional<CheckpointFindings> CheckpointMemory::recall() const {
  try {
    return findings_of(read_json(file_, {kMostBytes, 4}), stamps_, file_.string());
  } catch (const std::exception&) {
    return std::nullopt;  // whatever lies there, the weights themselves tell
  }
}

void CheckpointMemory::remember(const CheckpointFindings& findings) const {
  const std::int64_t now = now_ns();
  const bool settled = std::all_of(stamps_.begin(), stamps_.end(), [&](const FileStamp& stamp) {
    return stamp.changed_ns + kSettled < now;
  });
  if (!settled || stamps_now() != stamps_) return;
  Json document = {{"form", kForm},
                   {"files", to_json(stamps_)},
                   {"finite", findings.finite},
                   {"digests", findings.digests}};
  document["sha256"] = checksum(document);
  try {
    fs::create_directories(file_.parent_path());
    write_file_atomically(file_, to_text(document, 1) + "\n");
  } catch (const std::exception&) {
    // Without a memory the next start reads the weights again.
  }
}

}  // namespace kedit::checkpoint
