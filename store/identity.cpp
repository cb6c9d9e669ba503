#include "store/identity.hpp"

#include "edits/hash.hpp"
#include "edits/request_json.hpp"
#include "json/json.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <initializer_list>

namespace kedit {
namespace {

constexpr std::size_t kIdDigits = 12;

// A length before every field: no two different lists of fields give the same bytes.
void add(Sha256& hash, std::string_view field) {
  hash.update(fmt::format("{}:", field.size())).update(field);
}

void add(Sha256& hash, std::int64_t number) { add(hash, std::string_view(fmt::to_string(number))); }

std::string short_id(std::initializer_list<std::string_view> fields) {
  Sha256 hash;
  for (const std::string_view field : fields) add(hash, field);
  return hash.hex().substr(0, kIdDigits);
}

UpdateRow update_row(const WeightUpdate& update) {
  UpdateRow row;
  row.weight = update.weight;
  row.kind = std::holds_alternative<LowRank>(update.update) ? "low-rank" : "dense";
  row.dtype = "float32";
  row.rows = update.rows();
  row.columns = update.cols();
  row.rank = update.rank();
  row.factors = encode_update(update);
  row.sha256 = Sha256().update(row.factors.data(), row.factors.size()).hex();
  return row;
}

RequestRow request_row(const EditRequest& request) {
  RequestRow row;
  row.has_id = true;
  row.id = request.id;
  row.subject = request.subject;
  row.prompt = request.prompt;
  row.target_new = request.target_new;
  row.has_body = true;
  row.body = canonical_text(request_to_json(request));
  return row;
}

std::string settings_text(const EditDelta& delta) {
  if (delta.settings.is_null()) return {};
  if (delta.settings.is_object()) return canonical_text(delta.settings);
  throw DeltaError(fmt::format("edit of {}: settings: expected an object, found {}", delta.editor,
                               delta.settings.type_name()));
}

}  // namespace

EditContent content_of(const EditDelta& delta) {
  EditContent content;
  content.editor = delta.editor;
  content.settings = settings_text(delta);
  content.model = delta.base_fingerprint;
  for (const EditRequest& request : delta.requests) {
    content.requests.push_back(request_row(request));
  }
  content.updates.reserve(delta.updates.size());
  for (const WeightUpdate& update : delta.updates) content.updates.push_back(update_row(update));
  content.facts = delta.facts;
  for (const StateTensor& kept : delta.state) {
    content.state.push_back(update_row({kept.name, Dense{kept.tensor}}));
  }
  return content;
}

std::string content_sha256(const EditContent& content) {
  Sha256 hash;
  for (const std::string* field : {&content.editor, &content.settings, &content.model}) {
    add(hash, *field);
  }
  add(hash, static_cast<std::int64_t>(content.requests.size()));
  for (const RequestRow& request : content.requests) {
    add(hash, request.has_id ? "id" : "no id");
    add(hash, request.id);
    add(hash, request.has_body ? "body" : "no body");
    add(hash, request.body);
  }
  add(hash, static_cast<std::int64_t>(content.updates.size()));
  for (const UpdateRow& update : content.updates) {
    add(hash, update.weight);
    add(hash, update.sha256);
  }
  add(hash, static_cast<std::int64_t>(content.facts.size()));
  for (const Fact& fact : content.facts) {
    for (const std::string* field : {&fact.subject, &fact.relation, &fact.object, &fact.sentence}) {
      add(hash, *field);
    }
  }
  if (content.state.empty()) return hash.hex();  // as before there were states
  add(hash, static_cast<std::int64_t>(content.state.size()));
  for (const UpdateRow& kept : content.state) {
    add(hash, kept.weight);
    add(hash, kept.sha256);
  }
  return hash.hex();
}

std::string edit_id(std::string_view content, std::string_view parent, std::string_view run) {
  return short_id({"edit", content, parent, run});
}

std::string commit_id(std::string_view kind, std::string_view edit, std::string_view parent) {
  return short_id({"commit", kind, edit, parent});
}

std::string run_id(std::string_view name, std::string_view config, std::string_view header,
                   std::int64_t sequence) {
  return short_id({"run", name, config, header, fmt::to_string(sequence)});
}

}  // namespace kedit
