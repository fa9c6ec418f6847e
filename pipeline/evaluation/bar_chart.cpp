#include "pipeline/evaluation/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/metrics/columns.h"

namespace serenade {
namespace {

constexpr double left = 44;
constexpr double right = 12;
constexpr double right_of_line = 118;  // room for what the line across is called
constexpr double top = 30;
constexpr double bottom = 62;
constexpr std::size_t letters_in_a_line = 22;

double y(const BarChart& chart, double share) {
  return chart.height - bottom - share * (chart.height - top - bottom);
}

std::string text(double at_x, double at_y, std::string_view anchor, std::string_view css_class,
                 std::string_view words) {
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)",
                     css_class, at_x, at_y, anchor, escaped(words));
}

/// Where the bars' plane ends.
double end_x(const BarChart& chart) {
  const bool line = std::isfinite(chart.line) && chart.line > 0;
  return chart.width - (line ? right_of_line : right);
}

std::string axis(const BarChart& chart) {
  std::string svg;
  for (int tick = 0; tick <= 100; tick += 20) {
    const double at = y(chart, tick / 100.0);
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       left, end_x(chart), at, at);
    svg += text(left - 8, at + 4, "end", "tick", std::to_string(tick));
  }
  return svg + text(0, 12, "start", "tick", chart.axis);
}

/// Words in lines; a longer word has its own.
std::vector<std::string> lines_of(const std::string& name) {
  std::vector<std::string> lines;
  bool broken = true;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find_first_of(" \n", begin), name.size());
    const std::string word = name.substr(begin, end - begin);
    begin = end + 1;
    const bool fits =
        !broken && text_width(lines.back()) + 1 + text_width(word) <= letters_in_a_line;
    if (fits) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
    broken = end < name.size() && name[end] == '\n';
  }
  return lines;
}

std::string upright(double x, double low, double high) {
  std::string svg;
  const auto line = [&](double x1, double x2, double y1, double y2) {
    svg += fmt::format(R"(<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       x1, x2, y1, y2);
  };
  constexpr double half = 7;
  // Seen on the darkest bar, too.
  svg += fmt::format(R"(<line class="halo" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)",
                     x, low + 1, high - 1);
  line(x, x, low, high);
  line(x - half, x + half, low, low);
  line(x - half, x + half, high, high);
  return svg;
}

}  // namespace

std::string bar_chart_svg(const BarChart& chart) {
  std::string svg =
      fmt::format(R"(<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                  chart.width, chart.height, escaped(chart.title));
  svg += axis(chart);
  const double step =
      (end_x(chart) - left) / static_cast<double>(std::max<std::size_t>(chart.bars.size(), 1));
  const double thickness = std::min(step * 0.55, 96.0);
  constexpr double line_height = 15;
  std::string labels;
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double centre = left + step * (static_cast<double>(i) + 0.5);
    double below = y(chart, 0) + 18;
    for (const std::string& line : lines_of(bar.name)) {
      labels += text(centre, below, "middle", "name", line);
      below += line_height;
    }
    if (!std::isfinite(bar.value)) continue;
    const double share = std::clamp(bar.value, 0.0, 1.0);
    svg += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
                       bar.strong ? "strong-bar" : "plain-bar", centre - thickness / 2,
                       y(chart, share), thickness, y(chart, 0) - y(chart, share));
    double above = y(chart, share);
    if (std::isfinite(bar.interval.low) && std::isfinite(bar.interval.high)) {
      svg += upright(centre, y(chart, bar.interval.low), y(chart, bar.interval.high));
      above = std::min(above, y(chart, bar.interval.high));
    }
    labels += text(centre, above - 8, "middle", "value", percent(bar.value) + " %");
  }
  if (std::isfinite(chart.line) && chart.line > 0) {
    const double at = y(chart, chart.line);
    svg += fmt::format(R"(<line class="best" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       left, end_x(chart), at, at);
    labels += text(end_x(chart) + 8, at + 4, "start", "tick", chart.line_name);
  }
  return svg + labels + "</svg>\n";
}

}  // namespace serenade
