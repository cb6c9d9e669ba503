#include "model/chat_template.hpp"

#include "model/architecture.hpp"
#include "tests/model/tokenizer_fixtures.hpp"
#include "tests/support/catch.hpp"

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

TEST_CASE("templates give what the reference library's Jinja gives") {
  const Json golden = read_json(golden_file("chat_golden.json"));
  REQUIRE(golden.at("cases").size() >= 100);
  for (const Json& expected : golden.at("cases")) {
    const auto source = golden.at("templates")[expected.at("template").get<std::size_t>()];
    CAPTURE(source, expected.at("generation"), expected.at("messages"));
    const Json& messages = golden.at("messages")[expected.at("messages").get<std::size_t>()];
    const bool generation = expected.at("generation").get<bool>();
    const auto render = [&] {
      return ChatTemplate::parse(source.get<std::string>(), "t", special_tokens())
          .render(messages, generation);
    };
    if (expected.at("text").is_null()) {
      CHECK_THROWS_AS(render(), ModelError);
    } else {
      CHECK(render() == expected.at("text").get<std::string>());
    }
  }
}

TEST_CASE("a directory's template is its own file, else the settings' string or default entry") {
  FileDirectory directory;
  const Json messages = Json::parse(R"([{"role": "user", "content": "Hi"}])");
  const auto rendered = [&] { return ChatTemplate::load(directory.path())->render(messages); };
  CHECK_FALSE(ChatTemplate::load(directory.path()).has_value());
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

TEST_CASE("damaged and unsupported templates are refused with file and line") {
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
      message_of<ModelError>([&] { ChatTemplate::parse(damage.source, "t"); });
  CAPTURE(message);
  CHECK(holds(message, damage.message));
}

TEST_CASE("a template that never ends, or grows without end, is an error") {
  const std::string source = GENERATE(
      as<std::string>{}, "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% for a in range(99999) %}{{ 'x' * 1000000 }}{% endfor %}", "{{ 'x' * 10000000000 }}",
      "{{ range(1000000000) }}", "{{ 1 // 0 }}", "{{ nothing.at.all }}");
  const auto render = [&] { ChatTemplate::parse(source, "t").render(Json::array()); };
  CHECK(holds(message_of<ModelError>(render), "applying the chat template t: "));
}
