#include "eval/text_records.hpp"

#include "datasets/case.hpp"
#include "eval/metrics/ngram_entropy.hpp"
#include "eval/score.hpp"
#include "tokenizer/text/utf8.hpp"

#include <fmt/format.h>

#include <set>

namespace kedit {
namespace {

Json id_of(const JsonView& record, std::size_t number) {
  const auto id = record.find("id");
  if (!id) return number;
  if (!id->value().is_string() && !id->value().is_number_integer())
    id->fail("a string or a number");
  return id->value();
}

TextRecord text_record_from(const JsonView& record, std::size_t number) {
  TextRecord one;
  one.id = id_of(record, number);
  const auto text = record.find("text");
  const auto texts = record.find("texts");
  if (text.has_value() == texts.has_value()) record.fail("either \"text\" or \"texts\"");
  one.is_single = text.has_value();
  one.texts = text ? std::vector<std::string>{text->string()} : texts->strings();
  const std::pair<const char*, std::string*> fields[] = {
      {"relation_id", &one.relation}, {"target_id", &one.target}, {"subject", &one.subject}};
  for (const auto& [key, field] : fields) {
    if (const auto found = record.find(key)) *field = found->string();
  }
  return one;
}

Json sentences_of(const std::string& text, const metrics::SentenceModel& model) {
  const std::string clean = tokenizer::replace_invalid_utf8(text);
  Json list = Json::array();
  for (const std::string_view one : model.sentences(clean)) list.push_back(std::string(one));
  return list;
}

}  // namespace

std::vector<TextRecord> read_text_records(const std::filesystem::path& file) {
  std::vector<TextRecord> records;
  std::set<std::string> ids;
  try {
    for (const Json& value : read_records_or_lines(file)) {
      const std::size_t number = records.size() + 1;
      const JsonView record(value, fmt::format("{}: record {}", file.string(), number));
      records.push_back(text_record_from(record, number));
      if (!ids.insert(to_text(records.back().id)).second) {
        record.at("id").fail("every id once, and no other record's number");
      }
    }
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
  if (!records.empty()) return records;
  throw DataError(
      fmt::format("reading {}: expected a record with texts a line, found none", file.string()));
}

std::optional<double> essence_of(const metrics::TextJudge& judge, const LanguageModel* model,
                                 const std::string& relation, const std::string& target,
                                 const std::string& subject) {
  if (model == nullptr || !judge.snippets || subject.empty()) return std::nullopt;
  const std::string text = judge.snippets->about_subject(relation, target, subject);
  if (text.empty()) return std::nullopt;
  const auto logprobs = model->text_logprobs(text, kEssenceTokens);
  if (!logprobs) return std::nullopt;
  return metrics::perplexity(*logprobs);
}

Json score_texts(const std::vector<TextRecord>& records, const metrics::TextJudge& judge,
                 const LanguageModel* model) {
  Json results = Json::array();
  for (const TextRecord& record : records) {
    const TextScores scores = judge.judge(record.texts, record.relation, record.target);
    Json one{{"id", record.id}};
    if (record.is_single) {
      one["tokens"] = metrics::words_of(record.texts.front(), judge.sentences);
      one["sentences"] = sentences_of(record.texts.front(), judge.sentences);
    }
    one["ngram_entropy"] = scores.ngram_entropy.value();
    if (scores.reference_score) one["reference_score"] = *scores.reference_score;
    const auto essence = essence_of(judge, model, record.relation, record.target, record.subject);
    if (essence) one["essence_score"] = *essence;
    results.push_back(std::move(one));
  }
  return results;
}

Json to_json(const metrics::TextJudge& judge) {
  Json out{{"sentences", judge.sentences.name()}};
  if (!judge.sentences.sha256().empty()) out["sentences_sha256"] = judge.sentences.sha256();
  if (judge.snippets) out["snippets_sha256"] = judge.snippets->sha256();
  return out;
}

}  // namespace kedit
