#pragma once

#include <string>
#include <vector>

#include "kernels/nn/convolution.h"

/// conv1d by cuDNN: what other code sees of it, which compiles without cuDNN.
namespace serenade::cuda {

/// True in builds that have cuDNN; what follows is defined in those only.
#ifdef SERENADE_HAS_CUDNN
inline constexpr bool has_cudnn = true;
#else
inline constexpr bool has_cudnn = false;
#endif

class Session;

namespace cudnn {

// Each enqueues its convolution on the session's stream and returns true; or, where cuDNN has no
// plan for it under its rules (cudnn_convolution.h), does nothing and returns false. Shapes as
// conv1d.h states them. Uses all of the session's scratch. Throws DeviceError where cuDNN cannot be
// used at all.

bool conv1d(Session& session, const Convolution& convolution, const float* x, const float* weights,
            const float* bias, float* y);
bool conv1d_backward_data(Session& session, const Convolution& convolution, const float* weights,
                          const float* dy, float* dx);
bool conv1d_backward_weights(Session& session, const Convolution& convolution, const float* x,
                             const float* dy, float* dweights);

/// "9.19.0", of the library in use.
std::string version();
/// How each convolution of the session was done, a line each: "conv1d [32, 96, 61] to [32, 96, 32],
/// kernel 5, bias: cuDNN engine 11, knobs 2=3 3=0, 0 bytes of workspace", or ": own kernel (why)".
std::vector<std::string> plans(Session& session);
/// Makes the plans of `from`, whose work was this session's in another thread, known to plans().
void take_plans(Session& session, Session& from);

}  // namespace cudnn
}  // namespace serenade::cuda
