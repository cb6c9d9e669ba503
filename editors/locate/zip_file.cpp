#include "editors/locate/zip_file.hpp"

#include "editors/editor.hpp"
#include "model/checkpoint/mapped_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <zlib.h>

namespace kedit::locate {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kEndRecord = 22, kWideLocator = 20, kWideEndRecord = 56;
constexpr std::uint64_t kCentralHeader = 46, kLocalHeader = 30;
constexpr std::uint64_t kLongestComment = 0xFFFF;
constexpr std::uint32_t kInOtherField = 0xFFFFFFFF;  // the size stands in the ZIP64 field
constexpr std::uint64_t kMostEntries = 4096;
constexpr std::uint16_t kStored = 0, kDeflated = 8;

// Little endian, wherever it stands. The caller has checked the bounds.
std::uint64_t little_endian(Bytes bytes, std::size_t begin, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint64_t{bytes[begin + i]} << (8 * i);
  return value;
}

std::uint16_t u16(Bytes bytes, std::size_t begin) {
  return static_cast<std::uint16_t>(little_endian(bytes, begin, 2));
}

std::uint32_t u32(Bytes bytes, std::size_t begin) {
  return static_cast<std::uint32_t>(little_endian(bytes, begin, 4));
}

std::uint64_t u64(Bytes bytes, std::size_t begin) { return little_endian(bytes, begin, 8); }

std::string text(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// zlib counts in 32 bits.
std::uint32_t crc_of(Bytes bytes) {
  uLong crc = crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), INT_MAX));
    crc = crc32(crc, part.data(), static_cast<uInt>(part.size()));
    bytes = bytes.subspan(part.size());
  }
  return static_cast<std::uint32_t>(crc);
}

/// The decompressor's state; `next` gives it input and room until one of them is used up.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }  // no zlib header in a zip
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// True when `from` ends where its deflated stream ends, and gives exactly `to`.
  bool run(Bytes from, std::span<std::uint8_t> to) {
    int state = ready_ ? Z_OK : Z_MEM_ERROR;
    std::uint8_t beyond = 0;  // room for a byte too many, so that it shows
    while (state == Z_OK) {
      const Bytes input = from.first(std::min<std::size_t>(from.size(), INT_MAX));
      const auto room = std::min<std::size_t>(to.size(), INT_MAX);
      stream_.next_in = const_cast<Bytef*>(input.data());
      stream_.avail_in = static_cast<uInt>(input.size());
      stream_.next_out = room > 0 ? to.data() : &beyond;
      stream_.avail_out = room > 0 ? static_cast<uInt>(room) : 1;
      state = ::inflate(&stream_, Z_NO_FLUSH);
      from = from.subspan(input.size() - stream_.avail_in);
      if (room == 0 && stream_.avail_out == 0) return false;
      if (room > 0) to = to.subspan(room - stream_.avail_out);
    }
    return state == Z_STREAM_END && from.empty() && to.empty();
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

ZipFile::ZipFile(std::filesystem::path file)
    : path_(std::move(file)), map_(std::make_unique<checkpoint::MappedFile>(path_)) {
  const Directory directory = find_directory();
  if (directory.entries > kMostEntries) {
    fail(fmt::format("at most {} members", kMostEntries), fmt::format("{}", directory.entries));
  }
  std::uint64_t position = directory.begin;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    entries_.push_back(read_entry(&position, directory));
  }
  check_overlaps();
}

ZipFile::~ZipFile() = default;

void ZipFile::fail(const std::string& expected, const std::string& found) const {
  throw StatisticsError(fmt::format("reading the zip archive {}: expected {}, found {}",
                                    path_.string(), expected, found));
}

Bytes ZipFile::at(std::uint64_t begin, std::uint64_t bytes, const char* what) const {
  const std::uint64_t size = map_->size();
  if (begin <= size && bytes <= size - begin) return {map_->data() + begin, bytes};
  fail(fmt::format("{} within the file's {} bytes", what, size),
       fmt::format("{} bytes from byte {} on", bytes, begin));
}

// ---- Where the central directory stands -------------------------------------------------

// The last record whose comment reaches exactly to the end of the file.
std::uint64_t ZipFile::end_record() const {
  const std::uint64_t size = map_->size();
  if (size >= kEndRecord) {
    const std::uint64_t last = size - kEndRecord;
    const std::uint64_t first = last > kLongestComment ? last - kLongestComment : 0;
    for (std::uint64_t begin = last + 1; begin-- > first;) {
      const Bytes record = at(begin, kEndRecord, "the end record");
      if (u32(record, 0) == 0x06054b50 && u16(record, 20) == last - begin) return begin;
    }
  }
  fail("the record that ends a zip archive", "none; the file is cut short or of another kind");
}

ZipFile::Directory ZipFile::find_directory() const {
  const std::uint64_t begin = end_record();
  const Bytes record = at(begin, kEndRecord, "the end record");
  Directory directory{u32(record, 16), u32(record, 12), u16(record, 10)};
  const bool wide = directory.begin == kInOtherField || directory.bytes == kInOtherField ||
                    directory.entries == 0xFFFF;
  if (wide) {
    directory = find_wide_directory(begin);
  } else if (u16(record, 4) != 0 || u16(record, 6) != 0 || u16(record, 8) != u16(record, 10)) {
    fail("an archive in one volume", "several");
  }
  at(directory.begin, directory.bytes, "the central directory");
  return directory;
}

