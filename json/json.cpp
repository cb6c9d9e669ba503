#include "json/json.hpp"

#include "json/atomic_file.hpp"
#include "json/pointer.hpp"
#include "json/short_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

using Members = std::vector<std::pair<const std::string, Json>>;

// "line 3, column 17" of a byte offset (1-based, as the parser counts).
std::string line_and_column(std::string_view text, std::size_t position) {
  const std::size_t end = std::min(position == 0 ? 0 : position - 1, text.size());
  const auto head = text.substr(0, end);
  const auto lines = std::count(head.begin(), head.end(), '\n');
  const auto newline = head.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? end + 1 : end - newline;
  return fmt::format("line {}, column {}", lines + 1, column);
}

// The library's message without its own prefix and without the text it read last, which may be
// megabytes long or no UTF-8.
std::string reason_of(const std::string& what) {
  std::string reason = what;
  const auto dash = reason.find(" - ");
  if (dash != std::string::npos) {
    reason = reason.substr(dash + 3);
  } else if (const auto bracket = reason.find("] "); bracket != std::string::npos) {
    reason = reason.substr(bracket + 2);
  }
  const auto last_read = reason.find("; last read: ");
  if (last_read == std::string::npos) return reason.substr(0, 200);
  const auto expected = reason.rfind("; expected ");
  const bool keeps_tail = expected != std::string::npos && expected > last_read;
  return reason.substr(0, last_read) + (keeps_tail ? reason.substr(expected) : "");
}

// Builds the document from parser events. Keys are appended without looking for an earlier one (the
// ordered map would search linearly, quadratic for a vocabulary) and checked when an object ends.
class DocumentBuilder : public nlohmann::json_sax<Json> {
 public:
  DocumentBuilder(std::string_view text, const std::string& origin, int max_depth)
      : text_(text), origin_(origin), max_depth_(max_depth) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    refuse_duplicate_keys(*open_.back());
    open_.pop_back();
    return true;
  }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    throw JsonError(fmt::format("reading {}: {}: {}", origin_, line_and_column(text_, position),
                                reason_of(error.what())));
  }

  Json take() { return std::move(root_); }

 private:
  template <class Value>
  bool add(Value&& value) {
    append(Json(std::forward<Value>(value)));
    return true;
  }

  // Returns where the value now stands. It stays there while it is open, because its parent takes
  // no other member before it is closed.
  Json* append(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.get_ref<Json::array_t&>().push_back(std::move(value));
      return &parent.back();
    }
    Members& members = parent.get_ref<Json::object_t&>();
    members.emplace_back(std::move(key_), std::move(value));
    return &members.back().second;
  }

  bool open(Json container) {
    if (static_cast<int>(open_.size()) >= max_depth_) {
      throw JsonError(
          fmt::format("reading {}: {}: expected at most {} levels of nesting, found more", origin_,
                      pointer(), max_depth_));
    }
    open_.push_back(append(std::move(container)));
    return true;
  }

  void refuse_duplicate_keys(const Json& object) const {
    const Members& members = object.get_ref<const Json::object_t&>();
    std::vector<const std::string*> keys;
    keys.reserve(members.size());
    for (const auto& member : members) keys.push_back(&member.first);
    std::sort(keys.begin(), keys.end(), [](auto* a, auto* b) { return *a < *b; });
    const auto twice =
        std::adjacent_find(keys.begin(), keys.end(), [](auto* a, auto* b) { return *a == *b; });
    if (twice == keys.end()) return;
    throw JsonError(fmt::format("reading {}: {}: expected every key once, found \"{}\" twice",
                                origin_, pointer(), short_name(**twice)));
  }

  std::string pointer() const {
    std::string out;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      const Json& parent = *open_[i];
      out += parent.is_array() ? fmt::format("/{}", parent.size() - 1)
                               : pointer_step(parent.get_ref<const Json::object_t&>().back().first);
    }
    return out.empty() ? "/" : out;
  }

  std::string_view text_;
  const std::string& origin_;
  int max_depth_;
  Json root_;
  std::vector<Json*> open_;
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& origin, const JsonLimits& limits) {
  if (static_cast<std::int64_t>(text.size()) > limits.max_bytes) {
    throw JsonError(fmt::format("reading {}: expected at most {} bytes of JSON, found {}", origin,
                                limits.max_bytes, text.size()));
  }
  DocumentBuilder builder(text, origin, limits.max_depth);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& file, const JsonLimits& limits) {
  return parse_json(read_text_file(file, limits.max_bytes), file.string(), limits);
}

std::vector<Json> read_json_lines(const std::filesystem::path& file, const JsonLimits& limits) {
  const std::string text = read_text_file(file, limits.max_bytes);
  std::vector<Json> values;
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      values.push_back(
          parse_json(line, fmt::format("{}, record line {}", file.string(), number), limits));
    }
    begin = end + 1;
  }
  return values;
}

std::string to_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string canonical_text(const Json& value) {
  // The plain type keeps objects in a sorted map.
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_file_atomically(const std::filesystem::path& file, std::string_view bytes) {
  AtomicFile out(file);
  out.write(bytes.data(), bytes.size());
  out.commit();
}

}  // namespace kedit
