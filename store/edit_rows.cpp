#include "store/edit_rows.hpp"

#include "edits/hash.hpp"
#include "edits/request_json.hpp"
#include "store/figures_json.hpp"
#include "store/schema.hpp"
#include "store/store_impl.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kedit {
namespace {

void insert_updates(Connection& connection, const std::string& edit, const EditContent& content) {
  Statement insert = connection.statement(
      "INSERT INTO edit_updates (edit, position, weight, kind, dtype, row_count, column_count, "
      "matrix_rank, sha256, factors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const UpdateRow& row : content.updates) {
    insert.with(edit, position++, row.weight, row.kind, row.dtype, row.rows, row.columns, row.rank,
                row.sha256, row.factors);
    insert.run();
    insert.reset();
  }
}

void insert_state(Connection& connection, const std::string& edit, const EditContent& content) {
  Statement insert = connection.statement(
      "INSERT INTO edit_state (edit, position, name, dtype, row_count, column_count, sha256, "
      "tensor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const UpdateRow& row : content.state) {
    insert.with(edit, position++, row.weight, row.dtype, row.rows, row.columns, row.sha256,
                row.factors);
    insert.run();
    insert.reset();
  }
}

void insert_requests(Connection& connection, const std::string& edit, const EditContent& content) {
  Statement insert = connection.statement(
      "INSERT INTO requests (edit, position, request_id, subject, prompt, target_new, body) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const RequestRow& row : content.requests) {
    insert.with(edit, position++, row.has_id ? std::optional(row.id) : std::nullopt, row.subject,
                row.prompt, row.target_new, row.has_body ? std::optional(row.body) : std::nullopt);
    insert.run();
    insert.reset();
  }
}

void insert_facts(Connection& connection, const std::string& edit, const EditContent& content) {
  Statement insert = connection.statement(
      "INSERT INTO facts (edit, position, subject, relation, object, sentence) "
      "VALUES (?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const Fact& fact : content.facts) {
    insert.with(edit, position++, fact.subject, fact.relation, fact.object, fact.sentence);
    insert.run();
    insert.reset();
  }
}

bool is_there_already(Connection& connection, const EditRow& row) {
  const std::optional<EditRow> stored = read_edit_row(connection, row.id);
  if (!stored) return false;
  if (stored->content_sha256 == row.content_sha256 && stored->parent == row.parent &&
      stored->run == row.run) {
    return true;
  }
  throw StoreError(
      StoreError::Kind::conflict,
      connection.where() + fmt::format("edit {} exists with another content; change the "
                                       "edit's settings or seed and make it again",
                                       row.id));
}

std::vector<UpdateRow> read_updates(Connection& connection, const std::string& edit) {
  std::vector<UpdateRow> rows;
  Statement query = connection.statement(
      "SELECT weight, kind, dtype, row_count, column_count, matrix_rank, sha256, factors "
      "FROM edit_updates WHERE edit = ? ORDER BY position");
  query.with(edit);
  while (query.step()) {
    rows.push_back({query.text(0), query.text(1), query.text(2), query.integer(3), query.integer(4),
                    query.integer(5), query.text(6), query.blob(7)});
  }
  return rows;
}

std::vector<UpdateRow> read_state(Connection& connection, const std::string& edit) {
  std::vector<UpdateRow> rows;
  Statement query = connection.statement(
      "SELECT name, dtype, row_count, column_count, sha256, tensor FROM edit_state "
      "WHERE edit = ? ORDER BY position");
  query.with(edit);
  while (query.step()) {
    const std::int64_t height = query.integer(2);
    const std::int64_t width = query.integer(3);
    rows.push_back({query.text(0), "dense", query.text(1), height, width, std::min(height, width),
                    query.text(4), query.blob(5)});
  }
  return rows;
}

std::vector<RequestRow> read_requests(Connection& connection, const std::string& edit) {
  std::vector<RequestRow> rows;
  Statement query = connection.statement(
      "SELECT request_id, subject, prompt, target_new, body FROM requests WHERE edit = ? "
      "ORDER BY position");
  query.with(edit);
  while (query.step()) {
    rows.push_back({!query.is_null(0), query.text(0), query.text(1), query.text(2), query.text(3),
                    !query.is_null(4), query.text(4)});
  }
  return rows;
}

std::vector<Fact> read_facts(Connection& connection, const std::string& edit) {
  std::vector<Fact> facts;
  Statement query = connection.statement(
      "SELECT subject, relation, object, sentence FROM facts WHERE edit = ? ORDER BY position");
  query.with(edit);
  while (query.step()) {
    facts.push_back({query.text(0), query.text(1), query.text(2), query.text(3)});
  }
  return facts;
}

WeightUpdate decoded(const Connection& connection, const EditRow& edit, const UpdateRow& row) {
  const auto damaged = [&](const std::string& reason) {
    return StoreError(StoreError::Kind::corrupt,
                      connection.where() + fmt::format("edit {}: factors of {}: {}; restore the "
                                                       "store from a copy",
                                                       edit.id, row.weight, reason));
  };
  const std::string found = Sha256().update(row.factors.data(), row.factors.size()).hex();
  if (found != row.sha256) {
    throw damaged(fmt::format("expected SHA-256 {}, found {}", row.sha256, found));
  }
  try {
    WeightUpdate update = decode_update(row.factors);
    update.weight = row.weight;
    return update;
  } catch (const DeltaError& error) {
    throw damaged(error.what());
  }
}

// What `read` makes of a text of the store; null for an empty one.
template <typename Read>
auto read_text(const Connection& connection, const std::string& edit, const std::string& text,
               const char* field, const Read& read) {
  try {
    const std::string origin =
        fmt::format("{}: edit {}: {}", connection.file().string(), edit, field);
    const Json json = text.empty() ? Json() : parse_json(text, origin);
    return read(JsonView(json, origin));
  } catch (const JsonError& error) {
    throw StoreError(StoreError::Kind::corrupt,
                     fmt::format("{}; run kedit store verify", error.what()));
  }
}

Json settings_from_json(const JsonView& json) {
  if (!json.value().is_null() && !json.value().is_object()) json.fail("an object");
  return json.value();
}

}  // namespace

