#pragma once

#include "edits/request.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kedit {

/// Reads edit requests, one JSON object a line: {"id"?, "subject", "prompt", "target_new",
/// "target_true"?, "rephrase"?: [], "relation"?}; targets also as {"str": ...} (reference form).
/// Throws `DataError` with file, line and field. `id` defaults to "STEM/LINE".
std::vector<EditRequest> read_requests(const std::filesystem::path& file);

/// The writing side; reading the result gives the same requests.
void write_requests(const std::filesystem::path& file, const std::vector<EditRequest>& requests);

/// "mquake:FILE", "counterfact:FILE" or "zsre:FILE"; `cases` as parse_case_selection, empty: all.
/// Distinct edits in first-occurrence order.
std::vector<EditRequest> read_dataset_requests(const std::string& format_and_file,
                                               const std::string& cases);

}  // namespace kedit
