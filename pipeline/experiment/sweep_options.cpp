#include "pipeline/experiment/sweep_options.h"

#include <fmt/format.h>

#include <cstdint>

#include "pipeline/support/parse_number.h"

namespace serenade {

void from_config(const ConfigNode& node, Judge& judge) {
  const auto names = enum_names(judge);
  const std::string text = node.scalar();
  if (text.find("test") != std::string::npos || text == "accuracy" || text == "uar" ||
      text == "loss") {
    node.fail(fmt::format(
        "'{}' cannot judge a sweep: neither the test part, which is scored once, when everything "
        "is chosen, nor the training part; val_uar, val_accuracy or val_loss can",
        text));
  }
  judge = static_cast<Judge>(detail::parse_choice(node, {names.begin(), names.end()}));
}

void from_config(const ConfigNode& node, SweepValue& value) { value.text = node.text(); }

std::string option_text(const SweepValue& value) { return value.text; }

void from_config(const ConfigNode& node, SweepDraw& draw) {
  draw = {};
  if (node.is_sequence()) {
    read_value(node, draw.values);
    if (draw.values.empty()) node.fail("there is nothing to draw from");
    return;
  }
  if (!node.is_map()) node.fail("expected a list or {from: 0.0001, to: 0.1, log: true} here");
  node.expect_keys({"from", "to", "log"});
  for (const char* end : {"from", "to"}) {
    if (!node.child(end).defined()) node.fail(fmt::format("'{}' is missing", end));
  }
  const ConfigNode from = node.child("from"), to = node.child("to");
  draw.from = detail::parse_double(from);
  draw.to = detail::parse_double(to);
  if (node.child("log").defined()) draw.log = detail::parse_bool(node.child("log"));
  draw.whole = parse_number<std::int64_t>(from.scalar()) && parse_number<std::int64_t>(to.scalar());
  if (draw.from > draw.to) node.fail("'from' is more than 'to'");
  if (draw.log && draw.from <= 0) node.fail("with log 'from' must be more than 0");
}

std::string option_text(const SweepDraw& draw) {
  if (!draw.values.empty()) return option_text(draw.values);
  return fmt::format("{{from: {}, to: {}, log: {}}}", shortest(draw.from), shortest(draw.to),
                     draw.log);
}

}  // namespace serenade
