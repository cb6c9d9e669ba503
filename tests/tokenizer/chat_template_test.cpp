#include "tokenizer/chat_template.hpp"

#include "tests/support/catch.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"
#include "tokenizer/tokenizer_error.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

jinja::Dict special_tokens() {
  jinja::Dict tokens;
  tokens.set("bos_token", jinja::Value::of(std::string("<s>")));
  tokens.set("eos_token", jinja::Value::of(std::string("</s>")));
  return tokens;
}

}  // namespace

TEST_CASE("ChatTemplate: rendered texts equal those of the reference library's Jinja") {
  const Json golden = read_json(golden_file("chat_golden.json"));
  REQUIRE(golden.at("cases").size() >= 100);
  for (const Json& expected : golden.at("cases")) {
    const auto source = golden.at("templates")[expected.at("template").get<std::size_t>()];
    CAPTURE(source, expected.at("generation"), expected.at("messages"));
    const Json& messages = golden.at("messages")[expected.at("messages").get<std::size_t>()];
    const bool generation = expected.at("generation").get<bool>();
    const auto render = [&] {
      return tokenizer::ChatTemplate::parse(source.get<std::string>(), "t", special_tokens())
          .render(messages, generation);
    };
    if (expected.at("text").is_null()) {
      CHECK_THROWS_AS(render(), TokenizerError);
    } else {
      CHECK(render() == expected.at("text").get<std::string>());
    }
  }
}

namespace {

// What the expression gives over the golden's values, or nothing when it is refused.
std::optional<std::string> given_by(const std::string& source, const Json& values) {
  try {
    jinja::Dict names;
    names.set("m", jinja::Value::from_json(values));
    return tokenizer::ChatTemplate::parse(source, "t", names).render(Json::array());
  } catch (const TokenizerError&) {
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("Jinja: what is supported comes out as the reference library writes it") {
  const Json golden = read_json(golden_file("chat_golden.json"));
  for (const Json& expected : golden.at("supported")) {
    const auto source = expected[0].get<std::string>();
    CAPTURE(source);
    REQUIRE(expected[1].is_string());
    CHECK(given_by(source, golden.at("values")).value_or("refused") ==
          expected[1].get<std::string>());
  }
}

TEST_CASE("Jinja: an expression comes out as in the reference library or is refused") {
  const Json golden = read_json(golden_file("chat_golden.json"));
  for (const Json& expected : golden.at("expressions")) {
    const auto source = expected[0].get<std::string>();
    CAPTURE(source, expected[1]);
    const auto given = given_by(source, golden.at("values"));
    if (given) CHECK(Json(*given) == expected[1]);
  }
}

TEST_CASE(
    "ChatTemplate: load prefers chat_template.jinja to the entries of tokenizer_config.json") {
  FileDirectory directory;
  const Json messages = Json::parse(R"([{"role": "user", "content": "Hi"}])");
  const auto rendered = [&] {
    return tokenizer::ChatTemplate::load(directory.path())->render(messages);
  };
  CHECK_FALSE(tokenizer::ChatTemplate::load(directory.path()).has_value());
  directory.write("tokenizer_config.json",
                  R"({"chat_template": "{{ bos_token }}{{ messages[0].content }}",
                      "bos_token": {"content": "<b>"}})");
  CHECK(rendered() == "<b>Hi");
  directory.write("tokenizer_config.json",
                  R"({"chat_template": [{"name": "tool_use", "template": "x"},
                                        {"name": "default", "template": "d{{ eos_token }}"}]})");
  directory.write("special_tokens_map.json", R"({"eos_token": "</e>"})");
  CHECK(rendered() == "d</e>");
  directory.write("chat_template.jinja", "own\n");
  CHECK(rendered() == "own");
}