ZipFile::Directory ZipFile::find_wide_directory(std::uint64_t end_record) const {
  if (end_record < kWideLocator) fail("a ZIP64 locator", "none");
  const Bytes locator = at(end_record - kWideLocator, kWideLocator, "the ZIP64 locator");
  if (u32(locator, 0) != 0x07064b50) fail("a ZIP64 locator", "none");
  const Bytes record = at(u64(locator, 8), kWideEndRecord, "the ZIP64 end record");
  if (u32(record, 0) != 0x06064b50) fail("a ZIP64 end record", "none");
  if (u32(record, 16) != 0 || u32(record, 20) != 0 || u64(record, 24) != u64(record, 32)) {
    fail("an archive in one volume", "several");
  }
  return {u64(record, 48), u64(record, 40), u64(record, 32)};
}

// ---- Members ---------------------------------------------------------------------------

ZipFile::Entry ZipFile::read_entry(std::uint64_t* position, const Directory& directory) const {
  const std::uint64_t end = directory.begin + directory.bytes;
  const auto take = [&](std::uint64_t bytes) {
    if (bytes > end - *position) fail("whole entries in the central directory", "a part of one");
    const Bytes taken = at(*position, bytes, "an entry of the central directory");
    *position += bytes;
    return taken;
  };
  const Bytes header = take(kCentralHeader);
  if (u32(header, 0) != 0x02014b50) fail("an entry of the central directory", "something else");
  Entry entry;
  entry.method = u16(header, 10);
  entry.crc = u32(header, 16);
  entry.stored = u32(header, 20);
  entry.size = u32(header, 24);
  entry.header = u32(header, 42);
  entry.name = text(take(u16(header, 28)));
  read_wide_sizes(take(u16(header, 30)), &entry);
  take(u16(header, 32));  // the comment
  if ((u16(header, 8) & 1U) != 0) fail("members that are not encrypted", entry.name);
  if (contains(entry.name)) fail("different names", fmt::format("two members {}", entry.name));
  find_data(&entry, directory);
  return entry;
}

// The field's numbers stand in this order, those alone that the header has no room for.
void ZipFile::read_wide_sizes(Bytes extra, Entry* entry) const {
  while (extra.size() >= 4) {
    const std::size_t bytes = u16(extra, 2);
    if (bytes > extra.size() - 4) fail("whole extra fields", entry->name);
    if (u16(extra, 0) == 0x0001) {
      Bytes field = extra.subspan(4, bytes);
      for (std::uint64_t* size : {&entry->size, &entry->stored, &entry->header}) {
        if (*size != kInOtherField) continue;
        if (field.size() < 8) fail("whole ZIP64 fields", entry->name);
        *size = u64(field, 0);
        field = field.subspan(8);
      }
    }
    extra = extra.subspan(4 + bytes);
  }
}

// Of the local header only the lengths of name and extra field count: what it says of sizes may be
// a placeholder.
void ZipFile::find_data(Entry* entry, const Directory& directory) const {
  const Bytes header = at(entry->header, kLocalHeader, "a member's header");
  if (u32(header, 0) != 0x04034b50) fail("a member's header", "something else");
  const std::uint64_t name_bytes = u16(header, 26);
  const Bytes name = at(entry->header + kLocalHeader, name_bytes, "a member's name");
  if (text(name) != entry->name) fail(fmt::format("the member {}", entry->name), text(name));
  entry->begin = entry->header + kLocalHeader + name_bytes + u16(header, 28);
  at(entry->begin, entry->stored, "a member's bytes");
  if (entry->begin + entry->stored > directory.begin) {
    fail("members before the central directory", fmt::format("{} reaching into it", entry->name));
  }
}

void ZipFile::check_overlaps() const {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : entries_) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const Entry* a, const Entry* b) { return a->header < b->header; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1]->begin + sorted[i - 1]->stored <= sorted[i]->header) continue;
    fail("members that do not overlap",
         fmt::format("{} and {}", sorted[i - 1]->name, sorted[i]->name));
  }
}

bool ZipFile::contains(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [name](const Entry& entry) { return entry.name == name; });
}

std::vector<std::uint8_t> ZipFile::inflate(const Entry& entry) const {
  std::vector<std::uint8_t> bytes(entry.size);
  if (Inflater().run(at(entry.begin, entry.stored, "a member's bytes"), bytes)) return bytes;
  fail(fmt::format("{} deflated bytes in {}", entry.size, entry.name), "others");
}

ZipFile::Member ZipFile::read(std::string_view name, std::uint64_t most) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [name](const Entry& entry) { return entry.name == name; });
  if (found == entries_.end()) fail(fmt::format("a member {}", name), "none");
  const Entry& entry = *found;
  if (entry.size > most) {
    fail(fmt::format("at most {} bytes in {}", most, name), fmt::format("{}", entry.size));
  }
  Member member;
  if (entry.method == kDeflated) {
    member.inflated = inflate(entry);
    member.bytes = member.inflated;
  } else if (entry.method == kStored && entry.stored == entry.size) {
    member.bytes = at(entry.begin, entry.size, "a member's bytes");
  } else {
    fail(fmt::format("{} stored or deflated", name),
         fmt::format("method {} with {} bytes for {}", entry.method, entry.stored, entry.size));
  }
  if (crc_of(member.bytes) != entry.crc) fail(fmt::format("the bytes of {}", name), "damaged ones");
  return member;
}

}  // namespace kedit::locate
