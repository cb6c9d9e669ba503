#include "datasets/counterfact.hpp"

#include "datasets/record_fields.hpp"
#include "json/json.hpp"

#include <fmt/format.h>

#include <functional>
#include <set>

namespace kedit {
namespace {

// Prompts are strings; a file of later making holds {"prompt", "target"} here.
std::vector<std::string> prompts_at(const JsonView& record, std::string_view key) {
  const JsonView list = record.at(key);
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < list.size(); ++i) {
    prompts.push_back(list.at(i).value().is_object() ? text_at(list.at(i), "prompt")
                                                     : list.at(i).string());
    if (prompts.back().empty()) list.at(i).fail("some text");
  }
  return prompts;
}

CounterFactRecord read_original(const JsonView& record) {
  CounterFactRecord out;
  const JsonView rewrite = record.at("requested_rewrite");
  EditRequest& request = out.request;
  request.prompt = text_at(rewrite, "prompt");
  request.subject = text_at(rewrite, "subject");
  request.target_new = text_at(rewrite.at("target_new"), "str");
  request.target_true = text_at(rewrite.at("target_true"), "str");
  if (const auto relation = rewrite.find("relation_id")) request.relation = relation->string();
  if (const auto id = rewrite.at("target_new").find("id")) out.target_id = id->string();
  request.rephrases = prompts_at(record, "paraphrase_prompts");
  // Neighbours share the edit's true object: that is how they were chosen.
  for (std::string& prompt : prompts_at(record, "neighborhood_prompts")) {
    out.neighborhood.push_back({std::move(prompt), *request.target_true});
  }
  if (record.has("generation_prompts")) {
    out.generation = prompts_at(record, "generation_prompts");
  }
  return out;
}

CounterFactRecord read_flat(const JsonView& record) {
  CounterFactRecord out;
  EditRequest& request = out.request;
  request.prompt = text_at(record, "prompt");
  request.subject = text_at(record, "subject");
  request.target_new = text_at(record, "target_new");
  request.target_true = text_at(record, "ground_truth");
  if (record.has("rephrase_prompt")) request.rephrases = {text_at(record, "rephrase_prompt")};
  if (record.has("locality_prompt")) {
    out.neighborhood.push_back(
        {text_at(record, "locality_prompt"), text_at(record, "locality_ground_truth")});
  }
  return out;
}

CounterFactRecord read_counterfact_record(const JsonView& record, std::size_t place) {
  CounterFactRecord out =
      record.has("requested_rewrite") ? read_original(record) : read_flat(record);
  const auto id = record.find("case_id");
  out.case_id = id ? id->integer() : static_cast<std::int64_t>(place);
  out.request.id = fmt::format("counterfact/{}", out.case_id);
  out.request = validate_request(std::move(out.request));
  return out;
}

ZsreRecord read_zsre_record(const JsonView& record, std::size_t place) {
  constexpr std::string_view marker = "nq question: ";
  ZsreRecord out;
  out.number = static_cast<std::int64_t>(place) + 1;
  EditRequest& request = out.request;
  request.id = fmt::format("zsre/{}", out.number);
  request.subject = text_at(record, "subject");
  request.prompt = text_at(record, "src");
  const JsonView answers = record.at("answers");
  if (answers.size() == 0) answers.fail("at least one answer");
  request.target_new = answers.at(std::size_t{0}).string();
  request.rephrases = {text_at(record, "rephrase")};
  std::string question = text_at(record, "loc");
  if (question.find(marker) == std::string::npos) {
    record.at("loc").fail("a text with \"nq question: \"");
  }
  out.locality = {std::move(question), text_at(record, "loc_ans")};
  out.request = validate_request(std::move(request));
  return out;
}

// Reads an array record by record; every error names file and record.
template <class Record>
std::vector<Record> read_records(const std::filesystem::path& file, const char* what,
                                 const std::function<Record(const JsonView&, std::size_t)>& read) {
  try {
    const Json document = read_json(file);
    const JsonView list(document, file.string());
    if (!document.is_array() || document.empty()) {
      list.fail(fmt::format("an array of {} records", what));
    }
    std::vector<Record> records;
    for (std::size_t i = 0; i < document.size(); ++i) {
      const std::string origin = fmt::format("{}: record {}", file.string(), i + 1);
      try {
        records.push_back(read(JsonView(document[i], origin), i));
      } catch (const RequestError& error) {
        throw DataError(fmt::format("reading {}: {}", origin, error.what()));
      }
    }
    return records;
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
}

// A case of one edit: its statement, and the same with its paraphrases judged by probability.
Case edit_case(const std::string& source, std::int64_t id, EditRequest request,
               const std::string& rival) {
  Case one;
  one.id = id;
  one.source = source;
  request.id = fmt::format("{}/{}", source, id);
  const std::string text = filled_prompt(request);
  const Gold gold{request.target_new, {}};
  one.prompts.push_back({PromptKind::edit, 0, text, request.relation, gold,
                         Gold{request.target_true.value_or(""), {}}});
  one.prompts.push_back({PromptKind::rewrite, 0, text, request.relation, gold, {}, rival});
  for (std::size_t i = 0; i < request.rephrases.size(); ++i) {
    one.prompts.push_back({PromptKind::paraphrase,
                           static_cast<std::int64_t>(i),
                           request.rephrases[i],
                           request.relation,
                           gold,
                           {},
                           rival});
  }
  one.edits = {std::move(request)};
  return one;
}

}  // namespace

std::vector<CounterFactRecord> read_counterfact(const std::filesystem::path& file) {
  auto records = read_records<CounterFactRecord>(file, "CounterFact", read_counterfact_record);
  std::set<std::int64_t> ids;
  for (const CounterFactRecord& one : records) {
    if (ids.insert(one.case_id).second) continue;
    throw DataError(fmt::format("reading {}: /case_id: expected every id once, found {} again",
                                file.string(), one.case_id));
  }
  return records;
}

std::vector<ZsreRecord> read_zsre(const std::filesystem::path& file) {
  return read_records<ZsreRecord>(file, "zsRE", read_zsre_record);
}

Case case_of(const CounterFactRecord& record) {
  const EditRequest& request = record.request;
  Case one = edit_case("counterfact", record.case_id, request, request.target_true.value_or(""));
  for (std::size_t i = 0; i < record.neighborhood.size(); ++i) {
    const NeighborPrompt& other = record.neighborhood[i];
    one.prompts.push_back({PromptKind::locality,
                           static_cast<std::int64_t>(i),
                           other.prompt,
                           request.relation,
                           Gold{other.answer, {}},
                           {},
                           request.target_new});
  }
  for (std::size_t i = 0; i < record.generation.size(); ++i) {
    one.prompts.push_back({PromptKind::generation, static_cast<std::int64_t>(i),
                           record.generation[i], request.relation});
  }
  one.object_id = record.target_id;
  return one;
}

Case case_of(const ZsreRecord& record) {
  Case one = edit_case("zsre", record.number, record.request, "");
  one.prompts.push_back({PromptKind::locality, 0, record.locality.prompt + "?",
                         record.request.relation, Gold{record.locality.answer, {}}});
  return one;
}

}  // namespace kedit
