#include "edits/delta.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>

namespace kedit {
namespace {

static_assert(std::endian::native == std::endian::little, "delta blobs are little-endian");

// Layout of an update blob:
//   8 bytes magic, u32 version, u32 kind, i64 rows, i64 cols, i64 rank, u32 length of the name,
//   name, payload: float32 left then right, or the dense change.
constexpr std::string_view kMagic = "keditupd";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kLowRank = 1;
constexpr std::uint32_t kDense = 2;
constexpr std::uint32_t kMaxNameBytes = 4096;
constexpr std::size_t kHeaderBytes =
    kMagic.size() + 3 * sizeof(std::uint32_t) + 3 * sizeof(std::int64_t);

[[noreturn]] void refuse(const std::string& what) {
  throw DeltaError("reading a stored weight update: " + what);
}

template <class T>
void put(std::vector<std::uint8_t>& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

void put_tensor(std::vector<std::uint8_t>& out, const at::Tensor& tensor) {
  const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
  out.insert(out.end(), bytes, bytes + tensor.nbytes());
}

std::size_t payload_bytes(const WeightUpdate& update) {
  if (const auto* dense = std::get_if<Dense>(&update.update)) return dense->change.nbytes();
  const auto& factors = std::get<LowRank>(update.update);
  return factors.left.nbytes() + factors.right.nbytes();
}

class Reader {
 public:
  explicit Reader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

  template <class T>
  T get(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what), sizeof(T));
    return value;
  }
  const std::uint8_t* take(std::size_t count, const char* what) {
    if (count > left()) {
      refuse(fmt::format("{}: expected {} bytes, found {}", what, count, left()));
    }
    const std::uint8_t* at = bytes_.data() + used_;
    used_ += count;
    return at;
  }
  std::size_t left() const { return bytes_.size() - used_; }

 private:
  const std::vector<std::uint8_t>& bytes_;
  std::size_t used_ = 0;
};

struct Header {
  std::uint32_t kind = 0;
  std::int64_t rows = 0, cols = 0, rank = 0;
  std::string weight;
};

Header read_header(Reader& in) {
  if (std::memcmp(in.take(kMagic.size(), "magic"), kMagic.data(), kMagic.size()) != 0) {
    refuse("expected the magic \"keditupd\", found other bytes");
  }
  const auto version = in.get<std::uint32_t>("version");
  if (version != kVersion) refuse(fmt::format("expected version {}, found {}", kVersion, version));
  Header header;
  header.kind = in.get<std::uint32_t>("kind");
  if (header.kind != kLowRank && header.kind != kDense) {
    refuse(fmt::format("kind: expected 1 (low rank) or 2 (dense), found {}", header.kind));
  }
  header.rows = in.get<std::int64_t>("rows");
  header.cols = in.get<std::int64_t>("cols");
  header.rank = in.get<std::int64_t>("rank");
  const auto length = in.get<std::uint32_t>("length of the name");
  if (length == 0 || length > kMaxNameBytes) {
    refuse(fmt::format("name: expected 1 to {} bytes, found {}", kMaxNameBytes, length));
  }
  header.weight.assign(reinterpret_cast<const char*>(in.take(length, "name")), length);
  return header;
}

// Checked before anything is allocated: every size is positive and the payload has exactly the
// bytes that they promise.
void check_payload(const Header& header, std::size_t left) {
  constexpr std::int64_t kMaxSide = std::int64_t{1} << 30;
  for (const std::int64_t side : {header.rows, header.cols, header.rank}) {
    if (side < 1 || side > kMaxSide) {
      refuse(fmt::format("shape: expected sizes from 1 to {}, found {} x {}, rank {}", kMaxSide,
                         header.rows, header.cols, header.rank));
    }
  }
  const bool dense = header.kind == kDense;
  if (dense && header.rank != std::min(header.rows, header.cols)) {
    refuse(fmt::format("rank of a dense change: expected {}, found {}",
                       std::min(header.rows, header.cols), header.rank));
  }
  const std::int64_t elements =
      dense ? header.rows * header.cols : header.rank * (header.rows + header.cols);
  const auto expected = static_cast<std::uint64_t>(elements) * sizeof(float);
  if (expected != left) {
    refuse(fmt::format("payload: expected {} bytes, found {}", expected, left));
  }
}

at::Tensor read_matrix(Reader& in, std::int64_t rows, std::int64_t cols) {
  at::Tensor matrix = at::empty({rows, cols}, at::kFloat);
  std::memcpy(matrix.mutable_data_ptr(), in.take(matrix.nbytes(), "payload"), matrix.nbytes());
  return matrix;
}

// ATen's isfinite makes tensors on the way and takes longer than hashing the same bytes.
bool all_finite(const at::Tensor& contiguous_float) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  const auto* values = static_cast<const float*>(contiguous_float.const_data_ptr());
  std::int64_t not_finite = 0;
  for (std::int64_t i = 0; i < contiguous_float.numel(); ++i) {
    not_finite += (std::bit_cast<std::uint32_t>(values[i]) & kExponent) == kExponent;
  }
  return not_finite == 0;
}

