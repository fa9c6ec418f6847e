// What the host code does that only some machines ask for: a GPU that is not the first, memory that
// is nearly used up, several threads, and an end in the midst of work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/device/graph.h"
#include "kernels/device/launch.cuh"
#include "kernels/device/send_buffer.h"
#include "kernels/device/transfer.h"
#include "pipeline/experiment/config.h"
#include "pipeline/features/clip_batches.h"
#include "pipeline/features/extraction.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade::test {
namespace {

using ::testing::HasSubstr;

constexpr Index size = 64;

__global__ void add_kernel(float* values, float more) { values[threadIdx.x] += more; }

class EmulatedDevice : public ::testing::Test {
 protected:
  void TearDown() override {
    emulation::machine() = {};
    cudaSetDevice(0);
    EXPECT_EQ(emulation::take_faults(), "");
  }
  static void add(Context& context, Array<float>& to, float more) {
    cuda::launch<add_kernel>(context.session(), {1, size, 0}, to.data(), more);
  }
  static Array<float> zeros(Context& context) {
    Array<float> here(Shape{size}), there(Shape{size}, Device::cuda);
    here.fill(0);
    copy(context, Tensor<const float>(here.view()), there.view());
    return there;
  }
  static float first(Context& context, const Array<float>& there) {
    Array<float> here(Shape{size});
    copy(context, there.view(), here.view());
    return here[0];
  }
};

/// The first GPU is too old: all must use the second, which a thread does not by itself.
class SecondGpu : public EmulatedDevice {
 protected:
  void SetUp() override {
    emulation::machine().devices = 2;
    emulation::machine().old_devices = 1;
    cudaSetDevice(0);
    used_before_ = emulation::uses_of_device(0);
  }
  void expect_only_second() const {
    EXPECT_EQ(emulation::uses_of_device(0), used_before_);
    EXPECT_GT(emulation::uses_of_device(1), 0);
  }

  int used_before_ = 0;
};

TEST_F(SecondGpu, IsAContextsOnTheThreadThatMakesIt) {
  Context context(Device::cuda);
  EXPECT_EQ(context.session().device(), 1);
  Array<float> there = zeros(context);
  add(context, there, 2);
  EXPECT_EQ(first(context, there), 2);
  expect_only_second();
}

TEST_F(SecondGpu, IsAContextsOnAnotherThread) {
  Context context(Device::cuda);
  std::jthread([&] {
    use_on_this_thread(context);
    Array<float> there = zeros(context);
    add(context, there, 3);
    EXPECT_EQ(first(context, there), 3);
  }).join();
  expect_only_second();
}

TEST_F(SecondGpu, ComputesAWholeRunAndItsPredictions) {
  SmallExperiment small;
  Context gpu(Device::cuda, 2);
  Workplace place(gpu, small.listener);
  place.cache = small.folder / "cache";
  place.runs = small.folder / "runs";
  place.features = Device::cuda;
  // Members on threads of their own.
  const RunResult result = run(small.config({"seeds=[1, 2, 3]", "training.epochs=2"}), place);
  EXPECT_TRUE(result.report);
  // On threads that have not chosen a GPU, by contexts that others have made.
  Predictor predictor(small.folder / "runs/small", Device::cuda);
  for (int i = 0; i < 2; ++i) {
    Context threads(Device::cuda, 3);
    predictor.predict(threads, small.clips, small.listener,
                      [](const FilePrediction& one) { EXPECT_EQ(one.error, ""); });
  }
  expect_only_second();
}

/// A thread that takes what another made to decode with chooses the GPU of that. Here it is one
/// thread that something else has made choose another meanwhile: after each block of files, results
/// come.
TEST_F(SecondGpu, DecodesOnAThreadThatHasChosenAnotherMeanwhile) {
  SmallExperiment small;
  Context cpu(1);
  Workplace place(cpu, small.listener);
  place.cache = small.folder / "cache";
  place.runs = small.folder / "runs";
  run(small.config({"training.epochs=1"}), place);

  // Most are files that are not there: they take what decodes, and little time.
  std::vector<std::filesystem::path> files(300, small.folder / "missing.wav");
  files.front() = small.clips.front();
  files.back() = small.clips.back();
  std::vector<bool> answered;
  Predictor predictor(small.folder / "runs/small", Device::cuda);
  predictor.predict(cpu, files, small.listener, [&](const FilePrediction& one) {
    answered.push_back(one.error.empty());
    cudaSetDevice(answered.size() < files.size() ? 0 : 1);
  });
  ASSERT_EQ(answered.size(), files.size());
  EXPECT_TRUE(answered.front());
  EXPECT_TRUE(answered.back());
  expect_only_second();
}

/// Of what the context keeps, all goes where the GPU's memory does not suffice for what is asked.
TEST_F(EmulatedDevice, LendsOnceMoreWithoutWhatItKept) {
  Context context(Device::cuda);
  constexpr Index mebi = (Index{1} << 20U) / static_cast<Index>(sizeof(float));
  { const Lent first = context.lend({4 * mebi}), second = context.lend({4 * mebi}); }
  emulation::machine().device.memory = emulation::bytes_in_use() + (std::size_t{1} << 20U);
  emulation::take_memory_use();
  const Lent large = context.lend({6 * mebi});
  EXPECT_EQ(large.view().size(), 6 * mebi);
  EXPECT_EQ(emulation::take_memory_use().refusals, 1);
  EXPECT_LE(emulation::bytes_in_use(), std::size_t{7} << 20U);
  // Nothing is kept any more that could make room.
  try {
    context.lend({6 * mebi});
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the GPU's memory is used up: 6 MiB asked"));
  }
}

/// An operation that hopes for zeros, or for what the one before it left, finds NaN.
TEST_F(EmulatedDevice, PoisonsWhatIsLentOnceMore) {
  Context context(Device::cuda);
  Array<float> here(Shape{size});
  here.fill(1);
  {
    Lent there = context.lend({size});
    copy(context, Tensor<const float>(here.view()), there.view());
  }
  const Lent again = context.lend({size});
  copy(context, again.view(), here.view());
  for (const float value : here.span()) EXPECT_TRUE(std::isnan(value));
}

/// What may wait for the whole GPU lets a capture in another thread end first.
TEST_F(EmulatedDevice, MemoryWaitsForACaptureInAnotherThread) {
  Context context(Device::cuda);
  Array<float> there = zeros(context);
  auto unused = std::make_unique<Array<float>>(Shape{size}, Device::cuda);
  std::atomic<bool> begins = false, ended = false;
  std::jthread other;
  const Graph graph(context, [&] {
    add(context, there, 1);
    other = std::jthread([&] {
      begins = true;
      unused.reset();
      const Array<float> more(Shape{1000}, Device::cuda);
      const HostBytes pinned(Device::cuda);
      ended = true;
    });
    while (!begins) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(ended);
    add(context, there, 2);
  });
  other.join();
  EXPECT_TRUE(ended);
  graph.launch(context);
  graph.launch(context);
  EXPECT_EQ(first(context, there), 6);
}

TEST_F(EmulatedDevice, ACaptureThatSomethingElseEndsIsAnErrorAndTheNextIsNone) {
  Context context(Device::cuda);
  Array<float> there = zeros(context);
  const auto two = [&] {
    add(context, there, 1);
    add(context, there, 1);
  };
  for (const int before : {0, 1, 2}) {
    emulation::machine().spoilt_captures = 1;
    emulation::machine().works_before = before;
    EXPECT_THROW(Graph(context, two), DeviceError) << before;
    Graph(context, two).launch(context);
  }
  EXPECT_EQ(first(context, there), 6);  // nothing of what was not captured has run
}

/// Pinned memory goes with the batches: not before the copies that still use it.
TEST_F(EmulatedDevice, ClipBatchesEndWithWorkQueued) {
  SmallExperiment small;
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [rms]}", "a test").features);
  FeatureFunction function = feature_function(extractor, Device::cuda);
  function.clips_at_once = 2;
  Context context(Device::cuda);
  ClipBatches batches(context, function, std::size_t{1} << 30U);
  for (std::size_t i = 0; i < 5; ++i) batches.add(i, small.clips[i]);
}

