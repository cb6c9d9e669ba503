#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kedit::cli {

/// The command line is wrong. Exit code 2. One sentence without the leading "kedit: ".
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One option (or positional argument) as a value: what is accepted, what stands in the help. Made
/// by the functions below: `integer("max-tokens", "N", "new tokens at
/// most").otherwise("64").at_least(1)`.
struct Option {
  enum class Kind { flag, text, integer, number };

  std::string name;  ///< Without the dashes.
  Kind kind = Kind::text;
  std::string value_name;  ///< "N", "FILE"; empty for a flag.
  std::string help;        ///< A clause in lower case, with the unit, without a full stop.
  bool is_required = false;
  bool is_repeated = false;
  std::optional<std::string> fallback;  ///< The value when the option is absent; shown in the help.
  std::string shown_fallback;           ///< Said in the help in place of a value: "the lab model".
  std::optional<double> lowest;
  std::optional<double> above;  ///< Open lower end.
  std::optional<double> highest;
  std::vector<std::string> choices;  ///< Empty: anything.

  Option& required();
  Option& repeated();                           ///< May be given several times; read with `list`.
  Option& otherwise(const std::string& value);  ///< Default value.
  Option& otherwise_said(
      const std::string& words);  ///< Default that only the program can work out.
  Option& at_least(double value);
  Option& more_than(double value);
  Option& at_most(double value);
  Option& one_of(std::vector<std::string> names);
};

Option flag(std::string name, std::string help);
Option text(std::string name, std::string value_name, std::string help);
Option integer(std::string name, std::string value_name, std::string help);
Option number(std::string name, std::string value_name, std::string help);

/// The checked values of one command line.
class Values {
 public:
  Values(std::vector<Option> declared, std::map<std::string, std::vector<std::string>> given);

  bool given(std::string_view name) const;  ///< The person wrote it (a default does not count).
  bool flag(std::string_view name) const;
  std::string text(
      std::string_view name) const;  ///< Given or default; throws `std::logic_error` if neither.
  std::optional<std::string> find(std::string_view name) const;  ///< Given or default.
  std::filesystem::path path(std::string_view name) const { return text(name); }
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  /// Which of `names` the person wrote; throws `UsageError` unless it is exactly one.
  std::string exactly_one(const std::vector<std::string>& names) const;

 private:
  const Option& declared(std::string_view name) const;

  std::vector<Option> declared_;
  std::map<std::string, std::vector<std::string>> given_;
};

/// Reads `words` against `options` and positional `arguments` (at most the last one repeated).
/// Throws `UsageError` for an unknown option (with the nearest name), a missing or superfluous
/// value, a value of the wrong kind or out of range, a repeated option that may stand once. `hint`
/// ends messages: "see kedit model info --help".
Values parse_options(const std::vector<Option>& options, const std::vector<Option>& arguments,
                     const std::vector<std::string>& words, const std::string& hint);

/// Whether `word` is the name of one of `options` that takes a value, "--name".
bool takes_value(const std::vector<Option>& options, std::string_view word);

/// "1,2,3" as integers; throws `UsageError` naming `option` and the element.
std::vector<std::int64_t> integer_list(std::string_view option, std::string_view text);

}  // namespace kedit::cli
