#include "kernels/nn/conv1d_cudnn.h"

#include <algorithm>
#include <initializer_list>
#include <map>

#include "kernels/device/launch.cuh"
#include "kernels/device/memory.h"
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

/// The first `size` numbers of out are those of in, the rest up to `room` zeros. One thread a
/// number: 4 bytes read, 4 written.
__global__ __launch_bounds__(most_threads) void fill_up_kernel(const float* in, Index size,
                                                               Index room, float* out) {
  const Index i = global_index();
  if (i < room) out[i] = i < size ? in[i] : 0.0F;
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
    plans_.clear();
    if (handle_ != nullptr) cudnnDestroy(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  cudnnHandle_t handle() {
    if (handle_ == nullptr) {
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

const Plan* plan_of(Session& session, const ConvolutionGraph& graph) {
  Rules& allowed = rules(session);
  allowed.tf32 = backend(session).tf32;
  return library(session).plan(graph, allowed);
}

/// Of all of them, in bytes, as far as cuDNN's engines ask.
constexpr Index full_alignment = 16;
Index alignment_of(std::initializer_list<const void*> pointers) {
  const bool aligned = std::ranges::all_of(pointers, [](const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % full_alignment == 0;
  });
  return aligned ? full_alignment : Index{sizeof(float)};
}

/// cuDNN reads through pointers to numbers that are not const.
void* mutable_pointer(const float* pointer) { return const_cast<float*>(pointer); }

// What the scratch of the session holds.
constexpr int packed_slot = 0, workspace_slot = 1, x_slot = 2, y_slot = 3;

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
  Convolution run = c;
  run.batch = items_a_run;
  const Plan* plan =
      plan_of(session, graph_of(Pass::forward, run, bias != nullptr, alignment_of({bias})));
  if (plan == nullptr) return false;
  float* packed = packed_weights(session, c, weights);
  const auto convolve = [&](const float* from, float* to) {
    execute(session, *plan, {mutable_pointer(from), packed, to, mutable_pointer(bias)});
  };
  const Index x_item = c.time * c.in;
  const Index y_item = c.out_time * c.out;
  // Rows out of the midst of a batch may lie anywhere, and must not get another engine for it.
  const bool in_place = alignment_of({x, y}) == full_alignment;
  for (Index first = 0; first < c.batch; first += items_a_run) {
    const Index items = std::min(items_a_run, c.batch - first);
    const float* from = x + first * x_item;
    float* to = y + first * y_item;
    if (in_place && items == items_a_run) {
      convolve(from, to);
      continue;
    }
    const Index room = items_a_run * x_item;
    auto* filled = session.scratch<float>(x_slot, room);
    auto* result = session.scratch<float>(y_slot, items_a_run * y_item);
    launch<fill_up_kernel>(session, one_thread_each(session, room), from, items * x_item, room,
                           filled);
    convolve(filled, result);
    copy(session, to, result, static_cast<std::size_t>(items * y_item) * sizeof(float),
         Direction::on_device);
  }
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
  return lines;
}

}  // namespace serenade::cuda::cudnn
