#include "kernels/nn/conv1d_cudnn.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>

#include "kernels/device/exclusive.h"
#include "kernels/device/launch.cuh"
#include "kernels/nn/backend.h"
#include "kernels/nn/cudnn_convolution.h"

namespace serenade::cuda::cudnn {
namespace {

constexpr int tile = 32;

/// in [rows, columns] to out [columns, rows]. One block a tile of 32 x 32 numbers, a warp a row of
/// it: 4 bytes read and 4 written a number, both in runs of 128 bytes, as the tile is turned in
/// shared memory (33 numbers a row there: no two lanes meet in a bank). Weights are few beside
/// activations: the largest shipped layer's are 0.7 MB, read and written in half a microsecond,
/// less than a launch takes.
__global__ __launch_bounds__(most_threads) void transpose_kernel(const float* in, Index rows,
                                                                 Index columns, float* out) {
  SERENADE_SHARED(float, turned, tile*(tile + 1));
  const Index across = (columns + tile - 1) / tile;
  const Index row = static_cast<Index>(blockIdx.x) / across * tile;
  const Index column = static_cast<Index>(blockIdx.x) % across * tile;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  const int warps = static_cast<int>(blockDim.x) / warp_size;
  for (int i = warp; i < tile; i += warps) {
    if (row + i < rows && column + lane < columns) {
      turned[i * (tile + 1) + lane] = in[(row + i) * columns + column + lane];
    }
  }
  __syncthreads();
  for (int i = warp; i < tile; i += warps) {
    if (column + i < columns && row + lane < rows) {
      out[(column + i) * rows + row + lane] = turned[lane * (tile + 1) + i];
    }
  }
}

void transpose(Session& session, const float* in, Index rows, Index columns, float* out) {
  const Index tiles = ((rows + tile - 1) / tile) * ((columns + tile - 1) / tile);
  launch<transpose_kernel>(session, {tiles, session.block_size(most_threads)}, in, rows, columns,
                           out);
}

/// What a session keeps of cuDNN, which is begun when it is first asked for a plan.
class Library {
 public:
  explicit Library(cudaStream_t stream) : stream_(stream) {}
  ~Library() {
    const std::lock_guard alone(whole_device());
    plans_.clear();
    if (handle_ != nullptr) cudnnDestroy(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  cudnnHandle_t handle() {
    if (handle_ == nullptr) {
      const std::lock_guard alone(whole_device());
      check(cudnnCreate(&handle_), "beginning");
      check(cudnnSetStream(handle_, stream_), "choosing the stream");
    }
    return handle_;
  }
  /// Null where there is none.
  const Plan* plan(const ConvolutionGraph& graph, const Rules& rules) {
    if (rules != rules_) plans_.clear();
    rules_ = rules;
    auto known = plans_.find(graph);
    if (known == plans_.end()) {
      const std::lock_guard alone(whole_device());
      known = plans_.emplace(graph, make_plan(Target(handle()), graph, rules_)).first;
    }
    return known->second.plan.get();
  }
  const std::map<ConvolutionGraph, Planned>& plans() const { return plans_; }

 private:
  cudaStream_t stream_;
  cudnnHandle_t handle_ = nullptr;
  Rules rules_;
  std::map<ConvolutionGraph, Planned> plans_;
};

Library& library(Session& session) {
  return session.keep<Library>("cudnn",
                               [&] { return std::make_shared<Library>(session.stream()); });
}

std::set<std::string>& taken_plans(Session& session) {
  return session.keep<std::set<std::string>>(
      "cudnn plans of others", [] { return std::make_shared<std::set<std::string>>(); });
}

const Plan* plan_of(Session& session, const ConvolutionGraph& graph) {
  Rules& allowed = rules(session);
  allowed.tf32 = backend(session).tf32;
  return library(session).plan(graph, allowed);
}

/// Of all of them, in bytes, as far as cuDNN's engines ask.
Index alignment_of(std::initializer_list<const void*> pointers) {
  constexpr Index most = 16;
  const bool aligned = std::ranges::all_of(pointers, [](const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % most == 0;
  });
  return aligned ? most : Index{sizeof(float)};
}

/// cuDNN reads through pointers to numbers that are not const.
void* mutable_pointer(const float* pointer) { return const_cast<float*>(pointer); }

// What the scratch of the session holds.
constexpr int packed_slot = 0, workspace_slot = 1;

void execute(Session& session, const Plan& plan, const Plan::Pointers& pointers) {
  auto* workspace =
      session.scratch<unsigned char>(workspace_slot, static_cast<Index>(plan.choice().workspace));
  plan.execute(library(session).handle(), pointers, workspace);
}

/// Rows and columns of the weights as they lie: [kernel in / groups, filters].
Index weight_rows(const Convolution& c) { return c.kernel * c.group_in(); }

float* packed_weights(Session& session, const Convolution& c, const float* weights) {
  auto* packed = session.scratch<float>(packed_slot, weight_rows(c) * c.out);
  transpose(session, weights, weight_rows(c), c.out, packed);
  return packed;
}

}  // namespace

Rules& rules(Session& session) {
  return session.keep<Rules>("cudnn rules", [] { return std::make_shared<Rules>(); });
}

bool conv1d(Session& session, const Convolution& c, const float* x, const float* weights,
            const float* bias, float* y) {
  if (c.batch == 0) return false;
  const Plan* plan =
      plan_of(session, graph_of(Pass::forward, c, bias != nullptr, alignment_of({x, y, bias})));
  if (plan == nullptr) return false;
  float* packed = packed_weights(session, c, weights);
  execute(session, *plan, {mutable_pointer(x), packed, y, mutable_pointer(bias)});
  return true;
}

bool conv1d_backward_data(Session& session, const Convolution& c, const float* weights,
                          const float* dy, float* dx) {
  if (c.batch == 0) return false;
  const Plan* plan =
      plan_of(session, graph_of(Pass::backward_data, c, false, alignment_of({dx, dy})));
  if (plan == nullptr) return false;
  float* packed = packed_weights(session, c, weights);
  execute(session, *plan, {dx, packed, mutable_pointer(dy)});
  return true;
}

bool conv1d_backward_weights(Session& session, const Convolution& c, const float* x,
                             const float* dy, float* dweights) {
  if (c.batch == 0) return false;
  const Plan* plan =
      plan_of(session, graph_of(Pass::backward_weights, c, false, alignment_of({x, dy})));
  if (plan == nullptr) return false;
  auto* packed = session.scratch<float>(packed_slot, weight_rows(c) * c.out);
  execute(session, *plan, {mutable_pointer(x), packed, mutable_pointer(dy)});
  transpose(session, packed, c.out, weight_rows(c), dweights);
  return true;
}

std::string version() {
  const std::size_t number = cudnnGetVersion();
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

std::vector<std::string> plans(Session& session) {
  std::vector<std::string> lines;
  for (const auto& [graph, planned] : library(session).plans()) {
    lines.push_back(to_string(graph) + ": " +
                    (planned.plan ? "cuDNN " + to_string(planned.plan->choice())
                                  : "own kernel (" + planned.refusal + ")"));
  }
  for (const std::string& line : taken_plans(session)) {
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
  }
  return lines;
}

void take_plans(Session& session, Session& from) {
  for (std::string& line : plans(from)) taken_plans(session).insert(std::move(line));
}

}  // namespace serenade::cuda::cudnn
