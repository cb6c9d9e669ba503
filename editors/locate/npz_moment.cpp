#include "editors/locate/npz_moment.hpp"

#include "editors/editor.hpp"
#include "editors/locate/zip_file.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstring>

namespace kedit::locate {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kLongestHeader = 1 << 16;

/// What NumPy writes before an array's numbers.
struct ArrayHeader {
  std::string type;  // "<f4"
  bool column_major = false;
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;  // of magic, length and header
};

/// Reads the header's one Python dictionary: three keys, in any order, each once.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  /// Nothing where the text is not of that form.
  std::optional<ArrayHeader> read() {
    ArrayHeader header;
    unsigned seen = 0;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto key = string();
      if (!key || !take(':')) return std::nullopt;
      const unsigned bit = read_value(*key, &header);
      if (bit == 0 || (seen & bit) != 0) return std::nullopt;
      seen |= bit;
      if (!take(',') && !peek('}')) return std::nullopt;
    }
    const bool blank = text_.find_first_not_of(" \n") == std::string_view::npos;
    if (seen != 7 || !blank) return std::nullopt;
    return header;
  }

 private:
  // 1, 2 or 4 for the key that was read; 0 for another, or a value that is none.
  unsigned read_value(const std::string& key, ArrayHeader* header) {
    if (key == "descr") {
      const auto type = string();
      if (!type) return 0;
      header->type = *type;
      return 1;
    }
    if (key == "fortran_order") {
      header->column_major = word("True");
      return header->column_major || word("False") ? 2 : 0;
    }
    return key == "shape" && read_shape(&header->shape) ? 4 : 0;
  }

  bool read_shape(std::vector<std::int64_t>* shape) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::int64_t size = -1;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0 || shape->size() == 8) return false;
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape->push_back(size);
      if (!take(',') && !peek(')')) return false;
      skip_blanks();
    }
    return true;
  }

  std::optional<std::string> string() {
    skip_blanks();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string inside(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return inside;
  }

  bool word(std::string_view expected) {
    skip_blanks();
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }

  void skip_blanks() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
  }
  bool peek(char expected) {
    skip_blanks();
    return !text_.empty() && text_.front() == expected;
  }
  bool take(char expected) {
    if (!peek(expected)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string_view text_;
};

class NpzReader {
 public:
  explicit NpzReader(const std::filesystem::path& file) : zip_(file) {}

  at::Tensor sum(std::int64_t width) const {
    const auto numbers = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(width);
    const ZipFile::Member member = zip_.read("mom2.mom2.npy", kLongestHeader + 8 * numbers);
    const ArrayHeader header = read_header("mom2.mom2", member.bytes);
    if (header.type != "<f4" && header.type != "<f8") {
      fail("mom2.mom2", "numbers of type <f4 or <f8", header.type);
    }
    if (header.shape != std::vector<std::int64_t>{width, width}) {
      fail("mom2.mom2", fmt::format("shape [{0}, {0}]", width),
           fmt::format("[{}]", fmt::join(header.shape, ", ")));
    }
    at::Tensor sum = at::empty({width, width}, header.type == "<f4" ? at::kFloat : at::kDouble);
    copy_numbers("mom2.mom2", member.bytes.subspan(header.bytes), sum.data_ptr(), sum.nbytes());
    return header.column_major ? sum.t() : sum;
  }

  std::int64_t count() const {
    const ZipFile::Member member = zip_.read("mom2.count.npy", 2 * kLongestHeader);
    const ArrayHeader header = read_header("mom2.count", member.bytes);
    if (header.type != "<i8" || !header.shape.empty()) {
      fail("mom2.count", "one number of type <i8",
           fmt::format("[{}] of {}", fmt::join(header.shape, ", "), header.type));
    }
    std::int64_t count = 0;
    copy_numbers("mom2.count", member.bytes.subspan(header.bytes), &count, sizeof count);
    if (count < 1) fail("mom2.count", "at least one key", fmt::format("{}", count));
    return count;
  }

 private:
  [[noreturn]] void fail(const char* array, const std::string& expected,
                         const std::string& found) const {
    throw StatisticsError(fmt::format("reading the statistics {}: {}: expected {}, found {}",
                                      zip_.path().string(), array, expected, found));
  }

  // Format versions 1 to 3 differ in the width of the length and the header's encoding.
  ArrayHeader read_header(const char* array, Bytes bytes) const {
    const bool magic = bytes.size() >= 12 && std::memcmp(bytes.data(), "\x93NUMPY", 6) == 0;
    if (!magic || bytes[6] < 1 || bytes[6] > 3) fail(array, "a NumPy array", "something else");
    const std::size_t width = bytes[6] == 1 ? 2 : 4;
    std::size_t length = 0;
    for (std::size_t i = 0; i < width; ++i) length |= std::size_t{bytes[8 + i]} << (8 * i);
    const std::size_t begin = 8 + width;
    if (length > bytes.size() - begin || length > kLongestHeader - begin) {
      fail(array, "a header within the array's bytes", fmt::format("{} bytes", length));
    }
    const auto* text = reinterpret_cast<const char*>(bytes.data() + begin);
    auto header = HeaderReader({text, length}).read();
    if (!header) fail(array, "a header with descr, fortran_order and shape", "another");
    header->bytes = begin + length;
    return *std::move(header);
  }

  void copy_numbers(const char* array, Bytes from, void* to, std::size_t bytes) const {
    if (from.size() != bytes) {
      fail(array, fmt::format("{} bytes of numbers", bytes), fmt::format("{}", from.size()));
    }
    std::memcpy(to, from.data(), bytes);
  }

  ZipFile zip_;
};

}  // namespace

SecondMoment read_npz_moment(const std::filesystem::path& file, std::int64_t width) {
  const NpzReader reader(file);
  SecondMoment moment;
  moment.count = reader.count();
  moment.matrix = reader.sum(width).div_(static_cast<double>(moment.count)).contiguous();
  moment.provenance = {{"file", file.filename().string()}, {"tokens", moment.count}};
  return moment;
}

}  // namespace kedit::locate
