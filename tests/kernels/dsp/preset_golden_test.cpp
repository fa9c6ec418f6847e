// The options that together spell torchaudio's and Kaldi's features, against these.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/dsp/decibel.h"
#include "kernels/dsp/kaldi.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/stft.h"
#include "tests/support/compare.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

struct Clip {
  explicit Clip(const std::string& name) : samples(std::vector<Index>{}) {
    values = test::Golden("librosa.h5")[name + "/samples"].floats();
    samples.append(static_cast<Index>(values.size()));
  }
  Tensor<const float> view() const { return {values.data(), Shape{samples.total()}}; }
  std::vector<float> values;
  Ragged samples;
};

class Torchaudio : public testing::TestWithParam<std::string> {};

// torchaudio's filters are float32 throughout: corners of 1e4 Hz are good to 1e-3 Hz, of bands from
// 50 Hz on 2e-5, which is 1e-4 of a weight of 0.2. Absolute 5e-4, as torchaudio publishes.
TEST_P(Torchaudio, MelAndMfccOfReflectedSignalsOnTheHtkScale) {
  const Clip clip(GetParam());
  const test::Golden golden("torchaudio.h5");
  Context context;
  const StftPlan plan({.n_fft = 1024, .hop_length = 256, .pad_mode = PadMode::reflect});
  const Ragged frames = frames_of(clip.samples, 256);
  Array<float> power(Shape{frames.total(), plan.bins()});
  stft_power(context, plan, clip.view(), clip.samples, power.view());
  for (const int n_mels : {64, 128}) {
    const MelBank bank({.n_mels = n_mels, .htk = true, .mel_norm = MelNorm::none}, 22050, 1024);
    Array<float> mel(Shape{frames.total(), n_mels});
    mel_power(context, power.view(), bank, mel.view());
    if (n_mels == 64) {
      const test::GoldenArray wanted = golden[GetParam() + "/mel"];
      ASSERT_EQ(wanted.shape[0], frames.total());
      for (std::size_t i = 0; i < wanted.values.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(mel[static_cast<Index>(i)]), wanted.values[i],
                    5e-4 + 1e-4 * wanted.values[i]);
      }
      EXPECT_LE(test::deviation(mel.span(), wanted.values).normalized_square, 1e-9);
      continue;
    }
    power_to_db(context, mel.view(), frames, {}, mel.view());
    Array<float> mfcc(Shape{frames.total(), 40});
    dct(context, mel.view(), DctBasis(128, 40), mfcc.view());
    const auto d = test::deviation(mfcc.span(), golden[GetParam() + "/mfcc"].values);
    EXPECT_LE(d.largest, 1e-2) << to_string(d);
    EXPECT_LE(d.normalized_square, 1e-9) << to_string(d);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Torchaudio,
                         testing::ValuesIn(test::Golden("torchaudio.h5").groups()),
                         [](const auto& signal) { return signal.param; });

class Kaldi : public testing::TestWithParam<std::string> {
 protected:
  /// Within `largest` of Kaldi's numbers: those from `judged` on.
  void expect_near(const KaldiPlan& plan, const std::string& what, double largest,
                   double judged = -1e9) const {
    const Clip clip(GetParam());
    Context context;
    const test::GoldenArray wanted = test::Golden("kaldi.h5")[GetParam() + "/" + what];
    Array<float> found(Shape{plan.frames_of(clip.samples).total(), plan.dims()});
    ASSERT_EQ(found.shape()[0], wanted.shape[0]);
    ASSERT_EQ(found.shape()[1], wanted.shape[1]);
    kaldi_features(context, plan, clip.view(), clip.samples, found.view());
    const auto d = test::deviation(found.span(), wanted.values,
                                   [&](std::size_t i) { return wanted.values[i] >= judged; });
    EXPECT_LE(d.largest, largest) << what << ": " << to_string(d);
    EXPECT_LE(d.normalized_square, 1e-9) << what << ": " << to_string(d);
  }
  /// The logarithm of 1e-8 of the clip's largest power.
  double faintest(const std::string& what) const {
    const auto values = test::Golden("kaldi.h5")[GetParam() + "/" + what].values;
    return *std::max_element(values.begin(), values.end()) + std::log(1e-8);
  }
};

