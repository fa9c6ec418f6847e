#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/device/copy.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/target.h"
#include "tests/kernels/dsp/operations.h"

/// Batches whose numbers, or threads, are counted past 2^31: their buffers are zeros that take no
/// memory, of each launch only the last blocks run, and what these give must be what the CPU gives
/// for the last clips or rows alone. An index that does not hold its number is a fault besides.
namespace serenade::test {

inline constexpr Index far = Index{1} << 31;

/// Rows of this many numbers, enough for an index past 2^31.
constexpr Index far_rows(Index dims) { return far / dims + 1; }

class FarElements : public ::testing::Test {
 protected:
  void SetUp() override { emulation::machine().device.memory = std::size_t{1} << 40U; }
  void TearDown() override {
    emulation::use_last_blocks(0);
    emulation::machine() = {};
    EXPECT_EQ(emulation::take_faults(), "");
  }

  static Array<float> positive(Shape shape) {
    Array<float> all(shape);
    const std::vector<float> values = noise(all.size(), 7);
    for (Index i = 0; i < all.size(); ++i) all[i] = 0.6F + values[static_cast<std::size_t>(i)];
    return all;
  }
  static Shape rows_of(Index rows, const Shape& like) {
    return like.rank() == 1 ? Shape{rows} : Shape{rows, like[1]};
  }
  /// On the GPU: so many rows of zeros, then `last`.
  Array<float> behind(Index before, const Array<float>& last) {
    const Index rows = last.shape()[0];
    Array<float> all(rows_of(before + rows, last.shape()), Device::cuda);
    copy(gpu_, last.view(), all.view().rows(before, before + rows));
    return all;
  }
  /// The same on the CPU.
  static Array<float> zeros_and(Index before, const Array<float>& last) {
    Array<float> all(rows_of(before + last.shape()[0], last.shape()));
    std::copy(last.span().begin(), last.span().end(), all.span().end() - last.size());
    return all;
  }
  /// The last rows of `found`, on the GPU, are those of `expected`. Their numbers are compared in
  /// operations_test: here a wrong index would give zeros or other rows.
  void expect_end(const Array<float>& found, const Array<float>& expected, Index rows) {
    Array<float> end(rows_of(rows, expected.shape()));
    const Index all = found.shape()[0];
    copy(gpu_, found.view().rows(all - rows, all), end.view());
    double largest = 0;
    for (Index i = 0; i < end.size(); ++i) {
      const auto wanted = static_cast<double>(expected[expected.size() - end.size() + i]);
      ASSERT_NEAR(static_cast<double>(end[i]), wanted, 1e-4 * (1 + std::abs(wanted))) << i;
      largest = std::max(largest, std::abs(wanted));
    }
    EXPECT_GT(largest, 0.01);  // not zeros by themselves
  }
  static Array<float> on_gpu(Shape shape) { return Array<float>(shape, Device::cuda); }

  Context cpu_{1};
  Context gpu_{Device::cuda};
};

}  // namespace serenade::test
