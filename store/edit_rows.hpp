#pragma once

#include "store/database.hpp"
#include "store/identity.hpp"

#include <optional>
#include <string>

namespace kedit {

/// What an edit hangs on and how it came to be, beside its content.
struct EditRow {
  std::string id;
  std::string content_sha256;
  std::optional<std::string> parent;  ///< previous edit of the branch
  std::optional<std::string> run;     ///< the run that it was made for
  std::string diagnostics;            ///< the figures, JSON (figures_json.hpp); empty for none
  std::string diagnostics_sha256;
  bool forced = false;
};

/// Writes an edit with all its rows. Nothing happens when the same edit is there already; another
/// content under the same id is a conflict.
void insert_edit(Connection& connection, const EditRow& row, const EditContent& content);

std::optional<EditRow> read_edit_row(Connection& connection, const std::string& id);
enum class Factors { read, leave };

/// The content of an existing edit; the factors are not decoded and not checked here, or left out.
EditContent read_content(Connection& connection, const std::string& id,
                         Factors factors = Factors::read);
/// The delta again, its texts read. Throws `StoreError` (corrupt) when factors do not match their
/// checksum or a text does not hold what it should.
EditDelta delta_of(const Connection& connection, const EditRow& row, const EditContent& content);

}  // namespace kedit