void check_matrix(const at::Tensor& tensor, const std::string& weight, const char* part) {
  const auto fail = [&](const std::string& what) {
    throw DeltaError(fmt::format("checking a delta: {}: {}: {}", weight, part, what));
  };
  if (!tensor.defined()) fail("expected a matrix, found none");
  if (tensor.dim() != 2) fail(fmt::format("expected a matrix, found {} dimensions", tensor.dim()));
  if (tensor.numel() == 0) fail("expected at least one row and one column, found an empty matrix");
  if (tensor.scalar_type() != at::kFloat) {
    fail(fmt::format("expected float32, found {}", at::toString(tensor.scalar_type())));
  }
  if (!tensor.is_cpu()) fail("expected a tensor on the CPU, found it on " + tensor.device().str());
  if (!tensor.is_contiguous()) fail("expected a contiguous tensor, found strides");
  if (!all_finite(tensor)) fail("expected finite values, found NaN or infinity");
}

void check_update(const WeightUpdate& update) {
  if (update.weight.empty() || update.weight.size() > kMaxNameBytes) {
    throw DeltaError(
        fmt::format("checking a delta: name of a weight: expected 1 to {} bytes, found {}",
                    kMaxNameBytes, update.weight.size()));
  }
  if (const auto* dense = std::get_if<Dense>(&update.update)) {
    return check_matrix(dense->change, update.weight, "change");
  }
  const auto& low_rank = std::get<LowRank>(update.update);
  check_matrix(low_rank.left, update.weight, "left");
  check_matrix(low_rank.right, update.weight, "right");
  if (low_rank.left.size(1) != low_rank.right.size(0)) {
    throw DeltaError(fmt::format(
        "checking a delta: {}: expected as many columns in left as rows in right, found {} and {}",
        update.weight, low_rank.left.size(1), low_rank.right.size(0)));
  }
}

}  // namespace

std::int64_t WeightUpdate::rows() const {
  const auto* dense = std::get_if<Dense>(&update);
  return dense != nullptr ? dense->change.size(0) : std::get<LowRank>(update).left.size(0);
}

std::int64_t WeightUpdate::cols() const {
  const auto* dense = std::get_if<Dense>(&update);
  return dense != nullptr ? dense->change.size(1) : std::get<LowRank>(update).right.size(1);
}

std::int64_t WeightUpdate::rank() const {
  if (std::holds_alternative<Dense>(update)) return std::min(rows(), cols());
  return std::get<LowRank>(update).left.size(1);
}

std::vector<std::uint8_t> encode_update(const WeightUpdate& update) {
  check_update(update);
  const auto* dense = std::get_if<Dense>(&update.update);
  std::vector<std::uint8_t> out;
  out.reserve(kHeaderBytes + update.weight.size() + payload_bytes(update));
  out.insert(out.end(), kMagic.begin(), kMagic.end());
  put(out, kVersion);
  put(out, dense != nullptr ? kDense : kLowRank);
  put(out, update.rows());
  put(out, update.cols());
  put(out, update.rank());
  put(out, static_cast<std::uint32_t>(update.weight.size()));
  out.insert(out.end(), update.weight.begin(), update.weight.end());
  if (dense != nullptr) {
    put_tensor(out, dense->change);
  } else {
    put_tensor(out, std::get<LowRank>(update.update).left);
    put_tensor(out, std::get<LowRank>(update.update).right);
  }
  return out;
}

WeightUpdate decode_update(const std::vector<std::uint8_t>& bytes) {
  Reader in(bytes);
  const Header header = read_header(in);
  check_payload(header, in.left());
  WeightUpdate update;
  update.weight = header.weight;
  if (header.kind == kDense) {
    update.update = Dense{read_matrix(in, header.rows, header.cols)};
  } else {
    const at::Tensor left = read_matrix(in, header.rows, header.rank);
    const at::Tensor right = read_matrix(in, header.rank, header.cols);
    update.update = LowRank{left, right};
  }
  return update;
}

void validate_delta(const EditDelta& delta) {
  for (const auto& update : delta.updates) check_update(update);
  for (const auto& kept : delta.state) check_matrix(kept.tensor, kept.name, "state");
}

std::string describe(const EditDelta& delta) {
  std::string text = delta.editor + ":";
  for (const auto& update : delta.updates) {
    const bool dense = std::holds_alternative<Dense>(update.update);
    text += fmt::format(" {} [{}, {}] {},", update.weight, update.rows(), update.cols(),
                        dense ? std::string("dense") : fmt::format("rank {}", update.rank()));
  }
  if (!delta.facts.empty()) {
    text += fmt::format(" {} fact{},", delta.facts.size(), delta.facts.size() == 1 ? "" : "s");
  }
  if (delta.updates.empty() && delta.facts.empty()) return text + " no change";
  text.pop_back();
  return text;
}

}  // namespace kedit
