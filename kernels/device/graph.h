#pragma once

#include <functional>
#include <memory>

#include "kernels/device/context.h"

namespace serenade {

/// Work on a GPU that was enqueued once and is launched again and again, for a fraction of what
/// enqueuing it anew costs (a CUDA Graph). Kernels keep the arguments that they were captured with,
/// pointers and numbers: what is to differ from launch to launch must lie in memory, and that
/// memory must live where it lay for as long as the graph is launched.
class Graph {
 public:
  /// Captures what `work` enqueues on the context's stream; nothing of it runs. `work` must not
  /// wait for the GPU, allocate or free its memory: let it run once before, so that all it needs is
  /// there. Throws DeviceError where it does, or where the context is none of a GPU.
  Graph(Context& context, const std::function<void()>& work);

  /// Enqueues the work.
  void launch(Context& context) const;

 private:
  std::shared_ptr<void> executable_;
};

namespace cuda {
class Session;
std::shared_ptr<void> capture(Session& session, const std::function<void()>& work);
void launch_graph(Session& session, void* executable);
}  // namespace cuda

}  // namespace serenade
