#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

/// How large a value may become, so that a hostile template cannot exhaust memory or the stack.
constexpr std::uint32_t kDeepestValue = 100;          // lists and dictionaries within each other
constexpr std::uint32_t kHeaviestValue = 16U << 20U;  // bytes of text, and 32 for each value in it

/// Keys in the order of insertion; there are few of them.
struct Dict {
  std::vector<std::pair<std::string, Value>> items;
  bool is_namespace = false;  ///< Only these may be assigned to.
  bool is_loop = false;       ///< The variable "loop": it has attributes, but is no dictionary.

  const Value* find(std::string_view key) const;
  void set(const std::string& key, Value value);
};

struct Arguments {
  List positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at a place or of a name; nothing (undefined) when it was not given.
  Value get(std::size_t place, std::string_view name) const;
  bool given(std::size_t place, std::string_view name) const;
  /// Throws unless the arguments fit `parameters`: "old, new, count=" are names in their places, a
  /// "=" after those that may be left out; "/" at the front: none of them may be given by name.
  /// `called` names what is called.
  void check(std::string_view called, std::string_view parameters) const;
  std::size_t weight() const;  ///< Of all of them.
};

using Function = std::function<Value(const Arguments&)>;

/// What a sequence is in Python: it decides how it is printed and what can be done with it.
enum class Sequence : std::uint8_t {
  list,
  tuple,
  keys,  // of a dictionary: dict_keys([...])
  values,
  items,
  range,
  iterator,  ///< Gives its elements once; has no length and no places.
};

/// An integer beyond 63 bits: it can be printed and compared, not computed with.
struct LargeInteger {
  std::string digits;
};

/// A value of the language. Strings, lists and dictionaries are shared and never change once made,
/// except namespaces, which can therefore be in no list or dictionary. Making one that is too large
/// or too deep throws.
class Value {
 public:
  struct Undefined {};
  using Data =
      std::variant<Undefined, std::nullptr_t, bool, std::int64_t, double,
                   std::shared_ptr<const std::string>, std::shared_ptr<List>, std::shared_ptr<Dict>,
                   std::shared_ptr<Function>, std::shared_ptr<const LargeInteger>>;

  Value() = default;
  static Value none() { return Value(Data(nullptr)); }
  static Value of(bool value) { return Value(Data(value)); }
  static Value of(std::int64_t value) { return Value(Data(value)); }
  static Value of(double value) { return Value(Data(value)); }
  static Value of(std::string value);
  static Value of(List list, Sequence kind = Sequence::list);
  static Value of(Dict dict);
  static Value of(Function function);
  /// A function that holds `self`, whose depth and size it therefore has.
  static Value method(Function function, const Value& self);
  static Value from_json(const Json& json);

  bool undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<std::nullptr_t>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* string() const;
  const LargeInteger* large_integer() const;
  const List* list() const;  ///< Of a list or tuple.
  bool is_tuple() const { return list() != nullptr && sequence_ == Sequence::tuple; }
  /// Of any sequence but an iterator, which has none.
  const List* counted() const;
  bool has_places() const { return list() != nullptr || sequence_ == Sequence::range; }
  bool is_iterator() const { return sequence_ == Sequence::iterator; }
  /// Of an iterator: the next element, undefined at the end.
  Value next() const;
  const Dict* dict() const;     ///< Of a namespace and a loop's variable, too.
  const Dict* mapping() const;  ///< Of a dictionary alone.
  const Function* function() const;

  /// Elements of a list or dictionary; 1 for everything else.
  std::size_t count() const;
  /// Bytes that going through the value once may read; a list's elements are not looked into.
  std::size_t size() const;
  /// The same with all elements within elements.
  std::size_t weight() const { return weight_; }
  /// Whether no other value shares the text, list or dictionary: it was made just now.
  bool is_new() const;
  /// Gives a namespace's name a value.
  void assign(const std::string& name, Value value) const;

  bool truth() const;
  bool is_number() const {
    return integer() != nullptr || real() != nullptr || boolean() != nullptr;
  }
  double number() const;              ///< Throws for what is no number.
  long double exact_number() const;   ///< The same, for comparisons.
  std::int64_t whole_number() const;  ///< Throws for what is no integer.
  const std::string& text() const;    ///< Throws for what is no string.
  List elements() const;              ///< What a loop runs over. Throws for what has none.

  std::string shown() const;  ///< As printed in the output.
  std::string repr() const;   ///< As a part of a printed list.

  /// How `json` writes, as Python's json.dumps.
  struct JsonStyle {
    std::optional<std::string> indent;  ///< Nothing: one line.
    std::string between = ", ", after_key = ": ";
    bool sort_keys = false, ascii = false;
  };
  std::string json(const JsonStyle& style) const;
  std::string kind() const;

  bool operator==(const Value& other) const;

 private:
  explicit Value(Data data) : data_(std::move(data)) {}
  void write_repr(std::string& out) const;
  void write_json(std::string& out, const JsonStyle& style, std::size_t level) const;
  void write_sequence(std::string& out) const;
  const List* sequence() const;
  template <typename Items>
  void measure(const Items& items);

  Data data_;
  std::uint32_t depth_ = 0;
  std::uint32_t weight_ = 32;
  Sequence sequence_ = Sequence::list;
};

[[noreturn]] void fail(const std::string& message);

}  // namespace kedit::jinja
