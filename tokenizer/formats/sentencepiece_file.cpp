#include "tokenizer/formats/sentencepiece_file.hpp"

#include "tokenizer/models/vocabulary.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace kedit::tokenizer {
namespace {

// One field of a message in protocol buffers' wire format.
struct Field {
  std::uint64_t number = 0;
  unsigned wire_type = 0;
  std::uint64_t value = 0;  // of a varint or of fixed width
  std::string_view bytes;   // of a length-delimited one
};

constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kBytes = 2;
constexpr unsigned kFixed32 = 5;

class MessageReader {
 public:
  MessageReader(std::string_view bytes, std::string where)
      : bytes_(bytes), where_(std::move(where)) {}

  bool at_end() const { return position_ == bytes_.size(); }

  Field next() {
    Field field;
    const std::uint64_t key = varint();
    field.number = key >> 3U;
    field.wire_type = static_cast<unsigned>(key & 7U);
    if (field.number == 0) fail("a field number", "0");
    switch (field.wire_type) {
      case kVarint:
        field.value = varint();
        break;
      case kFixed64:
        field.value = fixed(8);
        break;
      case kBytes:
        field.bytes = take(varint());
        break;
      case kFixed32:
        field.value = fixed(4);
        break;
      default:
        fail("wire type 0, 1, 2 or 5", fmt::format("{}", field.wire_type));
    }
    return field;
  }

  [[noreturn]] void fail(std::string_view expected, std::string_view found) const {
    throw TokenizerError(
        fmt::format("{}: byte {}: expected {}, found {}", where_, position_, expected, found));
  }

  const std::string& where() const { return where_; }

 private:
  std::string_view take(std::uint64_t count) {
    const std::size_t left = bytes_.size() - position_;
    if (count > left) fail(fmt::format("{} more bytes", count), fmt::format("{}", left));
    const std::string_view taken = bytes_.substr(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  std::uint64_t fixed(std::size_t width) {
    const std::string_view taken = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
      value = (value << 8U) | static_cast<unsigned char>(taken[i]);
    }
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    fail("a number of at most 64 bits", "a longer one");
  }

  std::string_view bytes_;
  std::string where_;
  std::size_t position_ = 0;
};

void expect_wire(const MessageReader& reader, const Field& field, unsigned wire_type,
                 std::string_view name) {
  if (field.wire_type == wire_type) return;
  reader.fail(fmt::format("{} with wire type {}", name, wire_type),
              fmt::format("wire type {}", field.wire_type));
}

bool read_bool(const MessageReader& reader, const Field& field, std::string_view name) {
  expect_wire(reader, field, kVarint, name);
  return field.value != 0;
}

SentencePieceFile::PieceType read_type(const MessageReader& reader, const Field& field) {
  expect_wire(reader, field, kVarint, "type");
  if (field.value < 1 || field.value > 6) {
    reader.fail("a piece type from 1 to 6", fmt::format("{}", field.value));
  }
  return static_cast<SentencePieceFile::PieceType>(field.value);
}

float read_score(const MessageReader& reader, const Field& field) {
  expect_wire(reader, field, kFixed32, "score");
  const float score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
  if (!std::isfinite(score)) reader.fail("a finite score", fmt::format("{}", score));
  return score;
}

SentencePieceFile::Piece read_piece(MessageReader reader) {
  SentencePieceFile::Piece piece;
  while (!reader.at_end()) {
    const Field field = reader.next();
    if (field.number == 1) {
      expect_wire(reader, field, kBytes, "piece");
      piece.text = field.bytes;
    } else if (field.number == 2) {
      piece.score = read_score(reader, field);
    } else if (field.number == 3) {
      piece.type = read_type(reader, field);
    }
  }
  if (piece.text.empty()) reader.fail("a piece that is not empty", "an empty one");
  if (first_invalid_utf8(piece.text)) reader.fail("a piece in UTF-8", "ill-formed bytes");
  return piece;
}

void read_trainer_spec(MessageReader reader, SentencePieceFile& file) {
  while (!reader.at_end()) {
    const Field field = reader.next();
    if (field.number == 3) {
      expect_wire(reader, field, kVarint, "model_type");
      if (field.value < 1 || field.value > 4) {
        reader.fail("a model type from 1 to 4", fmt::format("{}", field.value));
      }
      file.model_type = static_cast<SentencePieceFile::ModelType>(field.value);
    } else if (field.number == 24) {
      file.whitespace_as_suffix = read_bool(reader, field, "treat_whitespace_as_suffix");
    } else if (field.number == 35) {
      file.byte_fallback = read_bool(reader, field, "byte_fallback");
    }
  }
}

void read_normalizer_spec(MessageReader reader, SentencePieceFile& file) {
  while (!reader.at_end()) {
    const Field field = reader.next();
    if (field.number == 2) {
      expect_wire(reader, field, kBytes, "precompiled_charsmap");
      file.charsmap = field.bytes;
    } else if (field.number == 3) {
      file.add_dummy_prefix = read_bool(reader, field, "add_dummy_prefix");
    } else if (field.number == 4) {
      file.remove_extra_whitespaces = read_bool(reader, field, "remove_extra_whitespaces");
    } else if (field.number == 5) {
      file.escape_whitespaces = read_bool(reader, field, "escape_whitespaces");
    }
  }
}

}  // namespace

SentencePieceFile parse_sentencepiece(std::string_view bytes, const std::string& origin) {
  SentencePieceFile file;
  MessageReader reader(bytes, "reading " + origin);
  while (!reader.at_end()) {
    const Field field = reader.next();
    if (field.number < 1 || field.number > 3) continue;
    expect_wire(reader, field, kBytes, "a message");
    if (field.number == 1) {
      if (file.pieces.size() > static_cast<std::size_t>(Vocabulary::kMaxId)) {
        reader.fail(fmt::format("at most {} pieces", Vocabulary::kMaxId + 1), "more");
      }
      file.pieces.push_back(read_piece(
          {field.bytes, fmt::format("{}: piece {}", reader.where(), file.pieces.size())}));
    } else if (field.number == 2) {
      read_trainer_spec({field.bytes, reader.where() + ": trainer_spec"}, file);
    } else {
      read_normalizer_spec({field.bytes, reader.where() + ": normalizer_spec"}, file);
    }
  }
  if (file.pieces.empty()) reader.fail("pieces", "none");
  return file;
}

}  // namespace kedit::tokenizer
