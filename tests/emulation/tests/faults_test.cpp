// Each fault of a kernel that the emulated GPU is there to find, planted once. The kernels here are
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/device/launch.cuh"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/tests/planted_fault.h"

namespace serenade::cuda {
namespace {

using emulation::Order;
using ::testing::HasSubstr;

constexpr int size = 64;

/// Sums neighbours through shared memory; `waits` says whether it does so rightly.
__global__ void neighbours_kernel(const float* in, bool waits, float* out) {
  SERENADE_SHARED(float, shared, size);
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = in[i];
  if (waits) __syncthreads();
  out[i] = shared[i] + shared[(i + 1) % size];
}

/// Turns shared memory about in place; without the first barrier a number is overwritten before it
/// is read.
__global__ void turn_kernel(const float* in, bool waits, float* out) {
  SERENADE_SHARED(float, shared, size);
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = in[i];
  __syncthreads();
  const float mine = shared[size - 1 - i];
  if (waits) __syncthreads();
  shared[i] = mine;
  __syncthreads();
  out[i] = shared[i];
}

__global__ void divergent_kernel(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

__global__ void leaving_kernel(float* out) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

__global__ void lonely_kernel(int* out) {
  int value = static_cast<int>(threadIdx.x);
  if (threadIdx.x < 16) value = __shfl_xor_sync(all_lanes, value, 1);
  out[threadIdx.x] = value;
}

__global__ void all_write_kernel(float* out) { out[0] = static_cast<float>(blockIdx.x); }

__global__ void beyond_kernel(float* out, int by) { out[static_cast<int>(threadIdx.x) + by] = 1; }

__global__ void read_kernel(const float* in, float* out) { out[threadIdx.x] = in[threadIdx.x] + 1; }

__global__ void dynamic_kernel(int used, float* out) {
  SERENADE_DYNAMIC_SHARED(float, shared);
  for (int i = static_cast<int>(threadIdx.x); i < used; i += static_cast<int>(blockDim.x)) {
    shared[i] = 1;
  }
  out[threadIdx.x] = 1;
}

__global__ void both_kernel(float* out) {
  SERENADE_SHARED(float, fixed, 256);
  SERENADE_DYNAMIC_SHARED(float, dynamic);
  fixed[threadIdx.x] = 1;
  dynamic[threadIdx.x] = 1;
  out[threadIdx.x] = fixed[threadIdx.x] + dynamic[threadIdx.x];
}

__global__ void large_kernel(float* out) {
  SERENADE_SHARED(float, shared, 12289);
  shared[threadIdx.x] = 1;
  out[threadIdx.x] = shared[threadIdx.x];
}

__global__ void stride_kernel(int stride, float* out) {
  const int i = static_cast<int>(threadIdx.x) * stride;
  out[threadIdx.x] = i >= 0 ? 1.0F : 0.0F;
}

__global__ void fill_kernel(float value, float* out) { out[threadIdx.x] = value; }

TEST_F(PlantedFault, MissingBarrierGivesWrongNumbersInSomeOrder) {
  const Array<float> in = uploaded(0, size);
  Array<float> out(Shape{size}, Device::cuda);
  std::vector<float> expected;
  for (int i = 0; i < size; ++i) expected.push_back(static_cast<float>(i + (i + 1) % size));
  bool wrong = false;
  for (const Order order : {Order::forward, Order::reverse, Order::random}) {
    emulation::use_order(order);
    launch<neighbours_kernel>(session_, {1, size}, in.data(), true, out.data());
    EXPECT_EQ(values(out), expected);
    launch<neighbours_kernel>(session_, {1, size}, in.data(), false, out.data());
    std::vector<float> found;
    const std::string said = complaint();
    if (emulation::watches()) {
      EXPECT_THAT(said, HasSubstr("neighbours_kernel: block 0"));
      EXPECT_THAT(said, ::testing::AnyOf(HasSubstr("race"), HasSubstr("nobody has written")));
    }
    emulation::take_faults();
    wrong = wrong || values(out) != expected;
  }
  EXPECT_TRUE(wrong);
}

TEST_F(PlantedFault, WriteAfterReadIsWrongInSomeOrderAndARace) {
  const Array<float> in = uploaded(0, size);
  Array<float> out(Shape{size}, Device::cuda);
  bool wrong = false;
  for (const Order order : {Order::forward, Order::reverse, Order::random}) {
    emulation::use_order(order);
    launch<turn_kernel>(session_, {1, size}, in.data(), true, out.data());
    const std::vector<float> expected = values(out);
    EXPECT_EQ(expected.front(), size - 1);
    launch<turn_kernel>(session_, {1, size}, in.data(), false, out.data());
    const std::string said = complaint();
    if (emulation::watches()) {
      EXPECT_THAT(said, HasSubstr("race"));
    }
    emulation::take_faults();
    wrong = wrong || values(out) != expected;
  }
  EXPECT_TRUE(wrong);
}

TEST_F(PlantedFault, DivergentBarrierIsNamed) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<divergent_kernel>(session_, {1, size}, out.data());
  EXPECT_THAT(complaint(), HasSubstr("divergent_kernel: block 0: threads wait at different"));
}

TEST_F(PlantedFault, BarrierAfterAThreadHasEndedIsNamed) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<leaving_kernel>(session_, {1, size}, out.data());
  EXPECT_THAT(complaint(), HasSubstr("thread 40 has ended while others wait at a barrier"));
}

TEST_F(PlantedFault, ShuffleOfLanesThatDoNotComeIsNamed) {
  Array<int> out(Shape{32}, Device::cuda);
  launch<lonely_kernel>(session_, {1, 32}, out.data());
  EXPECT_THAT(complaint(), HasSubstr("lonely_kernel: block 0"));
}

TEST_F(PlantedFault, RaceBetweenBlocks) {
  if (!emulation::watches()) GTEST_SKIP() << "only where every access is watched";
  Array<float> out(Shape{1}, Device::cuda);
  launch<all_write_kernel>(session_, {2, 1}, out.data());
  EXPECT_THAT(complaint(), HasSubstr("all_write_kernel: block 1, thread 0: race (two writes)"));
}

TEST_F(PlantedFault, WriteBeyondTheEnd) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<beyond_kernel>(session_, {1, size}, out.data(), 1);
  EXPECT_THAT(complaint(),
              HasSubstr(emulation::watches() ? "out of bounds" : "beyond the end of a buffer"));
}

