// Words, sentences, n-gram entropy, TF-IDF: against NLTK 3.7 and scikit-learn
// (tests/golden/text_metrics_golden.py).
#include "eval/metrics/matching.hpp"
#include "eval/metrics/ngram_entropy.hpp"
#include "eval/metrics/snippets.hpp"
#include "eval/metrics/substitution.hpp"
#include "eval/metrics/text_scores.hpp"
#include "eval/metrics/words.hpp"
#include "json/json.hpp"
#include "tests/eval/messages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <cmath>
#include <fstream>

using namespace kedit;
using namespace kedit::testing;

namespace {

using Strings = std::vector<std::string>;

std::filesystem::path golden_folder() {
  return std::filesystem::path(KEDIT_SOURCE_DIR) / "tests" / "golden" / "text_metrics";
}

Strings sentences_in(const metrics::SentenceModel& model, const std::string& text) {
  Strings found;
  for (const std::string_view one : model.sentences(text)) found.emplace_back(one);
  return found;
}

void check_text(const Json& expected, const std::string& text,
                const metrics::SentenceModel& model) {
  CAPTURE(text);
  CHECK(sentences_in(model, text) == expected["sentences"].get<Strings>());
  const Strings words = metrics::words_of(text, model);
  CHECK(words == expected["tokens"].get<Strings>());
  CHECK(metrics::ngram_entropy(words, 2) ==
        Approx(expected["H2"].get<double>()).epsilon(0).margin(1e-9));
  CHECK(metrics::ngram_entropy(words, 3) ==
        Approx(expected["H3"].get<double>()).epsilon(0).margin(1e-9));
  CHECK(metrics::fluency(words) ==
        Approx(expected["ngram_entropy"].get<double>()).epsilon(0).margin(1e-9));
}

/// A folder with tables that goes away with the object.
class Tables {
 public:
  Tables() {
    std::filesystem::remove_all(path_);
    std::filesystem::copy(golden_folder() / "punkt", path_);
  }
  ~Tables() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  void write(const char* name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / "kedit-punkt-tables";
};

std::string snippets_refusal(const std::string& json) {
  const auto path = std::filesystem::temp_directory_path() / "kedit-snippets.json";
  std::ofstream(path) << json;
  const std::string message = message_of([&] { metrics::Snippets::read(path); });
  std::filesystem::remove(path);
  return message;
}

}  // namespace

TEST_CASE("words and sentences: NLTK's, with tables and without") {
  const Json golden = read_json(golden_folder() / "words.json");
  const metrics::SentenceModel punkt = metrics::SentenceModel::read(golden_folder() / "punkt");
  CHECK(punkt.name() == std::string("punkt"));
  CHECK(metrics::SentenceModel().name() == std::string("plain"));
  for (const Json& one : golden["texts"]) {
    const std::string text = one["text"];
    check_text(one["punkt"], text, punkt);
    check_text(one["plain"], text, {});
    CHECK(metrics::words_of_sentence(text) == one["alone"].get<Strings>());
  }
}

TEST_CASE("words: bytes that are no UTF-8 are kept out of the way") {
  CHECK(metrics::words_of("a\xff b.", {}) == Strings{"a\xEF\xBF\xBD", "b", "."});
}

TEST_CASE("words: a hostile text takes linear time") {
  const std::string blanks = "x." + std::string(200000, ' ') + "y";
  CHECK(metrics::words_of_sentence(blanks) == Strings{"x.", "y"});
  const std::string marks(200000, '.');
  CHECK(metrics::words_of(marks, {}) == Strings{marks});
  std::string alternating;
  for (int i = 0; i < 50000; ++i) alternating += "a.)";
  CHECK(!metrics::words_of(alternating, {}).empty());
}

TEST_CASE("Substitution: a pattern that does not compile is a fault of the program") {
  CHECK_THROWS_AS(metrics::Substitution("(", ""), std::invalid_argument);
  CHECK(metrics::Substitution("a", "bcdefghijk").apply(std::string(100, 'a')).size() == 1000);
}

TEST_CASE("Punkt tables: what is damaged or missing is named with its file and line") {
  const Tables tables;
  const auto refusal = [&] {
    return message_of([&] { metrics::SentenceModel::read(tables.path()); });
  };
  CHECK(refusal().empty());
  struct Row {
    const char *file, *bytes, *expected;
  };
  const auto row = GENERATE(values<Row>({
      {"abbrev_types.txt", "", "abbrev_types.txt: expected a table of Punkt, found nothing"},
      {"abbrev_types.txt", "a\xff\n", "abbrev_types.txt: byte 1: expected UTF-8"},
      {"collocations.tab", "a\n", "collocations.tab: line 1: expected two words"},
      {"collocations.tab", "a\tb\tc\n", "collocations.tab: line 1"},
      {"ortho_context.tab", "the\t4\n\nriver\tmany\n", "ortho_context.tab: line 3: expected"},
      {"ortho_context.tab", "the\t128\n", "ortho_context.tab: line 1"},
      {"ortho_context.tab", "the\t-4\n", "ortho_context.tab: line 1"},
      {"ortho_context.tab", "the\t99999999999999999999\n", "ortho_context.tab: line 1"},
  }));
  CAPTURE(row.file, row.bytes);
  tables.write(row.file, row.bytes);
  CHECK(contains(refusal(), row.expected));
  std::filesystem::remove(tables.path() / row.file);
  CHECK(contains(refusal(), row.file));
}

TEST_CASE("sentence_model: none is plain splitting, a folder is read or refused") {
  CHECK(metrics::sentence_model("none").directory().empty());
  const metrics::SentenceModel model =
      metrics::sentence_model((golden_folder() / "punkt").string());
  CHECK(model.sha256().size() == 64);
  CHECK(contains(message_of([] { metrics::sentence_model("/nonexistent"); }), "/nonexistent"));
}

TEST_CASE("n-gram entropy: repetition scores nothing, few words too") {
  CHECK(metrics::fluency({}) == 0.0);
  CHECK(metrics::fluency({"a", "b"}) == 0.0);
  CHECK(metrics::fluency(Strings(20, "a")) == 0.0);
  // Four different bigrams and three trigrams.
  CHECK(metrics::fluency({"a", "b", "c", "d", "e"}) ==
        Approx(2.0 / 3.0 + 2.0 * std::log2(3.0) / 3.0));
  CHECK(std::isnan(metrics::mean_fluency({}, {})));
}

TEST_CASE("TF-IDF: scikit-learn's weights and cosines") {
  const Json golden = read_json(golden_folder() / "tfidf.json");
  const metrics::TfIdf index(golden["documents"].get<Strings>());
  CHECK(index.vocabulary_size() == golden["idf"].size());
  for (const auto& [word, idf] : golden["idf"].items()) {
    CAPTURE(word);
    CHECK(index.inverse_frequency(word) == Approx(idf.get<double>()).epsilon(1e-12));
  }
  for (const Json& pair : golden["pairs"]) {
    const double cosine =
        index.cosine(pair["texts"][0].get<std::string>(), pair["texts"][1].get<std::string>());
    CAPTURE(pair["texts"]);
    if (pair["cosine"].is_null()) {
      CHECK(std::isnan(cosine));
    } else {
      CHECK(cosine == Approx(pair["cosine"].get<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("Snippets: files of another form are refused by pointer") {
  CHECK(contains(snippets_refusal("{}"), "kedit-snippets.json"));
  CHECK(contains(snippets_refusal("[]"), "at least one entry with a sample"));
  CHECK(contains(snippets_refusal(R"([{"relation_id": "P1", "samples": []}])"), "/0/target_id"));
  CHECK(contains(
      snippets_refusal(R"([{"relation_id": "P1", "target_id": "Q1", "samples": [{"name": "x"}]}])"),
      "/0/samples/0/text"));
  CHECK(contains(snippets_refusal(R"([{"relation_id": 1, "target_id": "Q1", "samples": []}])"),
                 "/0/relation_id"));
  CHECK(!snippets_refusal("[{").empty());
}

TEST_CASE("Snippets: a relation and object that come twice are joined") {
  const auto path = std::filesystem::temp_directory_path() / "kedit-snippets-twice.json";
  std::ofstream(path) << R"([{"relation_id": "P1", "target_id": "Q1",
      "samples": [{"name": "Ann", "text": "Ann bakes."}, {"name": "Bo", "text": "Bo rows."}]},
      {"relation_id": "P1", "target_id": "Q1", "samples": [{"name": "Ann", "text": "She left."}]}])";
  const metrics::Snippets snippets = metrics::Snippets::read(path);
  std::filesystem::remove(path);
  CHECK(snippets.about_object("P1", "Q1") == "Ann bakes. Bo rows. She left.");
  CHECK(snippets.about_subject("P1", "Q1", "Ann") == "Ann bakes. She left.");
  CHECK(snippets.about_subject("P1", "Q1", "Cy").empty());
  CHECK(snippets.about_object("P1", "Q2").empty());
  CHECK_FALSE(snippets.has("P2", "Q1"));
}

TEST_CASE("perplexity: the first token counts in the mean, although it has no probability") {
  CHECK(metrics::perplexity({-2.0, -4.0}) == Approx(std::exp(2.0)));
  CHECK(metrics::perplexity({}) == 1.0);
}

TEST_CASE("words and sentences: the values of the harness on recorded texts", "[real-data]") {
  const auto data = test::real_data("metrics/words.jsonl");
  const auto punkt = test::real_data("metrics/punkt_english");
  if (!data || !punkt) return;
  const metrics::SentenceModel model = metrics::SentenceModel::read(*punkt);
  for (const Json& one : read_json_lines(*data)) {
    const std::string text = one["text"];
    check_text(one, text, model);
    CHECK(metrics::words_of_sentence(text) == one["tokens_without_sentences"].get<Strings>());
  }
}

TEST_CASE("TF-IDF and consistency: the values of the harness on recorded texts", "[real-data]") {
  const auto file = test::real_data("metrics/consistency.json");
  const auto punkt = test::real_data("metrics/punkt_english");
  if (!file || !punkt) return;
  const Json data = read_json(*file);
  const auto path = std::filesystem::temp_directory_path() / "kedit-recorded-snippets.json";
  std::ofstream(path) << to_text(data["snippets"]);
  const metrics::TextJudge judge{
      metrics::SentenceModel::read(*punkt),
      std::make_shared<const metrics::Snippets>(metrics::Snippets::read(path))};
  std::filesystem::remove(path);
  CHECK(judge.snippets->index().vocabulary_size() == data["vocabulary"].size());
  for (const auto& [word, column_and_idf] : data["vocabulary"].items()) {
    CHECK(judge.snippets->index().inverse_frequency(word) ==
          Approx(column_and_idf[1].get<double>()).epsilon(1e-9));
  }
  for (const Json& one : data["cases"]) {
    if (!one.contains("texts")) continue;
    const TextScores scores =
        judge.judge(one["texts"].get<Strings>(), one["relation_id"], one["target_id"]);
    CHECK(*scores.ngram_entropy == Approx(one["ngram_entropy"].get<double>()).epsilon(1e-9));
    if (one["reference_score"].is_null()) {
      CHECK(std::isnan(*scores.reference_score));
    } else {
      CHECK(*scores.reference_score == Approx(one["reference_score"].get<double>()).epsilon(1e-9));
    }
  }
}
