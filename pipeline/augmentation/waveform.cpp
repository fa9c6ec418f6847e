#include "pipeline/augmentation/waveform.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/dsp/gaussian_noise.h"
#include "kernels/dsp/soxr.h"
#include "pipeline/audio/resample.h"

namespace serenade {
namespace {

using Samples = std::vector<float>;

/// What a draw is for: part of Philox's counter.
enum class Draw : std::uint32_t { speed = 1, gain = 5, time_shift = 6, noise = 7, noise_samples };

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
  if (recipe.speed) most = std::max(1.0, most / recipe.speed->low + 1);
  return static_cast<Index>(most);
}

std::string CopyMaker::text() const {
  std::vector<std::string> revisions;
  const auto add = [&](const std::optional<Amount>& amount, const char* name, int revision) {
    if (amount) revisions.push_back(fmt::format("{}: {}", name, revision));
  };
  add(recipe.speed, "speed", speed_revision);
  add(recipe.gain, "gain", gain_revision);
  add(recipe.time_shift, "time_shift", time_shift_revision);
  add(recipe.noise, "noise", noise_revision);
  add(recipe.noise, "gaussian_noise", gaussian_noise_revision);
  std::string text = fmt::format("copy: {}\nrevisions of it: {{{}}}\n", option_text(recipe),
                                 fmt::join(revisions, ", "));
  if (draws(recipe)) text += fmt::format("drawn by: seed {}, recipe {}\n", seed, number);
  return text;
}

}  // namespace serenade
