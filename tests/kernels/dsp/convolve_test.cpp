#include "kernels/dsp/convolve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

using Samples = std::vector<float>;

Samples noise(Index size, std::uint64_t seed) {
  Samples x;
  for (Index i = 0; i < size; ++i) {
    x.push_back(uniform(Philox(seed)({static_cast<std::uint32_t>(i), 0, 0, 0})[0]) - 0.5F);
  }
  return x;
}

Tensor<float> view(Samples& x) { return {x.data(), {static_cast<Index>(x.size())}}; }

Samples convolved(Samples signal, Samples filter, int threads = 1) {
  Context context(threads);
  Samples out(signal.size());
  convolve(context, view(signal), view(filter), view(out));
  return out;
}

class Convolve : public test::OnVectorPath<VectorPath> {};

TEST_P(Convolve, IsTheSumOfProducts) {
  // Around the blocks of 2048 samples.
  for (const Index length : {0, 1, 100, 2047, 2048, 2049, 6000}) {
    for (const Index taps : {0, 1, 2, 2047, 2048, 2049, 5000}) {
      const Samples x = noise(length, 1), h = noise(taps, 2);
      const Samples found = convolved(x, h);
      for (Index i = 0; i<length; i += length> 500 ? 37 : 1) {
        double sum = 0;
        for (Index k = 0; k <= std::min(i, taps - 1); ++k) {
          sum += double{h[static_cast<std::size_t>(k)]} * x[static_cast<std::size_t>(i - k)];
        }
        // Sums of up to 4,000 products of rms 1/12 in float32 spectra.
        ASSERT_NEAR(found[static_cast<std::size_t>(i)], sum, 2e-5)
            << length << " " << taps << " " << i;
      }
    }
  }
}

TEST_P(Convolve, HasTheSameBitsOnEveryPathAndWithAnyThreads) {
  const Samples x = noise(50000, 3), h = noise(5000, 4), found = convolved(x, h);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(convolved(x, h, threads), found);
  const test::UseVectorPath scalar(VectorPath::scalar);
  EXPECT_EQ(convolved(x, h), found);
}

INSTANTIATE_TEST_SUITE_P(Paths, Convolve, test::every_vector_path, test::PathName());

TEST(ConvolveShapes, MustFit) {
  Context context;
  Samples x(5), h(2), y(6);
  EXPECT_THROW(convolve(context, view(x), view(h), view(y)), ShapeError);
}

}  // namespace
}  // namespace serenade
