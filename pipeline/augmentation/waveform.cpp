#include "pipeline/augmentation/waveform.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/dsp/convolve.h"
#include "kernels/dsp/frames.h"
#include "kernels/dsp/gaussian_noise.h"
#include "kernels/dsp/istft.h"
#include "kernels/dsp/phase_vocoder.h"
#include "kernels/dsp/soxr.h"
#include "kernels/dsp/stft.h"
#include "pipeline/audio/resample.h"

namespace serenade {
namespace {

using Samples = std::vector<float>;

/// What a draw is for: part of Philox's counter.
enum class Draw : std::uint32_t {
  speed = 1,
  time_stretch,
  pitch_shift,
  reverb,
  gain,
  time_shift,
  noise,
  noise_samples,
  reverb_samples
};

/// The random numbers of one copy of one clip.
class ClipDraws {
 public:
  ClipDraws(std::uint64_t seed, std::size_t recipe, ContentHash clip)
      : key_(hash_text(fmt::format("augmentation: seed {}, recipe {}, clip {}", seed, recipe,
                                   to_string(clip)))
                 .low) {}

  double of(Draw what, const Amount& amount) const {
    if (!amount.is_drawn()) return amount.low;
    const auto words = Philox(key_)({0, static_cast<std::uint32_t>(what), 0, 0});
    const std::uint64_t bits = (std::uint64_t{words[0]} << 21U) ^ (words[1] >> 11U);
    return std::fma(amount.high - amount.low, static_cast<double>(bits) * 0x1p-53, amount.low);
  }
  std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
};

Tensor<float> view_of(Samples& samples) {
  return {samples.data(), {static_cast<Index>(samples.size())}};
}

/// Resampled from in_rate to out_rate. By libsoxr itself, unless both are whole numbers that a
/// table is kept for: rates that are drawn for a clip come but once.
Samples resampled_to(Context& context, Samples& x, double in_rate, int out_rate) {
  const auto length = static_cast<Index>(x.size());
  Samples y(static_cast<std::size_t>(resampled_length(length, in_rate, out_rate)));
  if (in_rate == out_rate) return x;
  if (in_rate == std::floor(in_rate)) {
    if (const auto bank = shared_bank(static_cast<int>(in_rate), out_rate)) {
      Ragged samples;
      samples.append(length);
      resample(context, *bank, view_of(x), samples, view_of(y));
      return y;
    }
  }
  Soxr<float>(in_rate, out_rate)(x, y);
  return y;
}

Ragged alone(const Samples& x) {
  Ragged samples;
  samples.append(static_cast<Index>(x.size()));
  return samples;
}

/// librosa.effects.time_stretch with its defaults.
Samples stretched(Context& context, double rate, Samples& x) {
  static const StftPlan plan;
  const int hop = plan.options().hop_length;
  const Ragged frames = frames_of(alone(x), hop);
  Ragged fewer;
  fewer.append(stretched_frames(frames.total(), rate));
  Lent spectrum = context.lend({frames.total(), plan.bins(), 2});
  stft(context, plan, view_of(x), alone(x), spectrum.view());
  Lent result = context.lend({fewer.total(), plan.bins(), 2});
  phase_vocoder(context, std::as_const(spectrum).view(), frames, hop, std::array{rate},
                result.view());
  // Python rounds halves to the even number, as nearbyint does.
  Samples y(static_cast<std::size_t>(std::nearbyint(static_cast<double>(x.size()) / rate)));
  istft(context, plan, std::as_const(result).view(), fewer, alone(y), view_of(y));
  return y;
}

/// librosa.effects.pitch_shift with its defaults.
Samples shifted_in_pitch(Context& context, double semitones, int sample_rate, Samples& x) {
  const double rate = std::exp2(-semitones / 12);
  Samples slower = stretched(context, rate, x);
  Samples y = resampled_to(context, slower, sample_rate / rate, sample_rate);
  y.resize(x.size());
  return y;
}

Samples reverberant(Context& context, std::uint64_t key, double seconds, int sample_rate,
                    Samples& x) {
  if (x.empty()) return {};  // stretching a sample may leave none
  const double decay = seconds * sample_rate;
  // No more than is heard within the clip.
  const auto length = std::min(static_cast<std::size_t>(std::ceil(decay)) + 1, x.size());
  Samples response(length);
  cpu::gaussian_noise(context, key, static_cast<std::uint32_t>(Draw::reverb_samples),
                      view_of(response));
  // The sum of the squares of e^(-a i) from i = 1 on, 60 dB being 3 ln 10 in amplitude.
  const double a = 3 * std::numbers::ln10 / decay;
  const double scale = std::sqrt(std::expm1(2 * a));
  for (std::size_t i = 1; i < length; ++i) {
    response[i] *= static_cast<float>(scale * std::exp(-a * static_cast<double>(i)));
  }
  response[0] = 1;
  Samples y(x.size());
  convolve(context, view_of(x), view_of(response), view_of(y));
  return y;
}

void apply_gain(double decibels, Samples& x) {
  const auto factor = static_cast<float>(std::pow(10.0, decibels / 20));
  for (float& sample : x) sample *= factor;
}

void shift(Index later, Samples& x) {
  const auto size = static_cast<Index>(x.size());
  const Index by = std::clamp(later, -size, size);
  if (by >= 0) {
    std::move_backward(x.begin(), x.end() - by, x.end());
    std::fill_n(x.begin(), by, 0.0F);
  } else {
    std::move(x.begin() - by, x.end(), x.begin());
    std::fill_n(x.end() + by, -by, 0.0F);
  }
}

void add_noise(Context& context, std::uint64_t key, double snr, Samples& x) {
  double sum = 0;
  for (const float sample : x) sum = std::fma(double{sample}, double{sample}, sum);
  const double power = sum / static_cast<double>(x.size());
  const auto deviation = static_cast<float>(std::sqrt(power / std::pow(10.0, snr / 10)));
  Samples noise(x.size());
  cpu::gaussian_noise(context, key, static_cast<std::uint32_t>(Draw::noise_samples),
                      view_of(noise));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::fma(deviation, noise[i], x[i]);
}

}  // namespace

Signals CopyMaker::operator()(Context& context, Signals signals,
                              std::span<const ContentHash> contents) const {
  std::vector<Samples> made;
  Signals copies;
  for (Index clip = 0; clip < signals.samples.clips(); ++clip) {
    const ClipDraws draws(seed, number, contents[static_cast<std::size_t>(clip)]);
    const auto from = signals.view().rows(signals.samples.begin(clip), signals.samples.end(clip));
    Samples x(from.data(), from.data() + from.size());
    if (!x.empty()) {
      if (recipe.speed) {
        const double speed = draws.of(Draw::speed, *recipe.speed);
        x = resampled_to(context, x, speed * sample_rate, sample_rate);
      }
      if (recipe.time_stretch) {
        x = stretched(context, draws.of(Draw::time_stretch, *recipe.time_stretch), x);
      }
      if (recipe.pitch_shift) {
        const double semitones = draws.of(Draw::pitch_shift, *recipe.pitch_shift);
        x = shifted_in_pitch(context, semitones, sample_rate, x);
      }
      if (recipe.reverb) {
        const double seconds = draws.of(Draw::reverb, *recipe.reverb);
        x = reverberant(context, draws.key(), seconds, sample_rate, x);
      }
      if (recipe.gain) apply_gain(draws.of(Draw::gain, *recipe.gain), x);
      if (recipe.time_shift) {
        const double seconds = draws.of(Draw::time_shift, *recipe.time_shift);
        shift(static_cast<Index>(std::llround(seconds * sample_rate)), x);
      }
      if (recipe.noise) {
        add_noise(context, draws.key(), draws.of(Draw::noise, *recipe.noise), x);
      }
    }
    copies.samples.append(static_cast<Index>(x.size()));
    made.push_back(std::move(x));
  }
  copies.values = context.lend({copies.samples.total()});
  float* to = copies.values.view().data();
  for (const Samples& x : made) to = std::copy(x.begin(), x.end(), to);
  return copies;
}

Index CopyMaker::most_samples(Index samples) const {
  auto most = static_cast<double>(samples);
  if (recipe.speed) most = most / recipe.speed->low + 1;
  if (recipe.time_stretch) most = most / recipe.time_stretch->low + 1;
  return static_cast<Index>(most);
}

std::string CopyMaker::text() const {
  std::vector<std::string> revisions;
  const auto add = [&](const std::optional<Amount>& amount, const char* name, int revision) {
    if (amount) revisions.push_back(fmt::format("{}: {}", name, revision));
  };
  add(recipe.speed, "speed", speed_revision);
  add(recipe.time_stretch, "time_stretch", time_stretch_revision);
  add(recipe.pitch_shift, "pitch_shift", pitch_shift_revision);
  if (recipe.time_stretch || recipe.pitch_shift) {
    revisions.push_back(fmt::format("stft: {}, phase_vocoder: {}, istft: {}", stft_revision,
                                    phase_vocoder_revision, istft_revision));
  }
  add(recipe.reverb, "reverb", reverb_revision);
  add(recipe.reverb, "convolve", convolve_revision);
  add(recipe.gain, "gain", gain_revision);
  add(recipe.time_shift, "time_shift", time_shift_revision);
  add(recipe.noise, "noise", noise_revision);
  add(recipe.reverb ? recipe.reverb : recipe.noise, "gaussian_noise", gaussian_noise_revision);
  std::string text = fmt::format("copy: {}\nrevisions of it: {{{}}}\n", option_text(recipe),
                                 fmt::join(revisions, ", "));
  if (draws(recipe)) text += fmt::format("drawn by: seed {}, recipe {}\n", seed, number);
  return text;
}

}  // namespace serenade
