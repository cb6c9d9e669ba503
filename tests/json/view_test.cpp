#include "json/json.hpp"
#include "json/short_name.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

#include <string>
#include <vector>

using namespace kedit;

namespace {

template <class Act>
std::string refusal(const std::string& text, const Act& act) {
  const Json json = parse_json(text, "f.json");
  return thrown_message<JsonError>([&] { act(JsonView(json, "f.json")); });
}

}  // namespace

TEST_CASE("JsonView: a wrong field is refused with its JSON pointer and what was found") {
  CHECK(refusal(R"([{"q": {"subject": null}}])", [](const JsonView& v) {
          v.at(std::size_t{0}).at("q").at("subject").string();
        }) == "reading f.json: /0/q/subject: expected a string, found null");
  CHECK(refusal(R"({"q": {}})", [](const JsonView& v) { v.at("q").at("subject"); }) ==
        "reading f.json: /q/subject: expected a value, found none");
  CHECK(refusal("[]", [](const JsonView& v) { v.at("a"); }) ==
        "reading f.json: /: expected an object, found an array of 0");
  CHECK(refusal(R"({"n": 1.5})", [](const JsonView& v) { v.at("n").integer(); }) ==
        "reading f.json: /n: expected an integer, found 1.5");
  CHECK(refusal(R"({"n": 18446744073709551615})", [](const JsonView& v) { v.at("n").integer(); }) ==
        "reading f.json: /n: expected an integer below 2^63, found 18446744073709551615");
  CHECK(refusal(R"({"l": ["a", 7]})", [](const JsonView& v) { v.at("l").strings(); }) ==
        "reading f.json: /l/1: expected a string, found 7");
  CHECK(refusal(R"({"a/b~c": 1})", [](const JsonView& v) { v.at("a/b~c").boolean(); }) ==
        "reading f.json: /a~1b~0c: expected true or false, found 1");
  CHECK(refusal(R"([1])", [](const JsonView& v) { v.at(std::size_t{3}); }) ==
        "reading f.json: /: expected an array of at least 4, found an array of 1");
}

TEST_CASE("JsonView: a long string is described in a refusal by its size") {
  const std::string text = "{\"n\": \"" + std::string(5000, 'x') + "\"}";
  CHECK(refusal(text, [](const JsonView& v) { v.at("n").number(); }) ==
        "reading f.json: /n: expected a number, found a string of 5000 bytes");
}

TEST_CASE("JsonView: find and has treat absent and null fields alike") {
  const Json json = parse_json(R"({"a": 1, "b": null})", "f.json");
  const JsonView view(json, "f.json");
  CHECK(view.has("a"));
  CHECK_FALSE(view.has("b"));
  CHECK_FALSE(view.has("c"));
  CHECK_FALSE(view.find("b").has_value());
  CHECK(view.keys() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("nearest_name: a misspelled name gets the nearest known one and an unrelated name none") {
  const std::vector<std::string> known{"layers", "fact_token", "v_lr", "clamp_norm_factor"};
  CHECK(nearest_name("layer", known) == "layers");
  CHECK(nearest_name("v_lrr", known) == "v_lr");
  CHECK(nearest_name("clamp_norm_facto", known) == "clamp_norm_factor");
  CHECK_FALSE(nearest_name("x", known).has_value());
  CHECK_FALSE(nearest_name("temperature", known).has_value());
}

TEST_CASE("a message shows of a long key the first 200 characters") {
  const std::string key(100000, 'k');
  const Json json = {{key, 5}};
  const std::string message =
      thrown_message<JsonError>([&] { static_cast<void>(JsonView(json, "f").at(key).string()); });
  CHECK(message == "reading f: /" + std::string(200, 'k') + "...: expected a string, found 5");
  CHECK(short_name("short") == "short");
  CHECK(short_name(std::string(200, 'x')) == std::string(200, 'x'));
  std::string wide, cut;
  for (int i = 0; i < 300; ++i) wide += "\xE6\x9D\xB1";
  for (int i = 0; i < 200; ++i) cut += "\xE6\x9D\xB1";
  CHECK(short_name(wide) == cut + "...");
  CHECK(short_name(std::string(5000, '\x80')).size() == 803);
}
