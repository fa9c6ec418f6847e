#include "kernels/dsp/istft.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/phase_vocoder.h"
#include "kernels/dsp/separate.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/reference/separation.h"
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

Tensor<const float> view(const Samples& x) { return {x.data(), {static_cast<Index>(x.size())}}; }

struct Spectrum {
  Ragged frames;
  Array<float> values;
};

Spectrum spectrum_of(Context& context, const StftPlan& plan, const Samples& x,
                     const Ragged& samples) {
  Spectrum result;
  result.frames = frames_of(samples, plan.options().hop_length);
  result.values.resize({result.frames.total(), plan.bins(), 2});
  stft(context, plan, view(x), samples, result.values.view());
  return result;
}

Samples back(Context& context, const StftPlan& plan, const Spectrum& spectrum,
             const Ragged& samples) {
  Array<float> there(spectrum.values.shape(), context.device());
  copy(context, spectrum.values.view(), there.view());
  Array<float> out({samples.total()}, context.device());
  istft(context, plan, std::as_const(there).view(), spectrum.frames, samples, out.view());
  Samples y(static_cast<std::size_t>(samples.total()));
  copy(context, std::as_const(out).view(), Tensor<float>(y.data(), out.shape()));
  return y;
}

class Istft : public test::OnVectorPath<VectorPath> {};

void expect_definition(Device device) {
  Context context(device);
  for (const StftOptions& options :
       {StftOptions{.n_fft = 64, .hop_length = 16}, StftOptions{.n_fft = 128, .hop_length = 50},
        StftOptions{.n_fft = 256, .hop_length = 64}}) {
    const StftPlan plan(options);
    // Not the spectrum of any signal.
    const Index frames = 23;
    const Samples values = noise(frames * plan.bins() * 2, 7);
    Spectrum spectrum{Ragged(std::array{frames}), Array<float>({frames, plan.bins(), 2})};
    std::copy(values.begin(), values.end(), spectrum.values.data());
    std::vector<std::vector<std::complex<double>>> rows(static_cast<std::size_t>(frames));
    for (std::size_t i = 0; i < values.size(); i += 2) {
      rows[i / 2 / static_cast<std::size_t>(plan.bins())].emplace_back(values[i], values[i + 1]);
    }
    for (const Index length : {Index{1}, Index{40}, 22 * Index{options.hop_length}, Index{2000}}) {
      const Ragged samples(std::array{length});
      const Samples found = back(context, plan, spectrum, samples);
      const auto wanted = reference::istft(rows, options.n_fft, options.hop_length, length);
      for (Index i = 0; i < length; ++i) {
        const auto at = static_cast<std::size_t>(i);
        // Frames are rounded to float32, and the last are divided by small windows.
        ASSERT_NEAR(found[at], wanted[at], 1e-6 * (1 + std::abs(wanted[at])))
            << options.n_fft << ", " << length << ": " << i;
      }
    }
  }
}

TEST_P(Istft, IsItsDefinition) { expect_definition(Device::cpu); }

// Spectra of no signal have imaginary parts at both ends, which cuFFT does not take.
TEST(IstftOnDevices, IsItsDefinition) {
  for (const Device device : test::devices()) expect_definition(device);
}

TEST_P(Istft, UndoesTheStft) {
  Context context;
  for (const int n_fft : {64, 512, 2048, 4096}) {
    const StftPlan plan({.n_fft = n_fft, .hop_length = n_fft / 4});
    const Ragged samples(std::array{Index{9000}, Index{0}, Index{700}, Index{1}});
    const Samples x = noise(samples.total(), 5);
    const Samples y = back(context, plan, spectrum_of(context, plan, x, samples), samples);
    // 1 ulp of the spectrum's numbers, of which some are 30 times the samples.
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], x[i], 1e-6) << n_fft << " " << i;
  }
}

