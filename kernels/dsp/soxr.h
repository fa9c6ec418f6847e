#pragma once

#include <memory>
#include <span>
#include <string>

#include "kernels/device/tensor.h"

namespace serenade {

/// Highest rate that is resampled from or to, Hz. The lowest is 1.
inline constexpr int max_resampled_rate = 10'000'000;

/// Samples that `length` samples become: ceil(length * (out_rate / in_rate)) in double arithmetic,
/// as librosa.resample computes it, rounding included.
Index resampled_length(Index length, double in_rate, double out_rate);

/// Of these, those that libsoxr gives; librosa appends zeros for the others.
/// floor(length / (in_rate / out_rate) + 1/2) in double arithmetic, at most resampled_length.
Index soxr_length(Index length, double in_rate, double out_rate);

/// "libsoxr-0.1.3": of the library that runs.
std::string soxr_version_name();

/// libsoxr in its quality HQ (20 bits, linear phase), one channel: what
/// librosa.resample(res_type="soxr_hq") computes with. T is float or double, and with double
/// libsoxr computes in float64. One caller at a time; every run gives the same bits, in any object.
template <class T>
class Soxr {
 public:
  /// Throws ConfigError unless both rates are between 1 and max_resampled_rate, DataError for what
  /// libsoxr refuses.
  Soxr(double in_rate, double out_rate);
  ~Soxr();
  Soxr(Soxr&&) noexcept;
  Soxr& operator=(Soxr&&) noexcept;
  Soxr(const Soxr&) = delete;
  Soxr& operator=(const Soxr&) = delete;

  /// signal [n] -> out [resampled_length(n)], or its beginning where out is shorter. What libsoxr
  /// leaves out at the end is 0. Throws DataError for what libsoxr refuses.
  void operator()(std::span<const T> signal, std::span<T> out) const;

 private:
  struct Handle;
  double in_rate_;
  double out_rate_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace serenade
