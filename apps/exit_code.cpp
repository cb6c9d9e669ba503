#include "apps/exit_code.hpp"

#include "apps/command.hpp"
#include "apps/output.hpp"
#include "datasets/mquake.hpp"
#include "editors/editor.hpp"
#include "edits/delta.hpp"
#include "edits/request.hpp"
#include "model/model.hpp"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <new>
#include <string_view>

namespace kedit::cli {
namespace {

// One line without control characters: a file name must not be able to drive the terminal.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, text.find('\n'))) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return line;
}

// Readers and writers share their error types; the act that opens the sentence tells them apart. A
// file that cannot be written is no bad input.
int code_of_file_error(std::string_view sentence) {
  return sentence.rfind("writing ", 0) == 0 ? kFailed : kBadInput;
}

int code_of(const StoreError& error) {
  switch (error.kind()) {
    case StoreError::Kind::busy:
    case StoreError::Kind::conflict:
    case StoreError::Kind::corrupt:
      return kStoreTrouble;
    case StoreError::Kind::unusable:
    case StoreError::Kind::absent:
      return kBadInput;
    case StoreError::Kind::io:
      return kFailed;
  }
  return kFailed;
}

Verdict judge_engine(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  if (text.find("can't allocate memory") != std::string::npos ||
      text.find("out of memory") != std::string::npos) {
    return {kNoMemoryOrDevice, "not enough memory; use a smaller model, --dtype or batch"};
  }
  return {kFailed, fmt::format("the tensor engine failed: {}", one_line(text))};
}

}  // namespace

Verdict judge(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const OutputClosed&) {
    return {kFailed, ""};
  } catch (const UsageError& error) {
    return {kUsage, one_line(error.what())};
  } catch (const Interrupted& error) {
    return {kInterrupted, one_line(error.what())};
  } catch (const StoreError& error) {
    return {code_of(error), one_line(error.what())};
  } catch (const DeviceError& error) {
    return {kNoMemoryOrDevice, one_line(error.what())};
  } catch (const JsonError& error) {
    return {code_of_file_error(error.what()), one_line(error.what())};
  } catch (const ModelError& error) {
    return {code_of_file_error(error.what()), one_line(error.what())};
  } catch (const TokenizerError& error) {
    return {code_of_file_error(error.what()), one_line(error.what())};
  } catch (const DataError& error) {
    return {code_of_file_error(error.what()), one_line(error.what())};
  } catch (const RequestError& error) {
    return {kBadInput, one_line(error.what())};
  } catch (const DeltaError& error) {
    return {kBadInput, one_line(error.what())};
  } catch (const SetupError& error) {
    return {kBadInput, one_line(error.what())};
  } catch (const InputError& error) {
    return {kBadInput, one_line(error.what())};
  } catch (const std::bad_alloc&) {
    return {kNoMemoryOrDevice, "not enough memory"};
  } catch (const c10::Error& error) {
    return judge_engine(error);
  } catch (const std::logic_error& error) {
    return {kFailed,
            fmt::format("a fault of kedit itself, please report it: {}", one_line(error.what()))};
  } catch (const std::exception& error) {
    return {kFailed, one_line(error.what())};
  }
}

}  // namespace kedit::cli
