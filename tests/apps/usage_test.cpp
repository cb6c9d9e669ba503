#include "json/json.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"

#include <tuple>

using kedit::test::is_one_sentence;
using kedit::test::Outcome;
using kedit::test::run_kedit;
using Words = std::vector<std::string>;

TEST_CASE("kedit: a wrong command line ends with exit code 2 and one sentence") {
  using Case = std::tuple<Words, Words>;
  const auto [arguments, parts] = GENERATE(table<Words, Words>({
      Case{{}, {"expected a command", "kedit --help"}},
      Case{{"model"}, {"expected a command", "kedit model --help"}},
      Case{{"--json", "model"}, {"expected a command before '--json'"}},
      Case{{"modl", "info"}, {"unknown command 'modl'", "did you mean 'model'?"}},
      Case{{"model", "inf"}, {"unknown command 'model inf'", "did you mean 'model info'?"}},
      Case{{"model", "info", "--modle", "x"},
           {"unknown option '--modle'", "did you mean '--model'?"}},
      Case{{"model", "info", "--quite"}, {"'--quiet'"}},
      Case{{"model", "info", "--xylophone"}, {"unknown option '--xylophone'", "--help"}},
      Case{{"model", "info", "surplus"}, {"no further argument", "'surplus'"}},
      Case{{"model", "info", "--threads", "0"}, {"--threads", "at least 1", "'0'"}},
      Case{{"model", "info", "--threads", "two"}, {"--threads", "whole number", "'two'"}},
      Case{{"model", "info", "--json=yes"}, {"--json", "no value"}},
      Case{{"model", "info", "--dtype", "float12"}, {"--dtype", "'float12'", "float"}},
      Case{{"model", "info", "--device", "gpu"}, {"--device", "cuda:N", "'gpu'"}},
      Case{{"model", "info", "--edits", "abc"}, {"--store"}},
      Case{{"model", "logits"}, {"--ids", "found none"}},
      Case{{"model", "logits", "--ids"}, {"--ids", "found none"}},
      Case{{"model", "logits", "--ids", "1,x"}, {"--ids", "'x'"}},
      Case{{"model", "logits", "--ids", "1,"}, {"--ids", "after the last comma"}},
      Case{{"model", "logits", "--ids", "1", "--ids", "2"}, {"--ids", "once"}},
      Case{{"model", "logits", "--ids", "99999999999999999999"}, {"--ids"}},
      Case{{"model", "generate"}, {"exactly one of --ids, --prompt, --prompts", "none"}},
      Case{{"model", "generate", "--ids", "1", "--prompt", "x"},
           {"exactly one", "--ids, --prompt"}},
      Case{{"model", "generate", "--ids", "1", "--top-p", "0"}, {"--top-p", "above 0", "'0'"}},
      Case{{"model", "generate", "--ids", "1", "--temperature", "nan"}, {"--temperature", "'nan'"}},
      Case{{"model", "generate", "--ids", "1", "--seed", "-1"}, {"--seed", "at least 0", "'-1'"}},
      Case{{"model", "generate", "--prompt", "x", "--stop", ""}, {"--stop"}},
      Case{{"model", "score", "--prompt", "x", "--target", ""}, {"--target"}},
  }));
  const Outcome outcome = run_kedit(arguments);
  INFO(outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK(is_one_sentence(outcome.err, parts));
}

TEST_CASE("kedit: an option's value may begin with a dash and -- ends the options") {
  CHECK(run_kedit({"model", "generate", "--prompt", "-x", "--top-p", "0"}).err.find("--top-p") !=
        std::string::npos);
  CHECK(run_kedit({"model", "info", "--", "--json"})
            .err.find("no further argument, found '--json'") != std::string::npos);
}

TEST_CASE("usage: -h behind an option that takes a value is that value") {
  const Outcome outcome =
      run_kedit({"model", "tokenize", "--no-special-tokens", "--text", "-h", "--json"});
  CHECK(outcome.code == 0);
  CHECK(kedit::parse_json(outcome.out, "output").at("text") == "-h");
  CHECK(run_kedit({"model", "tokenize", "-h"}).out.rfind("Usage:", 0) == 0);
  CHECK(run_kedit({"model", "tokenize", "--text", "a", "--help"}).out.rfind("Usage:", 0) == 0);
}

TEST_CASE("usage: an option's value may be empty, joined or apart") {
  for (const Words& words : {Words{"--text="}, Words{"--text", ""}}) {
    Words all{"model", "tokenize", "--no-special-tokens"};
    all.insert(all.end(), words.begin(), words.end());
    all.push_back("--json");
    const Outcome outcome = run_kedit(all);
    CHECK(outcome.code == 0);
    CHECK(kedit::parse_json(outcome.out, "output").at("ids") == kedit::Json::array());
  }
  CHECK(run_kedit({"model", "tokenize", "--json=", "--text", "a"}).code == 2);
  CHECK(run_kedit({"model", "tokenize", "--text", "--text=", "--json"}).code == 2);
}

TEST_CASE("kedit --version: kedit and LibTorch and the devices are named") {
  const Outcome outcome = run_kedit({"--version"});
  CHECK(outcome.code == 0);
  CHECK(outcome.out.find("kedit ") == 0);
  CHECK(outcome.out.find("\nLibTorch ") != std::string::npos);
  CHECK(outcome.out.find("\ndevices: cpu") != std::string::npos);
}

TEST_CASE("kedit: standard output that cannot be written is a failure") {
  const Outcome closed = run_kedit({"--help"}, {.out_to = "closed"});
  CHECK(closed.code == 1);
  CHECK(is_one_sentence(closed.err, {"writing standard output"}));
  const Outcome full = run_kedit({"--help"}, {.out_to = "/dev/full"});
  CHECK(full.code == 1);
  CHECK(is_one_sentence(full.err, {"writing standard output", "No space left"}));
}
