#pragma once

#include <filesystem>
#include <string>

namespace kedit::cli {

/// Makes sure that descriptors 0, 1 and 2 are taken, so that no data file ever becomes "standard
/// output" of a process started without one, and turns SIGPIPE into an error of write().
void prepare_descriptors();

/// SIGINT and SIGTERM: with `gently` the first one only raises the stop flag, a second one ends the
/// process; without, the first one ends it. Exit code 130.
void watch_signals(bool gently);
bool stop_requested();

/// Cores this process may run on.
int usable_cores();

/// Folder of the running executable, links resolved; empty when the system does not tell.
std::filesystem::path executable_directory();

std::string program_version();  ///< "0.1.0"
std::string version_text();     ///< `kedit --version`: version, LibTorch version, devices.

}  // namespace kedit::cli
