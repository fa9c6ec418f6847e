// Each fault of the code around kernels that the emulated GPU is there to find, planted once:
// streams, copies, graphs, memory.
#include <cufft.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/graph.h"
#include "kernels/device/launch.cuh"
#include "tests/emulation/tests/planted_fault.h"

namespace serenade::cuda {
namespace {

using ::testing::HasSubstr;

constexpr int size = 64;

__global__ void read_kernel(const float* in, float* out) { out[threadIdx.x] = in[threadIdx.x] + 1; }

__global__ void fill_kernel(float value, float* out) { out[threadIdx.x] = value; }

TEST_F(PlantedFault, MissingEventWaitShowsInSomeOrderOfStreams) {
  Session other;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  Array<float> between(Shape{size}, Device::cuda);
  Array<float> out(Shape{size}, Device::cuda);
  const auto last = [&](bool waits, std::uint64_t seed) {
    emulation::use_stream_seed(seed);
    launch<fill_kernel>(session_, {1, size}, 0.0F, between.data());
    context_.synchronize();
    launch<fill_kernel>(session_, {1, size}, 1.0F, between.data());
    EXPECT_EQ(cudaEventRecord(event, session_.stream()), cudaSuccess);
    if (waits) {
      EXPECT_EQ(cudaStreamWaitEvent(other.stream(), event, 0), cudaSuccess);
    }
    launch<read_kernel>(other, {1, size}, between.data(), out.data());
    other.synchronize();
    return values(out).back();
  };
  bool wrong = false;
  for (std::uint64_t seed = 1; seed < 9; ++seed) {
    EXPECT_EQ(last(true, seed), 2.0F);
    wrong = wrong || last(false, seed) != 2.0F;
  }
  EXPECT_TRUE(wrong);
  cudaEventDestroy(event);
}

TEST_F(PlantedFault, PinnedMemoryThatIsReusedTooEarlyGivesItsLaterContents) {
  float* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof(float)), cudaSuccess);
  Array<float> there(Shape{1}, Device::cuda);
  *pinned = 1;
  ASSERT_EQ(cudaMemcpyAsync(there.data(), pinned, sizeof(float), cudaMemcpyHostToDevice,
                            session_.stream()),
            cudaSuccess);
  *pinned = 2;
  EXPECT_EQ(values(there).front(), 2.0F);
  cudaFreeHost(pinned);
}

TEST_F(PlantedFault, CopyThatIsTooLongOrTurnedAbout) {
  const Array<float> there = uploaded(0, size);
  std::array<float, 2 * size> here{};
  EXPECT_NE(cudaMemcpyAsync(here.data(), there.data(), sizeof(here), cudaMemcpyDeviceToHost,
                            session_.stream()),
            cudaSuccess);
  EXPECT_NE(
      cudaMemcpyAsync(here.data(), there.data(), 4, cudaMemcpyHostToDevice, session_.stream()),
      cudaSuccess);
}

TEST_F(PlantedFault, WrongDistanceInATransform) {
  Array<double> in(Shape{4 * size}, Device::cuda);
  Array<double> out(Shape{4 * (size + 2)}, Device::cuda);
  ASSERT_EQ(cudaMemsetAsync(in.data(), 0, 4 * size * sizeof(double), session_.stream()),
            cudaSuccess);
  const auto transform = [&](int distance) {
    cufftHandle plan = 0;
    std::size_t work = 0;
    int n = size;
    EXPECT_EQ(cufftCreate(&plan), CUFFT_SUCCESS);
    EXPECT_EQ(
        cufftMakePlanMany(plan, 1, &n, &n, 1, distance, &n, 1, size / 2 + 1, CUFFT_D2Z, 4, &work),
        CUFFT_SUCCESS);
    EXPECT_EQ(cufftSetStream(plan, session_.stream()), CUFFT_SUCCESS);
    const cufftResult result =
        cufftExecD2Z(plan, in.data(), reinterpret_cast<cufftDoubleComplex*>(out.data()));
    cufftDestroy(plan);
    return result;
  };
  EXPECT_EQ(transform(size), CUFFT_SUCCESS);
  EXPECT_EQ(complaint(), "");
  EXPECT_EQ(transform(size + 1), CUFFT_INVALID_VALUE);
  EXPECT_THAT(complaint(), HasSubstr("cuFFT: the plan reads"));
}

