#include "kernels/dsp/cqt.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/columns.cuh"
#include "kernels/device/copy.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/stft_runs.cuh"
#include "kernels/dsp/tuning.h"

// float64 where it reads the spectrum.
namespace serenade::cuda {
namespace {

using Octaves = std::vector<CqtPlan::Octave>;

/// The filters of one tuning, octave after octave, as CqtPlan::Octave has them.
struct FilterSet {
  const CqtPlan::Filter* filters = nullptr;
  const float* weights = nullptr;
};

/// Those of a plan, for each tuning that some clip had so far.
class FilterSets {
 public:
  /// Uploads the octaves, once.
  void add(Context& context, std::size_t step, const Octaves& octaves) {
    if (sets_[step].filters != nullptr) return;
    std::vector<CqtPlan::Filter> filters;
    std::vector<float> weights;
    for (const auto& octave : octaves) {
      const auto before = static_cast<Index>(weights.size());
      for (CqtPlan::Filter filter : octave.filters) {
        filter.weights += before;
        filters.push_back(filter);
      }
      weights.insert(weights.end(), octave.weights.begin(), octave.weights.end());
    }
    upload(context, filters, filters_[step]);
    upload(context, weights, weights_[step]);
    sets_[step] = {filters_[step].data(), weights_[step].data()};
    upload(context, std::vector<FilterSet>(sets_.begin(), sets_.end()), on_device_);
  }
  /// [tuning_steps]
  const FilterSet* on_device() const { return on_device_.data(); }

 private:
  template <class T>
  static void upload(Context& context, const std::vector<T>& from, Array<T>& to) {
    to.resize({static_cast<Index>(from.size())});
    copy(context, Tensor<const T>(from.data(), to.shape()), to.view());
  }

  std::array<Array<CqtPlan::Filter>, tuning_steps> filters_ = on_gpu<CqtPlan::Filter>();
  std::array<Array<float>, tuning_steps> weights_ = on_gpu<float>();
  std::array<FilterSet, tuning_steps> sets_{};
  Array<FilterSet> on_device_{Shape{0}, Device::cuda};

  template <class T>
  static std::array<Array<T>, tuning_steps> on_gpu() {
    std::array<Array<T>, tuning_steps> all;
    for (Array<T>& one : all) one = Array<T>(Shape{0}, Device::cuda);
    return all;
  }
};

/// An octave's filters, of one tuning or of each clip's.
struct OctaveFilters {
  const FilterSet* sets;
  const float* tuning;  ///< [clips]; null: the first set for all
  Index first;          ///< of the octave, in a set
  int count;

  __device__ FilterSet of_clip(int clip) const {
    if (tuning == nullptr) return sets[0];
    // Tunings are steps of 0.01 from -0.5 on, and so are the sets.
    return sets[static_cast<int>(rintf(tuning[clip] * 100.0F + 50.0F))];
  }
};

/// One thread a filter of a frame of a run, neighbours side by side: of each bin that the filter
/// has 16 bytes of the spectrum, most of them from cache, as neighbouring filters overlap, 8 of
/// weights, from cache, and 8 flops; 4 bytes written. One filter has some ten to forty bins. Added
/// in the order of the CPU twin.
__global__ __launch_bounds__(most_threads) void constant_q_kernel(const cufftDoubleComplex* run,
                                                                  Index bins, Index first_frame,
                                                                  const Index* frames, int clips,
                                                                  OctaveFilters filters, Index size,
                                                                  Index stride, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, filters.count);
  const FilterSet set = filters.of_clip(clip_of(frames, clips, first_frame + at.row));
  const CqtPlan::Filter filter = set.filters[filters.first + at.column];
  const cufftDoubleComplex* x = run + at.row * bins + filter.first;
  const float* weights = set.weights + filter.weights;
  const auto count = static_cast<int>(filter.count);
  float real = 0;
  float imaginary = 0;
  for (int k = 0; k < count; ++k) {
    const auto re = static_cast<float>(x[k].x);
    const auto im = static_cast<float>(x[k].y);
    const float a = weights[2 * k];
    const float b = weights[2 * k + 1];
    real = fmaf(-b, im, fmaf(a, re, real));
    imaginary = fmaf(b, re, fmaf(a, im, imaginary));
  }
  out[at.row * stride + at.column] = sqrtf(fmaf(real, real, imaginary * imaginary));
}

Ragged clips_between(const Ragged& all, Index begin, Index end) {
  Ragged some;
  for (Index clip = begin; clip < end; ++clip) some.append(all.length(clip));
  return some;
}

/// Whether the same decimations and transforms lead to both octaves.
bool alike(const Octaves& a, const Octaves& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.decimation == other.decimation && one.hop_length == other.hop_length &&
           one.fft->n_fft() == other.fft->n_fft() && one.first_bin == other.first_bin &&
           one.filters.size() == other.filters.size();
  });
}

