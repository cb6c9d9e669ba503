#pragma once

#include <exception>
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

/// The message of whatever `act` throws, or "no error thrown".
template <class Act>
std::string message_of(const Act& act) {
  return thrown_message<std::exception>(act);
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