TEST_P(Istft, HasTheSameBitsOnEveryPathWithAnyThreadsAndNeighbours) {
  Context context;
  const StftPlan plan;
  const Ragged samples(std::array{Index{9000}, Index{700}, Index{40000}});
  const Samples x = noise(samples.total(), 6);
  const Spectrum spectrum = spectrum_of(context, plan, x, samples);
  const Samples found = back(context, plan, spectrum, samples);
  for (const int threads : {2, 3, 7}) {
    Context more(threads);
    EXPECT_EQ(back(more, plan, spectrum, samples), found);
  }
  const Samples last(x.end() - 40000, x.end());
  const Ragged alone(std::array{Index{40000}});
  EXPECT_EQ(back(context, plan, spectrum_of(context, plan, last, alone), alone),
            Samples(found.end() - 40000, found.end()));
  const test::UseVectorPath scalar(VectorPath::scalar);
  EXPECT_EQ(back(context, plan, spectrum_of(context, plan, x, samples), samples), found);
}

/// librosa.phase_vocoder, its float32 sums included.
std::vector<std::complex<double>> stretched_reference(const Spectrum& spectrum, Index bins, int hop,
                                                      double rate) {
  const Index frames = spectrum.frames.total();
  const auto at = [&](Index t, Index f) {
    if (t >= frames) return std::complex<float>(0, 0);
    const float* x = spectrum.values.data() + 2 * (t * bins + f);
    return std::complex<float>(x[0], x[1]);
  };
  const auto angle = [&](Index t, Index f) {
    return static_cast<float>(std::atan2(double{at(t, f).imag()}, double{at(t, f).real()}));
  };
  const double turn = 2 * std::numbers::pi;
  std::vector<std::complex<double>> out;
  std::vector<float> phase;
  for (Index f = 0; f < bins; ++f) phase.push_back(angle(0, f));
  for (Index t = 0; t < stretched_frames(frames, rate); ++t) {
    const double step = static_cast<double>(t) * rate;
    const auto column = static_cast<Index>(step);
    for (Index f = 0; f < bins; ++f) {
      float& sum = phase[static_cast<std::size_t>(f)];
      const double share = step - std::floor(step);
      const double size = (1 - share) * std::abs(std::complex<double>(at(column, f))) +
                          share * std::abs(std::complex<double>(at(column + 1, f)));
      out.push_back(std::polar(size, double{sum}));
      const double expected =
          hop * std::numbers::pi * static_cast<double>(f) / static_cast<double>(bins - 1);
      double difference = double{angle(column + 1, f) - angle(column, f)} - expected;
      difference -= turn * std::nearbyint(difference / turn);
      sum = static_cast<float>(sum + (expected + difference));
    }
  }
  return out;
}

class PhaseVocoder : public test::OnVectorPath<VectorPath> {};

TEST_P(PhaseVocoder, IsItsDefinition) {
  Context context;
  const StftPlan plan({.n_fft = 256, .hop_length = 64});
  const Ragged samples(std::array{Index{6000}});
  const Spectrum spectrum = spectrum_of(context, plan, noise(6000, 9), samples);
  for (const double rate : {0.5, 0.83, 1.0, 1.7, 30.0}) {
    const auto wanted = stretched_reference(spectrum, plan.bins(), 64, rate);
    const Index frames = stretched_frames(spectrum.frames.total(), rate);
    Array<float> out({frames, plan.bins(), 2});
    phase_vocoder(context, std::as_const(spectrum.values).view(), spectrum.frames, 64,
                  std::array{rate}, out.view());
    ASSERT_EQ(wanted.size() * 2, static_cast<std::size_t>(out.size()));
    double error = 0, power = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto at = static_cast<Index>(2 * i);
      error += std::norm(std::complex<double>(out[at], out[at + 1]) - wanted[i]);
      power += std::norm(wanted[i]);
    }
    // An angle that the two round to neighbouring floats may move a sum by 1 ulp: 0.002 rad.
    EXPECT_LT(std::sqrt(error / power), 1e-4) << rate;
  }
}

