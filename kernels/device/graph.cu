#include "kernels/device/graph.h"

#include "kernels/device/exclusive.h"
#include "kernels/device/session.h"

namespace serenade::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using OwnedGraph = std::unique_ptr<CUgraph_st, DestroyGraph>;

}  // namespace

std::shared_ptr<void> capture(Session& session, const std::function<void()>& work) {
  const std::lock_guard alone(whole_device());
  const cudaStream_t stream = session.stream();
  // Other threads may go on as they please.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capturing a graph");
  cudaGraph_t captured = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &captured);
    const OwnedGraph dropped(captured);
    throw;
  }
  const cudaError_t ended = cudaStreamEndCapture(stream, &captured);
  const OwnedGraph graph(captured);
  check(ended, "capturing a graph");
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph.get(), 0), "making a graph");
  return {executable, [](cudaGraphExec_t owned) { cudaGraphExecDestroy(owned); }};
}

void launch_graph(Session& session, void* executable) {
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(executable), session.stream()),
        "launching a graph");
}

}  // namespace serenade::cuda
