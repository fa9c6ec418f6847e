#include <algorithm>
#include <iterator>

#include "tests/kernels/nn/operation_case.h"

// The table: every operation at shapes that reach its edges.
namespace serenade::test {

std::vector<OperationCase> all_cases() {
  using enum Padding;
  std::vector<OperationCase> all{
      conv1d_case(2, 7, 3, {5, 3, same, true}),
      conv1d_case(3, 13, 5, {17, 4, same, true}),
      conv1d_case(2, 12, 5, {16, 4, valid, true}),
      conv1d_case(2, 9, 3, {33, 5, valid, false}),
      conv1d_case(1, 3, 2, {4, 7, same, false}),   // a kernel longer than the signal
      conv1d_case(2, 5, 4, {3, 5, valid, true}),   // one step is left
      conv1d_case(2, 100, 1, {4, 5, same, true}),  // two blocks of rows
      conv1d_case(20, 6, 2, {2, 1, same, true}),   // more items than runs of the sum
      conv1d_case(2, 13, 5, {17, 4, causal, true}),
      conv1d_case(2, 13, 5, {17, 4, anticausal, true}),
      conv1d_case(2, 11, 3, {18, 5, anticausal, true, 2}),
      conv1d_case(2, 110, 3, {5, 2, anticausal, false, 1, 16}),
      conv1d_case(2, 7, 3, {5, 2, causal, false, 1, 16}),  // a tap all on zeros
      conv1d_case(2, 9, 6, {6, 3, anticausal, true, 1, 2, 6}),
      conv1d_case(3, 13, 5, {4, 3, same, true, 2}),
      conv1d_case(3, 14, 5, {4, 4, valid, false, 3}),
      conv1d_case(2, 11, 3, {18, 5, causal, true, 2}),
      conv1d_case(2, 11, 3, {5, 2, same, true, 4}),  // a stride beyond the kernel
      conv1d_case(2, 19, 5, {17, 3, same, true, 1, 4}),
      conv1d_case(2, 5, 5, {7, 3, same, true, 1, 9}),       // outer taps all on zeros
      conv1d_case(2, 200, 2, {3, 3, causal, true, 2, 30}),  // blocks of rows
      conv1d_case(10, 15, 6, {9, 3, valid, false, 2, 3, 3}),
      conv1d_case(2, 9, 40, {20, 3, same, true, 1, 1, 2}),
      conv1d_case(2, 9, 4, {8, 3, same, true, 1, 1, 4}),   // two filters a channel
      conv1d_case(3, 13, 7, {7, 5, same, true, 1, 1, 7}),  // depthwise
      conv1d_case(2, 70, 37, {37, 3, causal, true, 1, 2, 37}),
      conv1d_case(11, 17, 4, {4, 4, valid, false, 3, 2, 4}),
      dense_case(1, 1, 1, true),
      dense_case(5, 17, 33, true),
      dense_case(7, 100, 8, false),
      dense_case(103, 5, 16, true),
      batch_norm_case(1, 2, 1),
      batch_norm_case(3, 50, 7),  // three blocks of rows, the last one short
      batch_norm_case(9, 1, 16),
      batch_norm_inference_case(3, 11, 7),
      relu_case(3, 11, 7),
      relu_case(2, 200, 90),  // two shares
      layer_norm_case(3, 11, 7),
      layer_norm_case(2, 40, 37),  // two blocks of rows, chains and a rest
      layer_norm_case(2, 3, 1),
      activation_case(3, 11, 7, LeakyReluOptions{0.2}),
      activation_case(3, 11, 7, EluOptions{1.5}),
      activation_case(3, 11, 7, GeluOptions{}),
      activation_case(3, 11, 7, SiluOptions{}),
      activation_case(3, 11, 7, TanhOptions{}),
      activation_case(2, 200, 90, GeluOptions{}),  // two shares
      add_case(3, 11, 7),
      channel_gate_case(3, 11, 7),
      gate_case(3, 11, 7),
      gate_case(2, 200, 90),  // two shares
      weighted_sum_case(1, 1, 1),
      weighted_sum_case(4, 2, 37),
      weighted_sum_case(3, 1, 64),
      weighted_sum_case(2, 2, 4500),  // three blocks, two runs
      max_pool_case(3, 11, 7, {{2, {}}}),
      max_pool_case(2, 12, 3, {{3, 2}}),
      max_pool_case(2, 12, 9, {{3, 5}}),
      max_pool_case(2, 4, 1, {{4, {}}}),
      average_pool_case(3, 11, 7, {{2, {}}}),
      average_pool_case(2, 12, 3, {{3, 2}}),
      average_pool_case(2, 12, 9, {{3, 5}}),
      statistics_pool_case(3, 11, 7),
      statistics_pool_case(2, 1, 3),
      attention_pool_case(3, 11, 7, 1, true),
      attention_pool_case(3, 11, 7, 7, true),  // a head for each channel
      attention_pool_case(2, 12, 6, 2, false),
      attention_pool_case(2, 40, 74, 2, true),  // a head wider than a warp, one block's edge
      attention_pool_case(2, 1, 3, 1, true),
      global_average_pool_case(3, 11, 7),
      global_max_pool_case(3, 11, 7),
      dropout_case(3, 11, 7, 0.3),
      dropout_case(2, 100, 90, 0.5),  // two blocks of a row
      dropout_case(2, 5, 5, 0.0),
      channel_dropout_case(3, 11, 7, 0.3),
      channel_dropout_case(2, 100, 90, 0.5),
      channel_dropout_case(2, 3, 700, 0.1),  // a row of channels longer than the pattern
      channel_dropout_case(2, 5, 5, 0.0),
      softmax_case(4, 8),
      loss_case(5, 8),
      loss_case(1, 1)};
  std::ranges::move(padded_cases(), std::back_inserter(all));
  return all;
}

}  // namespace serenade::test