/// Eight points of 1 + cos(pi t / 4) + sin(pi t / 2), and what cuFFT does not say or does not keep.
TEST_F(PlantedFault, InverseTransformOfNoRealRowOrReadAgain) {
  constexpr int n = 8;
  constexpr int bins = n / 2 + 1;
  const auto transform = [&](const std::vector<double>& bins_of_row, cufftType type) {
    const Shape shape{2 * bins};
    Array<double> in(shape, Device::cuda);
    Array<double> out(Shape{n}, Device::cuda);
    copy(context_, Tensor<const double>(bins_of_row.data(), shape), in.view());
    cufftHandle plan = 0;
    std::size_t work = 0;
    int points = n;
    EXPECT_EQ(cufftCreate(&plan), CUFFT_SUCCESS);
    EXPECT_EQ(cufftMakePlanMany(plan, 1, &points, nullptr, 1, bins, nullptr, 1, n, type, 1, &work),
              CUFFT_SUCCESS);
    EXPECT_EQ(cufftSetStream(plan, session_.stream()), CUFFT_SUCCESS);
    const cufftResult result =
        cufftExecZ2D(plan, reinterpret_cast<cufftDoubleComplex*>(in.data()), out.data());
    std::vector<double> row(n), used(2 * bins);
    if (result == CUFFT_SUCCESS) {  // nobody has written it otherwise, which a watched copy refuses
      copy(context_, Tensor<const double>(out.view()), Tensor<double>(row.data(), out.shape()));
    }
    copy(context_, Tensor<const double>(in.view()), Tensor<double>(used.data(), shape));
    cufftDestroy(plan);
    EXPECT_EQ(std::isnan(used[3]), result == CUFFT_SUCCESS) << "the input is kept";
    return std::pair(result, row);
  };
  std::vector<double> spectrum{8, 0, 4, 0, 0, -4, 0, 0, 0, 0};
  const auto [result, row] = transform(spectrum, CUFFT_Z2D);
  EXPECT_EQ(result, CUFFT_SUCCESS);
  for (int t = 0; t < n; ++t) {
    const double turn = std::numbers::pi / 4 * t;
    EXPECT_NEAR(row[static_cast<std::size_t>(t)], 8 + 8 * std::cos(turn) + 8 * std::sin(2 * turn),
                1e-14);
  }
  EXPECT_EQ(complaint(), "");
  EXPECT_EQ(transform(spectrum, CUFFT_D2Z).first, CUFFT_INVALID_TYPE);
  spectrum.back() = 1e-300;
  EXPECT_THROW(transform(spectrum, CUFFT_Z2D), DeviceError);
  EXPECT_THAT(emulation::take_faults(), HasSubstr("last bin of a real row has an imaginary part"));
}

TEST_F(PlantedFault, BufferThatIsFreedTwiceOrNeverWas) {
  void* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_NE(cudaFree(memory), cudaSuccess);
}

/// A graph's kernels keep the numbers they were captured with; what is to differ lies in memory.
TEST_F(PlantedFault, StaleGraphArgument) {
  const Array<float> once = uploaded(0, size);
  Array<float> out(Shape{size}, Device::cuda);
  float value = 3;
  const Graph graph(context_, [&] {
    launch<fill_kernel>(context_.session(), {1, size, 0}, value, out.data());
  });
  value = 4;
  graph.launch(context_);
  EXPECT_EQ(values(out)[5], 3);
  // What memory holds is read when the graph is launched.
  Array<float> from = uploaded(10, size), to(Shape{size}, Device::cuda);
  const Graph reading(context_, [&] {
    launch<read_kernel>(context_.session(), {1, size, 0}, from.data(), to.data());
  });
  copy(context_, once.view(), from.view());
  reading.launch(context_);
  const auto first = values(once);
  EXPECT_EQ(values(to)[7], first[7] + 1);
  EXPECT_EQ(emulation::take_faults(), "");
}

TEST_F(PlantedFault, GraphWhoseCaptureWaitsOrAllocates) {
  const auto capture = [&](const std::function<void()>& work) {
    const Graph graph(context_, work);
  };
  EXPECT_THROW(capture([&] { context_.synchronize(); }), DeviceError);
  EXPECT_THAT(emulation::take_faults(), HasSubstr("not while a stream is captured"));
  EXPECT_THROW(capture([&] { const Array<float> more(Shape{4}, Device::cuda); }), DeviceError);
  EXPECT_THAT(emulation::take_faults(), HasSubstr("cudaMalloc"));
}

TEST_F(PlantedFault, DefaultStream) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = dim3(1);
  Array<float> out(Shape{1}, Device::cuda);
  EXPECT_NE(cudaLaunchKernelEx(&config, fill_kernel, 1.0F, out.data()), cudaSuccess);
}

TEST_F(PlantedFault, MemoryThatIsUsedUp) {
  emulation::machine().device.memory = std::size_t{1} << 20U;
  try {
    const Array<float> large(Shape{1 << 20}, Device::cuda);
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the GPU's memory is used up: 4 MiB asked"));
    EXPECT_THAT(error.what(), HasSubstr("--device cpu"));
  }
}

TEST_F(PlantedFault, NoGpuAnOldDriverAnOldGpu) {
  const auto said = [] {
    try {
      const Context context(Device::cuda);
    } catch (const DeviceError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  emulation::machine().devices = 0;
  EXPECT_THAT(said(), HasSubstr("no NVIDIA GPU"));
  emulation::machine() = {};
  emulation::machine().driver_version = 12040;
  EXPECT_THAT(said(), HasSubstr("the NVIDIA driver supports CUDA 12.4"));
  emulation::machine().driver_version = 0;
  EXPECT_THAT(said(), HasSubstr("no NVIDIA driver"));
  emulation::machine() = {};
  emulation::machine().device.major = 7;
  EXPECT_THAT(said(), HasSubstr("compute capability 7.0"));
}

using PlantedFaultDeathTest = PlantedFault;
TEST_F(PlantedFaultDeathTest, GraphThatOutlivesItsMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto from = std::make_unique<Array<float>>(uploaded(1, size));
  Array<float> out(Shape{size}, Device::cuda);
  const Graph graph(context_, [&] {
    launch<read_kernel>(context_.session(), {1, size, 0}, from->data(), out.data());
  });
  graph.launch(context_);
  EXPECT_EQ(values(out)[0], 2);
  const auto again = [&] {
    from.reset();
    graph.launch(context_);
    context_.synchronize();
  };
  EXPECT_DEATH(again(), "read_kernel: block 0, thread 0");
}

TEST_F(PlantedFaultDeathTest, HostThatTouchesDeviceMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Array<float> there = uploaded(0, size);
  EXPECT_DEATH(there.data()[0] = 1, "host: touches memory that is closed to it");
}

}  // namespace
}  // namespace serenade::cuda
