#include "pipeline/config/yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <set>
#include <sstream>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"
#include "pipeline/support/one_line.h"
#include "pipeline/support/parse_number.h"
#include "pipeline/support/utf8.h"

namespace serenade {
namespace {

constexpr std::size_t max_config_bytes = std::size_t{1} << 20U;

/// Refuses aliases: a few lines of them stand for more nodes than any memory holds, or for a list
/// that is its own item. Hears the events of YAML's parser, as its nodes no longer tell.
class RefuseAliases : public YAML::EventHandler {
 public:
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases (*name) are not taken here; write the value out");
  }
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// Refuses whatever comes behind the first document, which nobody would read.
class RefuseDocument final : public RefuseAliases {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw YAML::ParserException(
        mark, "a second document, or text behind the end of the first; one is taken here");
  }
};

/// The only document of a text. YAML::Exception where there are more.
YAML::Node load_tree(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  RefuseAliases first;
  RefuseDocument second;
  if (parser.HandleNextDocument(first)) parser.HandleNextDocument(second);
  return YAML::Load(text);
}

/// What a message about a line of the text begins with: "FILE:LINE: ".
using Place = std::function<std::string(int line)>;

/// Everything of a configuration goes into files that are UTF-8: models, results, the report.
void expect_utf8(std::string_view text, const Place& place) {
  const std::string_view bad = from_first_bad_byte(text);
  if (bad.empty()) return;
  const auto before = text.substr(0, text.size() - bad.size());
  const auto line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  throw ConfigError(fmt::format(
      "{}byte \\x{:02x} is not UTF-8; write it as UTF-8, and reach a folder that is not "
      "named so by a link",
      place(line), static_cast<unsigned char>(bad.front())));
}

void refuse_repeated_keys(const YAML::Node& node, const Place& place) {
  if (node.IsSequence()) {
    for (const auto& item : node) refuse_repeated_keys(item, place);
  }
  if (!node.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    const std::string where = place(key.Mark().line + 1);
    if (!key.IsScalar()) throw ConfigError(where + "a key must be a plain name");
    if (!seen.insert(key.Scalar()).second) {
      throw ConfigError(
          fmt::format("{}key '{}' stands here a second time", where, one_line(key.Scalar())));
    }
    refuse_repeated_keys(entry.second, place);
  }
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

/// Sets `value` below `node` at the keys from `at` on.
void set_below(YAML::Node node, const std::vector<std::string>& keys, std::size_t at,
               const YAML::Node& value) {
  const std::string& key = keys[at];
  const bool last = at + 1 == keys.size();
  if (node.IsSequence()) {
    const auto index = parse_number<std::size_t>(key);
    if (!index || *index >= node.size()) {
      throw ConfigError(
          fmt::format("{}: '{}' must be the number of one of the {} items there, "
                      "counted from 0",
                      fmt::join(keys, "."), key, node.size()));
    }
    if (last) {
      node[*index] = value;
    } else {
      set_below(node[*index], keys, at + 1, value);
    }
    return;
  }
  if (node.IsScalar()) {
    throw ConfigError(fmt::format(
        "{}: '{}' is a plain value in the configuration and has no keys", fmt::join(keys, "."),
        fmt::join(keys.begin(), keys.begin() + static_cast<long>(at), ".")));
  }
  if (last) {
    node[key] = value;
  } else {
    set_below(node[key], keys, at + 1, value);
  }
}

}  // namespace

ConfigNode::ConfigNode(const YAML::Node& node, std::string path, int line,
                       std::shared_ptr<Origin> origin)
    : node_(node), path_(std::move(path)), line_(line), origin_(std::move(origin)) {
  if (node_.IsDefined() && !node_.Mark().is_null()) line_ = node_.Mark().line + 1;
}

ConfigNode ConfigNode::load(const std::filesystem::path& path) {
  return parse(read_file(path, max_config_bytes), path.string());
}

ConfigNode ConfigNode::parse(const std::string& text, const std::string& file_name) {
  const Place place = [&](int line) { return fmt::format("{}:{}: ", one_line(file_name), line); };
  expect_utf8(text, place);
  YAML::Node root;
  try {
    root = load_tree(text);
  } catch (const YAML::Exception& error) {
    throw ConfigError(one_line(
        fmt::format("{}:{}: not valid YAML: {}", file_name, error.mark.line + 1, error.msg)));
  }
  refuse_repeated_keys(root, place);
  return ConfigNode(root, "", 1, std::make_shared<Origin>(Origin{file_name, {}}));
}

void ConfigNode::apply_override(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw ConfigError(fmt::format("'{}' is not of the form key.path=value", one_line(assignment)));
  }
  const std::string path(assignment.substr(0, equals));
  std::vector<std::string> keys;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    if (dot == begin) throw ConfigError(fmt::format("'{}' has an empty key", path));
    keys.push_back(path.substr(begin, dot - begin));
    begin = dot + 1;
  }
  const Place place = [&](int) { return fmt::format("command line: {}: ", one_line(path)); };
  expect_utf8(assignment, place);
  YAML::Node value;
  try {
    value = load_tree(std::string(assignment.substr(equals + 1)));
  } catch (const YAML::Exception& error) {
    throw ConfigError(one_line(
        fmt::format("command line: {}: the value is not valid YAML: {}", path, error.msg)));
  }
  refuse_repeated_keys(value, place);
  set_below(node_, keys, 0, value);
  origin_->overridden.push_back(path);
}