TEST_P(PhaseVocoder, HasTheSameBitsOnEveryPathAndWithAnyThreads) {
  Context context;
  const StftPlan plan;
  const Ragged samples(std::array{Index{20000}, Index{900}, Index{0}, Index{9000}});
  const Spectrum spectrum = spectrum_of(context, plan, noise(samples.total(), 9), samples);
  const std::array rates{0.9, 2.0, 1.0, 1.3};
  Index frames = 0;
  for (Index clip = 0; clip < 4; ++clip) {
    frames += stretched_frames(spectrum.frames.length(clip), rates[static_cast<std::size_t>(clip)]);
  }
  const auto run = [&](int threads) {
    Context on(threads);
    Array<float> out({frames, plan.bins(), 2});
    phase_vocoder(on, std::as_const(spectrum.values).view(), spectrum.frames, 512, rates,
                  out.view());
    return Samples(out.span().begin(), out.span().end());
  };
  const Samples found = run(1);
  for (const int threads : {2, 7}) EXPECT_EQ(run(threads), found);
  const test::UseVectorPath scalar(VectorPath::scalar);
  EXPECT_EQ(run(1), found);
}

INSTANTIATE_TEST_SUITE_P(Paths, Istft, test::every_vector_path, test::PathName());
INSTANTIATE_TEST_SUITE_P(Paths, PhaseVocoder, test::every_vector_path, test::PathName());

TEST(IstftShapes, MustFit) {
  Context context;
  const StftPlan plan;
  Array<float> spectrum({3, plan.bins(), 2}), out({100});
  const Ragged three(std::array{Index{3}}), hundred(std::array{Index{100}});
  const auto in = std::as_const(spectrum).view();
  EXPECT_THROW(istft(context, plan, in, hundred, hundred, out.view()), ShapeError);
  EXPECT_THROW(istft(context, plan, in, three, three, out.view()), ShapeError);
  EXPECT_THROW(istft(context, plan, in, three, Ragged(), out.view().rows(0, 0)), ShapeError);
  EXPECT_THROW(phase_vocoder(context, in, three, 512, {}, spectrum.view()), ShapeError);
  EXPECT_THROW(phase_vocoder(context, in, three, 512, std::array{0.0}, spectrum.view()),
               ShapeError);
  EXPECT_THROW(phase_vocoder(context, in, three, 512, std::array{2.0}, spectrum.view()),
               ShapeError);
}

// A clip is gone through in runs of tiles, 512 frames each here: what lies on both sides of a seam.
TEST(LongClips, AreSeparatedAndTransformedBackWithoutSeams) {
  Context context(2);
  const StftPlan plan(StftOptions{.n_fft = 256, .hop_length = 64});
  const Ragged samples(std::vector<Index>{500, 83200, 70001});
  const Samples x = noise(samples.total(), 5);
  Spectrum spectrum = spectrum_of(context, plan, x, samples);
  const Samples again = back(context, plan, spectrum, samples);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(again[i], x[i], 2e-6) << "sample " << i;

  Array<float> harmonic({samples.total()});
  separate(context, plan, view(x), samples, {}, {harmonic.view(), {}});
  Array<float> magnitudes({spectrum.frames.total(), plan.bins()});
  float* parts = spectrum.values.data();
  for (Index i = 0; i < magnitudes.size(); ++i) {
    magnitudes[i] = std::hypot(parts[2 * i], parts[2 * i + 1]);
  }
  Array<float> mask(magnitudes.shape());
  hpss(context, std::as_const(magnitudes).view(), spectrum.frames, {}, {mask.view(), {}});
  for (Index i = 0; i < 2 * mask.size(); ++i) parts[i] *= mask[i / 2];
  const Samples wanted = back(context, plan, spectrum, samples);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(harmonic[static_cast<Index>(i)], wanted[i], 2e-6) << "sample " << i;
  }
}

}  // namespace
}  // namespace serenade
