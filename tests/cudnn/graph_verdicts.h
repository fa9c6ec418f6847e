#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/nn/cudnn_convolution.h"

namespace serenade::test {

/// A graph that is one change away from a right one, and whether cuDNN takes it: asked of the real
/// library, and of the one that stands in for it on the emulated GPU.
struct GraphVerdict {
  std::string name;
  bool taken = false;
  std::function<void(cuda::cudnn::ConvolutionGraph&)> change;
};
inline void PrintTo(const GraphVerdict& verdict, std::ostream* out) { *out << verdict.name; }

/// Changes of a convolution of [32, 96, 128] to [32, 96, 128], kernel 5, in any pass.
inline std::vector<GraphVerdict> graph_verdicts() {
  using Graph = cuda::cudnn::ConvolutionGraph;
  constexpr std::size_t items = 0, channels = 1, height = 2, steps = 3;
  return {
      {"no_change", true, [](Graph&) {}},
      {"output_a_step_longer", false, [](Graph& g) { ++g.y.extents[steps]; }},
      {"output_a_step_shorter", false, [](Graph& g) { --g.y.extents[steps]; }},
      {"one_more_zero_before", false, [](Graph& g) { ++g.left; }},
      {"one_less_zero_behind", false, [](Graph& g) { --g.right; }},
      {"zeros_all_before", true, [](Graph& g) { g.left += std::exchange(g.right, 0); }},
      {"another_stride", false, [](Graph& g) { g.stride = 2; }},
      {"another_dilation", false, [](Graph& g) { g.dilation = 2; }},
      {"one_item_more_in_x", false, [](Graph& g) { ++g.x.extents[items]; }},
      {"one_item_less_in_y", false, [](Graph& g) { --g.y.extents[items]; }},
      {"one_filter_less_in_w", false, [](Graph& g) { --g.w.extents[items]; }},
      {"one_filter_less_in_y", false, [](Graph& g) { --g.y.extents[channels]; }},
      {"one_channel_less_in_w", false,
       [](Graph& g) {
         --g.w.extents[channels];
         g.w.strides = {5 * 127, 1, 5 * 127, 127};
       }},
      {"two_rows", false, [](Graph& g) { g.y.extents[height] = 2; }},
      {"kernel_too_long", false,
       [](Graph& g) {
         g.w.extents[steps] = 101;
         g.w.strides = {101 * 128, 1, 101 * 128, 128};
       }},
      {"no_items", false, [](Graph& g) { g.x.extents[items] = g.y.extents[items] = 0; }},
      {"weights_that_overlap", false, [](Graph& g) { --g.w.strides[items]; }},
      {"weights_with_a_gap", false, [](Graph& g) { ++g.w.strides[items]; }},
      {"weights_as_this_program_has_them", true,
       [](Graph& g) {
         g.w.strides = {1, 128, 5 * 128 * 128, 128 * 128};
       }},
      {"x_with_channels_first", true,
       [](Graph& g) {
         g.x.strides = {96 * 128, 96, 96, 1};
       }},
      {"two_groups", true,
       [](Graph& g) {
         g.w.extents[channels] = 64;
         g.w.strides = {5 * 64, 1, 5 * 64, 64};
       }},
      {"aligned_to_floats_only", true, [](Graph& g) { g.alignment = 4; }},
  };
}

}  // namespace serenade::test
