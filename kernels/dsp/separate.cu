#include "kernels/dsp/separate.h"

#include <utility>

#include "kernels/device/launch.cuh"
#include "kernels/dsp/istft_runs.cuh"

namespace serenade::cuda {
namespace {

/// One thread a bin: 8 bytes read, 4 written, 4 flops.
__global__ __launch_bounds__(most_threads) void modulus_kernel(const float* spectrum, Index size,
                                                               float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const float real = spectrum[2 * i];
  const float imaginary = spectrum[2 * i + 1];
  out[i] = sqrtf(fmaf(real, real, imaginary * imaginary));
}

}  // namespace

void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted) {
  Session& session = context.session();
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  const Shape shape{frames.total(), plan.bins()};
  Lent spectrum = context.lend({frames.total(), plan.bins(), 2});
  cuda::stft(context, plan, signal, samples, spectrum.view());
  Lent magnitudes = context.lend(shape);
  launch<modulus_kernel>(session, one_thread_each(session, shape.size()), spectrum.view().data(),
                         shape.size(), magnitudes.view().data());
  Lent harmonic;
  Lent percussive;
  HpssMasks masks;
  if (wanted.harmonic.data() != nullptr) {
    harmonic = context.lend(shape);
    masks.harmonic = harmonic.view();
  }
  if (wanted.percussive.data() != nullptr) {
    percussive = context.lend(shape);
    masks.percussive = percussive.view();
  }
  cuda::hpss(context, std::as_const(magnitudes).view(), frames, options, masks);
  const auto transform_back = [&](Tensor<float> mask, Tensor<float> out) {
    if (out.data() == nullptr) return;
    istft_of_part(context, plan, std::as_const(spectrum).view(), mask.data(), frames, samples, out);
  };
  transform_back(masks.harmonic, wanted.harmonic);
  transform_back(masks.percussive, wanted.percussive);
}

}  // namespace serenade::cuda
