#include "kernels/dsp/stft.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/stft_tiles.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/stft.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

StftPlan::StftPlan(const StftOptions& options) : options_(options) {
  check_ranges(options);
  if (!std::has_single_bit(static_cast<unsigned>(options.n_fft))) {
    throw ConfigError("n_fft is " + std::to_string(options.n_fft) + " but must be a power of two");
  }
  fft_ = std::make_shared<const cpu::FftPlan>(options);
}

void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum) {
  const Index frames = frames_of(samples, plan.options().hop_length).total();
  expect_signal("stft", signal, samples);
  expect_shape("stft", "spectrum", spectrum.shape(), Shape{frames, plan.bins(), 2});
  expect_on_device("stft", context, signal, spectrum);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::stft(context, plan, signal, samples, spectrum);
    }
  }
  cpu::stft(context, plan, signal, samples, spectrum);
}

void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power) {
  const Index frames = frames_of(samples, plan.options().hop_length).total();
  expect_signal("stft_power", signal, samples);
  expect_shape("stft_power", "power", power.shape(), Shape{frames, plan.bins()});
  expect_on_device("stft_power", context, signal, power);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::stft_power(context, plan, signal, samples, power);
    }
  }
  cpu::stft_power(context, plan, signal, samples, power);
}

void magnitude(Context& context, Tensor<const float> power, Tensor<float> out) {
  expect_shape("magnitude", "out", out.shape(), power.shape());
  expect_on_device("magnitude", context, power, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::magnitude(context, power, out);
  }
  cpu::magnitude(context, power, out);
}

namespace cpu {
namespace {

/// Up to 16 consecutive frames of one clip.
struct FrameTile {
  Index clip;
  Index first;  // within the clip
  Index count;
};

std::vector<FrameTile> cut(const Ragged& frames) {
  std::vector<FrameTile> tiles;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    for (Index first = 0; first < frames.length(clip); first += simd::lanes) {
      tiles.push_back({clip, first, std::min(simd::lanes, frames.length(clip) - first)});
    }
  }
  return tiles;
}

/// sink(tile, first, count) for each tile [dims, lanes] that transform(plan, blocks, work, tile)
/// makes: of `count` frames of the batch from `first` on.
template <class Transform, class Sink>
void transform_batch(Context& context, const StftPlan& plan, Tensor<const float> signal,
                     const Ragged& samples, Index dims, const Transform& transform,
                     const Sink& sink) {
  const FftPlan& fft = plan.fft();
  const int hop = plan.options().hop_length;
  const Ragged frames = frames_of(samples, hop);
  const std::vector<FrameTile> tiles = cut(frames);
  constexpr Index tiles_a_chunk = 4;
  const auto count = static_cast<Index>(tiles.size());
  context.parallel((count + tiles_a_chunk - 1) / tiles_a_chunk, [&](Index chunk) {
    float* result = scratch(0, dims * simd::lanes);
    double* work = scratch_double(fft.work_size());
    float* blocks = scratch(2, fft.block_size());
    for (Index i = chunk * tiles_a_chunk; i < std::min(count, (chunk + 1) * tiles_a_chunk); ++i) {
      const FrameTile& tile = tiles[static_cast<std::size_t>(i)];
      load_frames(fft, hop, signal.data() + samples.begin(tile.clip), samples.length(tile.clip),
                  tile.first * hop - fft.n_fft() / 2, blocks, plan.options().pad_mode);
      transform(fft, blocks, work, result);
      sink(result, frames.begin(tile.clip) + tile.first, tile.count);
    }
  });
}

}  // namespace

void stft(Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> spectrum) {
  const Index dims = 2 * plan.bins();
  const auto transform = [](const FftPlan& fft, const float* blocks, double* work, float* tile) {
    fft_spectrum_tile(fft, blocks, work, tile);
  };
  transform_batch(context, plan, signal, samples, dims, transform,
                  [&](const float* tile, Index first, Index count) {
                    store_tile(tile, dims, count, spectrum.data() + first * dims, dims);
                  });
}

void stft_power(Context& context, const StftPlan& plan, Tensor<const float> signal,
                const Ragged& samples, Tensor<float> power) {
  const Index dims = plan.bins();
  stft_power_tiles(context, plan, signal, samples, [&](float* tile, Index first, Index count) {
    store_tile(tile, dims, count, power.data() + first * dims, dims);
  });
}

void stft_power_tiles(Context& context, const StftPlan& plan, Tensor<const float> signal,
                      const Ragged& samples, const PowerSink& sink) {
  transform_batch(context, plan, signal, samples, plan.bins(), fft_power_tile, sink);
}

void magnitude_tile(Index size, float* tile) { ON_VECTOR_PATH(square_root)(tile, size, tile); }

void magnitude(Context& context, Tensor<const float> power, Tensor<float> out) {
  constexpr Index chunk_size = 1 << 15;
  const Index size = power.size();
  context.parallel((size + chunk_size - 1) / chunk_size, [&](Index chunk) {
    const Index begin = chunk * chunk_size;
    const Index end = std::min(size, begin + chunk_size);
    ON_VECTOR_PATH(square_root)(power.data() + begin, end - begin, out.data() + begin);
  });
}

}  // namespace cpu
}  // namespace serenade
