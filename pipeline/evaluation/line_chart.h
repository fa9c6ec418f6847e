#pragma once

#include <string>
#include <vector>

namespace serenade {

/// A measure over epochs.
struct Series {
  std::string name;            ///< for readers that speak: "validation loss"
  std::string css_class;       ///< colour and dashes come from the page's style sheet
  std::vector<double> values;  ///< values[e - 1] is epoch e; not drawn where not finite
};

/// Ends of an axis and the distance of its ticks, all round numbers.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 0.2;
};

/// The smallest axis of about `intervals` intervals that holds [low, high], both finite.
Axis round_axis(double low, double high, int intervals);

/// Lines over epochs as inline SVG that scales with its container.
struct LineChart {
  std::string title;  ///< spoken, not drawn
  std::vector<Series> series;
  Axis y;
  bool percent = false;  ///< label the axis in per cent: 0.2 is "20"
  int best_epoch = 0;    ///< marked with a line, and a ring on `marked`; 0 for none
  std::size_t marked = 0;
  int width = 440;  ///< units of the drawing; letters are 12 high
  int height = 230;
};

/// The SVG element. The x axis runs from epoch 1 to the longest series' last.
std::string line_chart_svg(const LineChart& chart);

}  // namespace serenade
