// Every engine that cuDNN offers for the convolutions of a training and that the rules let pass:
// whether it gives the same bits again, and how long it takes.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>

#include "kernels/device/copy.h"
#include "kernels/device/session.h"
#include "kernels/nn/cudnn_convolution.h"
#include "tools/gpu_check/library_calls.h"

namespace serenade::gpu_check {
namespace {

using cuda::check;
using cuda::cudnn::ConvolutionGraph;
using cuda::cudnn::Pass;
using cuda::cudnn::Plan;

struct Buffers {
  Array<float> x, w, y;
};

Array<float>& result(Buffers& buffers, Pass pass) {
  return pass == Pass::forward ? buffers.y : pass == Pass::backward_data ? buffers.x : buffers.w;
}

/// Bits of the result, written over what would show if it were not written.
std::vector<float> once(Context& context, cudnnHandle_t handle, const Plan& plan, Buffers& buffers,
                        Pass pass, void* workspace) {
  Array<float>& out = result(buffers, pass);
  check(cudaMemsetAsync(out.data(), 0xff, static_cast<std::size_t>(out.size()) * sizeof(float),
                        context.session().stream()),
        "filling the result");
  plan.execute(handle, {buffers.x.data(), buffers.w.data(), buffers.y.data()}, workspace);
  std::vector<float> bits(static_cast<std::size_t>(out.size()));
  copy(context, Tensor<const float>(out.view()), Tensor<float>(bits.data(), out.shape()));
  return bits;
}

/// Microseconds a call, the median of 9 times 20 calls one behind the other.
double microseconds(Context& context, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  constexpr int calls = 20;
  std::vector<double> taken(9);
  for (double& each : taken) {
    context.synchronize();
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    context.synchronize();
    each = std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / calls;
  }
  std::ranges::sort(taken);
  return taken[taken.size() / 2];
}

}  // namespace

std::vector<EngineSpeed> convolution_engines(Context& context, const Convolution& c,
                                             Tensor<const float> x, Tensor<const float> w,
                                             Tensor<const float> y) {
  constexpr int times = 20;
  cudnnHandle_t handle = nullptr;
  cuda::cudnn::check(cudnnCreate(&handle), "beginning");
  const std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, cudnnStatus_t (*)(cudnnHandle_t)>
      owner(handle, cudnnDestroy);
  cuda::cudnn::check(cudnnSetStream(handle, context.session().stream()), "choosing the stream");
  std::vector<EngineSpeed> found;
  for (const Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
    const ConvolutionGraph graph = cuda::cudnn::graph_of(pass, c, false, 16);
    for (int i = 0;; ++i) {
      const cuda::cudnn::Planned planned =
          cuda::cudnn::make_plan(cuda::cudnn::Target(handle), graph, {}, i);
      if (!planned.plan) break;
      const Plan& plan = *planned.plan;
      Array<unsigned char> workspace(Shape{static_cast<Index>(plan.choice().workspace) + 1},
                                     Device::cuda);
      Buffers own{Array<float>(x.shape(), Device::cuda), Array<float>(w.shape(), Device::cuda),
                  Array<float>(y.shape(), Device::cuda)};
      copy(context, x, own.x.view());
      copy(context, w, own.w.view());
      copy(context, y, own.y.view());
      const auto first = once(context, handle, plan, own, pass, workspace.data());
      int others = 0;
      for (int time = 1; time < times; ++time) {
        const auto again = once(context, handle, plan, own, pass, workspace.data());
        if (std::memcmp(again.data(), first.data(), first.size() * sizeof(float)) != 0) ++others;
      }
      const double taken = microseconds(context, [&] {
        plan.execute(handle, {own.x.data(), own.w.data(), own.y.data()}, workspace.data());
      });
      found.push_back({to_string(graph), to_string(plan.choice()), i, others, taken});
    }
  }
  return found;
}

}  // namespace serenade::gpu_check
