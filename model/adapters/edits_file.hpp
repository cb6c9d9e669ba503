#pragma once

#include "edits/request.hpp"
#include "json/json.hpp"
#include "model/edited_model.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kedit::adapters {

/// Lies beside what is exported and says which edits are in it.
inline constexpr const char* kEditsFile = "kedit_edits.json";

/// {"model": fingerprint of the base, "edits": [{"id", "editor", "requests": []}]}, in the order of
/// mounting.
Json edits_document(const EditedModel& model);

/// What an exported model or adapter says about itself.
struct RecordedEdits {
  std::string model;                  ///< Fingerprint of the base; empty when it does not tell.
  std::vector<EditRequest> requests;  ///< Checked.
};

/// Of the directory's kedit_edits.json; nothing when there is none. Throws `JsonError`,
/// `RequestError`.
RecordedEdits read_recorded_edits(const std::filesystem::path& directory);

}  // namespace kedit::adapters
