#pragma once

#include <string>

/// The message of the `Error` that `act` throws, or "no error thrown".
template <class Error, class Act>
std::string thrown_message(const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error thrown";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