TEST_F(PlantedFault, ReadOfWhatNobodyWrote) {
  const Array<float> in(Shape{size}, Device::cuda);
  Array<float> out(Shape{size}, Device::cuda);
  launch<read_kernel>(session_, {1, size}, in.data(), out.data());
  const std::string said = complaint();
  if (emulation::watches()) {
    EXPECT_THAT(said, HasSubstr("reads what nobody has written"));
  } else {
    EXPECT_THAT(values(out), ::testing::Each(::testing::IsNan()));
  }
}

TEST_F(PlantedFault, TooLittleDynamicSharedMemory) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<dynamic_kernel>(session_, {1, size, 256}, 64, out.data());
  EXPECT_EQ(complaint(), "");
  launch<dynamic_kernel>(session_, {1, size, 256}, 65, out.data());
  EXPECT_THAT(complaint(),
              HasSubstr(emulation::watches() ? "out of bounds in shared" : "of a shared array"));
}

TEST_F(PlantedFault, IndexThatOverflows) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<stride_kernel>(session_, {1, size}, 1 << 25, out.data());
  EXPECT_EQ(complaint(), "");
  launch<stride_kernel>(session_, {1, size}, (1 << 25) + (1 << 20), out.data());
  EXPECT_THAT(complaint(), ::testing::AllOf(HasSubstr("stride_kernel: block 0, thread 63: an "
                                                      "integer overflows (*) in "),
                                            HasSubstr("faults_test.cpp:")));
}

TEST_F(PlantedFault, MoreSharedMemoryThanABlockHasOrWasAskedFor) {
  Array<float> out(Shape{size}, Device::cuda);
  const auto refused = [&](std::size_t dynamic) {
    emulation::take_faults();
    try {
      launch<both_kernel>(session_, {1, size, dynamic}, out.data());
    } catch (const DeviceError& error) {
      return std::string(error.what());
    }
    return complaint();
  };
  // 1 KiB of it is static.
  EXPECT_EQ(refused(47U << 10U), "");
  EXPECT_THAT(refused((47U << 10U) + 4),
              HasSubstr("both_kernel: block 0, thread 0: needs 49156 bytes of shared memory, more "
                        "than 49152, and cudaFuncSetAttribute has not asked"));
  EXPECT_THAT(refused(64U << 10U), HasSubstr("both_kernel: launched with 65536 bytes of dynamic"));
  const auto ask = [](int bytes) {
    return cudaFuncSetAttribute(both_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  EXPECT_EQ(ask(64 << 10), cudaSuccess);
  EXPECT_EQ(refused(64U << 10U), "");
  EXPECT_THAT(refused((64U << 10U) + 4), HasSubstr("both_kernel: launched with 65540 bytes"));
  EXPECT_EQ(ask(99 << 10), cudaSuccess);
  EXPECT_THAT(refused(99U << 10U), HasSubstr("needs 102400 bytes of shared memory, but a block has "
                                             "101376"));
  EXPECT_EQ(ask(100 << 10), cudaErrorInvalidValue);
  EXPECT_EQ(ask(0), cudaSuccess);
}

TEST_F(PlantedFault, MoreStaticSharedMemoryThanTheCompilerAllows) {
  Array<float> out(Shape{size}, Device::cuda);
  launch<large_kernel>(session_, {1, size}, out.data());
  EXPECT_THAT(complaint(),
              HasSubstr("has 49156 bytes of static shared memory, but may have 49152"));
}

TEST_F(PlantedFault, TooManyThreadsInABlock) {
  Array<float> out(Shape{2048}, Device::cuda);
  try {
    launch<fill_kernel>(session_, {1, most_threads + 1}, 1.0F, out.data());
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_STREQ(error.what(),
                 "fill_kernel: launched with 257 threads in a block, but compiled for 256");
  }
  const auto refused = [&](dim3 grid, dim3 block) {
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.stream = session_.stream();
    EXPECT_EQ(cudaLaunchKernelEx(&config, fill_kernel, 1.0F, out.data()), cudaSuccess);
    std::string said = complaint();
    emulation::take_faults();
    return said;
  };
  EXPECT_EQ(refused(1, 1024), "");
  EXPECT_THAT(refused(1, 1025), HasSubstr("fill_kernel: has 1025 threads in a block"));
  EXPECT_THAT(refused(1, {1, 1, 65}), HasSubstr("at most 64 of them along z"));
  EXPECT_THAT(refused(0, 1), HasSubstr("grid is empty or too large"));
  EXPECT_THAT(refused({1, 65536}, 1), HasSubstr("grid is empty or too large"));
}

using PlantedFaultDeathTest = PlantedFault;
TEST_F(PlantedFaultDeathTest, KernelThatWritesFarBeyondTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Array<float> out(Shape{size}, Device::cuda);
  EXPECT_DEATH(
      {
        launch<beyond_kernel>(session_, {1, size}, out.data(), 1 << 20);
        context_.synchronize();
      },
      "beyond_kernel: block 0, thread 0: touches memory that is closed to it");
}

}  // namespace
}  // namespace serenade::cuda
