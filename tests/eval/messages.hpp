#pragma once

#include <exception>
#include <string>

namespace kedit::testing {

/// The message of what `act` throws; empty when it throws nothing.
template <class Act>
std::string message_of(Act act) {
  try {
    act();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace kedit::testing