TEST_CASE("ChatTemplate: damaged and unsupported templates are refused with file and line") {
  struct Damage {
    std::string source, message;
  };
  const auto damage = GENERATE(values<Damage>({
      {"{{ x", "reading the chat template t: line 1: expected the end of a tag"},
      {"a\n{% if %}{% endif %}", "line 2: expected an expression"},
      {"{% if x %}", "line 1: expected \"endif\", found the end of the template"},
      {"{% for x in %}{% endfor %}", "expected an expression"},
      {"{% endfor %}", "\"endfor\" is not supported here"},
      {"{% include 'x' %}", "the statement \"include\" is not supported here"},
      {"{{ x | shuffle }}", "the filter \"shuffle\" is not supported"},
      {"{{ x is prime }}", "the test \"prime\" is not supported"},
      {"{{ 'abc }}", "expected the end of a string"},
      {"{# never", "expected the end of a comment"},
      {"{{ (1 }}", "expected no \"}\", found one"},
      {"{{ ) }}", "expected no \")\""},
      {"{{ a b }}", "expected the end of the tag, found \"b\""},
      {"{{ 12345678901234567890 }}", "at most 18 digits"},
      {"{{ `x` }}", "found byte 96"},
      {"{{ " + std::string(2000, '(') + "1" + std::string(2000, ')') + " }}", "nested too deep"},
  }));
  CAPTURE(damage.source.substr(0, 80));
  const std::string message =
      message_of<TokenizerError>([&] { tokenizer::ChatTemplate::parse(damage.source, "t"); });
  CAPTURE(message);
  CHECK(holds(message, damage.message));
}

namespace {

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

// Assigns to the name of a namespace again and again.
std::string growing(const std::string& first, const std::string& step) {
  return "{% set n = namespace(x=" + first + ") %}{% for a in range(90000) %}{% set n.x = " + step +
         " %}{% endfor %}{{ n.x }}";
}

}  // namespace

TEST_CASE("ChatTemplate: endless loops and unbounded growth and failing expressions are errors") {
  const std::string source = GENERATE(
      as<std::string>{}, "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% for a in range(99999) %}{{ 'x' * 1000000 }}{% endfor %}", "{{ 'x' * 10000000000 }}",
      "{{ range(1000000000) }}", "{{ 1 // 0 }}", "{{ nothing.at.all }}",
      growing("'x'", "n.x ~ n.x"), growing("[1]", "n.x + n.x"), growing("[1]", "[n.x]"),
      growing("[1]", "[n.x, n.x]"), growing("1", "n"), growing("1", "[n]"),
      growing("{}", "{'a': n.x.items}"), growing("'xx'", "n.x | replace('x', n.x)"),
      growing("'xx'", "n.x | indent(n.x, true)"), growing("['x' * 1000000]", "n.x + [n.x[0]]"),
      "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{% for a in range(90000) %}"
      "{{ t in s }}{% endfor %}",
      "{% set l = range(90000) | list %}{{ l | select('in', l) | list | length }}",
      "{% set s = 'a' * 1000000 %}{{ s.strip(s) }}", "{{ (10.0 ** 300) | int }}",
      "{{ range(0, -5, -922337203685477580 * 10 - 8) }}",
      "{% macro m() %}{{ m()" + repeated(" + 1", 1500) + " }}{% endmacro %}{{ m() }}");
  CAPTURE(source.substr(0, 200));
  const auto render = [&] { tokenizer::ChatTemplate::parse(source, "t").render(Json::array()); };
  CHECK(holds(message_of<TokenizerError>(render), "applying the chat template t: "));
}

TEST_CASE("ChatTemplate: too long templates and tags are refused before they exhaust the stack") {
  struct Length {
    std::string source, message;
  };
  const auto length = GENERATE(values<Length>({
      {"{{ 1" + repeated(" + 1", 20000) + " }}", "expected a short tag"},
      {"{{ x" + repeated(".x", 20000) + " }}", "expected a short tag"},
      {std::string(1 << 20, 'x'), "expected at most 262144 bytes, found 1048576"},
      {"\xFF{{ 1 }}", "expected UTF-8"},
  }));
  const auto parse = [&] { tokenizer::ChatTemplate::parse(length.source, "t"); };
  CHECK(holds(message_of<TokenizerError>(parse), length.message));
}

TEST_CASE("ChatTemplate: a conversation of 1000 messages stays within the work budget") {
  Json messages = Json::array();
  for (int i = 0; i < 1000; ++i) {
    messages.push_back(
        {{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", "word " + repeated("a", 500)}});
  }
  const std::string source =
      "{% for m in messages %}{% if m.role == 'user' and messages | length > loop.index0 %}"
      "{{ '<' ~ m['role'] ~ '>' ~ m.content | trim ~ messages[0].content[0:4] }}"
      "{% elif 'x' not in m.content %}{{ m.content.split(' ') | join('-') }}{% endif %}{% endfor "
      "%}";
  CHECK(tokenizer::ChatTemplate::parse(source, "t").render(messages).size() ==
        500 * (505 + 6 + 4 + 505));
}
