#include "kernels/dsp/separate.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/frames.h"
#include "kernels/dsp/hpss_tiles.h"
#include "kernels/dsp/overlap_add.h"
#include "kernels/dsp/spectra_tiles.h"
#include "kernels/dsp/stft_tiles.h"

namespace serenade {
namespace {

void expect_part(Context& context, std::string_view name, Tensor<float> part,
                 const Tensor<const float>& signal) {
  if (part.data() == nullptr) return;
  expect_shape("separate", name, part.shape(), signal.shape());
  expect_on_device("separate", context, part);
}

}  // namespace

void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted,
              const Spectra& of_signal) {
  check_ranges(options);
  expect_signal("separate", signal, samples);
  expect_on_device("separate", context, signal);
  expect_part(context, "harmonic", wanted.harmonic, signal);
  expect_part(context, "percussive", wanted.percussive, signal);
  check_spectra(context, plan, signal, samples, of_signal);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      spectra(context, plan, signal, samples, of_signal);
      return cuda::separate(context, plan, signal, samples, options, wanted);
    }
  }
  cpu::separate(context, plan, signal, samples, options, wanted, of_signal);
}

namespace cpu {

using simd::lanes;

namespace {

/// A run of neighbouring tiles of one clip, from its signal to its parts. All it works on, a tile's
/// medians reaching into the tiles beside it, lies in scratch and stays in the cache.
class RunOfTiles {
 public:
  RunOfTiles(const StftPlan& plan, const HpssOptions& options, const OverlapAdd& overlap,
             std::span<const float> signal, Index parts)
      : plan_(plan),
        fft_(plan.fft()),
        options_(options),
        overlap_(overlap),
        signal_(signal),
        frames_(frame_count(std::ssize(signal), plan.options().hop_length)),
        blocks_(scratch(2, fft_.block_size())),
        work_(scratch_double(fft_.work_size() + parts * overlap.sums_size())),
        sums_(work_ + fft_.work_size()) {
    const Index frame_tile = fft_.n_fft() * lanes;
    const std::array<std::pair<float**, Index>, 7> pieces{{
        {&spectra_, 2 * spectrum_size()},
        {&magnitudes_, 2 * tile_size()},
        {&rows_, 4 * lanes * padded_bins(bins())},
        {&of_hpss_, hpss_work_size(bins())},
        {&masks_, 2 * tile_size()},
        {&tile_, frame_tile},
        {&frame_rows_, frame_tile},
    }};
    Index size = 0;
    for (const auto& [piece, numbers] : pieces) size += numbers;
    float* next = scratch(0, size);
    for (const auto& [piece, numbers] : pieces) *piece = std::exchange(next, next + numbers);
    std::fill_n(rows_, 4 * lanes * padded_bins(bins()), 0.0F);
    std::fill_n(sums_, parts * overlap.sums_size(), 0.0);
  }

  /// sink: what is done with the power of each tile of the run. parts: where the clip's harmonic
  /// and percussive part go, null where it is not wanted.
  void run(Index begin, Index end, const PowerSink& sink, const std::array<float*, 2>& parts) {
    const Index first = std::max<Index>(0, begin - overlap_.tiles_before());
    Index transformed = std::max<Index>(0, first - 1);
    for (Index tile = first; tile < end; ++tile) {
      for (; transformed < std::min(tile + 2, tiles_of(frames_)); ++transformed) {
        const bool is_of_run = begin <= transformed && transformed < end;
        transform(transformed, is_of_run ? sink : PowerSink());
      }
      const HpssRows rows = hpss_rows(tile, frames_, [&](Index frame) { return row(frame); });
      std::array<float*, 2> masks{};
      for (std::size_t i = 0; i < 2; ++i) {
        if (parts[i] != nullptr) masks[i] = masks_ + static_cast<Index>(i) * tile_size();
      }
      hpss_tile(options_, bins(), rows, magnitude(tile), of_hpss_, masks[0], masks[1]);
      double* sums = sums_;
      for (std::size_t i = 0; i < 2; ++i) {
        if (parts[i] == nullptr) continue;
        const Index count = std::min(lanes, frames_ - tile * lanes);
        fft_inverse_tile(fft_, spectrum(tile), masks[i], work_, tile_);
        store_tile(tile_, fft_.n_fft(), count, frame_rows_, fft_.n_fft());
        overlap_.add(frame_rows_, count, sums);
        if (tile >= begin) overlap_.write(tile, frames_, std::ssize(signal_), sums, parts[i]);
        overlap_.advance(sums);
        sums += overlap_.sums_size();
      }
    }
  }

