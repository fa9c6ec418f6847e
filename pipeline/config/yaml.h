#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kernels/device/options.h"
#include "pipeline/support/nearest.h"

namespace serenade {

/// A value in a YAML file that knows where it stands, so that every complaint about it can name
/// file, line and key: "configs/demo.yaml:12: training.epochs: ...".
class ConfigNode {
 public:
  /// Throws ConfigError naming the file and line where the text is not UTF-8, not YAML or more than
  /// one document, where a key stands twice or an alias (*name) at all, or where the file is longer
  /// than 1 MiB.
  static ConfigNode load(const std::filesystem::path& path);
  static ConfigNode parse(const std::string& text, const std::string& file_name);

  /// Sets a value from the command line: "training.epochs=3", "model.layers.0.conv1d.filters=8".
  /// The value is YAML, under the same rules. Whether the key exists is found out when the options
  /// are read.
  void apply_override(std::string_view assignment);

  bool defined() const { return node_.IsDefined(); }
  bool is_null() const { return !node_.IsDefined() || node_.IsNull(); }
  bool is_map() const { return node_.IsDefined() && node_.IsMap(); }
  bool is_sequence() const { return node_.IsDefined() && node_.IsSequence(); }
  bool is_scalar() const { return node_.IsDefined() && node_.IsScalar(); }
  /// The text of a scalar; fails where it is a map or a list.
  std::string scalar() const;
  /// True for a scalar written in quotes: always a string, never a number.
  bool is_quoted() const { return node_.Tag() == "!"; }

  ConfigNode child(const std::string& key) const;
  /// The same, and takes the key out of here.
  ConfigNode take(const std::string& key);
  /// The value as flow YAML, which reads back as the same.
  std::string text() const;
  std::vector<std::string> keys() const;
  /// The items of a list; fails where it is none.
  std::vector<ConfigNode> items() const;

  /// An item of the form `name` or `name: {options}`, as lists of features and layers have.
  /// `options` is an undefined node in the first form.
  struct Named;
  Named named() const;

  const std::string& path() const { return path_; }
  /// Throws ConfigError: "FILE:LINE: KEY: message", or "command line: KEY: message" of a value from
  /// there; of a key that has values from there below it, they are named too.
  [[noreturn]] void fail(std::string_view message) const;
  /// Throws ConfigError unless every key is one of `known`; names the nearest that is.
  void expect_keys(const std::vector<std::string>& known) const;

 private:
  struct Origin {
    std::string file;
    std::vector<std::string> overridden;  // key paths set on the command line
  };
  ConfigNode(const YAML::Node& node, std::string path, int line, std::shared_ptr<Origin> origin);
  std::string where() const;

  YAML::Node node_;
  std::string path_;
  int line_ = 0;  // of the nearest node that stands in the file
  std::shared_ptr<Origin> origin_;
};

struct ConfigNode::Named {
  std::string name;
  ConfigNode options;
};

/// Reads a value of an option from its node; where the node is undefined the value stays as it is.
/// A type of one's own takes part by `void from_config(const ConfigNode&, T&)` and
/// `std::string option_text(const T&)` (flow YAML) in its namespace.
template <class T>
void read_value(const ConfigNode& node, T& value, const Range& range = {});

/// Reads an option struct: unknown keys, wrong types and values out of range are ConfigErrors that
/// name file, line and key. Keys that are absent keep their defaults.
template <OptionStruct T>
void read_options(const ConfigNode& node, T& options);

/// An option struct as block YAML with every key spelled out; reading it back gives the same.
std::string to_yaml(const std::string& canonical);

namespace detail {

bool parse_bool(const ConfigNode& node);
int parse_int(const ConfigNode& node);
std::uint64_t parse_unsigned(const ConfigNode& node);
double parse_double(const ConfigNode& node);
int parse_choice(const ConfigNode& node, const std::vector<std::string>& names);
void check_range(const ConfigNode& node, double value, const Range& range);

struct NamesVisitor {
  std::vector<std::string> names;
  template <class T>
  void operator()(std::string_view name, T&, Range, std::string_view) {
    names.emplace_back(name);
  }
};

struct ReadVisitor {
  const ConfigNode& node;
  template <class T>
  void operator()(std::string_view name, T& value, Range range, std::string_view) const {
    const ConfigNode child = node.child(std::string(name));
    if (child.defined()) read_value(child, value, range);
  }
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

}  // namespace detail

template <class T>
void read_value(const ConfigNode& node, T& value, const Range& range) {
  if (!node.defined()) return;
  if constexpr (requires { from_config(node, value); }) {
    from_config(node, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    value = detail::parse_bool(node);
  } else if constexpr (std::is_same_v<T, int>) {
    value = detail::parse_int(node);
    detail::check_range(node, value, range);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    value = detail::parse_unsigned(node);
    detail::check_range(node, static_cast<double>(value), range);
  } else if constexpr (std::is_same_v<T, double>) {
    value = detail::parse_double(node);
    detail::check_range(node, value, range);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = node.scalar();
  } else if constexpr (OptionEnum<T>) {
    const auto names = enum_names(value);
    value = static_cast<T>(detail::parse_choice(node, {names.begin(), names.end()}));
  } else if constexpr (detail::IsOptional<T>::value) {
    if (node.is_null()) {
      value.reset();
    } else {
      read_value(node, value.emplace(), range);
    }
  } else if constexpr (detail::IsVector<T>::value) {
    value.clear();
    for (const ConfigNode& item : node.items()) read_value(item, value.emplace_back(), range);
  } else if constexpr (detail::IsMap<T>::value) {
    if (!node.is_null() && !node.is_map())
      node.fail("expected names and values here: {name: value}");
    value.clear();
    for (const std::string& key : node.keys()) read_value(node.child(key), value[key], range);
  } else {
    static_assert(OptionStruct<T>, "no way to read this type from YAML");
    read_options(node, value);
  }
}

template <OptionStruct T>
void read_options(const ConfigNode& node, T& options) {
  if (node.is_null()) return;
  if (!node.is_map()) node.fail("expected keys and values here");
  detail::NamesVisitor names;
  T::fields(options, names);
  node.expect_keys(names.names);
  const detail::ReadVisitor reader{node};
  T::fields(options, reader);
}

}  // namespace serenade
