#pragma once

#include "editors/locate/second_moment.hpp"

#include <cstdint>
#include <filesystem>

namespace kedit::locate {

/// The statistics file of ROME's `layer_stats`, which MEMIT, AlphaEdit and EasyEdit share: a NumPy
/// archive with `mom2.mom2` [width, width] float32 or float64, the sum of k k^T, and `mom2.count`,
/// the number of keys. The matrix that is returned is the sum over the count, in the file's type.
/// Throws `StatisticsError` for every fault of the archive, its headers and shapes; whether the
/// numbers are a second moment is checked by who asks (`read_second_moment`).
SecondMoment read_npz_moment(const std::filesystem::path& file, std::int64_t width);

}  // namespace kedit::locate