TEST_F(EmulatedDevice, WhatIsSentMayChangeAtOnceAndEndWithWorkQueued) {
  Context context(Device::cuda);
  constexpr int sends = 7;
  std::vector<Array<float>> there;
  Array<float> here(Shape{size});
  for (int i = 0; i < sends; ++i) there.push_back(zeros(context));
  {
    SendBuffer buffer(Device::cuda);
    for (int i = 0; i < sends; ++i) {
      here.fill(static_cast<float>(i + 1));
      const auto bytes = std::as_bytes(here.span());
      buffer.begin(2 * SendBuffer::room(bytes.size()));
      buffer.send(context, bytes, there[static_cast<std::size_t>(i)].data());
      here.fill(-1);
      buffer.send(context, bytes, there[static_cast<std::size_t>((i + 1) % sends)].data());
      buffer.end(context);
    }
  }
  for (int i = 1; i < sends; ++i) {
    EXPECT_EQ(first(context, there[static_cast<std::size_t>(i)]), static_cast<float>(i + 1));
  }
  EXPECT_EQ(first(context, there[0]), -1);
}

// What the emulated GPU must find itself, planted.

TEST_F(SecondGpu, WorkOfAThreadThatHasChosenAnotherIsAFault) {
  Context context(Device::cuda);
  Array<float> there = zeros(context);
  std::jthread([&] { EXPECT_THROW(add(context, there, 1), DeviceError); }).join();
  EXPECT_THAT(emulation::take_faults(), HasSubstr("by a thread that has chosen GPU 0"));
}

TEST_F(EmulatedDevice, PinnedMemoryThatGoesBeforeItsCopyIsAFault) {
  Context context(Device::cuda);
  Array<float> there = zeros(context);
  {
    HostBytes bytes(Device::cuda);
    bytes.resize(size * sizeof(float));
    std::memset(bytes.data(), 0, bytes.size());
    enqueue_copy(context, Tensor<const float>(bytes.as<float>(), Shape{size}), there.view());
  }
  EXPECT_THAT(emulation::take_faults(), HasSubstr("cudaFreeHost: of pinned memory"));
}

TEST_F(EmulatedDevice, MemoryThatIsFreedDuringACaptureInAnotherThreadEndsIt) {
  Context context(Device::cuda);
  Array<float> there = zeros(context);
  const auto work = [&] {
    add(context, there, 1);
    std::jthread([] {
      void* memory = nullptr;  // past the lock of the house
      cudaMalloc(&memory, size);
      cudaFree(memory);
    }).join();
    add(context, there, 1);
  };
  EXPECT_THROW(Graph(context, work), DeviceError);
}

}  // namespace
}  // namespace serenade::test
