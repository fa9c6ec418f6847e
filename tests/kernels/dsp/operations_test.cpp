#include "tests/kernels/dsp/operations.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/support/vector_paths.h"

namespace serenade::test {
namespace {

class EveryOperation : public ::testing::TestWithParam<Operation> {};

bool same_bits(Tensor<const float> a, Tensor<const float> b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0);
}

Signals alone(const Signals& batch, Index clip) { return Signals({batch.clip(clip)}); }

/// Lengths that meet the seams: none, one sample, shorter than a window, fewer than 9 frames,
/// frame counts around multiples of 16.
const std::vector<Index>& seam_lengths() {
  static const std::vector<Index> lengths = {0,        1,        2,        511,      512,
                                             513,      2047,     2048,     4095,     14 * 512,
                                             15 * 512, 16 * 512, 31 * 512, 32 * 512, 9001};
  return lengths;
}

rc::Gen<Signals> any_batch(bool with_empty_clips) {
  const auto length =
      rc::gen::oneOf(rc::gen::elementOf(seam_lengths()), rc::gen::inRange<Index>(0, 10000));
  const auto clip = rc::gen::map(
      rc::gen::tuple(length, rc::gen::inRange<int>(0, 1000), rc::gen::inRange<int>(0, 4)),
      [=](const std::tuple<Index, int, int>& drawn) {
        const auto [samples, seed, kind] = drawn;
        const Index size = with_empty_clips ? samples : std::max<Index>(samples, 1);
        const auto key = static_cast<std::uint64_t>(seed);
        if (kind == 0) return sweep(size, key);
        if (kind == 1) return std::vector<float>(static_cast<std::size_t>(size), 0.0F);
        return noise(size, key, kind == 2 ? 0.5 : 1e-4);
      });
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 6),
                                      [=](std::size_t clips) {
                                        return rc::gen::container<std::vector<std::vector<float>>>(
                                            clips, clip);
                                      }),
                      [](const std::vector<std::vector<float>>& clips) { return Signals(clips); });
}

TEST_P(EveryOperation, EqualsItsDefinitionInFloat64) {
  const Operation& operation = GetParam();
  std::vector<float> impulse(3000, 0.0F);
  impulse[1234] = 1.0F;
  const Signals batch({sweep(5000, 1),
                       noise(17 * 512, 2, 0.9),
                       noise(700, 3, 1e-3),
                       {0.25F},
                       impulse,
                       noise(2048, 4)});
  for (const Device device : devices_of(GetParam())) {
    Context context = context_on(device, 1);
    const Rows rows = operation.run(context, batch);
    for (Index clip = 0; clip < batch.clips.clips(); ++clip) {
      const std::vector<float> samples = batch.clip(clip);
      const auto zeros = std::count(samples.begin(), samples.end(), 0.0F);
      if (!operation.of_impulses && zeros + 1 >= batch.clips.length(clip)) continue;
      const auto expected = operation.reference({samples.begin(), samples.end()});
      const auto found = rows.clip(clip);
      ASSERT_EQ(found.extent(0), static_cast<Index>(expected.size()));
      double peak = 0;
      for (const auto& row : expected) {
        for (const double value : row) peak = std::max(peak, std::abs(value));
      }
      double worst = 0;  // of what is tolerated
      double squares = 0;
      double difference_squares = 0;
      for (Index t = 0; t < found.extent(0); ++t) {
        const auto& row = expected[static_cast<std::size_t>(t)];
        ASSERT_EQ(found.extent(1), static_cast<Index>(row.size()));
        for (Index i = 0; i < found.extent(1); ++i) {
          const double value = row[static_cast<std::size_t>(i)];
          const double difference = std::abs(static_cast<double>(found.row(t).data()[i]) - value);
          const Tolerance& allowed = operation.tolerance;
          const double bound =
              allowed.absolute + allowed.relative * std::abs(value) + allowed.peak * peak;
          ASSERT_LE(difference, bound)
              << "clip " << clip << ", frame " << t << ", dimension " << i << ": found "
              << found.row(t).data()[i] << ", expected " << value;
          if (bound > 0) worst = std::max(worst, difference / bound);
          squares += value * value;
          difference_squares += difference * difference;
        }
      }
      // The definitions' page: normalised mean squared error on linear stages.
      if (operation.tolerance.absolute == 0) {
        EXPECT_LE(difference_squares, 1e-9 * squares);
      }
      RecordProperty("clip_" + std::to_string(clip), std::to_string(worst));
    }
  }
}

