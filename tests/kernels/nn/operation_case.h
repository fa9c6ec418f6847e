#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/nn/activation.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/pool.h"
#include "tests/reference/nn.h"

namespace serenade::test {

using reference::Doubles;
using Inputs = std::vector<Tensor<const float>>;

/// One operation at one shape next to its definition: all that the harness needs to check it.
struct OperationCase {
  std::string name;
  std::vector<Shape> inputs;  ///< data first, then parameters
  Shape output;
  std::function<Doubles(const std::vector<Doubles>&)> definition;
  std::function<void(Context&, const Inputs&, Tensor<float> y)> forward;
  /// Gradients of all inputs, in order; follows forward on the same inputs. Empty: there are none.
  std::function<void(Context&, const Inputs&, Tensor<const float> y, Tensor<const float> dy,
                     const std::vector<Tensor<float>>& gradients)>
      backward;
  /// Gives back what a run took on a device; to be called when it is over.
  std::function<void()> finish = [] {};
  /// Most terms added up for one number of the output or of a gradient.
  Index terms = 1;
  /// The same operation on rows [first, first + batch) only; empty where a row of the output
  /// depends on more than that row of the first input.
  std::function<OperationCase(Index batch, Index first)> on_rows;
};

/// Lists of tests name the case instead of printing its bytes.
inline void PrintTo(const OperationCase& operation, std::ostream* out) { *out << operation.name; }

OperationCase conv1d_case(Index batch, Index time, Index channels, const Conv1dOptions& options);
OperationCase dense_case(Index batch, Index features, Index units, bool use_bias);
OperationCase batch_norm_case(Index batch, Index time, Index channels);
OperationCase batch_norm_inference_case(Index batch, Index time, Index channels);
OperationCase layer_norm_case(Index batch, Index time, Index channels);
OperationCase relu_case(Index batch, Index time, Index channels);
OperationCase activation_case(Index batch, Index time, Index channels,
                              const ActivationOptions& options);
OperationCase add_case(Index batch, Index time, Index channels);
OperationCase channel_gate_case(Index batch, Index time, Index channels);
OperationCase gate_case(Index batch, Index time, Index channels);
OperationCase weighted_sum_case(Index groups, Index members, Index size);
OperationCase max_pool_case(Index batch, Index time, Index channels, const MaxPoolOptions& options);
OperationCase average_pool_case(Index batch, Index time, Index channels,
                                const AveragePoolOptions& options);
OperationCase statistics_pool_case(Index batch, Index time, Index channels);
/// Means by shares of `heads` scores a step, and deviations too; see attention_cases.cpp.
OperationCase attention_pool_case(Index batch, Index time, Index channels, Index heads,
                                  bool deviations);
OperationCase global_average_pool_case(Index batch, Index time, Index channels);
OperationCase global_max_pool_case(Index batch, Index time, Index channels);
OperationCase dropout_case(Index batch, Index time, Index channels, double rate, Index first = 0);
OperationCase channel_dropout_case(Index batch, Index time, Index channels, double rate,
                                   Index first = 0);
OperationCase softmax_case(Index batch, Index classes);
/// Weighted mean with soft targets; row 1 weighs nothing.
OperationCase loss_case(Index batch, Index classes);

/// Those that know lengths, on rows that are padded (masked_cases.cpp).
std::vector<OperationCase> padded_cases();

/// Every operation at shapes that reach its edges: what is left over beside tiles of 6 by 16, one
/// channel, one row, a kernel longer than the signal.
std::vector<OperationCase> all_cases();

}  // namespace serenade::test
