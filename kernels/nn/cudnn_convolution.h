#pragma once

#include <array>
#include <compare>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/nn/convolution.h"
#include "kernels/nn/cudnn.h"

/// Convolutions as graphs that cuDNN plans and runs. Planning needs neither Session nor GPU.
namespace serenade::cuda {
class Session;
}
namespace serenade::cuda::cudnn {

enum class Pass { forward, backward_data, backward_weights };

/// One tensor, in cuDNN's order of axes whatever the strides: (N, C, 1, L) of activations and
/// (K, C, 1, S) of weights.
struct TensorLayout {
  std::array<Index, 4> extents{};
  std::array<Index, 4> strides{};
  auto operator<=>(const TensorLayout&) const = default;
};

/// All that cuDNN is told of a convolution. Activations lie as they are, [batch, time, channels].
/// Weights lie [filters, kernel_size, in_channels / groups] (KRSC): ours are [kernel_size,
/// in_channels / groups, filters], whose strides cuDNN 9.19 plans as well, but with the same
/// engines, knobs and workspaces as those of packed ones, tensor core engines that read KRSC
/// included. So what it would compute from them is unknown without a GPU, and they are transposed.
struct ConvolutionGraph {
  Pass pass = Pass::forward;
  bool bias = false;  ///< of the forward pass: y = convolution + bias [filters], one plan
  TensorLayout x, w, y;
  Index stride = 1, dilation = 1, left = 0, right = 0;
  Index alignment = 16;  ///< of all pointers, in bytes
  auto operator<=>(const ConvolutionGraph&) const = default;
};
ConvolutionGraph graph_of(Pass pass, const Convolution& convolution, bool bias, Index alignment);
/// "conv1d [32, 96, 61] to [32, 96, 32], kernel 5", for people.
std::string to_string(const ConvolutionGraph& graph);

/// Which engines may be taken: the first one that the library's heuristics name and these let pass.
/// Nothing is timed, so that the engine follows from graph, GPU and library version alone.
struct Rules {
  bool tf32 = false;         ///< tensor cores, which round float32 inputs to 10 bits of mantissa
  bool reproducible = true;  ///< refuse engines that give other bits from run to run
  std::size_t most_workspace = std::size_t{256} << 20U;  ///< bytes
  bool operator==(const Rules&) const = default;
};
/// float32 means float32: no engine that rounds inputs or sums to less, nor Winograd or FFT, whose
/// error grows with the numbers. Of engines with several notes each must be allowed.
bool allows(const Rules& rules, cudnnBackendNumericalNote_t note);
std::string_view name_of(cudnnBackendNumericalNote_t note);

/// The GPU that is planned for: a handle's, or one that only its properties are known of.
class Target {
 public:
  explicit Target(cudnnHandle_t handle) : handle_(handle) {}
  /// The JSON that cuDNN writes of a GPU; see tests/golden/gpu. Throws DeviceError where it does
  /// not take it.
  explicit Target(const std::string& properties);

  void describe_to(Descriptor& descriptor, cudnnBackendAttributeName_t handle_name,
                   cudnnBackendAttributeName_t properties_name) const;
  cudnnHandle_t handle() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
  std::vector<Descriptor> properties_;  // one or none
};

/// A graph made ready for one GPU.
class Plan {
 public:
  /// What it came to, for the record of a run.
  struct Choice {
    Index engine = 0;
    std::vector<std::pair<int, Index>> knobs;  ///< type and value, as cuDNN numbers them
    std::vector<cudnnBackendNumericalNote_t> notes;
    std::size_t workspace = 0;  ///< bytes
  };
  struct Pointers {
    void *x, *w, *y, *bias = nullptr;
  };

  const Choice& choice() const { return choice_; }
  /// As cuDNN has it, not as it was told: for tests.
  TensorLayout x() const { return layout(0); }
  TensorLayout w() const { return layout(1); }
  TensorLayout y() const { return layout(2); }

  /// Enqueues it on the handle's stream. Pointers are the device's; of `bias` only where the graph
  /// has one. `workspace` holds choice().workspace bytes. Throws DeviceError.
  void execute(cudnnHandle_t handle, const Pointers& pointers, void* workspace) const;

 private:
  friend struct Planner;
  TensorLayout layout(std::size_t tensor) const;

  std::vector<Descriptor> tensors_, others_;
  std::unique_ptr<Descriptor> plan_;
  Choice choice_;
  bool bias_ = false;
};
/// "engine 28, knobs 2=4 3=0, notes none, 0 bytes of workspace"
std::string to_string(const Plan::Choice& choice);

/// A plan, or why there is none.
struct Planned {
  std::unique_ptr<const Plan> plan;
  std::string refusal;
};
/// The first plan that the heuristics name and the rules allow, `passed_over` of them left out.
/// Engines that are compiled at run time are not taken: they want NVRTC and half a second each.
/// Throws DeviceError naming the condition where the graph itself is wrong.
Planned make_plan(const Target& target, const ConvolutionGraph& graph, const Rules& rules,
                  int passed_over = 0);

/// Those of a session's convolutions; a change holds from the next one on. `tf32` is the backend's
/// (backend.h), whatever is written there.
Rules& rules(Session& session);

}  // namespace serenade::cuda::cudnn