std::string ConfigNode::scalar() const {
  if (!is_scalar()) fail("expected a single value here");
  return node_.Scalar();
}

ConfigNode ConfigNode::child(const std::string& key) const {
  // Reading a missing key of a const node does not create it.
  const YAML::Node& constant = node_;
  return ConfigNode(is_map() ? constant[key] : YAML::Node(YAML::NodeType::Undefined),
                    joined(path_, key), line_, origin_);
}

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : node_) names.push_back(entry.first.Scalar());
  return names;
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!is_sequence()) fail("expected a list here");
  std::vector<ConfigNode> all;
  for (std::size_t i = 0; i < node_.size(); ++i) {
    all.push_back(ConfigNode(node_[i], joined(path_, std::to_string(i)), line_, origin_));
  }
  return all;
}

ConfigNode::Named ConfigNode::named() const {
  if (is_scalar()) {
    const std::string name = node_.Scalar();
    return {name,
            ConfigNode(YAML::Node(YAML::NodeType::Undefined), joined(path_, name), line_, origin_)};
  }
  if (!is_map() || node_.size() != 1) {
    fail("expected a name, or one name with its options: 'name: {option: value}'");
  }
  const std::string name = node_.begin()->first.Scalar();
  return {name, child(name)};
}

std::string ConfigNode::where() const {
  std::vector<std::string> below;  // values that did not come from the file
  for (const std::string& overridden : origin_->overridden) {
    if (path_ == overridden || path_.starts_with(overridden + ".")) {
      return fmt::format("command line: {}", path_);
    }
    if (path_.empty() || overridden.starts_with(path_ + ".")) below.push_back(overridden);
  }
  std::string place = fmt::format("{}:{}", origin_->file, line_);
  if (!path_.empty()) place += ": " + path_;
  if (below.empty()) return place;
  return fmt::format("{} (with {} of the command line)", place, fmt::join(below, ", "));
}

void ConfigNode::fail(std::string_view message) const {
  // Escaped before it becomes an exception's text, which a zero byte would end.
  throw ConfigError(one_line(fmt::format("{}: {}", where(), message)));
}

void ConfigNode::expect_keys(const std::vector<std::string>& known) const {
  for (const std::string& key : keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    int line = line_;
    for (const auto& entry : node_) {
      const YAML::Mark mark = entry.first.Mark();
      if (entry.first.Scalar() == key && !mark.is_null()) line = mark.line + 1;
    }
    ConfigNode at(node_, joined(path_, key), line, origin_);
    at.line_ = line;
    const std::string hint = did_you_mean(key, known);
    at.fail(hint.empty() ? fmt::format("unknown key; known here: {}", fmt::join(known, ", "))
                         : "unknown key" + hint);
  }
}

