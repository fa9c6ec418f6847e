#include "pipeline/evaluation/learning_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/line_chart.h"

namespace serenade {
namespace {

/// One loss axis for all folds, so that they can be compared by eye.
Axis loss_axis(std::span<const LearningCurve> curves) {
  double low = 0;
  double high = 0;
  for (const LearningCurve& curve : curves) {
    for (const auto* values : {&curve.training_loss, &curve.validation_loss}) {
      for (const double value : *values) {
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  return round_axis(low, high, 5);
}

LineChart loss_chart(const LearningCurve& curve, Axis axis) {
  LineChart chart;
  chart.title = "Training and validation loss by epoch";
  chart.series = {{"training loss", "training", curve.training_loss},
                  {"validation loss", "validation", curve.validation_loss}};
  chart.y = axis;
  chart.best_epoch = curve.best_epoch;
  chart.marked = 1;
  return chart;
}

LineChart score_chart(const LearningCurve& curve) {
  LineChart chart;
  chart.title = "Validation accuracy and UAR by epoch, per cent";
  chart.series = {{"validation accuracy", "accuracy", curve.validation_accuracy},
                  {"validation UAR", "uar", curve.validation_uar}};
  chart.y = {0, 1, 0.2};
  chart.percent = true;
  chart.best_epoch = curve.best_epoch;
  chart.marked = curve.validation_uar.empty() ? 0 : 1;
  return chart;
}

std::string legend(std::span<const LearningCurve> curves) {
  struct Entry {
    std::string_view css_class, text;
    std::vector<double> LearningCurve::*values;
  };
  std::string html = "<ul class=\"legend\">";
  for (const Entry& entry :
       {Entry{"training", "training loss", &LearningCurve::training_loss},
        Entry{"validation", "validation loss", &LearningCurve::validation_loss},
        Entry{"accuracy", "validation accuracy, %", &LearningCurve::validation_accuracy},
        Entry{"uar", "validation UAR, %", &LearningCurve::validation_uar}}) {
    const bool drawn = std::any_of(curves.begin(), curves.end(), [&](const LearningCurve& curve) {
      return !(curve.*entry.values).empty();
    });
    if (!drawn) continue;
    html += fmt::format(
        R"(<li><svg viewBox="0 0 28 10" aria-hidden="true"><path class="line {}" d="M1 5L27 5"/>)"
        R"(</svg>{}</li>)",
        entry.css_class, entry.text);
  }
  return html + "</ul>\n";
}

/// "epoch 3", "epochs 3, 7–9 and more": where a loss is not finite; empty when it always is.
std::string lost_epochs(const LearningCurve& curve) {
  const std::size_t count = std::max(curve.training_loss.size(), curve.validation_loss.size());
  const auto lost = [&](std::size_t i) {
    const auto in = [i](const std::vector<double>& values) {
      return i < values.size() && !std::isfinite(values[i]);
    };
    return in(curve.training_loss) || in(curve.validation_loss);
  };
  std::vector<std::string> stretches;
  bool several = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!lost(i)) continue;
    std::size_t last = i;
    while (last + 1 < count && lost(last + 1)) ++last;
    several = several || last > i || !stretches.empty();
    stretches.push_back(last == i ? std::to_string(i + 1) : fmt::format("{}–{}", i + 1, last + 1));
    i = last;
  }
  if (stretches.empty()) return {};
  constexpr std::size_t named = 8;
  const bool more = stretches.size() > named;
  stretches.resize(std::min(stretches.size(), named));
  return fmt::format("{} {}{}", several ? "epochs" : "epoch", fmt::join(stretches, ", "),
                     more ? " and more" : "");
}

std::string caption(const LearningCurve& curve, bool with_choice) {
  std::string text;
  if (with_choice && curve.best_epoch > 0 && !curve.monitor.empty()) {
    text = fmt::format("Epoch {} was kept: the best {}.", curve.best_epoch, escaped(curve.monitor));
  }
  if (const std::string lost = lost_epochs(curve); !lost.empty()) {
    text += fmt::format(R"( <strong class="alert">Loss not finite in {}.</strong>)", lost);
  }
  return text.empty() ? text : "<p class=\"caption\">" + text + "</p>\n";
}

bool scored(const LearningCurve& curve) {
  return !curve.validation_accuracy.empty() || !curve.validation_uar.empty();
}

std::string one_fold(const LearningCurve& curve, Axis axis) {
  std::string html = "<div class=\"pair\">\n<figure><h3>Loss</h3>\n";
  html += line_chart_svg(loss_chart(curve, axis)) + "</figure>\n";
  if (scored(curve)) {
    html += "<figure><h3>Accuracy and UAR on validation clips, %</h3>\n";
    html += line_chart_svg(score_chart(curve)) + "</figure>\n";
  }
  return html + "</div>\n" + caption(curve, true);
}

std::string curve_name(const LearningCurve& curve) {
  if (!curve.seed) return curve.fold;
  return fmt::format("{}{}seed {}", curve.fold, curve.fold.empty() ? "" : ", ", *curve.seed);
}

std::string small_multiple(const LearningCurve& curve, Axis axis) {
  constexpr int width = 320;
  constexpr int height = 164;
  std::string html = fmt::format("<figure><h3>{}</h3>\n", escaped(curve_name(curve)));
  LineChart loss = loss_chart(curve, axis);
  loss.width = width;
  loss.height = height;
  html += line_chart_svg(loss);
  if (scored(curve)) {
    LineChart score = score_chart(curve);
    score.width = width;
    score.height = height;
    html += line_chart_svg(score);
  }
  return html + caption(curve, false) + "</figure>\n";
}

}  // namespace

std::string learning_curves_html(std::span<const LearningCurve> curves) {
  if (curves.empty()) return {};
  const Axis axis = loss_axis(curves);
  std::string html = "<section>\n<h2>Learning curves</h2>\n" + legend(curves);
  if (curves.size() == 1) {
    html += one_fold(curves.front(), axis);
  } else {
    if (const LearningCurve& first = curves.front(); first.best_epoch > 0) {
      html +=
          fmt::format("<p>Of each network the epoch with the best {} was kept, marked here.</p>\n",
                      escaped(first.monitor));
    }
    html += "<div class=\"multiples\">\n";
    for (const LearningCurve& curve : curves) html += small_multiple(curve, axis);
    html += "</div>\n";
  }
  return html + "</section>\n";
}

}  // namespace serenade
