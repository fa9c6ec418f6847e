// Engines that cuDNN's heuristics name for a convolution and that the rules let pass, each as often
// as it is named: whether it gives the same bits again, how far it is from the first, how long it
// takes.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"
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
struct Inputs {
  Tensor<const float> x, w, y, bias;
};

Array<float>& result(Buffers& buffers, Pass pass) {
  return pass == Pass::forward ? buffers.y : pass == Pass::backward_data ? buffers.x : buffers.w;
}

/// The result, of buffers at places of their own, with other rubbish in the workspace and the
/// result each time: its bits may hang on neither.
std::vector<float> once(Context& context, cudnnHandle_t handle, const Plan& plan,
                        const Inputs& inputs, Pass pass, int time) {
  Buffers buffers{Array<float>(inputs.x.shape(), Device::cuda),
                  Array<float>(inputs.w.shape(), Device::cuda),
                  Array<float>(inputs.y.shape(), Device::cuda)};
  copy(context, inputs.x, buffers.x.view());
  copy(context, inputs.w, buffers.w.view());
  copy(context, inputs.y, buffers.y.view());
  const Index bytes = static_cast<Index>(plan.choice().workspace) + 1;
  Array<unsigned char> workspace(Shape{bytes}, Device::cuda);
  Array<float>& out = result(buffers, pass);
  const cudaStream_t stream = context.session().stream();
  check(cudaMemsetAsync(workspace.data(), time, static_cast<std::size_t>(bytes), stream),
        "filling the workspace");
  check(cudaMemsetAsync(out.data(), 0xff, static_cast<std::size_t>(out.size()) * sizeof(float),
                        stream),
        "filling the result");
  plan.execute(handle,
               {buffers.x.data(), buffers.w.data(), buffers.y.data(),
                const_cast<float*>(inputs.bias.data())},
               workspace.data());
  std::vector<float> numbers(static_cast<std::size_t>(out.size()));
  copy(context, Tensor<const float>(out.view()), Tensor<float>(numbers.data(), out.shape()));
  return numbers;
}

/// The largest distance from what was found first, of its largest number; NaN counts as infinite.
double distance(const std::vector<float>& found, const std::vector<float>& first) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    largest = std::max(largest, std::abs(double{first[i]}));
    const double apart = std::abs(double{found[i]} - double{first[i]});
    if (!(apart <= worst)) worst = std::isfinite(apart) ? apart : 1e30;
  }
  return worst / std::max(largest, 1e-30);
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

/// Numbers in [-1, 1) from Philox, the same each time.
Array<float> drawn(Context& context, Index size, std::uint32_t stream) {
  const Philox philox(1);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto words =
        philox({static_cast<std::uint32_t>(i), stream, 2, purpose_of(Purpose::test)});
    values[i] = 2 * uniform(words[0]) - 1;
  }
  Array<float> array(Shape{size}, Device::cuda);
  copy(context, Tensor<const float>(values.data(), Shape{size}), array.view());
  return array;
}

}  // namespace

std::vector<EngineSpeed> convolution_engines(Context& context, const Convolution& c, bool bias) {
  constexpr int times = 20;
  cudnnHandle_t handle = nullptr;
  cuda::cudnn::check(cudnnCreate(&handle), "beginning");
  const std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, cudnnStatus_t (*)(cudnnHandle_t)>
      owner(handle, cudnnDestroy);
  cuda::cudnn::check(cudnnSetStream(handle, context.session().stream()), "choosing the stream");
  const Array<float> x = drawn(context, c.batch * c.time * c.in, 1);
  const Array<float> w = drawn(context, c.kernel * c.group_in() * c.out, 2);
  const Array<float> y = drawn(context, c.batch * c.out_time * c.out, 3);
  const Array<float> b = drawn(context, c.out, 4);
  const Inputs inputs{x.view(), w.view(), y.view(), b.view()};
  std::vector<EngineSpeed> found;
  for (const Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
    const ConvolutionGraph graph =
        cuda::cudnn::graph_of(pass, c, bias && pass == Pass::forward, 16);
    std::vector<float> first;  // of the graph's first engine
    for (int i = 0;; ++i) {
      const cuda::cudnn::Planned planned =
          cuda::cudnn::make_plan(cuda::cudnn::Target(handle), graph, {}, i);
      if (!planned.plan) break;
      const Plan& plan = *planned.plan;
      const auto numbers = once(context, handle, plan, inputs, pass, 0);
      if (first.empty()) first = numbers;
      int others = 0;
      for (int time = 1; time < times; ++time) {
        const auto again = once(context, handle, plan, inputs, pass, time);
        if (std::memcmp(again.data(), numbers.data(), numbers.size() * sizeof(float)) != 0) {
          ++others;
        }
      }
      Buffers own{Array<float>(x.shape(), Device::cuda), Array<float>(w.shape(), Device::cuda),
                  Array<float>(y.shape(), Device::cuda)};
      copy(context, inputs.x, own.x.view());
      copy(context, inputs.w, own.w.view());
      copy(context, inputs.y, own.y.view());
      Array<float> own_bias = drawn(context, c.out, 4);
      Array<unsigned char> workspace(Shape{static_cast<Index>(plan.choice().workspace) + 1},
                                     Device::cuda);
      const double taken = microseconds(context, [&] {
        plan.execute(handle, {own.x.data(), own.w.data(), own.y.data(), own_bias.data()},
                     workspace.data());
      });
      found.push_back(
          {to_string(graph), to_string(plan.choice()), i, others, distance(numbers, first), taken});
    }
  }
  return found;
}

}  // namespace serenade::gpu_check