namespace detail {

bool parse_bool(const ConfigNode& node) {
  const std::string text = node.scalar();
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  node.fail(fmt::format("'{}' is neither true nor false", text));
}

int parse_int(const ConfigNode& node) {
  const std::string text = node.scalar();
  const auto value = parse_number<int>(text);
  if (node.is_quoted() || !value) node.fail(fmt::format("'{}' is not a whole number", text));
  return *value;
}

std::uint64_t parse_unsigned(const ConfigNode& node) {
  const std::string text = node.scalar();
  const auto value = parse_number<std::uint64_t>(text);
  if (node.is_quoted() || !value) {
    node.fail(fmt::format("'{}' is not a whole number of 0 or more", text));
  }
  return *value;
}

double parse_double(const ConfigNode& node) {
  const std::string text = node.scalar();
  const auto value = parse_number<double>(text);
  if (node.is_quoted() || !value || !std::isfinite(*value)) {
    node.fail(fmt::format("'{}' is not a number", text));
  }
  return *value;
}

int parse_choice(const ConfigNode& node, const std::vector<std::string>& names) {
  const std::string text = node.scalar();
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    node.fail(fmt::format("'{}' is not one of {}{}", text, fmt::join(names, ", "),
                          did_you_mean(text, names)));
  }
  return static_cast<int>(found - names.begin());
}

void check_range(const ConfigNode& node, double value, const Range& range) {
  const bool low_ok = range.open_low ? value > range.low : value >= range.low;
  if (low_ok && value <= range.high) return;
  node.fail(fmt::format("{} is out of range: must be {}", shortest(value),
                        RangeVisitor::describe(range)));
}

}  // namespace detail

namespace {

/// A scalar as it must be written to be read back as the same: quotes only where needed.
std::string scalar_text(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() != "!") return text;
  const bool plain =
      !text.empty() && text != "null" && text != "Null" && text != "NULL" && text != "true" &&
      text != "false" && text != "~" && !parse_number<double>(text) &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) {
                    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '/' || c == '.';
                  }) &&
      text.front() != '-';
  return plain ? text : option_text(text);
}

bool all_scalars(const YAML::Node& node) {
  return std::all_of(node.begin(), node.end(),
                     [](const YAML::Node& item) { return item.IsScalar() || item.IsNull(); });
}

std::string flow(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return scalar_text(node);
  std::vector<std::string> parts;
  if (node.IsMap()) {
    for (const auto& entry : node) {
      parts.push_back(scalar_text(entry.first) + ": " + flow(entry.second));
    }
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  for (const auto& item : node) parts.push_back(flow(item));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

void block(const YAML::Node& node, int indent, std::string& out) {
  for (const auto& entry : node) {
    const YAML::Node& value = entry.second;
    out += fmt::format("{:{}}{}:", "", indent, scalar_text(entry.first));
    if (value.IsMap() && value.size() > 0) {
      out += '\n';
      block(value, indent + 2, out);
    } else if (value.IsSequence() && value.size() > 0 && !all_scalars(value)) {
      out += '\n';
      for (const auto& item : value) {
        // An item of one key reads best as `- conv1d: {...}`.
        const bool single = item.IsMap() && item.size() == 1;
        out += fmt::format(
            "{:{}}- {}\n", "", indent + 2,
            single ? scalar_text(item.begin()->first) + ": " + flow(item.begin()->second)
                   : flow(item));
      }
    } else {
      out += " " + flow(value) + "\n";
    }
  }
}

}  // namespace

ConfigNode ConfigNode::take(const std::string& key) {
  ConfigNode taken = child(key);
  if (taken.defined()) node_.remove(key);
  return taken;
}

std::string ConfigNode::text() const { return defined() ? flow(node_) : "null"; }

std::string to_yaml(const std::string& canonical) {
  std::string out;
  block(YAML::Load(canonical), 0, out);
  return out;
}

}  // namespace serenade
