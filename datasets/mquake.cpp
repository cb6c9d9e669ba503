#include "datasets/mquake.hpp"

#include "datasets/mquake_checks.hpp"
#include "datasets/mquake_files.hpp"
#include "datasets/record_fields.hpp"
#include "edits/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace kedit {
namespace {

constexpr std::array<std::string_view, 11> kReadKeys = {
    "case_id",        "requested_rewrite", "questions",   "answer",          "answer_alias",
    "new_answer",     "new_answer_alias",  "single_hops", "new_single_hops", "orig",
    "answer_extended"};
constexpr std::array<std::string_view, 5> kTableKeys = {
    "orig_triples", "orig_triples_labeled", "new_triples", "new_triples_labeled", "edit_triples"};

// Known files by their content, whatever their layout.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kVariants = {{
    {"53f6ab0916a3b604647b13db5a79d7a9d45204e55afd8b214567b78fce474311", "CF-3k v1"},
    {"145ca14619cd9da26b2faaec38aae6a11cd88d78758d418811be341e867b090b", "2002"},
    {"1425ee11bee2548056b43d2b23e0e9fcc4969dfea1ecc89575b6e847edad9455", "hard"},
}};

std::vector<std::string> strings_or_none(const JsonView& object, std::string_view key) {
  const auto field = object.find(key);
  return field ? field->strings() : std::vector<std::string>{};
}

Gold read_gold(const JsonView& object, const std::string& prefix) {
  return {text_at(object, prefix + "answer"), strings_or_none(object, prefix + "answer_alias")};
}

std::vector<Hop> read_hops(const JsonView& list) {
  std::vector<Hop> hops;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView hop = list.at(i);
    hops.push_back({text_at(hop, "question"), text_at(hop, "cloze"), read_gold(hop, "")});
  }
  return hops;
}

bool is_id(const std::string& text, char letter) {
  return text.size() > 1 && text.size() < 20 && text[0] == letter &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string read_id(const JsonView& field, char letter) {
  std::string id = field.string();
  if (!is_id(id, letter)) field.fail(fmt::format("an id like \"{}30\"", letter));
  return id;
}

std::vector<Triple> read_triples(const JsonView& orig, const std::string& key, bool ids) {
  const JsonView list = orig.at(key);
  std::vector<Triple> triples;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView triple = list.at(i);
    if (triple.size() != 3) triple.fail("[subject, relation, object]");
    if (ids) {
      triples.push_back(
          {read_id(triple.at(0), 'Q'), read_id(triple.at(1), 'P'), read_id(triple.at(2), 'Q')});
    } else {
      triples.push_back({triple.at(0).string(), triple.at(1).string(), triple.at(2).string()});
      if (triples.back().subject.empty() || triples.back().object.empty()) {
        triple.fail("labels that are not empty");
      }
    }
  }
  return triples;
}

// {"target_new": {"str", "id"}}, or "target_new_str" and "target_new_id" in the table form.
void read_target(const JsonView& object, const std::string& key, std::string* text,
                 std::string* id) {
  const bool flat = object.has(key + "_str");
  *text = flat ? text_at(object, key + "_str") : text_at(object.at(key), "str");
  *id = read_id(flat ? object.at(key + "_id") : object.at(key).at("id"), 'Q');
}

Rewrite read_rewrite(const JsonView& object) {
  Rewrite rewrite;
  rewrite.prompt = text_at(object, "prompt");
  rewrite.relation = read_id(object.at("relation_id"), 'P');
  rewrite.subject = text_at(object, "subject");
  rewrite.question = text_at(object, "question");
  read_target(object, "target_true", &rewrite.target_true, &rewrite.target_true_id);
  read_target(object, "target_new", &rewrite.target_new, &rewrite.target_new_id);
  return rewrite;
}

// Derived files hold a single rewrite as an object: an array of one.
std::vector<Rewrite> read_rewrites(const JsonView& field) {
  if (field.value().is_object()) return {read_rewrite(field)};
  std::vector<Rewrite> rewrites;
  for (std::size_t i = 0; i < field.size(); ++i) rewrites.push_back(read_rewrite(field.at(i)));
  return rewrites;
}

void keep_extra_keys(const Json& record, MquakeCase& mquake_case) {
  for (const auto& [key, value] : record.items()) {
    const bool table = !record.contains("orig") &&
                       std::find(kTableKeys.begin(), kTableKeys.end(), key) != kTableKeys.end();
    if (!table && std::find(kReadKeys.begin(), kReadKeys.end(), key) == kReadKeys.end()) {
      mquake_case.extra[key] = value;
    }
  }
}

