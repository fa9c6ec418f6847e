#include "kernels/dsp/soxr.h"

#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "kernels/device/error.h"

namespace serenade {
namespace {

struct DeleteSoxr {
  void operator()(soxr_t soxr) const { soxr_delete(soxr); }
};

std::string in_hertz(double rate) {
  const bool whole = rate == std::floor(rate) && std::abs(rate) < 1e15;
  return (whole ? std::to_string(static_cast<Index>(rate)) : std::to_string(rate)) + " Hz";
}

std::string hertz(double in_rate, double out_rate) {
  return in_hertz(in_rate) + " to " + in_hertz(out_rate);
}

}  // namespace

template <class T>
struct Soxr<T>::Handle {
  std::unique_ptr<std::remove_pointer_t<soxr_t>, DeleteSoxr> soxr;
};

std::string soxr_version_name() { return soxr_version(); }

Index resampled_length(Index length, double in_rate, double out_rate) {
  if (in_rate == out_rate) return length;
  const double ratio = out_rate / in_rate;
  return static_cast<Index>(std::ceil(static_cast<double>(length) * ratio));
}

Index soxr_length(Index length, double in_rate, double out_rate) {
  const double ratio = in_rate / out_rate;
  const auto given = static_cast<Index>(std::floor(static_cast<double>(length) / ratio + 0.5));
  return std::min(given, resampled_length(length, in_rate, out_rate));
}

template <class T>
Soxr<T>::Soxr(double in_rate, double out_rate)
    : in_rate_(in_rate), out_rate_(out_rate), handle_(std::make_unique<Handle>()) {
  if (!(std::min(in_rate, out_rate) >= 1 && std::max(in_rate, out_rate) <= max_resampled_rate)) {
    throw ConfigError("cannot resample " + hertz(in_rate, out_rate) + ": rates are between 1 and " +
                      std::to_string(max_resampled_rate));
  }
  constexpr bool wide = std::is_same_v<T, double>;
  constexpr soxr_datatype_t type = wide ? SOXR_FLOAT64_I : SOXR_FLOAT32_I;
  const soxr_io_spec_t io = soxr_io_spec(type, type);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, wide ? SOXR_DOUBLE_PRECISION : 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  handle_->soxr.reset(soxr_create(in_rate, out_rate, 1, &error, &io, &quality, &runtime));
  if (error != nullptr) {
    throw DataError("libsoxr cannot resample " + hertz(in_rate, out_rate) + ": " +
                    soxr_strerror(error));
  }
}

template <class T>
Soxr<T>::~Soxr() = default;
template <class T>
Soxr<T>::Soxr(Soxr&&) noexcept = default;
template <class T>
Soxr<T>& Soxr<T>::operator=(Soxr&&) noexcept = default;

template <class T>
void Soxr<T>::operator()(std::span<const T> signal, std::span<T> out) const {
  const auto expect = [&](soxr_error_t error) {
    if (error == nullptr) return;
    throw DataError("libsoxr cannot resample " + hertz(in_rate_, out_rate_) + ": " +
                    soxr_strerror(error));
  };
  const soxr_t soxr = handle_->soxr.get();
  std::size_t taken = 0;
  std::size_t made = 0;
  if (!signal.empty()) expect(soxr_clear(soxr));
  while (taken < signal.size() && made < out.size()) {
    std::size_t in = 0;
    std::size_t got = 0;
    expect(soxr_process(soxr, signal.data() + taken, signal.size() - taken, &in, out.data() + made,
                        out.size() - made, &got));
    taken += in;
    made += got;
    if (in == 0 && got == 0) break;
  }
  while (!signal.empty() && made < out.size()) {  // the signal has ended
    std::size_t got = 0;
    expect(soxr_process(soxr, nullptr, 0, nullptr, out.data() + made, out.size() - made, &got));
    if (got == 0) break;
    made += got;
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(made), out.end(), T{0});
}

template class Soxr<float>;
template class Soxr<double>;

}  // namespace serenade
