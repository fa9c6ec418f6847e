#include "pipeline/evaluation/calibration_chart.h"

#include <fmt/format.h>

#include "pipeline/evaluation/number_text.h"

namespace serenade {
namespace {

constexpr double width = 440;
constexpr double height = 350;
constexpr double left = 44;
constexpr double right = 12;
constexpr double top = 30;
constexpr double bottom = 46;

double x(double share) { return left + share * (width - left - right); }
double y(double share) { return height - bottom - share * (height - top - bottom); }

std::string text(double at_x, double at_y, std::string_view anchor, std::string_view css_class,
                 std::string_view words) {
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)",
                     css_class, at_x, at_y, anchor, words);
}

std::string axes() {
  std::string svg;
  for (int tick = 0; tick <= 100; tick += 20) {
    const double share = tick / 100.0;
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       x(0), x(1), y(share), y(share));
    svg += text(x(0) - 8, y(share) + 4, "end", "tick", std::to_string(tick));
    svg += text(x(share), y(0) + 18, "middle", "tick", std::to_string(tick));
  }
  svg +=
      text(x(0.5), height - 8, "middle", "tick", "confidence: probability of the class named, %");
  return svg + text(0, 12, "start", "tick", "right, %");
}

}  // namespace

std::string calibration_chart_svg(const Calibration& calibration) {
  std::string svg =
      fmt::format(R"(<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">)", width,
                  height, "Reliability diagram: accuracy by confidence, per cent");
  svg += axes();
  std::string counts;
  for (const CalibrationBin& bin : calibration.bins) {
    if (bin.clips == 0) continue;
    const double begin = x(bin.low) + 1;
    const double end = x(bin.high) - 1;
    svg += fmt::format(
        R"(<rect class="reliability" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
        begin, y(bin.accuracy), end - begin, y(0) - y(bin.accuracy));
    svg +=
        fmt::format(R"(<line class="expected" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                    begin, end, y(bin.confidence), y(bin.confidence));
    // Not on the tick, where that is just above the bar.
    const double above = y(bin.accuracy) - y(bin.confidence);
    const double foot = above > 0 && above < 18 ? y(bin.confidence) : y(bin.accuracy);
    counts += text((begin + end) / 2, foot - 5, "middle", "count", thousands(bin.clips));
  }
  svg += fmt::format(R"(<line class="best" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                     x(0), x(1), y(0), y(1));
  return svg + counts + "</svg>\n";
}

}  // namespace serenade
