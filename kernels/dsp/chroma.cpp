#include "kernels/dsp/chroma.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/tuning.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/chroma.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

void check_sizes(double sample_rate, int n_fft) {
  if (sample_rate > 0 && n_fft >= 4 && n_fft % 2 == 0) return;
  throw ConfigError("chroma_stft: sample_rate is " + shortest(sample_rate) + " and n_fft " +
                    std::to_string(n_fft) + ", but both must be positive and n_fft even");
}

/// Weights of one bank, [n_chroma, bins] in float64.
std::vector<double> bank_weights(int n_chroma, double tuning, double sample_rate, int n_fft) {
  constexpr double centre_octave = 5.0;
  constexpr double octave_width = 2.0;
  const auto n = static_cast<double>(n_chroma);
  const std::size_t bins = 1 + static_cast<std::size_t>(n_fft) / 2;
  const double a0 = 440.0 * std::exp2(tuning / n) / 16;

  // Position of each bin in pitch classes; bin 0 is put one and a half octaves below bin 1.
  std::vector<double> position(bins + 1);
  for (std::size_t bin = 1; bin <= bins; ++bin) {
    position[bin] = n * std::log2(static_cast<double>(bin) * (sample_rate / n_fft) / a0);
  }
  position[0] = position[1] - 1.5 * n;

  const double half = std::nearbyint(n / 2);
  const int first_class = 3 * (n_chroma / 12);  // A comes first until C does
  std::vector<double> weights(static_cast<std::size_t>(n_chroma) * bins);
  std::vector<double> bump(static_cast<std::size_t>(n_chroma));
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double width = std::max(position[bin + 1] - position[bin], 1.0);
    double square_sum = 0;
    for (int c = 0; c < n_chroma; ++c) {
      const double shifted = position[bin] - c + half + 10 * n;
      const double distance = shifted - std::floor(shifted / n) * n - half;
      const double scaled = 2 * distance / width;
      const double height = std::exp(-0.5 * scaled * scaled);
      bump[static_cast<std::size_t>(c)] = height;
      square_sum += height * height;
    }
    const double norm = std::sqrt(square_sum);
    const double octaves = (position[bin] / n - centre_octave) / octave_width;
    const double prominence = std::exp(-0.5 * octaves * octaves);
    for (int c = 0; c < n_chroma; ++c) {
      const int from = (c + first_class) % n_chroma;
      weights[static_cast<std::size_t>(c) * bins + bin] =
          bump[static_cast<std::size_t>(from)] / norm * prominence;
    }
  }
  return weights;
}

}  // namespace

struct ChromaBank::Table {
  std::array<std::once_flag, tuning_steps> made;
  std::array<std::vector<float>, tuning_steps> banks;
};

ChromaBank::ChromaBank(const ChromaOptions& options, double sample_rate, int n_fft)
    : options_(options),
      sample_rate_(sample_rate),
      n_fft_(n_fft),
      table_(std::make_shared<Table>()) {
  check_ranges(options);
  check_sizes(sample_rate, n_fft);
}

std::span<const float> ChromaBank::weights(float tuning) const {
  const std::size_t step = options_.tuning ? 0 : tuning_step_of(tuning);
  std::call_once(table_->made[step], [&] {
    const double value = options_.tuning.value_or(tuning_of_step(step));
    const std::vector<double> exact = bank_weights(options_.n_chroma, value, sample_rate_, n_fft_);
    const Index blocks = (n_chroma() + block - 1) / block;
    std::vector<float> packed(static_cast<std::size_t>(blocks * bins() * block));
    for (Index c = 0; c < n_chroma(); ++c) {
      for (Index bin = 0; bin < bins(); ++bin) {
        packed[static_cast<std::size_t>((c / block * bins() + bin) * block + c % block)] =
            static_cast<float>(exact[static_cast<std::size_t>(c * bins() + bin)]);
      }
    }
    table_->banks[step] = std::move(packed);
  });
  return table_->banks[step];
}

void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out) {
  expect_shape("chroma_stft", "power", power.shape(), Shape{frames.total(), bank.bins()});
  expect_shape("chroma_stft", "out", out.shape(), Shape{frames.total(), bank.n_chroma()});
  expect_on_device("chroma_stft", context, power, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::chroma_stft(context, power, frames, bank, out);
    }
  }
  cpu::chroma_stft(context, power, frames, bank, out);
}

namespace cpu {

using simd::lanes;

void chroma_stft(Context& context, Tensor<const float> power, const Ragged& frames,
                 const ChromaBank& bank, Tensor<float> out) {
  std::vector<float> tuning(static_cast<std::size_t>(frames.clips()));
  if (!bank.options().tuning) {
    cpu::estimate_tuning(context, power, frames, bank.sample_rate(), bank.options().n_chroma,
                         Tensor<float>(tuning.data(), Shape{frames.clips()}));
  }

  // A tile lies within one clip, as its frames share a bank.
  struct Tile {
    Index clip, first, count;
  };
  std::vector<Tile> tiles;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    for (Index first = frames.begin(clip); first < frames.end(clip); first += lanes) {
      tiles.push_back({clip, first, std::min(lanes, frames.end(clip) - first)});
    }
  }
  const Index bins = bank.bins();
  const Index n_chroma = bank.n_chroma();
  constexpr Index block = ChromaBank::block;
  const Index blocks = (n_chroma + block - 1) / block;
  context.parallel(static_cast<Index>(tiles.size()), [&](Index i) {
    const Tile& tile = tiles[static_cast<std::size_t>(i)];
    float* in = scratch(0, bins * lanes);
    float* chroma = scratch(1, blocks * block * lanes);
    load_tile(power.data() + tile.first * bins, bins, tile.count, bins, in);
    std::fill_n(chroma, blocks * block * lanes, 0.0F);
    const float* weights = bank.weights(tuning[static_cast<std::size_t>(tile.clip)]).data();
    for (Index b = 0; b < blocks; ++b) {
      ON_VECTOR_PATH(add_products)
      (weights + b * bins * block, bins, in, chroma + b * block * lanes);
    }
    ON_VECTOR_PATH(divide_by_maximum)(n_chroma, chroma);
    store_tile(chroma, n_chroma, tile.count, out.data() + tile.first * n_chroma, n_chroma);
  });
}

}  // namespace cpu
}  // namespace serenade
