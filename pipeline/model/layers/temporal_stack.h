#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
#include "pipeline/model/layer.h"
#include "pipeline/model/layers/batch_norm.h"
#include "pipeline/model/layers/conv1d.h"

namespace serenade {

struct TemporalStackOptions {
  int filters = 39;
  int kernel_size = 2;
  int levels = 8;
  double dropout = 0.1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("filters", self.filters, Range{1, 8192}, "channels of all levels and of the output");
    visit("kernel_size", self.kernel_size, Range{1, 1023}, "taps of every convolution");
    visit("levels", self.levels, Range{1, 16},
          "blocks on top of each other; the steps between taps are 1, 2, 4, ... 2^(levels - 1)");
    visit("dropout", self.dropout, Range{0, 0.999},
          "share of the channels of a sequence set to 0 in training after every convolution");
  }
};

/// The bi-directional temporal-aware blocks of TIM-Net (Ye et al. 2023, "Temporal modeling matters:
/// a novel temporal emotional modeling approach for speech emotion recognition", ICASSP). A
/// convolution over one step gives `filters` channels, h. Then in each direction h = h
/// sigmoid(F(h)) level by level, where F is twice: a causal convolution (dilation 2^level), batch
/// norm, ReLU, dropout of whole channels. The output is the sum over levels of a trained weight
/// times the level's h, both directions added, averaged over time.
///
/// Against the future the convolutions are anticausal, which is the same as reversing the sequence
/// and needs no copy of it: all levels are aligned. Their biases, which batch norm takes away
/// again, are left out; weights of levels begin as ones. Parameters are "NAME.input.kernel",
/// "NAME.input.bias", "NAME.forward.LEVEL.PART.conv1d.kernel",
/// "NAME.backward.LEVEL.PART.batch_norm.gamma" and so on, PART 0 or 1, and "NAME.weights".
///
/// Training keeps 5 tensors [batch, time, filters] for each block, two of its convolutions, two of
/// its parts and its output; prediction the last and two for all.
class TemporalStackLayer final : public Layer {
 public:
  using Options = TemporalStackOptions;
  static constexpr std::string_view name = "temporal_stack";

  TemporalStackLayer(const Options& options, const LayerSite& site);

  /// The input's convolution, and a convolution and a dropout for each part of each block.
  static std::uint32_t inner_numbers(const Options& options);

  Shape output() const override;
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override;
  void forward(Context& context, const RowLengths& lengths, const TrainingKey& key,
               Tensor<const float> x, Tensor<float> y) override;
  void backward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                Tensor<const float> x, Tensor<const float> y, Tensor<const float> dy,
                Tensor<float> dx) override;
  void use_statistics_momentum(std::optional<double> momentum) override;
  void move_to(Context& context) override;
  std::vector<Parameter> parameters() override;
  std::vector<State> state() override;

 private:
  /// Convolution, batch norm, ReLU, dropout of channels; the last two in place.
  struct Part {
    std::unique_ptr<Conv1dLayer> convolution;
    std::unique_ptr<BatchNormLayer> norm;
    std::uint32_t dropout = 0;  ///< its number, for random draws
    Array<float> convolved, out;
  };
  using Block = std::array<Part, 2>;
  static constexpr Index directions = 2;  ///< 0 sees the past, 1 the future

  void resize(Index batch);
  void infer_part(Context& context, const RowLengths& steps, Part& part, Tensor<const float> x);
  void train_part(Context& context, const RowLengths& steps, const TrainingKey& key, Part& part,
                  Tensor<const float> x);
  /// Gradients of `first_` (of the part's output, which is changed) into `second_`.
  void part_backward(Context& context, const RowLengths& steps, const TrainingKey& key, Part& part,
                     Tensor<const float> x);
  /// Gradient of a block's input into gradient_, where that of its output is.
  void block_backward(Context& context, const RowLengths& steps, const TrainingKey& key,
                      Index level, Index direction);

  Block& block(Index level, Index direction) {
    return blocks_[static_cast<std::size_t>(level * directions + direction)];
  }
  /// What goes into a block, and what comes out.
  Tensor<float> before(Index level, Index direction);
  Tensor<float> after(Index level, Index direction);
  /// The levels' means [levels, directions, numbers], which are added up by the levels' weights.
  Tensor<const float> summands();
  /// After the blocks have run: the levels' means and the weighted sum.
  void finish(Context& context, const RowLengths& steps, Tensor<float> y);

  Options options_;
  LayerSite site_;
  std::unique_ptr<Conv1dLayer> input_;
  std::vector<Block> blocks_;  ///< [levels, directions]
  Trained weights_;            ///< [levels]
  Array<float> projected_;     ///< [batch, time, filters], as all sequences
  Array<float> levels_;        ///< [levels, directions, batch, time x filters]
  Array<float> means_;         ///< [levels, directions, batch, filters]
  Array<float> dmeans_;        ///< [levels, batch x filters], of either direction
  Array<float> dprojected_;
  Array<float> gradient_, first_, second_;  ///< of a block; prediction's parts are in two of them
};

}  // namespace serenade
