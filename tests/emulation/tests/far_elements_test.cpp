#include "tests/emulation/tests/far_elements.h"

#include <gtest/gtest.h>

#include "kernels/device/session.h"
#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/normalise.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/place.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/separate.h"
#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/zero_crossing.h"

namespace serenade::test {
namespace {

TEST_F(FarElements, Magnitude) {
  const Array<float> last = positive({8, 64});
  Array<float> expected(last.shape());
  magnitude(cpu_, last.view(), expected.view());
  const Array<float> in = behind(far_rows(64), last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(3);
  magnitude(gpu_, in.view(), out.view());
  expect_end(out, expected, 8);
}

TEST_F(FarElements, Mel) {
  const MelBank bank({.n_mels = 40}, 22050, 512);
  const Array<float> last = positive({10, bank.bins()});
  Array<float> expected(Shape{10, 40});
  mel_power(cpu_, last.view(), bank, expected.view());
  const Array<float> in = behind(far_rows(40), last);
  Array<float> out = on_gpu({in.shape()[0], 40});
  emulation::use_last_blocks(3);
  mel_power(gpu_, in.view(), bank, out.view());
  expect_end(out, expected, 10);
}

TEST_F(FarElements, Dct) {
  const DctBasis basis(40, 20);
  const Array<float> last = positive({20, 40});
  Array<float> expected(Shape{20, 20});
  dct(cpu_, last.view(), basis, expected.view());
  const Array<float> in = behind(far_rows(20), last);
  Array<float> out = on_gpu({in.shape()[0], 20});
  emulation::use_last_blocks(3);
  dct(gpu_, in.view(), basis, out.view());
  expect_end(out, expected, 20);
}

TEST_F(FarElements, Delta) {
  const Array<float> last = positive({20, 20});
  const Array<float> alone = zeros_and(20, last);
  Array<float> expected(alone.shape());
  delta(cpu_, alone.view(), Ragged(std::vector<Index>{40}), {}, expected.view());
  const Array<float> in = behind(far_rows(20), last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(3);
  delta(gpu_, in.view(), Ragged(std::vector<Index>{3, in.shape()[0] - 3}), {}, out.view());
  expect_end(out, expected, 20);
}

// Threads go from frame to frame, so that it is bands that are many here.
TEST_F(FarElements, Pcen) {
  constexpr Index frames = 9;
  constexpr Index kept = 16;
  constexpr Index bands = far / (frames - 1) + 1;
  const Array<float> last = positive({frames, kept});
  Array<float> expected(last.shape());
  const Ragged clip(std::vector<Index>{frames});
  pcen(cpu_, last.view(), clip, 22050, 512, {}, expected.view());
  Array<float> in = on_gpu({frames, bands});
  Array<float> out = on_gpu({frames, bands});
  const auto end_of = [&](Array<float>& matrix, Index t) {
    return matrix.view().reshape({frames * bands}).rows((t + 1) * bands - kept, (t + 1) * bands);
  };
  for (Index t = 0; t < frames; ++t) copy(gpu_, last.view().row(t), end_of(in, t));
  emulation::use_last_blocks(3);
  pcen(gpu_, std::as_const(in).view(), clip, 22050, 512, {}, out.view());
  for (Index t = 0; t < frames; ++t) {
    Array<float> found(Shape{kept});
    copy(gpu_, Tensor<const float>(end_of(out, t)), found.view());
    for (Index i = 0; i < kept; ++i) {
      EXPECT_NEAR(found[i], expected[t * kept + i], 1e-4 * expected[t * kept + i]) << t;
    }
  }
}

TEST_F(FarElements, SpectralShape) {
  const Array<float> last = positive({9, 33});
  const Array<float> alone = zeros_and(1, last);
  Array<float> all_expected(Shape{10, 1});
  SpectralShape wanted{.flux = all_expected.view()};
  spectral_shape(cpu_, alone.view(), Ragged(std::vector<Index>{10}), 22050, wanted);
  const Array<float> in = behind(far_rows(33), last);
  Array<float> out = on_gpu({in.shape()[0], 1});
  emulation::use_last_blocks(3);
  spectral_shape(gpu_, in.view(), Ragged(std::vector<Index>{3, in.shape()[0] - 3}), 22050,
                 {.flux = out.view()});
  expect_end(out, all_expected, 9);
}

TEST_F(FarElements, Tonnetz) {
  const Array<float> last = positive({60, 12});
  Array<float> expected(Shape{60, 6});
  tonnetz(cpu_, last.view(), expected.view());
  const Array<float> in = behind(far_rows(6), last);
  Array<float> out = on_gpu({in.shape()[0], 6});
  emulation::use_last_blocks(3);
  tonnetz(gpu_, in.view(), out.view());
  expect_end(out, expected, 60);
}

TEST_F(FarElements, PlacedColumns) {
  const Array<float> last = positive({20, 20});
  Array<float> expected(Shape{20, 24});
  place_columns(cpu_, last.view(), 3, expected.view());
  const Array<float> in = behind(far_rows(20), last);
  Array<float> out = on_gpu({in.shape()[0], 24});
  emulation::use_last_blocks(3);
  place_columns(gpu_, in.view(), 3, out.view());
  expect_end(out, expected, 20);
}

TEST_F(FarElements, Normalised) {
  const Array<float> last = positive({200});
  Array<float> expected(last.shape());
  const Array<float> in = behind(far, last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(1);
  for (const Normalise how : {Normalise::peak, Normalise::rms}) {
    normalise(cpu_, last.view(), Ragged(std::vector<Index>{200}), how, expected.view());
    normalise(gpu_, in.view(), Ragged(std::vector<Index>{far, 200}), how, out.view());
    expect_end(out, expected, 200);
  }
}

TEST_F(FarElements, Decibels) {
  const Array<float> last = positive({9, 128});
  Array<float> expected(last.shape());
  power_to_db(cpu_, last.view(), Ragged(std::vector<Index>{9}), {.top_db = 3}, expected.view());
  const Array<float> in = behind(far_rows(128), last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(8);  // a clip's
  power_to_db(gpu_, in.view(), Ragged(std::vector<Index>{far_rows(128), 9}), {.top_db = 3},
              out.view());
  expect_end(out, expected, 9);
}

TEST_F(FarElements, Statistics) {
  const StatisticsOptions options{{"mean", "std", "min", "max", "median", "p90"}};
  const Array<float> last = positive({9, 40});
  Array<float> expected(Shape{1, 240});
  statistics(cpu_, last.view(), Ragged(std::vector<Index>{9}), options, expected.view());
  const Array<float> in = behind(far_rows(40), last);
  Array<float> out = on_gpu({2, 240});
  emulation::use_last_blocks(2);  // a clip's: 32 columns each
  statistics(gpu_, in.view(), Ragged(std::vector<Index>{far_rows(40), 9}), options, out.view());
  expect_end(out, expected, 1);
}

TEST_F(FarElements, ChromaOfEstimatedTuning) {
  const ChromaBank bank({}, 22050, 512);
  Array<float> last(Shape{8, bank.bins()});
  for (Index frame = 0; frame < 8; ++frame) {
    for (const Index peak : {20, 35, 61}) {  // clear ones, of deviations that no rounding decides
      last[frame * bank.bins() + peak - 1] = 0.3F;
      last[frame * bank.bins() + peak] = 1.0F;
      last[frame * bank.bins() + peak + 1] = 0.2F;
    }
  }
  Array<float> expected(Shape{8, 12});
  chroma_stft(cpu_, last.view(), Ragged(std::vector<Index>{8}), bank, expected.view());
  const Index before = far / 32;  // a warp a frame
  const Array<float> in = behind(before, last);
  Array<float> out = on_gpu({before + 8, 12});
  emulation::use_last_blocks(1);
  chroma_stft(gpu_, in.view(), Ragged(std::vector<Index>{before, 8}), bank, out.view());
  expect_end(out, expected, 8);
}

TEST_F(FarElements, FoldedOctaves) {
  const ChromaCqtOptions options{.n_octaves = 2, .tuning = 0.0};
  const Array<float> last = positive({20, 72});
  Array<float> expected(Shape{20, 12});
  fold_octaves(cpu_, last.view(), options, expected.view());
  const Array<float> in = behind(far_rows(12), last);
  Array<float> out = on_gpu({in.shape()[0], 12});
  emulation::use_last_blocks(3);
  fold_octaves(gpu_, in.view(), options, out.view());
  expect_end(out, expected, 20);
}

TEST_F(FarElements, DividedByTheLargest) {
  const Array<float> last = positive({20, 12});
  Array<float> expected(last.shape());
  divide_by_largest(cpu_, last.view(), expected.view());
  const Array<float> in = behind(far_rows(12), last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(3);
  divide_by_largest(gpu_, in.view(), out.view());
  expect_end(out, expected, 20);
}

TEST_F(FarElements, SpectralContrast) {
  const ContrastBands bands({}, 22050, 512);
  const Array<float> last = positive({8, bands.bins()});
  Array<float> expected(Shape{8, bands.rows()});
  spectral_contrast(cpu_, last.view(), Ragged(std::vector<Index>{8}), bands, expected.view());
  const Index before = far / 32 / bands.rows() + 1;  // a warp a band
  const Array<float> in = behind(before, last);
  ASSERT_GT(in.size(), far);
  Array<float> out = on_gpu({before + 8, bands.rows()});
  emulation::use_last_blocks(8);
  spectral_contrast(gpu_, in.view(), Ragged(std::vector<Index>{before, 8}), bands, out.view());
  expect_end(out, expected, 8);
}

/// Operations that cut the signal into frames, a warp each.
TEST_F(FarElements, FramesOfASignal) {
  const FrameOptions options{.frame_length = 64, .hop_length = 32};
  Array<float> last(Shape{1000});
  const std::vector<float> values = noise(1000, 3);
  std::copy(values.begin(), values.end(), last.span().begin());
  const Array<float> alone = zeros_and(32, last);
  const Ragged all_alone(std::vector<Index>{1032});
  Array<float> expected(Shape{frames_of(all_alone, 32).total(), 1});
  const Array<float> in = behind(far + 3, last);
  const Ragged all(std::vector<Index>{3, far + 1000});
  Array<float> out = on_gpu({frames_of(all, 32).total(), 1});
  emulation::use_last_blocks(4);
  rms(cpu_, alone.view(), all_alone, options, expected.view());
  rms(gpu_, in.view(), all, options, out.view());
  expect_end(out, expected, 24);
  zero_crossing_rate(cpu_, alone.view(), all_alone, options, expected.view());
  zero_crossing_rate(gpu_, in.view(), all, options, out.view());
  expect_end(out, expected, 24);
}

TEST_F(FarElements, Resampled) {
  const auto bank = ResampleBank::measure(44100, 22050);
  ASSERT_TRUE(bank);
  Array<float> last(Shape{3000});
  const std::vector<float> values = noise(3000, 4);
  std::copy(values.begin(), values.end(), last.span().begin());
  const Array<float> alone = zeros_and(3000, last);
  const Ragged all_alone(std::vector<Index>{6000});
  Array<float> expected(Shape{3000});
  resample(cpu_, *bank, alone.view(), all_alone, expected.view());
  const Array<float> in = behind(2 * far + 3, last);
  const Ragged all(std::vector<Index>{3, 2 * far + 3000});
  Array<float> out = on_gpu({resampled(all, 44100, 22050).total()});
  emulation::use_last_blocks(4);
  resample(gpu_, *bank, in.view(), all, out.view());
  expect_end(out, expected, 700);
}

/// Frames go through buffers of 512, whose indices stay small; what lies far is the signal. All
/// blocks run, for the frames may be few.
TEST_F(FarElements, Spectra) {
  const StftPlan plan({.n_fft = 128, .hop_length = max_hop_length});
  Array<float> last(Shape{200});
  const std::vector<float> values = noise(200, 5);
  std::copy(values.begin(), values.end(), last.span().begin());
  // The last frame is centred 100 samples before the end.
  const Array<float> alone = zeros_and(max_hop_length - 100, last);
  const Ragged all_alone(std::vector<Index>{alone.size()});
  Array<float> expected(Shape{2, plan.bins()});
  stft_power(cpu_, plan, alone.view(), all_alone, expected.view());
  const Array<float> in = behind(far - 100, last);
  const Ragged all(std::vector<Index>{in.size()});
  Array<float> out = on_gpu({frames_of(all, max_hop_length).total(), plan.bins()});
  stft_power(gpu_, plan, in.view(), all, out.view());
  expect_end(out, expected, 1);
}

/// The same of a signal and of what is left of it at half the rate. The last blocks of a launch are
/// a whole run of frames, and of resampling's as many.
TEST_F(FarElements, ConstantQ) {
  const CqtPlan plan({.fmin = 2000, .n_bins = 16}, 22050, max_hop_length);
  ASSERT_EQ(plan.octaves(0).front().decimation, 1);
  ASSERT_EQ(plan.octaves(0).back().decimation, 2);
  Array<float> last(Shape{200});
  const std::vector<float> values = noise(200, 5);
  std::copy(values.begin(), values.end(), last.span().begin());
  const Array<float> alone = zeros_and(max_hop_length - 100, last);
  const Ragged all_alone(std::vector<Index>{alone.size()});
  Array<float> expected(Shape{2, plan.bins()});
  cqt(cpu_, plan, alone.view(), all_alone, expected.view());
  const Array<float> in = behind(far - 100, last);
  const Ragged all(std::vector<Index>{in.size()});
  Array<float> out = on_gpu({frames_of(all, max_hop_length).total(), plan.bins()});
  emulation::use_last_blocks(512);
  cqt(gpu_, plan, in.view(), all, out.view());
  expect_end(out, expected, 1);
}

/// What is left of the signal is the last frame's, which 30 of silence before it make percussive.
TEST_F(FarElements, Separated) {
  const StftPlan plan({.n_fft = 128, .hop_length = max_hop_length});
  Array<float> last(Shape{200});
  const std::vector<float> values = noise(200, 5);
  std::copy(values.begin(), values.end(), last.span().begin());
  const Array<float> alone = zeros_and(40 * Index{max_hop_length} - 100, last);
  Array<float> expected(alone.shape());
  separate(cpu_, plan, alone.view(), Ragged(std::vector<Index>{alone.size()}), {},
           {{}, expected.view()});
  const Array<float> in = behind(far - 100, last);
  Array<float> out = on_gpu(in.shape());
  emulation::use_last_blocks(512);
  separate(gpu_, plan, in.view(), Ragged(std::vector<Index>{in.size()}), {}, {{}, out.view()});
  expect_end(out, expected, 200);
}

}  // namespace
}  // namespace serenade::test
