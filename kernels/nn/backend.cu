#include "kernels/nn/backend.h"

#include <memory>

#include "kernels/device/session.h"

namespace serenade::cuda {
namespace {

BackendOptions& options_of(Session& session) {
  return session.keep<BackendOptions>("backend", [] { return std::make_shared<BackendOptions>(); });
}

}  // namespace

void use_backend(Session& session, const BackendOptions& options) { options_of(session) = options; }
const BackendOptions& backend(Session& session) { return options_of(session); }

}  // namespace serenade::cuda
