#include "kernels/dsp/statistics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

using Kind = Statistic::Kind;

std::optional<Statistic> parse(std::string_view name) {
  if (name == "mean") return Statistic{Kind::mean};
  if (name == "std") return Statistic{Kind::deviation};
  if (name == "min") return Statistic{Kind::minimum};
  if (name == "max") return Statistic{Kind::maximum};
  if (name == "median") return Statistic{Kind::percentile, 50};
  if (name.size() < 2 || name.front() != 'p') return std::nullopt;
  double percentage = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] =
      std::from_chars(name.data() + 1, end, percentage, std::chars_format::fixed);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (!(percentage >= 0 && percentage <= 100)) return std::nullopt;
  return Statistic{Kind::percentile, percentage};
}

}  // namespace

Statistic statistic_of(std::string_view name) { return parse(name).value(); }

Percentile percentile_of(double percentage, Index count) {
  const double position = percentage / 100.0 * static_cast<double>(count - 1);
  const auto below = static_cast<Index>(position);
  return {below, std::min(below + 1, count - 1), position - static_cast<double>(below)};
}

void check(const StatisticsOptions& options) {
  const auto& names = options.statistics;
  if (names.empty()) throw ConfigError("statistics is empty but must name at least one");
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!parse(*name)) {
      throw ConfigError("statistics names \"" + *name +
                        "\" but knows mean, std, min, max, median and percentiles p0 to p100");
    }
    if (std::find(names.begin(), name, *name) != name) {
      throw ConfigError("statistics names \"" + *name + "\" twice");
    }
  }
}

void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out) {
  check(options);
  const Index dims = features.rank() == 2 ? features.extent(1) : 0;
  const auto count = static_cast<Index>(options.statistics.size());
  expect_shape("statistics", "features", features.shape(), Shape{frames.total(), dims});
  expect_shape("statistics", "out", out.shape(), Shape{frames.clips(), dims * count});
  expect_on_device("statistics", context, features, out);
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    if (frames.length(clip) > 0) continue;
    throw ShapeError("statistics: clip " + std::to_string(clip) +
                     " of the batch has no frames to take statistics of");
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::statistics(context, features, frames, options, out);
    }
  }
  cpu::statistics(context, features, frames, options, out);
}

namespace cpu {
namespace {

/// The frames of one clip and what is computed from them at most once.
class ClipStatistics {
 public:
  ClipStatistics(const float* rows, Index frames, Index dims)
      : rows_(rows), frames_(frames), dims_(dims) {}

  void write(const Statistic& statistic, float* out) {
    switch (statistic.kind) {
      case Kind::mean:
        return mean(out);
      case Kind::deviation:
        return deviation(out);
      case Kind::minimum:
        return fold(out, [](float a, float b) { return std::min(a, b); });
      case Kind::maximum:
        return fold(out, [](float a, float b) { return std::max(a, b); });
      case Kind::percentile:
        return percentile(statistic.percentage, out);
    }
  }

 private:
  const std::vector<double>& means() {
    if (means_.empty()) {
      means_.assign(static_cast<std::size_t>(dims_), 0.0);
      double* sums = means_.data();
      for (Index t = 0; t < frames_; ++t) {
        for (Index i = 0; i < dims_; ++i) sums[i] += static_cast<double>(rows_[t * dims_ + i]);
      }
      for (double& value : means_) value /= static_cast<double>(frames_);
    }
    return means_;
  }

  void mean(float* out) {
    std::transform(means().begin(), means().end(), out,
                   [](double value) { return static_cast<float>(value); });
  }

  void deviation(float* out) {
    const double* centre = means().data();
    std::vector<double> squares(static_cast<std::size_t>(dims_), 0.0);
    double* sums = squares.data();
    for (Index t = 0; t < frames_; ++t) {
      for (Index i = 0; i < dims_; ++i) {
        const double difference = static_cast<double>(rows_[t * dims_ + i]) - centre[i];
        sums[i] = std::fma(difference, difference, sums[i]);
      }
    }
    for (Index i = 0; i < dims_; ++i) {
      out[i] = static_cast<float>(std::sqrt(sums[i] / static_cast<double>(frames_)));
    }
  }

  template <class F>
  void fold(float* out, const F& f) {
    std::copy_n(rows_, dims_, out);
    for (Index t = 1; t < frames_; ++t) {
      for (Index i = 0; i < dims_; ++i) out[i] = f(out[i], rows_[t * dims_ + i]);
    }
  }

  void percentile(double percentage, float* out) {
    sort();
    const auto [below, above, share] = percentile_of(percentage, frames_);
    for (Index i = 0; i < dims_; ++i) {
      const float* column = sorted_.data() + i * frames_;
      const auto low = static_cast<double>(column[below]);
      const auto high = static_cast<double>(column[above]);
      out[i] = static_cast<float>(std::fma(share, high - low, low));
    }
  }

  void sort() {
    if (!sorted_.empty()) return;
    sorted_.resize(static_cast<std::size_t>(dims_ * frames_));
    for (Index i = 0; i < dims_; ++i) {
      float* column = sorted_.data() + i * frames_;
      for (Index t = 0; t < frames_; ++t) column[t] = rows_[t * dims_ + i];
      std::sort(column, column + frames_);
    }
  }

  const float* rows_;
  Index frames_, dims_;
  std::vector<double> means_;
  std::vector<float> sorted_;  // [dims, frames], each row ascending
};

}  // namespace

void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out) {
  const Index dims = features.extent(1);
  std::vector<Statistic> wanted;
  for (const std::string& name : options.statistics) wanted.push_back(statistic_of(name));
  context.parallel(frames.clips(), [&](Index clip) {
    ClipStatistics of_clip(features.data() + frames.begin(clip) * dims, frames.length(clip), dims);
    float* to = out.data() + clip * out.extent(1);
    for (const Statistic& statistic : wanted) {
      of_clip.write(statistic, to);
      to += dims;
    }
  });
}

}  // namespace cpu
}  // namespace serenade