 private:
  Index bins() const { return plan_.bins(); }
  Index tile_size() const { return bins() * lanes; }
  Index spectrum_size() const { return 2 * tile_size(); }
  // A tile's masks ask for the spectrum of itself and for the magnitudes of both beside it.
  float* spectrum(Index tile) const { return spectra_ + tile % 2 * spectrum_size(); }
  float* magnitude(Index tile) const { return magnitudes_ + tile % 2 * tile_size(); }
  float* row(Index frame) const { return rows_ + frame % (4 * lanes) * padded_bins(bins()); }

  void transform(Index tile, const PowerSink& sink) {
    const StftOptions& options = plan_.options();
    const Index first = tile * lanes, count = std::min(lanes, frames_ - first);
    load_frames(fft_, options.hop_length, signal_.data(), std::ssize(signal_),
                first * options.hop_length - fft_.n_fft() / 2, blocks_, options.pad_mode);
    float* power = sink ? tile_ : nullptr;
    fft_magnitude_tile(fft_, blocks_, work_, spectrum(tile), magnitude(tile), power);
    if (sink) sink(power, first, count);
    store_tile(magnitude(tile), bins(), count, row(first), padded_bins(bins()));
  }

  const StftPlan& plan_;
  const FftPlan& fft_;
  const HpssOptions& options_;
  const OverlapAdd& overlap_;
  std::span<const float> signal_;
  Index frames_;
  float* blocks_;
  double* work_;
  double* sums_;                 // of each part that is wanted
  float* spectra_ = nullptr;     // [2 tiles, bins * 2, lanes]
  float* magnitudes_ = nullptr;  // [2 tiles, bins, lanes]
  float* rows_ = nullptr;        // the same of [4 tiles, lanes, padded bins]
  float* of_hpss_ = nullptr;
  float* masks_ = nullptr;       // [2 parts, bins, lanes]
  float* tile_ = nullptr;        // [n_fft, lanes]
  float* frame_rows_ = nullptr;  // [lanes, n_fft]
};

}  // namespace

void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted,
              const Spectra& of_signal) {
  if (wanted.harmonic.data() == nullptr && wanted.percussive.data() == nullptr) {
    return cpu::spectra(context, plan, signal, samples, of_signal);
  }
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  const OverlapAdd overlap(plan);
  const SpectraOfTiles spectra(context, frames, of_signal);
  const auto of_clip = [&](Tensor<float> part, Index clip) {
    return part.data() == nullptr ? nullptr : part.data() + samples.begin(clip);
  };
  for_each_run_of_tiles(
      context, frames, overlap.tiles_before(), [&](Index clip, Index begin, Index end) {
        const std::array<float*, 2> parts{of_clip(wanted.harmonic, clip),
                                          of_clip(wanted.percussive, clip)};
        const Index count = 2 - std::count(parts.begin(), parts.end(), nullptr);
        const std::span x(signal.data() + samples.begin(clip),
                          static_cast<std::size_t>(samples.length(clip)));
        PowerSink sink;
        if (spectra.wants_any()) {
          sink = [&](float* tile, Index first, Index tile_frames) {
            spectra.take(tile, plan.bins(), frames.begin(clip) + first, tile_frames);
          };
        }
        if (begin < end) RunOfTiles(plan, options, overlap, x, count).run(begin, end, sink, parts);
      });
  spectra.finish(context);
}

}  // namespace cpu
}  // namespace serenade
