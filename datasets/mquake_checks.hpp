#pragma once

#include "datasets/mquake.hpp"

#include <string>

namespace kedit {

/// Throws `DataError` unless the record's parts fit together. `origin`: "FILE: case 17".
void check_structure(const MquakeCase& mquake_case, const std::string& origin);

/// Throws `DataError` unless labels, answers and aliases agree, in each record and over the file.
void check_labels(const std::vector<MquakeCase>& cases, const std::string& file);

}  // namespace kedit
