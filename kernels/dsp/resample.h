#pragma once

#include <memory>
#include <optional>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/soxr.h"

namespace serenade {

struct ResampleTiles;

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int resample_revision = 1;

/// libsoxr's quality HQ as a table. Between two rates it is a filter that repeats: output n is a
/// sum of taps() input samples around n * in_rate / out_rate, with weights that depend on n modulo
/// period_out() only. The weights are libsoxr's answers to impulses, in float64, rounded to
/// float32. At the start of a signal libsoxr forgets what its first stage rings before it, so that
/// the first outputs, up to some hundred, have weights of their own. Immutable; copies share the
/// table.
class ResampleBank {
 public:
  /// Measures libsoxr, 1 to 100 ms. Nothing for two equal rates, and where the filter does not
  /// repeat soon enough for a table: libsoxr then has to do it. What is measured is compared with
  /// libsoxr's answer to noise before it is given. Throws as Soxr does.
  static std::optional<ResampleBank> measure(int in_rate, int out_rate);

  int in_rate() const;
  int out_rate() const;
  /// Outputs of a period and the input samples that it goes on by.
  Index period_out() const;
  Index period_in() const;
  /// Weights of an output.
  Index taps() const;
  /// The input sample of the first weight of output `phase` of a period, counted from the period's
  /// first sample; most are negative.
  Index first(Index phase) const;
  /// [taps]
  std::span<const float> weights(Index phase) const;

  /// Outputs at the start of a signal that have weights of their own.
  Index head() const;
  /// Input samples that these are sums of, from the signal's first on.
  Index head_taps() const;
  /// [head_taps, head]
  std::span<const float> head_weights() const;

  /// All of it in the order in which the twins add it up.
  const ResampleTiles& tiles() const;
  /// What the weights live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return table_; }

 private:
  struct Table;
  explicit ResampleBank(std::shared_ptr<const Table> table) : table_(std::move(table)) {}
  std::shared_ptr<const Table> table_;
};

/// Offsets of what clips become: resampled_length of each.
Ragged resampled(const Ragged& samples, int in_rate, int out_rate);

/// Changes the sample rate as librosa.resample(res_type="soxr_hq") does, its length included.
/// signal  [samples]    clips end to end, at bank.in_rate()
/// out     [resampled]  clips end to end, at bank.out_rate(): resampled(samples, ...)
/// Both twins give the same bits.
/// Throws ShapeError when the shapes do not fit.
void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out);

namespace cpu {
void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
