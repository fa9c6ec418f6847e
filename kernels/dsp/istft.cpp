#include "kernels/dsp/istft.h"

#include <algorithm>
#include <string>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/overlap_add.h"

namespace serenade {

void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out) {
  expect_shape("istft", "spectrum", spectrum.shape(), Shape{frames.total(), plan.bins(), 2});
  expect_signal("istft", out, samples);
  if (frames.clips() != samples.clips()) {
    throw ShapeError("istft: frames of " + std::to_string(frames.clips()) +
                     " clips but samples of " + std::to_string(samples.clips()));
  }
  expect_on_device("istft", context, spectrum, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::istft(context, plan, spectrum, frames, samples, out);
    }
  }
  cpu::istft(context, plan, spectrum, frames, samples, out);
}

namespace cpu {

void inverse_frames(Context& context, const FftPlan& fft, Tensor<const float> spectrum,
                    Tensor<float> out) {
  const Index rows = out.extent(0), dims = 2 * fft.bins(), size = fft.n_fft();
  constexpr Index tiles_a_chunk = 2;
  const Index tiles = tiles_of(rows);
  context.parallel((tiles + tiles_a_chunk - 1) / tiles_a_chunk, [&](Index chunk) {
    float* in = scratch(0, dims * simd::lanes);
    double* work = scratch_double(fft.work_size());
    float* result = scratch(1, size * simd::lanes);
    for (Index tile = chunk * tiles_a_chunk; tile < std::min(tiles, (chunk + 1) * tiles_a_chunk);
         ++tile) {
      const Index first = tile * simd::lanes, count = std::min(simd::lanes, rows - first);
      load_tile(spectrum.data() + first * dims, dims, count, dims, in);
      fft_inverse_tile(fft, in, nullptr, work, result);
      store_tile(result, size, count, out.data() + first * size, size);
    }
  });
}

void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out) {
  const Index size = plan.options().n_fft, hop = plan.options().hop_length;
  const Index dims = 2 * plan.bins();
  // Frames that lie behind the end are not used, as librosa's are not.
  Ragged used;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    used.append(std::min(frames.length(clip), (samples.length(clip) + size + hop - 1) / hop));
  }
  const OverlapAdd overlap(plan);
  const Index before = overlap.tiles_before();
  for_each_run_of_tiles(context, used, before, [&](Index clip, Index begin, Index end) {
    const Index length = samples.length(clip), count = used.length(clip);
    float* y = out.data() + samples.begin(clip);
    if (count == 0) {
      std::fill_n(y, length, 0.0F);
      return;
    }
    float* in = scratch(0, dims * simd::lanes);
    float* frame_tile = scratch(1, size * simd::lanes);
    float* rows = scratch(2, size * simd::lanes);
    double* work = scratch_double(plan.fft().work_size() + overlap.sums_size());
    double* sums = work + plan.fft().work_size();
    std::fill_n(sums, overlap.sums_size(), 0.0);
    for (Index tile = std::max<Index>(0, begin - before); tile < end; ++tile) {
      const Index first = tile * simd::lanes, here = std::min(simd::lanes, count - first);
      load_tile(spectrum.data() + (frames.begin(clip) + first) * dims, dims, here, dims, in);
      fft_inverse_tile(plan.fft(), in, nullptr, work, frame_tile);
      store_tile(frame_tile, size, here, rows, size);
      overlap.add(rows, here, sums);
      if (tile >= begin) overlap.write(tile, count, length, sums, y);
      overlap.advance(sums);
    }
  });
}

}  // namespace cpu
}  // namespace serenade
