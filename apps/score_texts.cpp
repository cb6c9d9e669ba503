#include "apps/score_texts.hpp"

#include "apps/store_view.hpp"
#include "eval/text_records.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <cmath>

namespace kedit::cli {
namespace {

metrics::TextJudge judge_from(const Context& context) {
  metrics::TextJudge judge;
  const auto punkt = context.options.find("punkt");
  judge.sentences = metrics::sentence_model(punkt.value_or(""));
  if (const auto snippets = context.options.find("snippets")) {
    judge.snippets = std::make_shared<const metrics::Snippets>(metrics::Snippets::read(*snippets));
  }
  return judge;
}

std::string number_text(const Json& result, const char* key) {
  const auto found = result.find(key);
  if (found == result.end()) return "-";
  const double value = found->get<double>();
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "not a number";
}

std::string results_text(const Json& document, const Style& style) {
  Table table({{"id"},
               {"n-gram entropy, bits", Table::Align::right},
               {"reference score", Table::Align::right},
               {"essence", Table::Align::right}});
  for (const Json& result : document["results"]) {
    const Json& id = result["id"];
    table.row({printable(id.is_string() ? id.get<std::string>() : to_text(id)),
               number_text(result, "ngram_entropy"), number_text(result, "reference_score"),
               number_text(result, "essence_score")});
  }
  const bool plain = document["sentences"] == "plain";
  return fmt::format("{}sentences: {}\n", table.text(style),
                     plain ? "split plainly, without Punkt's tables" : "Punkt");
}

}  // namespace

int run_score_texts(Context& context) {
  if (context.options.given("model") && !context.options.given("snippets")) {
    throw UsageError(
        "--model: expected --snippets as well, of which it scores those about a "
        "record's subject");
  }
  const std::vector<TextRecord> records = read_text_records(context.options.path("texts"));
  const metrics::TextJudge judge = judge_from(context);
  Json document = to_json(judge);
  if (!context.options.given("model")) {
    document["results"] = score_texts(records, judge, nullptr);
    return context.answer(document, results_text(document, context.style()));
  }
  const EditedModel model = context.load_edited_model();
  context.note_facts(model);
  document["model"] = identity_json(model.base());
  const LocalLanguageModel language(model);
  document["results"] = score_texts(records, judge, &language);
  return context.answer(document, results_text(document, context.style()));
}

std::vector<Option> text_options() {
  return {
      text("texts", "FILE",
           "score generated texts instead, {\"id\", \"text\"} or {\"id\", \"texts\": [...], "
           "\"relation_id\", \"target_id\", \"subject\"} a line; - is standard input"),
      text("snippets", "FILE", "reference texts in the form of attribute_snippets.json"),
      text("punkt", "DIR",
           "tables of the sentence model (NLTK's punkt_tab/english); none: split "
           "plainly")
          .otherwise_said("NLTK's folder where it is, else none"),
  };
}

}  // namespace kedit::cli
