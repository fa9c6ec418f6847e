#include "kernels/dsp/hpss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/device/philox.h"
#include "tests/reference/separation.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

/// Small whole numbers, so that many are equal.
Array<float> random_matrix(Index rows, Index columns, std::uint64_t seed) {
  Array<float> matrix(Shape{rows, columns});
  for (Index i = 0; i < matrix.size(); ++i) {
    const auto drawn = Philox(seed)({static_cast<std::uint32_t>(i), 0, 0, 0})[0];
    matrix[i] = static_cast<float>(drawn % 23);
  }
  return matrix;
}

reference::Matrix rows_of(const Array<float>& matrix, Index begin, Index end) {
  const Index columns = matrix.shape()[1];
  reference::Matrix rows;
  for (Index row = begin; row < end; ++row) {
    const float* at = matrix.data() + row * columns;
    rows.emplace_back(at, at + columns);
  }
  return rows;
}

class HpssOnPath : public test::OnVectorPath<VectorPath> {};

// All or nothing tells which of the two medians is the larger one, and both shares together tell
// whether they are equal: of numbers that are whole no rounding decides.
TEST_P(HpssOnPath, ComparesTheMediansOfClipsAndSpectraOfAnySize) {
  for (const Index bins : {1, 2, 5, 15, 16, 17, 31, 33, 64}) {
    const Ragged frames(std::vector<Index>{1, 0, 2, 14, 15, 16, 17, 30, 31, 32, 47, 48, 49, 80});
    const Array<float> matrix =
        random_matrix(frames.total(), bins, static_cast<std::uint64_t>(bins));
    Array<float> harmonic(matrix.shape());
    Array<float> percussive(matrix.shape());
    Context context(2);
    hpss(context, matrix.view(), frames, {.power = std::nullopt},
         {harmonic.view(), percussive.view()});
    for (Index clip = 0; clip < frames.clips(); ++clip) {
      const auto rows = rows_of(matrix, frames.begin(clip), frames.end(clip));
      const auto lasting = reference::median_filter(rows, 31, true);
      const auto short_ones = reference::median_filter(rows, 31, false);
      EXPECT_EQ(rows_of(harmonic, frames.begin(clip), frames.end(clip)),
                reference::soft_mask(lasting, short_ones, 1, std::nullopt, 0))
          << bins << " bins, clip " << clip;
      EXPECT_EQ(rows_of(percussive, frames.begin(clip), frames.end(clip)),
                reference::soft_mask(short_ones, lasting, 1, std::nullopt, 0))
          << bins << " bins, clip " << clip;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dsp, HpssOnPath, test::every_vector_path, test::PathName());

TEST(Hpss, HalvesSilenceUnlessMarginsLeaveItToNeither) {
  const Array<float> silence(Shape{40, 33});
  Array<float> mask(silence.shape());
  Context context;
  const Ragged frames(std::vector<Index>{40});
  hpss(context, silence.view(), frames, {}, {{}, mask.view()});
  EXPECT_TRUE(std::ranges::all_of(mask.span(), [](float x) { return x == 0.5F; }));
  hpss(context, silence.view(), frames, {.harmonic_margin = 2}, {mask.view(), {}});
  EXPECT_TRUE(std::ranges::all_of(mask.span(), [](float x) { return x == 0.0F; }));
}

TEST(Hpss, RefusesWhatDoesNotFit) {
  const Array<float> matrix(Shape{4, 33});
  Array<float> mask(Shape{4, 32});
  Context context;
  EXPECT_THROW(hpss(context, matrix.view(), Ragged(std::vector<Index>{5}), {}, {}), ShapeError);
  EXPECT_THROW(hpss(context, matrix.view(), Ragged(std::vector<Index>{4}), {}, {mask.view(), {}}),
               ShapeError);
  EXPECT_THROW(
      hpss(context, matrix.view(), Ragged(std::vector<Index>{4}), {.harmonic_margin = 0.5}, {}),
      ConfigError);
}

}  // namespace
}  // namespace serenade