// The chains, nested under "orig" or as columns of a table.
void read_chains(const JsonView& record, MquakeCase& c) {
  const bool nested = record.has("orig");
  const JsonView chains = nested ? record.at("orig") : record;
  const std::string prefix = nested ? "" : "orig_";
  c.triples = read_triples(chains, prefix + "triples", true);
  c.triples_labeled = read_triples(chains, prefix + "triples_labeled", false);
  c.new_triples = read_triples(chains, "new_triples", true);
  c.new_triples_labeled = read_triples(chains, "new_triples_labeled", false);
  if (chains.has("edit_triples") || nested) {
    c.edit_triples = read_triples(chains, "edit_triples", true);
    return;
  }
  // The table form has no list of edits: each is the hop that its rewrite describes.
  for (const Rewrite& rewrite : c.rewrites) {
    Triple edit{"", rewrite.relation, rewrite.target_new_id};
    for (std::size_t i = 0; i < std::min(c.new_triples.size(), c.new_triples_labeled.size()); ++i) {
      const bool same = c.new_triples[i].relation == rewrite.relation &&
                        c.new_triples[i].object == rewrite.target_new_id &&
                        c.new_triples_labeled[i].subject == rewrite.subject;
      if (same) edit.subject = c.new_triples[i].subject;
    }
    c.edit_triples.push_back(std::move(edit));
  }
}

// Some derived files join all edits of a case into one prompt and one target.
void refuse_glued(const JsonView& record) {
  if (!record.value().is_object() || record.has("requested_rewrite")) return;
  if (!record.has("prompt") || !record.has("target_new")) return;
  record.fail(
      "a record with its edits one by one under /requested_rewrite (this is the glued form, whose "
      "edits cannot be told apart; take the original MQuAKE file)");
}

MquakeCase read_case(const JsonView& record) {
  refuse_glued(record);
  MquakeCase c;
  c.case_id = record.at("case_id").integer();
  c.rewrites = read_rewrites(record.at("requested_rewrite"));
  c.questions = record.at("questions").strings();
  if (c.questions.empty()) record.at("questions").fail("at least one question");
  c.pre = read_gold(record, "");
  c.post = read_gold(record, "new_");
  c.answer_extended = strings_or_none(record, "answer_extended");
  c.hops = read_hops(record.at("single_hops"));
  c.new_hops = read_hops(record.at("new_single_hops"));
  read_chains(record, c);
  keep_extra_keys(record.value(), c);
  return c;
}

// "FILE: case 17", or the record's position where it has no readable id.
std::string record_origin(const Json& record, const std::string& file, std::size_t position) {
  if (record.is_object()) {
    const auto id = record.find("case_id");
    if (id != record.end() && id->is_number_integer()) {
      return fmt::format("{}: case {}", file, id->get<std::int64_t>());
    }
  }
  return fmt::format("{}: record {}", file, position + 1);
}

std::vector<MquakeCase> read_cases(const Json& document, const std::string& file,
                                   MquakeChecks checks) {
  const JsonView list(document, file);
  if (!document.is_array()) list.fail("an array of MQuAKE records");
  if (document.empty()) list.fail("at least one MQuAKE record");
  std::vector<MquakeCase> cases;
  std::unordered_map<std::int64_t, std::size_t> first_with_id;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const std::string origin = record_origin(document[i], file, i);
    cases.push_back(read_case(JsonView(document[i], origin)));
    check_structure(cases.back(), origin);
    const auto [first, fresh] = first_with_id.emplace(cases.back().case_id, i);
    if (!fresh) {
      throw DataError(
          fmt::format("reading {}: /case_id: expected every id once, found it in records {} and {}",
                      origin, first->second + 1, i + 1));
    }
  }
  if (checks == MquakeChecks::labels) check_labels(cases, file);
  return cases;
}

}  // namespace

MquakeDataset read_mquake(const std::filesystem::path& file, MquakeChecks checks) {
  MquakeDataset dataset;
  dataset.name = file.filename().string();
  try {
    const std::string bytes = read_text_file(file);
    dataset.sha256 = sha256_hex(bytes);
    dataset.cases = read_cases(parse_json(bytes, file.string()), file.string(), checks);
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
  dataset.content_sha256 = mquake_content_sha256(dataset.cases);
  return dataset;
}

std::string mquake_content_sha256(const std::vector<MquakeCase>& cases) {
  std::string text;
  for (const MquakeCase& c : cases) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}\t{}\t{}", c.case_id, c.pre.answer, c.post.answer);
  }
  return sha256_hex(text);
}

std::string_view mquake_variant(std::string_view content_sha256) {
  for (const auto& [digest, variant] : kVariants) {
    if (digest == content_sha256) return variant;
  }
  return "";
}

std::vector<EditRequest> requests_of(const MquakeCase& mquake_case) {
  std::vector<EditRequest> requests;
  for (std::size_t i = 0; i < mquake_case.rewrites.size(); ++i) {
    const Rewrite& rewrite = mquake_case.rewrites[i];
    EditRequest request;
    request.id = fmt::format("mquake/{}/{}", mquake_case.case_id, i);
    request.prompt = rewrite.prompt;
    request.subject = rewrite.subject;
    request.target_new = rewrite.target_new;
    if (!rewrite.target_true.empty()) request.target_true = rewrite.target_true;
    request.relation = rewrite.relation;
    for (std::size_t hop = 0; hop < mquake_case.new_hops.size(); ++hop) {
      if (mquake_case.new_triples[hop] == mquake_case.edit_triples[i]) {
        request.target_new_aliases = mquake_case.new_hops[hop].gold.aliases;
      }
    }
    requests.push_back(validate_request(std::move(request)));
  }
  return requests;
}

}  // namespace kedit
