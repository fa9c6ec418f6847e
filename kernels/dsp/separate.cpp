#include "kernels/dsp/separate.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/dsp/istft.h"

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
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted) {
  check_ranges(options);
  expect_signal("separate", signal, samples);
  expect_on_device("separate", context, signal);
  expect_part(context, "harmonic", wanted.harmonic, signal);
  expect_part(context, "percussive", wanted.percussive, signal);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::separate(context, plan, signal, samples, options, wanted);
    }
  }
  cpu::separate(context, plan, signal, samples, options, wanted);
}

namespace cpu {
namespace {

constexpr Index numbers_a_chunk = 1 << 15;

/// body(begin, end) over [0, size) in chunks.
template <class Body>
void in_chunks(Context& context, Index size, const Body& body) {
  context.parallel((size + numbers_a_chunk - 1) / numbers_a_chunk, [&](Index chunk) {
    body(chunk * numbers_a_chunk, std::min(size, (chunk + 1) * numbers_a_chunk));
  });
}

}  // namespace

void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted) {
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  const Index size = frames.total() * plan.bins();
  const Shape shape{frames.total(), plan.bins()};
  Lent spectrum = context.lend({frames.total(), plan.bins(), 2});
  cpu::stft(context, plan, signal, samples, spectrum.view());
  const float* parts = spectrum.view().data();
  Lent magnitudes = context.lend(shape);
  float* magnitude = magnitudes.view().data();
  in_chunks(context, size, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const float real = parts[2 * i];
      const float imaginary = parts[2 * i + 1];
      magnitude[i] = std::sqrt(std::fma(real, real, imaginary * imaginary));
    }
  });

  Lent harmonic_mask;
  Lent percussive_mask;
  HpssMasks masks;
  if (wanted.harmonic.data() != nullptr) {
    harmonic_mask = context.lend(shape);
    masks.harmonic = harmonic_mask.view();
  }
  if (wanted.percussive.data() != nullptr) {
    percussive_mask = context.lend(shape);
    masks.percussive = percussive_mask.view();
  }
  cpu::hpss(context, std::as_const(magnitudes).view(), frames, options, masks);

  Lent masked = context.lend({frames.total(), plan.bins(), 2});
  const auto transform_back = [&](Tensor<float> mask, Tensor<float> out) {
    if (out.data() == nullptr) return;
    float* part = masked.view().data();
    in_chunks(context, size, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        part[2 * i] = parts[2 * i] * mask.data()[i];
        part[2 * i + 1] = parts[2 * i + 1] * mask.data()[i];
      }
    });
    cpu::istft(context, plan, std::as_const(masked).view(), frames, samples, out);
  };
  transform_back(masks.harmonic, wanted.harmonic);
  transform_back(masks.percussive, wanted.percussive);
}

}  // namespace cpu
}  // namespace serenade
