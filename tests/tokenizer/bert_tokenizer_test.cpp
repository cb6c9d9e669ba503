#include "tests/support/catch.hpp"
#include "tests/support/minilm.hpp"
#include "tests/tokenizer/nasty_texts.hpp"
#include "tests/tokenizer/tokenizer_fixtures.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

using Ids = std::vector<std::int64_t>;

std::string lines_of(const Json& tokens, const std::string& end) {
  std::string text;
  for (const Json& token : tokens) text += token.get<std::string>() + end;
  return text;
}

}  // namespace

TEST_CASE("BERT's vocab.txt: ids equal those of the reference library's AutoTokenizer") {
  const Json golden = read_json(golden_file("bert_golden.json"));
  const std::string end = GENERATE("\n", "\r\n", "\r");
  for (const Json& expected : golden.at("cases")) {
    const std::string config = to_text(expected.at("config"));
    CAPTURE(config);
    FileDirectory directory;
    directory.write("vocab.txt", lines_of(golden.at("vocabulary"), end));
    directory.write("tokenizer_config.json", config);
    const auto tokenizer = Tokenizer::load(directory.path());
    CHECK(tokenizer->kind() == "WordPiece");
    for (const Json& row : expected.at("texts")) {
      const std::string text = row.at("text").get<std::string>();
      CAPTURE(text);
      CHECK(tokenizer->ids(text) == row.at("ids").get<Ids>());
    }
  }
}

TEST_CASE("BERT's vocab.txt: alone it is BERT's format, and of equal lines the last one counts") {
  FileDirectory directory;
  directory.write("vocab.txt", "[UNK]\na\n[CLS]\n[SEP]\na\nb\n##b");
  CHECK(Tokenizer::present(directory.path()));
  const auto tokenizer = Tokenizer::load(directory.path());
  CHECK(tokenizer->ids("A ab b") == Ids{2, 4, 4, 6, 5, 3});
  CHECK(tokenizer->ids("x") == Ids{2, 0, 3});
  CHECK(tokenizer->is_special(2));
  CHECK(tokenizer->vocab_size() == 7);
}

TEST_CASE("BERT's settings beside a tokenizer.json overrule its normalizer, as in the library") {
  FileDirectory directory;
  directory.write("tokenizer.json", R"({"model": {"type": "WordPiece", "unk_token": "[UNK]",
      "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3, "[MASK]": 4, "a": 5, "A": 6}},
      "normalizer": {"type": "BertNormalizer", "lowercase": false}})");
  CHECK(Tokenizer::load(directory.path())->ids("A") == Ids{6});
  directory.write("tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})");
  CHECK(Tokenizer::load(directory.path())->ids("A") == Ids{5});
  directory.write("tokenizer_config.json",
                  R"({"tokenizer_class": "BertTokenizerFast", "do_lower_case": false})");
  CHECK(Tokenizer::load(directory.path())->ids("A") == Ids{6});
}

TEST_CASE("BERT's vocab.txt: damage is refused with file and field") {
  struct Damage {
    std::string vocabulary, config, message;
  };
  const auto damage = GENERATE(values<Damage>({
      {"a\n[CLS]\n[SEP]\n", "{}", "vocab.txt: expected the unk_token \"[UNK]\""},
      {"[UNK]\na\n[SEP]\n", "{}", "vocab.txt: expected the cls_token \"[CLS]\""},
      {"[UNK]\n[CLS]\na\n", "{}", "vocab.txt: expected the sep_token \"[SEP]\""},
      {"", "{}", "vocab.txt: expected the unk_token"},
      {"[UNK]\n\xFF\n", "{}", "vocab.txt: expected UTF-8"},
      {"[UNK]\n[CLS]\n[SEP]\n", R"({"tokenizer_class": "T5Tokenizer"})", "/tokenizer_class"},
      {"[UNK]\n[CLS]\n[SEP]\n", R"({"do_lower_case": 1})", "/do_lower_case: expected true"},
      {"[UNK]\n[CLS]\n[SEP]\n", R"({"strip_accents": "x"})", "/strip_accents: expected true"},
  }));
  FileDirectory directory;
  directory.write("vocab.txt", damage.vocabulary).write("tokenizer_config.json", damage.config);
  const auto message =
      message_of<TokenizerError>([&] { return Tokenizer::load(directory.path()); });
  CAPTURE(message);
  CHECK(holds(message, damage.message));
}

TEST_CASE("WordPiece: ten thousand nasty texts give the reference ids with MiniLM's vocabulary",
          "[real-data]") {
  const auto directory = test::minilm();
  if (!directory) return;
  const Json golden = read_json(golden_file("minilm_nasty_golden.json"));
  const auto tokenizer = Tokenizer::load(*directory);
  NastyTexts texts;
  for (const Json& expected : golden.at("hashes")) {
    std::uint64_t hash = hash_of("");
    for (int i = 0; i < golden.at("block").get<int>(); ++i) {
      const Ids ids = tokenizer->ids(texts.next());
      hash = hash_of(joined(ids) + "|" + tokenizer->decode(ids) + "\n", hash);
    }
    CHECK(hash_text(hash) == expected.get<std::string>());
  }
}
