#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "kernels/device/session.h"
#include "kernels/dsp/chroma.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/place.h"
#include "kernels/dsp/stft.h"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/tests/orders.h"
#include "tests/kernels/dsp/operations.h"

namespace serenade::test {
namespace {

using emulation::Order;

/// Many clips of uneven length, one frame, none, frame counts around multiples of warps and blocks.
/// Where every access is watched, fewer: it takes a hundred times as long.
Signals clips_of_all_lengths(bool with_empty) {
  std::vector<std::vector<float>> clips{sweep(9000, 1), {0.25F}, noise(33 * 512, 2, 0.9)};
  if (with_empty) clips.emplace_back();
  if (!emulation::watches()) {
    for (const Index frames : {1, 7, 8, 9, 31, 32, 33, 63, 65}) {
      clips.push_back(noise(frames * 512 - 1, static_cast<std::uint64_t>(frames), 1e-2));
    }
    clips.emplace_back(3000, 0.0F);
    if (with_empty) clips.emplace_back();
  }
  return Signals(clips);
}

std::vector<Operation> operations_on_gpu() {
  std::vector<Operation> all = operations();
  std::erase_if(all, [](const Operation& operation) { return !operation.on_gpu; });
  return all;
}

using Case = std::tuple<Operation, Order>;
class EveryOperationEmulated : public ::testing::TestWithParam<Case> {
 protected:
  void TearDown() override {
    emulation::use_order(Order::forward);
    EXPECT_EQ(emulation::take_faults(), "");
  }
};

TEST_P(EveryOperationEmulated, GivesTheCpusNumbersForEveryBlockSize) {
  const auto& [operation, order] = GetParam();
  const Signals batch = clips_of_all_lengths(operation.takes_empty_clips);
  Context cpu(2);
  const Rows expected = operation.run(cpu, batch);
  emulation::use_order(order, 5);
  for (const int threads : {32, 64, 256}) {
    if (emulation::watches() && threads != 64) continue;
    Context gpu(Device::cuda);
    gpu.session().use_block_size(threads);
    emulation::use_stream_seed(static_cast<std::uint64_t>(threads));
    const Rows found = operation.run(gpu, batch);
    ASSERT_EQ(found.values.shape(), expected.values.shape());
    for (Index clip = 0; clip < batch.clips.clips(); ++clip) {
      const auto wanted = expected.clip(clip);
      double peak = 0;
      for (const float value : wanted.span()) {
        peak = std::max(peak, std::abs(static_cast<double>(value)));
      }
      for (Index i = 0; i < wanted.size(); ++i) {
        const auto value = static_cast<double>(wanted.data()[i]);
        const auto other = static_cast<double>(found.clip(clip).data()[i]);
        const Tolerance& allowed = operation.tolerance;
        // Both are as far from the definition as the tolerance lets them be.
        ASSERT_LE(std::abs(other - value),
                  2 * (allowed.absolute + allowed.peak * peak + allowed.relative * std::abs(value)))
            << threads << " threads, clip " << clip << ", number " << i << ": found " << other
            << ", the CPU's is " << value;
      }
    }
  }
}

/// A falling voice: a spectrum whose tuning no rounding decides.
std::vector<float> voice(Index samples, double pitch) {
  std::vector<float> all = noise(samples, 9, 1e-3);
  for (Index i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / 22050;
    for (int k = 1; k < 9; ++k) {
      const double x = std::sin(2 * std::numbers::pi * pitch * k * t * (1 - 0.02 * t)) / k;
      all[static_cast<std::size_t>(i)] += static_cast<float>(0.2 * x);
    }
  }
  return all;
}

/// Chroma with estimated tuning in some columns of a wider matrix.
Rows placed_chroma(Context& context, const Signals& signals) {
  const StftPlan plan;
  Rows power = make_rows(context, frames_of(signals.clips, 512), plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, power.values.view());
  const ChromaBank bank({}, 22050, 2048);
  Rows chroma = make_rows(context, power.of_clip, 12);
  chroma_stft(context, power.values.view(), power.of_clip, bank, chroma.values.view());
  Rows placed = make_rows(context, chroma.of_clip, 24);
  for (const Index column : {0, 12}) {
    place_columns(context, chroma.values.view(), column, placed.values.view());
  }
  return on_host(context, std::move(placed));
}

class EmulatedOrders : public ::testing::TestWithParam<Order> {};

TEST_P(EmulatedOrders, TuningIsTheCpus) {
  const Signals batch({voice(9000, 200), voice(5000, 233), {0.25F}, voice(16000, 457)});
  Context cpu(1);
  const Rows expected = placed_chroma(cpu, batch);
  emulation::use_order(GetParam(), 3);
  Context gpu(Device::cuda);
  const Rows found = placed_chroma(gpu, batch);
  emulation::use_order(Order::forward);
  EXPECT_EQ(emulation::take_faults(), "");
  ASSERT_EQ(found.values.shape(), expected.values.shape());
  for (Index i = 0; i < expected.values.size(); ++i) {
    ASSERT_NEAR(found.values[i], expected.values[i], 4e-6) << "number " << i;
  }
}

/// Two octaves, whose lower one is decimated for clips that are tuned below A440 only.
CqtPlan octaves_at_the_border() {
  return {{.fmin = 4410 / std::exp2(11.0 / 12), .n_bins = 24, .tuning = std::nullopt}, 22050, 512};
}

Rows tuned_constant_q(Context& context, const Signals& signals) {
  const CqtPlan plan = octaves_at_the_border();
  Rows rows = make_rows(context, frames_of(signals.clips, 512), plan.bins());
  cqt(context, plan, signals.view(context), signals.clips, rows.values.view());
  return on_host(context, std::move(rows));
}

TEST_P(EmulatedOrders, EachClipHasTheFiltersOfItsTuning) {
  const std::vector<std::vector<float>> clips{voice(9000, 200), voice(5000, 210), {0.25F},
                                              voice(9000, 220), voice(7000, 230), voice(5000, 225)};
  const Signals batch(clips);
  Context cpu(1);
  Array<float> tuning(Shape{batch.clips.clips()});
  const CqtPlan plan = octaves_at_the_border();
  estimate_cqt_tuning(cpu, plan, batch.view(), batch.clips, tuning.view());
  Index changes = 0;
  for (Index clip = 1; clip < tuning.size(); ++clip) {
    const auto of = [&](Index i) { return plan.octaves(tuning[i]).back().decimation; };
    changes += of(clip) != of(clip - 1) ? 1 : 0;
  }
  ASSERT_GE(changes, 2) << "the batch is not divided";
  ASSERT_LT(changes, tuning.size() - 1) << "no two neighbours go together";

  const Rows expected = tuned_constant_q(cpu, batch);
  emulation::use_order(GetParam(), 3);
  Context gpu(Device::cuda);
  for (int again = 0; again < 2; ++again) {  // the second time with filters that are there
    const Rows found = tuned_constant_q(gpu, batch);
    ASSERT_EQ(found.values.shape(), expected.values.shape());
    const auto peak = std::ranges::max(expected.values.span());
    for (Index i = 0; i < expected.values.size(); ++i) {
      ASSERT_NEAR(found.values[i], expected.values[i], 2e-6 * peak) << "number " << i;
    }
    for (Index clip = 0; clip < batch.clips.clips(); ++clip) {
      const Rows alone = tuned_constant_q(gpu, Signals({batch.clip(clip)}));
      const auto together = found.clip(clip).span();
      ASSERT_EQ(std::memcmp(alone.values.data(), together.data(), together.size_bytes()), 0)
          << clip;
    }
  }
  emulation::use_order(Order::forward);
  EXPECT_EQ(emulation::take_faults(), "");
}

INSTANTIATE_TEST_SUITE_P(Dsp, EmulatedOrders,
                         ::testing::Values(Order::forward, Order::reverse, Order::random),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Dsp, EveryOperationEmulated,
                         ::testing::Combine(::testing::ValuesIn(operations_on_gpu()),
                                            ::testing::Values(Order::forward, Order::reverse,
                                                              Order::random)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" +
                                  ::testing::PrintToString(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace serenade::test