void insert_edit(Connection& connection, const EditRow& row, const EditContent& content) {
  if (is_there_already(connection, row)) return;
  connection
      .statement(
          "INSERT INTO edits (id, content_sha256, parent, run, model, kind, editor, settings, "
          "diagnostics, diagnostics_sha256, forced, created, program) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .with(row.id, row.content_sha256, row.parent, row.run, content.model,
            content.updates.empty() ? "facts" : "weights", content.editor, content.settings,
            row.diagnostics, row.diagnostics_sha256, row.forced, utc_now(), store_program())
      .run();
  insert_updates(connection, row.id, content);
  insert_requests(connection, row.id, content);
  insert_facts(connection, row.id, content);
  insert_state(connection, row.id, content);
}

std::optional<EditRow> read_edit_row(Connection& connection, const std::string& id) {
  Statement query = connection.statement(
      "SELECT content_sha256, parent, run, diagnostics, diagnostics_sha256, forced FROM edits "
      "WHERE id = ?");
  query.with(id);
  if (!query.step()) return std::nullopt;
  EditRow row;
  row.id = id;
  row.content_sha256 = query.text(0);
  if (!query.is_null(1)) row.parent = query.text(1);
  if (!query.is_null(2)) row.run = query.text(2);
  row.diagnostics = query.text(3);
  row.diagnostics_sha256 = query.text(4);
  row.forced = query.integer(5) != 0;
  return row;
}

EditContent read_content(Connection& connection, const std::string& id, Factors factors) {
  EditContent content;
  {
    Statement query =
        connection.statement("SELECT editor, settings, model FROM edits WHERE id = ?");
    query.with(id);
    if (query.step()) {
      content.editor = query.text(0);
      content.settings = query.text(1);
      content.model = query.text(2);
    }
  }
  if (factors == Factors::read) {
    content.updates = read_updates(connection, id);
    content.state = read_state(connection, id);
  }
  content.requests = read_requests(connection, id);
  content.facts = read_facts(connection, id);
  return content;
}

EditRequest request_of(const Connection& connection, const std::string& edit,
                       const RequestRow& row) {
  EditRequest request;
  if (row.has_body) {
    request = read_text(connection, edit, row.body, "request", request_from_json);
  } else {
    request.subject = row.subject;
    request.prompt = row.prompt;
    request.target_new = row.target_new;
  }
  if (row.has_id) request.id = row.id;
  return request;
}

EditFigures figures_of(const Connection& connection, const EditRow& row) {
  if (row.diagnostics.empty()) return {};
  return read_text(connection, row.id, row.diagnostics, "diagnostics", figures_from_json);
}

EditDelta delta_of(const Connection& connection, const EditRow& row, const EditContent& content) {
  EditDelta delta;
  delta.editor = content.editor;
  delta.settings = read_text(connection, row.id, content.settings, "settings", settings_from_json);
  delta.base_fingerprint = content.model;
  delta.figures = figures_of(connection, row);
  delta.facts = content.facts;
  for (const RequestRow& request : content.requests) {
    delta.requests.push_back(request_of(connection, row.id, request));
  }
  for (const UpdateRow& update : content.updates) {
    delta.updates.push_back(decoded(connection, row, update));
  }
  for (const UpdateRow& kept : content.state) {
    WeightUpdate read = decoded(connection, row, kept);
    const auto* tensor = std::get_if<Dense>(&read.update);
    if (tensor == nullptr) {
      throw StoreError(StoreError::Kind::corrupt,
                       connection.where() + fmt::format("edit {}: state {}: expected a matrix, "
                                                        "found factors; restore the store from a "
                                                        "copy",
                                                        row.id, kept.weight));
    }
    delta.state.push_back({std::move(read.weight), tensor->change});
  }
  return delta;
}

}  // namespace kedit
