#include "json/json.hpp"
#include "json/pointer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace kedit {
namespace {

std::string describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return fmt::format("an object with {} keys", value.size());
    case Json::value_t::array:
      return fmt::format("an array of {}", value.size());
    case Json::value_t::string: {
      const auto& text = value.get_ref<const std::string&>();
      if (text.size() > 60) return fmt::format("a string of {} bytes", text.size());
      return "the string " + to_text(value);
    }
    default:
      return to_text(value);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = a[i] == b[j] ? diagonal : 1 + std::min({diagonal, above, row[j]});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& known) {
  constexpr std::size_t kMaxDistance = 3;
  std::optional<std::string> best;
  std::size_t best_distance = kMaxDistance + 1;
  for (const auto& candidate : known) {
    // A name that shares nothing is no suggestion: "x" is within three of every short word.
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < std::max(name.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

JsonView::JsonView(const Json& value, std::string origin, std::string pointer)
    : value_(&value), origin_(std::move(origin)), pointer_(std::move(pointer)) {}

void JsonView::fail(std::string_view expected) const {
  throw JsonError(fmt::format("reading {}: {}: expected {}, found {}", origin_,
                              pointer_.empty() ? "/" : pointer_, expected, describe(*value_)));
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const auto& members = value_->get_ref<const Json::object_t&>();
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return member.first == key; });
  if (found == members.end() || found->second.is_null()) return std::nullopt;
  return JsonView(found->second, origin_, pointer_ + pointer_step(key));
}

bool JsonView::has(std::string_view key) const { return find(key).has_value(); }

JsonView JsonView::at(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  for (const auto& member : value_->get_ref<const Json::object_t&>()) {
    if (member.first == key) return {member.second, origin_, pointer_ + pointer_step(key)};
  }
  throw JsonError(fmt::format("reading {}: {}: expected a value, found none", origin_,
                              pointer_ + pointer_step(key)));
}

JsonView JsonView::at(std::size_t index) const {
  if (!value_->is_array()) fail("an array");
  if (index >= value_->size()) fail(fmt::format("an array of at least {}", index + 1));
  return {(*value_)[index], origin_, fmt::format("{}/{}", pointer_, index)};
}

std::size_t JsonView::size() const {
  if (!value_->is_array()) fail("an array");
  return value_->size();
}

std::vector<std::string> JsonView::keys() const {
  if (!value_->is_object()) fail("an object");
  std::vector<std::string> out;
  for (const auto& member : value_->get_ref<const Json::object_t&>()) out.push_back(member.first);
  return out;
}

std::string JsonView::string() const {
  if (!value_->is_string()) fail("a string");
  return value_->get<std::string>();
}

std::int64_t JsonView::integer() const {
  if (!value_->is_number_integer()) fail("an integer");
  if (value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail("an integer below 2^63");
  }
  return value_->get<std::int64_t>();
}

double JsonView::number() const {
  if (!value_->is_number()) fail("a number");
  return value_->get<double>();
}

bool JsonView::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

std::vector<std::string> JsonView::strings() const {
  std::vector<std::string> out;
  out.reserve(size());
  for (std::size_t i = 0; i < value_->size(); ++i) out.push_back(at(i).string());
  return out;
}

}  // namespace kedit
