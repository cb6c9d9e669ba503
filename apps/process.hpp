#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kedit::cli {

/// Makes sure that descriptors 0, 1 and 2 are taken, so that no data file ever becomes "standard
/// output" of a process started without one, and turns SIGPIPE into an error of write().
void prepare_descriptors();

/// Lets the C library keep freed blocks of up to 32 MB instead of giving them back to the system:
/// steps of an optimisation ask for the same ones again, and each new page costs a fault. (Where it
/// is glibc; elsewhere nothing.)
void keep_freed_memory();

/// SIGINT and SIGTERM: with `gently` the first one only raises the stop flag, a second one ends the
/// process; without, the first one ends it. Exit code 130.
void watch_signals(bool gently);
bool stop_requested();

/// Cores this process may run on.
int usable_cores();

/// Folder of the running executable, links resolved; empty when the system does not tell.
std::filesystem::path executable_directory();

/// Starts this program `count` times with `words` as its command line and RANK and WORLD_SIZE set,
/// standard output thrown away, and waits for all. A stop request is passed on to them. Returns 0
/// when all returned 0; 130 when one was interrupted; else the code of the first that failed.
int run_copies(const std::vector<std::string>& words, std::int64_t count);

std::string program_version();  ///< "0.1.0"
std::string version_text();     ///< `kedit --version`: version, LibTorch version, devices.

}  // namespace kedit::cli