/// out [frames, bins]: all octaves of clips whose octaves are alike.
void transform_octaves(Context& context, const Octaves& octaves, const FilterSet* sets,
                       const float* tuning, Tensor<const float> signal, Ragged samples,
                       const Ragged& frames, Tensor<float> out) {
  const Index bins = out.extent(1);
  OctaveFilters filters{sets, tuning, 0, 0};
  Lent decimated;
  for (const auto& octave : octaves) {
    if (octave.decimator) {
      Ragged fewer = resampled(samples, octave.decimation, 1);
      Lent next = context.lend({fewer.total()});
      cuda::resample(context, *octave.decimator, signal, samples, next.view());
      decimated = std::move(next);
      signal = std::as_const(decimated).view();
      samples = std::move(fewer);
    }
    filters.count = static_cast<int>(octave.filters.size());
    const int n_fft = octave.fft->n_fft();
    const FrameCut cut{n_fft, octave.hop_length, nullptr, false};
    transform_runs(context, cut, signal, samples, frames,
                   [&](Session& session, const cufftDoubleComplex* run, Index first, Index count) {
                     const Index size = count * filters.count;
                     launch<constant_q_kernel>(session, one_thread_each(session, size), run,
                                               n_fft / 2 + 1, first, session.offsets(frames),
                                               static_cast<int>(frames.clips()), filters, size,
                                               bins, out.data() + first * bins + octave.first_bin);
                   });
    filters.first += filters.count;
  }
}

}  // namespace

void cqt(Context& context, const CqtPlan& plan, Tensor<const float> signal, const Ragged& samples,
         Tensor<float> out) {
  if (samples.total() == 0) return;
  Session& session = context.session();
  const Shape each_clip{samples.clips()};
  Lent tuning;
  std::vector<float> tunings(static_cast<std::size_t>(samples.clips()));
  const bool is_open = !plan.options().tuning;
  if (is_open) {
    tuning = context.lend(each_clip);
    estimate_cqt_tuning(context, plan, signal, samples, tuning.view());
    copy(context, std::as_const(tuning).view(), Tensor<float>(tunings.data(), each_clip));
  }
  const auto octaves_of = [&](Index clip) -> const Octaves& {
    return plan.octaves(tunings[static_cast<std::size_t>(clip)]);
  };
  auto& sets = session.keep<FilterSets>("cqt " + canonical_text(plan.options()) +
                                            shortest(plan.sample_rate()) + " " +
                                            std::to_string(plan.hop_length()),
                                        [] { return std::make_shared<FilterSets>(); });
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    const auto known = static_cast<double>(tunings[static_cast<std::size_t>(clip)]);
    sets.add(context, is_open ? tuning_step_of(known) : 0, octaves_of(clip));
  }

  const Ragged frames = frames_of(samples, plan.hop_length());
  for (Index begin = 0, end = 0; begin < samples.clips(); begin = end) {
    // Which rates and transforms there are may change with the tuning.
    for (end = begin + 1; end < samples.clips(); ++end) {
      if (!alike(octaves_of(begin), octaves_of(end))) break;
    }
    transform_octaves(context, octaves_of(begin), sets.on_device(),
                      is_open ? tuning.view().data() + begin : nullptr,
                      signal.rows(samples.begin(begin), samples.end(end - 1)),
                      clips_between(samples, begin, end), clips_between(frames, begin, end),
                      out.rows(frames.begin(begin), frames.end(end - 1)));
  }
}

}  // namespace serenade::cuda
