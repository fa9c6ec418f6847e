#include "kernels/nn/backend.h"

#include <gtest/gtest.h>

#include "kernels/device/memory.h"

namespace serenade::test {
namespace {

TEST(BackendOfAContext, IsWhatWasAskedForAndComesBack) {
  if constexpr (has_cuda) {
    if (cuda::devices().empty()) GTEST_SKIP() << "no GPU here";
    Context gpu(Device::cuda), other(Device::cuda);
    EXPECT_EQ(backend_of(gpu), BackendOptions{});
    use_backend(gpu, {Backend::library, true});
    {
      const UseBackend own(gpu, {Backend::plain});
      EXPECT_EQ(backend_of(gpu), (BackendOptions{Backend::plain, false}));
    }
    EXPECT_EQ(backend_of(gpu), (BackendOptions{Backend::library, true}));
    EXPECT_EQ(backend_of(other), BackendOptions{});
  } else {
    GTEST_SKIP() << "this build has no CUDA";
  }
}

TEST(BackendOfAContext, IsNoneOfTheCpus) {
  Context cpu;
  use_backend(cpu, {Backend::plain, true});
  EXPECT_EQ(backend_of(cpu), BackendOptions{});
}

}  // namespace
}  // namespace serenade::test
