#include <gtest/gtest.h>

#include "kernels/device/session.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/conv1d.h"
#include "kernels/nn/dense.h"
#include "tests/emulation/tests/far_elements.h"

namespace serenade::test {
namespace {

/// 64 and 4 columns: with tiles and without.
class MatrixFarElements : public FarElements, public testing::WithParamInterface<int> {
 protected:
  Array<float> on_gpu_too(const Array<float>& array) { return behind(0, array); }
};

TEST_P(MatrixFarElements, Dense) {
  const int units = GetParam();
  const Array<float> last = positive({20, 64});
  const Array<float> weights = positive({64, units});
  Array<float> expected(Shape{20, units});
  dense(cpu_, last.view(), weights.view(), {}, expected.view());
  const Array<float> weights_there = on_gpu_too(weights);
  const Array<float> x = behind(far_rows(std::min(64, units)), last);
  Array<float> y = on_gpu({x.shape()[0], units});
  emulation::use_last_blocks(3);
  cuda::plain::dense(gpu_, x.view(), weights_there.view(), {}, y.view());
  expect_end(y, expected, 20);
}

TEST_P(MatrixFarElements, DenseBackwardData) {
  const int features = GetParam();
  const Array<float> last = positive({20, 64});
  const Array<float> weights = positive({features, 64});
  Array<float> expected(Shape{20, features});
  dense_backward_data(cpu_, weights.view(), last.view(), expected.view());
  const Array<float> weights_there = on_gpu_too(weights);
  const Array<float> dy = behind(far_rows(std::min(64, features)), last);
  Array<float> dx = on_gpu({dy.shape()[0], features});
  emulation::use_last_blocks(3);
  cuda::plain::dense_backward_data(gpu_, weights_there.view(), dy.view(), dx.view());
  expect_end(dx, expected, 20);
}

/// So many features that few rows pass 2^31.
TEST_P(MatrixFarElements, DenseBackwardWeights) {
  const int units = GetParam();
  constexpr Index features = Index{1} << 21, rows = 2, compared = 20;
  const Array<float> x_end = positive({rows, features});
  const Array<float> dy_end = positive({rows, units});
  Array<float> x_corner(Shape{rows, compared});
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < compared; ++k) {
      x_corner[i * compared + k] = x_end[(i + 1) * features - compared + k];
    }
  }
  Array<float> expected(Shape{compared, units});
  dense_backward_weights(cpu_, x_corner.view(), dy_end.view(), expected.view(), {});
  const Array<float> x = behind(far_rows(features), x_end);
  Array<float> dy_before(Shape{far_rows(features) + rows, units});
  std::copy(dy_end.span().begin(), dy_end.span().end(), dy_before.span().end() - dy_end.size());
  const Array<float> dy = on_gpu_too(dy_before);
  Array<float> dweights = on_gpu({features, units});
  emulation::use_last_blocks(3);
  cuda::plain::dense_backward_weights(gpu_, x.view(), dy.view(), dweights.view(), {});
  expect_end(dweights, expected, compared);
}

TEST_P(MatrixFarElements, Conv1d) {
  const int filters = GetParam();
  const Conv1dOptions options{filters, 3, Padding::same, false};
  constexpr Index time = 4, channels = 64;
  const Array<float> last = positive({5 * time, channels});
  const Array<float> weights = positive({3 * channels, filters});
  const Shape shape{3, channels, filters};
  Array<float> expected(Shape{5 * time, filters});
  conv1d(cpu_, options, last.view().reshape({5, time, channels}), weights.view().reshape(shape), {},
         expected.view().reshape({5, time, filters}));
  const Array<float> weights_there = on_gpu_too(weights);
  const Index before = far_rows(std::min(64, filters)) / time * time + time;
  const Array<float> x = behind(before, last);
  Array<float> y = on_gpu({x.shape()[0], filters});
  const Index items = x.shape()[0] / time;
  emulation::use_last_blocks(3);
  cuda::plain::conv1d(gpu_, options, x.view().reshape({items, time, channels}),
                      weights_there.view().reshape(shape), {},
                      y.view().reshape({items, time, filters}));
  expect_end(y, expected, 20);
}

INSTANTIATE_TEST_SUITE_P(Columns, MatrixFarElements, testing::Values(4, 64),
                         testing::PrintToStringParamName());

TEST_F(FarElements, ColumnSums) {
  constexpr Index columns = far / 64 + 32, compared = 20;
  const Array<float> last = positive({1, columns});
  Array<float> expected(Shape{compared, 1});
  for (Index i = 0; i < compared; ++i) expected[i] = last[columns - compared + i];
  const Array<float> x = behind(63, last);
  Array<float> sums = on_gpu({columns, 1});
  emulation::use_last_blocks(3);
  cuda::column_sums(gpu_.session(), x.data(), 64, columns, sums.data());
  expect_end(sums, expected, compared);
}

}  // namespace
}  // namespace serenade::test
