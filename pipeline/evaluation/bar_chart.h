#pragma once

#include <string>
#include <vector>

#include "pipeline/metrics/bootstrap.h"

namespace serenade {

/// A share with its interval.
struct Bar {
  std::string name;     ///< below the bar, in lines of up to 22 letters, broken at \n and spaces
  double value = 0;     ///< 0 to 1; not drawn where not finite
  Interval interval;    ///< drawn as a line with ends where both are finite
  bool strong = false;  ///< in the page's accent: the one that matters
};

/// Upright bars from 0 to 100 per cent as inline SVG that scales with its container.
struct BarChart {
  std::string title;  ///< spoken, not drawn
  std::string axis;   ///< what the bars are: "accuracy, %"
  std::vector<Bar> bars;
  double line = 0;        ///< a dashed line across, as of guessing; not drawn where 0 or not finite
  std::string line_name;  ///< at its end
  int width = 640;        ///< units of the drawing; letters are 12 high
  int height = 360;
};

std::string bar_chart_svg(const BarChart& chart);

}  // namespace serenade