// Kaldi transforms in float32, which leaves 1e-7 of a frame's loudest amplitude in every bin: of a
// power that is 1e-8 of the loudest 2e-3, and what is fainter is judged more loosely. Cepstra as
// ours.
TEST_P(Kaldi, FbankAndMfcc) {
  const KaldiPlan fbank(KaldiFbankOptions{}, 16000, 160);
  const KaldiPlan mirrored(KaldiFbankOptions{{.frame_length = 32,
                                              .snip_edges = false,
                                              .scale = 32768,
                                              .remove_dc_offset = false,
                                              .preemphasis = 0.9,
                                              .window = KaldiWindow::hamming,
                                              .low_freq = 60,
                                              .high_freq = -400},
                                             40},
                           16000, 160);
  for (const auto& [plan, what] :
       {std::pair{fbank, "fbank"}, std::pair{mirrored, "fbank_mirrored"}}) {
    expect_near(plan, what, 2e-3, faintest(what));
    expect_near(plan, what, 1e-2);
  }
  expect_near(KaldiPlan(KaldiMfccOptions{}, 16000, 160), "mfcc", 2e-3);
  expect_near(
      KaldiPlan(KaldiMfccOptions{{.window = KaldiWindow::hann}, 20, 40, 0, false, 0}, 16000, 160),
      "mfcc_plain", 2e-3);
}

INSTANTIATE_TEST_SUITE_P(Golden, Kaldi, testing::ValuesIn(test::Golden("kaldi.h5").groups()),
                         [](const auto& signal) { return signal.param; });

TEST(KaldiPlan, CountsFrames) {
  const Ragged samples(std::vector<Index>{0, 1, 79, 80, 399, 400, 559, 560});
  const auto counts = [&](bool snip_edges) {
    const Ragged frames = kaldi_frames_of(samples, 400, 160, snip_edges);
    std::vector<Index> all;
    for (Index i = 0; i < frames.clips(); ++i) all.push_back(frames.length(i));
    return all;
  };
  EXPECT_EQ(counts(true), (std::vector<Index>{0, 0, 0, 0, 0, 1, 1, 2}));
  EXPECT_EQ(counts(false), (std::vector<Index>{0, 0, 0, 1, 2, 3, 3, 4}));
}

TEST(KaldiPlan, RefusesWhatDoesNotFit) {
  const auto complaint = [](const KaldiFbankOptions& options, double rate) {
    return test::error_of<ConfigError>([&] { KaldiPlan(options, rate, 160); });
  };
  EXPECT_NE(complaint({{.frame_length = 1}}, 16000).find("are 16 samples"), std::string::npos);
  EXPECT_EQ(complaint({{.high_freq = 9000}}, 16000),
            "kaldi: low_freq is 20 Hz and high_freq 9000 Hz, but they must satisfy low_freq < "
            "high_freq <= 8000 Hz, half the sample rate");
  EXPECT_EQ(
      complaint({{.low_freq = 7800, .high_freq = -400}}, 16000),
      "kaldi: low_freq is 7800 Hz and high_freq -400, which is 7600 Hz, but they must satisfy "
      "low_freq < high_freq <= 8000 Hz, half the sample rate");
  EXPECT_THROW(KaldiPlan(KaldiMfccOptions{{}, 24, 23}, 16000, 160), ConfigError);
}

// A sample's mirror images, however short the signal.
TEST(Stft, ReflectsAsNumpyDoes) {
  std::vector<Index> places;
  for (Index at = -7; at < 8; ++at) places.push_back(reflected(at, 3));
  EXPECT_EQ(places, (std::vector<Index>{1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(reflected(-5, 1), 0);
  EXPECT_EQ(reflected(5, 1), 0);
}

}  // namespace
}  // namespace serenade
