#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// A small part of the Jinja template language: what the chat templates of language models use.
namespace kedit::jinja {

/// A template is damaged, uses what is not supported, or failed while rendering.
class TemplateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Value;
using List = std::vector<Value>;

/// Keys in the order of insertion; there are few of them.
struct Dict {
  std::vector<std::pair<std::string, Value>> items;
  bool is_namespace = false;  ///< Only these may be assigned to.

  const Value* find(std::string_view key) const;
  void set(const std::string& key, Value value);
};

struct Arguments {
  List positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at a place or of a name; nothing (undefined) when it was not given.
  Value get(std::size_t place, std::string_view name) const;
};

using Function = std::function<Value(const Arguments&)>;

/// A value of the language. Lists and dictionaries are shared and never change once made, except
/// namespaces.
class Value {
 public:
  struct Undefined {};
  using Data =
      std::variant<Undefined, std::nullptr_t, bool, std::int64_t, double, std::string,
                   std::shared_ptr<List>, std::shared_ptr<Dict>, std::shared_ptr<Function>>;

  Value() = default;
  explicit Value(Data data) : data_(std::move(data)) {}
  static Value none() { return Value(Data(nullptr)); }
  static Value of(bool value) { return Value(Data(value)); }
  static Value of(std::int64_t value) { return Value(Data(value)); }
  static Value of(double value) { return Value(Data(value)); }
  static Value of(std::string value) { return Value(Data(std::move(value))); }
  static Value of(List list) { return Value(Data(std::make_shared<List>(std::move(list)))); }
  static Value of(Dict dict) { return Value(Data(std::make_shared<Dict>(std::move(dict)))); }
  static Value of(Function function) {
    return Value(Data(std::make_shared<Function>(std::move(function))));
  }
  static Value from_json(const Json& json);

  bool undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<std::nullptr_t>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const List* list() const;
  const Dict* dict() const;
  Dict* mutable_dict() const;
  const Function* function() const;

  bool truth() const;
  bool is_number() const {
    return integer() != nullptr || real() != nullptr || boolean() != nullptr;
  }
  double number() const;              ///< Throws for what is no number.
  std::int64_t whole_number() const;  ///< Throws for what is no integer.
  const std::string& text() const;    ///< Throws for what is no string.
  List elements() const;              ///< What a loop runs over. Throws for what has no elements.

  std::string shown() const;                    ///< As printed in the output.
  std::string repr() const;                     ///< As a part of a printed list.
  std::string json(std::int64_t indent) const;  ///< `indent` < 0: one line.
  std::string kind() const;

  bool operator==(const Value& other) const;

 private:
  void write_json(std::string& out, std::int64_t indent, std::int64_t level) const;

  Data data_;
};

[[noreturn]] void fail(const std::string& message);

}  // namespace kedit::jinja
