#pragma once

#include "kernels/nn/pool.h"
#include "kernels/nn/statistics_pool.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

/// What pools over windows of time have in common.
template <class PoolOptionsType>
class WindowPoolLayer : public Layer {
 public:
  using Options = PoolOptionsType;

  WindowPoolLayer(const Options& options, const LayerSite& site) : options_(options) {
    expect_rank(site, 2, "[time, channels]");
    const Index time = pool_output_time(options, site.input[0]);
    if (time < 1) {
      refuse(site, "needs at least " + std::to_string(options.pool_size) + " time steps");
    }
    output_ = Shape{time, site.input[1]};
  }

  Shape output() const override { return output_; }
  /// Of a row of fewer steps than a window there is one all the same.
  Index steps_out(Index steps) const override {
    return std::max<Index>(1, pool_output_time(options_, steps));
  }

 protected:
  const Options& options() const { return options_; }

 private:
  Options options_;
  Shape output_;
};

class MaxPoolLayer final : public WindowPoolLayer<MaxPoolOptions> {
 public:
  using WindowPoolLayer::WindowPoolLayer;
  static constexpr std::string_view name = "max_pool";

  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    max_pool(context, options(), x, y, lengths.in);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    if (dx.data() != nullptr) max_pool_backward(context, options(), x, dy, dx, lengths.in);
  }
};

class AveragePoolLayer final : public WindowPoolLayer<AveragePoolOptions> {
 public:
  using WindowPoolLayer::WindowPoolLayer;
  static constexpr std::string_view name = "average_pool";

  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    average_pool(context, options(), x, y, lengths.in);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float>, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    if (dx.data() != nullptr) average_pool_backward(context, options(), dy, dx, lengths.in);
  }
};

/// What pools over all of time have in common; `numbers` are given of each channel.
class GlobalPoolLayer : public Layer {
 public:
  GlobalPoolLayer(const LayerSite& site, Index numbers) {
    expect_rank(site, 2, "[time, channels]");
    output_ = Shape{numbers * site.input[1]};
  }

  Shape output() const override { return output_; }

 private:
  Shape output_;
};

class GlobalAveragePoolLayer final : public GlobalPoolLayer {
 public:
  using Options = GlobalAveragePoolOptions;
  static constexpr std::string_view name = "global_average_pool";

  GlobalAveragePoolLayer(const Options&, const LayerSite& site) : GlobalPoolLayer(site, 1) {}

  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    global_average_pool(context, x, y, lengths.in);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float>, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    if (dx.data() != nullptr) global_average_pool_backward(context, dy, dx, lengths.in);
  }
};

class GlobalMaxPoolLayer final : public GlobalPoolLayer {
 public:
  using Options = GlobalMaxPoolOptions;
  static constexpr std::string_view name = "global_max_pool";

  GlobalMaxPoolLayer(const Options&, const LayerSite& site) : GlobalPoolLayer(site, 1) {}

  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    global_max_pool(context, x, y, lengths.in);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    if (dx.data() != nullptr) global_max_pool_backward(context, x, dy, dx, lengths.in);
  }
};

/// Mean and standard deviation over time.
class GlobalStatisticsPoolLayer final : public GlobalPoolLayer {
 public:
  using Options = StatisticsPoolOptions;
  static constexpr std::string_view name = "global_statistics_pool";

  GlobalStatisticsPoolLayer(const Options& options, const LayerSite& site)
      : GlobalPoolLayer(site, 2), options_(options) {}

  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    statistics_pool(context, options_, x, y, lengths.in);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float> x, Tensor<const float> y, Tensor<const float> dy,
                Tensor<float> dx) override {
    if (dx.data() != nullptr) statistics_pool_backward(context, x, y, dy, dx, lengths.in);
  }

 private:
  Options options_;
};

}  // namespace serenade
