#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// Samples that `length` samples become: ceil(length * (out_rate / in_rate)) in double arithmetic,
/// as librosa.resample computes it, rounding included.
Index resampled_length(Index length, int in_rate, int out_rate);

/// Sample rate conversion by libsoxr in its quality HQ (20 bits, linear phase), float32: what
/// librosa.resample(res_type="soxr_hq") computes, its length included (soxr's output is cut or
/// padded with zeros to resampled_length). Equal rates copy. One thread at a time may use an
/// object; every call gives the same bits, in any object and on any thread.
class Resampler {
 public:
  /// Throws ConfigError unless both rates are between 1 and 10,000,000 Hz.
  Resampler(int in_rate, int out_rate);
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  int in_rate() const { return in_rate_; }
  int out_rate() const { return out_rate_; }

  /// signal [n] at in_rate -> [resampled_length(n)] at out_rate.
  std::vector<float> operator()(std::span<const float> signal) const;

 private:
  struct Plan;
  int in_rate_;
  int out_rate_;
  std::unique_ptr<Plan> plan_;
};

/// The same with a plan that each thread keeps for its last pair of rates.
std::vector<float> resample(std::span<const float> signal, int in_rate, int out_rate);

}  // namespace serenade
