#include "kernels/nn/backend.h"

namespace serenade {

void use_backend(Context& context, const BackendOptions& options) {
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) cuda::use_backend(context.session(), options);
  }
}

BackendOptions backend_of(Context& context) {
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::backend(context.session());
  }
  return {};
}

}  // namespace serenade
