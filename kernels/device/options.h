#pragma once

#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kernels/device/error.h"

namespace serenade {

/// Closed range of an option's values; `open_low` leaves the lower end out.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;
};

/// Every option struct lists its fields once, next to their defaults, and everything else follows
/// from the list: reading YAML with errors that name the key, ranges, the canonical text that
/// caches and models are keyed by, the resolved configuration, the reference page.
///
///     struct MelOptions {
///       int n_mels = 128;
///       double fmin = 0;
///       template <class Self, class Visitor>
///       static void fields(Self& self, Visitor& visit) {
///         visit("n_mels", self.n_mels, Range{1, 4096}, "number of mel bands");
///         visit("fmin", self.fmin, Range{0}, "lowest frequency, Hz");
///       }
///     };
///
/// Fields are bool, int, std::uint64_t, double, std::string, an enum with names, another option
/// struct, or std::optional or std::vector of those, or a std::map from text to those. An enum
/// states its names in order of value:
///
///     enum class Padding { same, valid };
///     constexpr auto enum_names(Padding) { return std::to_array<std::string_view>({"same",
///     "valid"}); }
template <class T>
concept OptionEnum = std::is_enum_v<T> && requires(T value) {
  enum_names(value);
};

namespace detail {
struct AnyVisitor {
  template <class T>
  void operator()(std::string_view, T&, Range, std::string_view) {}
};
}  // namespace detail

template <class T>
concept OptionStruct = requires(T& value, detail::AnyVisitor& visit) {
  T::fields(value, visit);
};

template <OptionEnum E>
constexpr std::string_view enum_name(E value) {
  return enum_names(value)[static_cast<std::size_t>(value)];
}

/// Shortest decimal that reads back as the same number.
inline std::string shortest(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

/// How an option's value is written: flow YAML that reads back as the same value. A type of one's
/// own in an option struct brings its own `option_text` in its namespace.
inline std::string option_text(bool value) { return value ? "true" : "false"; }
inline std::string option_text(int value) { return std::to_string(value); }
inline std::string option_text(std::uint64_t value) { return std::to_string(value); }
inline std::string option_text(double value) { return shortest(value); }
/// Always quoted, so that no string can be taken for a number, a key or a comment.
inline std::string option_text(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text + "\"";
}
template <OptionEnum E>
std::string option_text(E value) {
  return std::string(enum_name(value));
}
template <OptionStruct T>
std::string option_text(const T& value);
template <class T>
std::string option_text(const std::optional<T>& value) {
  return value ? option_text(*value) : "null";
}
template <class T>
std::string option_text(const std::vector<T>& values) {
  std::string text = "[";
  for (const auto& value : values) {
    if (text.size() > 1) text += ", ";
    text += option_text(value);
  }
  return text + "]";
}

template <class T>
std::string option_text(const std::map<std::string, T>& values) {
  std::string text = "{";
  for (const auto& [key, value] : values) {
    if (text.size() > 1) text += ", ";
    text += option_text(key) + ": " + option_text(value);
  }
  return text + "}";
}

namespace detail {

struct TextVisitor {
  std::string text;
  template <class T>
  void operator()(std::string_view name, const T& value, Range, std::string_view) {
    if (!text.empty()) text += ", ";
    text += std::string(name) + ": " + option_text(value);
  }
};

struct RangeVisitor {
  template <class T>
  void operator()(std::string_view name, const T& value, Range range, std::string_view) const {
    if constexpr (std::is_same_v<T, int> || std::is_same_v<T, double> ||
                  std::is_same_v<T, std::uint64_t>) {
      const auto number = static_cast<double>(value);
      const bool low_ok = range.open_low ? number > range.low : number >= range.low;
      if (!(low_ok && number <= range.high)) {
        throw ConfigError(std::string(name) + " is " + option_text(value) + " but must be " +
                          describe(range));
      }
    } else if constexpr (OptionStruct<T>) {
      T::fields(value, *this);
    }
  }
  template <class T>
  void operator()(std::string_view name, const std::optional<T>& value, Range range,
                  std::string_view text) const {
    if (value) (*this)(name, *value, range, text);
  }
  template <class T>
  void operator()(std::string_view name, const std::vector<T>& values, Range range,
                  std::string_view text) const {
    for (const auto& value : values) (*this)(name, value, range, text);
  }
  static std::string describe(Range range) {
    const bool low = range.low != -std::numeric_limits<double>::infinity();
    const bool high = range.high != std::numeric_limits<double>::infinity();
    const std::string at_least = range.open_low ? "more than " : "at least ";
    if (low && high) return at_least + shortest(range.low) + " and at most " + shortest(range.high);
    if (low) return at_least + shortest(range.low);
    return "at most " + shortest(range.high);
  }
};

}  // namespace detail

template <OptionStruct T>
std::string option_text(const T& value) {
  detail::TextVisitor visitor;
  T::fields(value, visitor);
  return "{" + visitor.text + "}";
}

/// One canonical text for an option struct: every field, in order, defaults included.
template <OptionStruct T>
std::string canonical_text(const T& options) {
  return option_text(options);
}

/// Throws ConfigError naming the first field that is out of its range.
template <OptionStruct T>
void check_ranges(const T& options) {
  const detail::RangeVisitor visitor;
  T::fields(options, visitor);
}

}  // namespace serenade
