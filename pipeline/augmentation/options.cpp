#include "pipeline/augmentation/options.h"

#include <fmt/format.h>

#include "pipeline/config/yaml.h"

namespace serenade {
namespace {

/// Says of an amount out of range where it stands.
struct AmountChecker {
  const ConfigNode& node;
  bool any = false;
  void operator()(std::string_view name, const std::optional<Amount>& amount, Range range,
                  std::string_view /*meaning*/) {
    if (!amount) return;
    any = true;
    const ConfigNode child = node.child(std::string(name));
    detail::check_range(child, amount->low, range);
    detail::check_range(child, amount->high, range);
  }
};

struct SetFields {
  std::string text;
  void operator()(std::string_view name, const std::optional<Amount>& amount, Range /*range*/,
                  std::string_view /*meaning*/) {
    if (!amount) return;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, option_text(*amount));
  }
};

struct DrawnFields {
  bool any = false;
  void operator()(std::string_view /*name*/, const std::optional<Amount>& amount, Range /*range*/,
                  std::string_view /*meaning*/) {
    any = any || (amount && amount->is_drawn());
  }
};

}  // namespace

void from_config(const ConfigNode& node, Amount& amount) {
  if (!node.is_sequence()) {
    amount.low = amount.high = detail::parse_double(node);
    return;
  }
  const std::vector<ConfigNode> ends = node.items();
  if (ends.size() != 2) {
    node.fail(
        fmt::format("expected a number, or two of them as in [0.9, 1.1], not {}", ends.size()));
  }
  amount = {detail::parse_double(ends[0]), detail::parse_double(ends[1])};
  if (amount.low > amount.high) {
    node.fail(fmt::format("the range begins with {}, which is more than {}", shortest(amount.low),
                          shortest(amount.high)));
  }
}

std::string option_text(const Amount& amount) {
  if (!amount.is_drawn()) return shortest(amount.low);
  return fmt::format("[{}, {}]", shortest(amount.low), shortest(amount.high));
}

void from_config(const ConfigNode& node, CopyRecipe& recipe) {
  read_options(node, recipe);
  AmountChecker checker{node};
  CopyRecipe::fields(recipe, checker);
  if (!checker.any) {
    detail::NamesVisitor names;
    CopyRecipe::fields(recipe, names);
    std::string known;
    for (const std::string& name : names.names) known += (known.empty() ? "" : ", ") + name;
    node.fail(
        fmt::format("a copy that nothing is done to is no other clip; give it one of: {}", known));
  }
}

std::string option_text(const CopyRecipe& recipe) {
  SetFields fields;
  CopyRecipe::fields(recipe, fields);
  return "{" + fields.text + "}";
}

bool draws(const CopyRecipe& recipe) {
  DrawnFields fields;
  CopyRecipe::fields(recipe, fields);
  return fields.any || recipe.reverb || recipe.noise;
}

bool makes_voice(const CopyRecipe& recipe) {
  const auto is_drawn = [](const std::optional<Amount>& amount) {
    return amount && amount->is_drawn();
  };
  return (recipe.speed || recipe.pitch_shift) && !is_drawn(recipe.speed) &&
         !is_drawn(recipe.pitch_shift);
}

}  // namespace serenade