TEST_P(EveryOperation, GivesTheSameBitsInAnyBatchAndOnAnyNumberOfThreads) {
  const Operation& operation = GetParam();
  const auto holds = [&](Device device, const Signals& batch) {
    Context context = context_on(device, 1);
    const Rows together = operation.run(context, batch);
    for (Index clip = 0; clip < batch.clips.clips(); ++clip) {
      const Rows single = operation.run(context, alone(batch, clip));
      RC_ASSERT(same_bits(together.clip(clip), single.clip(0)));
    }
    for (const int threads : {2, 3, 7}) {
      Context several = context_on(device, threads);
      RC_ASSERT(same_bits(operation.run(several, batch).values.view(), together.values.view()));
    }
  };
  for (const Device device : devices_of(GetParam())) {
    const bool passed = rc::check(operation.name + " on " + std::string(to_string(device)),
                                  [&] { holds(device, *any_batch(operation.takes_empty_clips)); });
    EXPECT_TRUE(passed);
  }
}

TEST_P(EveryOperation, GivesFiniteNumbersForSilence) {
  const Operation& operation = GetParam();
  const Signals batch({std::vector<float>(9000, 0.0F), {0.0F}, std::vector<float>(600, -0.0F)});
  for (const Device device : devices_of(GetParam())) {
    Context context = context_on(device, 1);
    const Rows rows = operation.run(context, batch);
    EXPECT_TRUE(std::all_of(rows.values.span().begin(), rows.values.span().end(),
                            [](float x) { return std::isfinite(x); }));
  }
}

TEST_P(EveryOperation, TakesABatchOfNoClips) {
  for (const Device device : devices_of(GetParam())) {
    Context context = context_on(device, 2);
    EXPECT_EQ(GetParam().run(context, Signals()).of_clip.clips(), 0);
  }
}

using OperationOnPath = std::tuple<VectorPath, Operation>;
class EveryOperationOnEveryPath : public OnVectorPath<OperationOnPath> {};

TEST_P(EveryOperationOnEveryPath, GivesTheBitsOfTheScalarPathOnAnyNumberOfThreads) {
  const auto& [path, operation] = GetParam();
  std::vector<std::vector<float>> clips{sweep(9000, 1),
                                        noise(33 * 512, 2, 0.9),
                                        noise(4000, 3, 1e-5),
                                        std::vector<float>(3000, 0.0F),
                                        {1.0F},
                                        std::vector<float>(3000, -1.0F)};
  for (const Index length : seam_lengths()) {
    if (length > 0) clips.push_back(noise(length, static_cast<std::uint64_t>(length)));
  }
  clips.front()[4321] = 1.0F;
  const Signals batch(clips);
  use_vector_path(VectorPath::scalar);
  Context alone = context_on(Device::cpu, 1);
  const Rows scalar = operation.run(alone, batch);
  use_vector_path(path);
  for (const int threads : {1, 2, 3, 7}) {
    Context context = context_on(Device::cpu, threads);
    EXPECT_TRUE(same_bits(operation.run(context, batch).values.view(), scalar.values.view()))
        << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Dsp, EveryOperationOnEveryPath,
                         ::testing::Combine(every_vector_path, ::testing::ValuesIn(operations())),
                         PathName());
INSTANTIATE_TEST_SUITE_P(Dsp, EveryOperation, ::testing::ValuesIn(operations()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace serenade::test
