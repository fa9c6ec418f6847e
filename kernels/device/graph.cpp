#include "kernels/device/graph.h"

namespace serenade {

Graph::Graph(Context& context, const std::function<void()>& work) {
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      executable_ = cuda::capture(context.session(), work);
      return;
    }
  }
  throw DeviceError("graph: only a GPU's work can be captured");
}

void Graph::launch(Context& context) const {
  if constexpr (has_cuda) cuda::launch_graph(context.session(), executable_.get());
}

}  // namespace serenade
