#include "pipeline/evaluation/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "pipeline/evaluation/html.h"
#include "pipeline/metrics/columns.h"

namespace serenade {
namespace {

constexpr double left = 44;
constexpr double right = 12;
constexpr double top = 22;
constexpr double bottom = 24;

/// The next of 1, 2, 2.5, 5 times a power of ten.
double round_step(double raw) {
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (raw <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string tick_label(double value, double step, bool percent) {
  if (percent) return fixed(100 * value, 0);
  if (std::abs(value) < step * 1e-6) return "0";
  if (std::abs(value) >= 1e5 || step < 1e-4) return fmt::format("{:.3g}", value);
  int digits = 0;
  for (double scaled = step; digits < 4 && std::abs(scaled - std::round(scaled)) > 1e-6;
       scaled *= 10) {
    ++digits;
  }
  return fixed(value, digits);
}

/// Where epochs and values lie in the drawing.
class Plane {
 public:
  Plane(const LineChart& chart, int epochs) : chart_(chart), epochs_(epochs) {}

  double x(int epoch) const {
    const double span = chart_.width - left - right;
    if (epochs_ <= 1) return left + span / 2;
    return left + span * (epoch - 1) / (epochs_ - 1);
  }
  double y(double value) const {
    const double share = (value - chart_.y.low) / (chart_.y.high - chart_.y.low);
    return floor() - (floor() - top) * share;
  }
  double floor() const { return chart_.height - bottom; }
  double end() const { return chart_.width - right; }

 private:
  const LineChart& chart_;
  int epochs_;
};

std::string y_axis(const LineChart& chart, const Plane& plane) {
  std::string svg;
  const auto ticks = static_cast<int>(std::lround((chart.y.high - chart.y.low) / chart.y.step));
  for (int i = 0; i <= ticks; ++i) {
    const double value = chart.y.low + i * chart.y.step;
    const double y = plane.y(value);
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       left, plane.end(), y, y);
    svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)",
                       left - 8, y + 4, tick_label(value, chart.y.step, chart.percent));
  }
  return svg;
}

std::string x_axis(const LineChart& chart, const Plane& plane, int epochs) {
  std::string svg;
  const auto tick = [&](int epoch, std::string_view name) {
    svg +=
        fmt::format(R"(<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}{}</text>)",
                    plane.x(epoch), plane.floor() + 18, name, epoch);
  };
  tick(1, "epoch ");
  const int step =
      std::max(1, static_cast<int>(round_step(epochs / std::max(2.0, chart.width / 70.0))));
  for (int epoch = step; epoch <= epochs; epoch += step) {
    // Beside the first label there is no room for another.
    if (plane.x(epoch) - plane.x(1) > 40) tick(epoch, "");
  }
  return svg;
}

/// A path a stretch of finite values, a dot where one stands alone.
std::string drawn(const Series& series, const Plane& plane) {
  std::string svg;
  std::size_t at = 0;
  while (at < series.values.size()) {
    std::size_t end = at;
    std::string path;
    while (end < series.values.size() && std::isfinite(series.values[end])) {
      path += fmt::format("{}{:.1f} {:.1f}", end == at ? "M" : "L",
                          plane.x(static_cast<int>(end) + 1), plane.y(series.values[end]));
      ++end;
    }
    if (end == at + 1) {
      svg += fmt::format(R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3"/>)",
                         escaped(series.css_class), plane.x(static_cast<int>(at) + 1),
                         plane.y(series.values[at]));
    } else if (end > at) {
      svg += fmt::format(R"(<path class="line {}" d="{}"/>)", escaped(series.css_class), path);
    }
    at = end + 1;
  }
  return svg;
}

std::string best_line(const LineChart& chart, const Plane& plane) {
  const double x = plane.x(chart.best_epoch);
  const bool at_right = x > chart.width * 0.6;
  return fmt::format(
      R"(<line class="best" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)"
      R"(<text class="best-label" x="{:.1f}" y="{:.1f}" text-anchor="{}">best: epoch {}</text>)",
      x, x, top - 6, plane.floor(), x + (at_right ? -6 : 6), top - 8, at_right ? "end" : "start",
      chart.best_epoch);
}

std::string best_ring(const LineChart& chart, const Plane& plane) {
  if (chart.marked >= chart.series.size()) return {};
  const Series& series = chart.series[chart.marked];
  const auto at = static_cast<std::size_t>(chart.best_epoch - 1);
  if (at >= series.values.size() || !std::isfinite(series.values[at])) return {};
  return fmt::format(R"(<circle class="ring {}" cx="{:.1f}" cy="{:.1f}" r="4.5"/>)",
                     escaped(series.css_class), plane.x(chart.best_epoch),
                     plane.y(series.values[at]));
}

}  // namespace

Axis round_axis(double low, double high, int intervals) {
  if (!(high > low)) high = low + (low == 0 ? 1 : std::abs(low) * 0.1);
  Axis axis;
  axis.step = round_step((high - low) / intervals);
  axis.low = std::floor(low / axis.step + 1e-9) * axis.step;
  axis.high = std::ceil(high / axis.step - 1e-9) * axis.step;
  return axis;
}

std::string line_chart_svg(const LineChart& chart) {
  std::size_t epochs = 0;
  for (const Series& series : chart.series) epochs = std::max(epochs, series.values.size());
  const Plane plane(chart, static_cast<int>(epochs));
  const bool marked = chart.best_epoch > 0 && chart.best_epoch <= static_cast<int>(epochs);

  std::string svg =
      fmt::format(R"(<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                  chart.width, chart.height, escaped(chart.title));
  svg += y_axis(chart, plane);
  svg += x_axis(chart, plane, static_cast<int>(epochs));
  if (marked) svg += best_line(chart, plane);
  for (const Series& series : chart.series) svg += drawn(series, plane);
  if (marked) svg += best_ring(chart, plane);
  return svg + "</svg>\n";
}

}  // namespace serenade
