#include "json/canonical.hpp"
#include "json/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <string>

using namespace kedit;

namespace {

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  return thrown_message<JsonError>([&] { parse_json(text, "a.json", limits); });
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("parse_json: values and the order of keys are kept") {
  const Json json =
      parse_json(R"({"z": 1, "a": [true, null, -2.5, "é"], "m": {"k": "v"}})", "a.json");
  CHECK(to_text(json) == R"({"z":1,"a":[true,null,-2.5,"é"],"m":{"k":"v"}})");
}

TEST_CASE("parse_json: malformed text is refused with file and line and column") {
  struct Row {
    std::string text, message;
  };
  const auto row = GENERATE(values<Row>({
      {"", "reading a.json: line 1, column 1: unexpected end of input"},
      {"{\n  \"a\": nul\n}", "line 2, column 11"},
      {"[1, 2", "line 1, column 6: unexpected end of input; expected ']'"},
      {"{} {}", "line 1, column 4"},
      {"[1,]", "line 1, column 4"},
      {"[NaN]", "line 1, column 2"},
      {"\"\xff\"", "line 1, column 2: invalid string: ill-formed UTF-8 byte"},
      {"[1e999]", "number overflow"},
      {"'a'", "line 1, column 1"},
  }));
  INFO(row.text);
  const std::string message = refusal(row.text);
  INFO(message);
  CHECK(contains(message, row.message));
  CHECK(contains(message, "reading a.json"));
  CHECK_FALSE(contains(message, "json.exception"));
}

TEST_CASE("parse_json: a duplicate key is refused at every level with its place") {
  CHECK(refusal(R"({"a": 1, "a": 2})") ==
        "reading a.json: /: expected every key once, found \"a\" twice");
  CHECK(refusal(R"({"x": [{}, {"b": 1, "c": 2, "b": 3}]})") ==
        "reading a.json: /x/1: expected every key once, found \"b\" twice");
  CHECK_NOTHROW(parse_json(R"([{"a": 1}, {"a": 2}])", "a.json"));
}

TEST_CASE("parse_json: nesting depth and size are limited") {
  CHECK_NOTHROW(parse_json(nested(64), "a.json"));
  CHECK(contains(refusal(nested(65)), "expected at most 64 levels of nesting"));
  CHECK(contains(refusal(nested(100000)), "expected at most 64 levels of nesting"));
  CHECK(refusal("[1, 2, 3]", {4, 64}) ==
        "reading a.json: expected at most 4 bytes of JSON, found 9");
}

TEST_CASE("parse_json: an object of 200000 keys is read without quadratic look-ups") {
  // The ordered map looks keys up linearly; the reader must not.
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
  CHECK(parse_json(text + "}", "a.json").size() == 200000);
}

TEST_CASE("to_text: numbers round-trip and values that JSON cannot hold are replaced") {
  const double third = 1.0 / 3.0;
  CHECK(parse_json(to_text(Json(third)), "x").get<double>() == third);
  CHECK(to_text(Json(std::numeric_limits<double>::infinity())) == "null");
  CHECK(to_text(Json("a\xff")) == "\"a\xEF\xBF\xBD\"");
  CHECK(to_text(Json::array({1, 2}), 2) == "[\n  1,\n  2\n]");
}

TEST_CASE("canonical_text: keys are sorted at every level") {
  const Json one = parse_json(R"({"b": {"d": 1, "c": 2}, "a": [{"y": 0, "x": 0}]})", "one");
  const Json other = parse_json(R"({"a": [{"x": 0, "y": 0}], "b": {"c": 2, "d": 1}})", "other");
  CHECK(canonical_text(one) == R"({"a":[{"x":0,"y":0}],"b":{"c":2,"d":1}})");
  CHECK(canonical_text(one) == canonical_text(other));
  CHECK(one != other);
  CHECK(canonical(one) == canonical(other));
}
