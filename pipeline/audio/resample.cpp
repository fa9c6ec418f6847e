#include "pipeline/audio/resample.h"

#include <fmt/format.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <type_traits>

#include "kernels/device/error.h"

namespace serenade {
namespace {

struct DeleteSoxr {
  void operator()(soxr_t plan) const { soxr_delete(plan); }
};

[[noreturn]] void fail(int in_rate, int out_rate, soxr_error_t error) {
  throw DataError(fmt::format("libsoxr cannot resample {} Hz to {} Hz: {}", in_rate, out_rate,
                              soxr_strerror(error)));
}

}  // namespace

struct Resampler::Plan {
  std::unique_ptr<std::remove_pointer_t<soxr_t>, DeleteSoxr> soxr;
};

Index resampled_length(Index length, int in_rate, int out_rate) {
  if (in_rate == out_rate) return length;
  const double ratio = static_cast<double>(out_rate) / in_rate;
  return static_cast<Index>(std::ceil(static_cast<double>(length) * ratio));
}

Resampler::Resampler(int in_rate, int out_rate) : in_rate_(in_rate), out_rate_(out_rate) {
  constexpr int max_rate = 10'000'000;
  if (std::min(in_rate, out_rate) < 1 || std::max(in_rate, out_rate) > max_rate) {
    throw ConfigError(fmt::format("cannot resample {} Hz to {} Hz: rates are between 1 and {}",
                                  in_rate, out_rate, max_rate));
  }
  if (in_rate == out_rate) return;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  plan_ = std::make_unique<Plan>();
  plan_->soxr.reset(soxr_create(in_rate, out_rate, 1, &error, &io, &quality, &runtime));
  if (error != nullptr) fail(in_rate, out_rate, error);
}

Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

std::vector<float> Resampler::operator()(std::span<const float> signal) const {
  if (!plan_) return {signal.begin(), signal.end()};
  const Index wanted = resampled_length(static_cast<Index>(signal.size()), in_rate_, out_rate_);
  std::vector<float> out(static_cast<std::size_t>(wanted));
  if (signal.empty()) return out;

  const auto expect = [&](soxr_error_t error) {
    if (error != nullptr) fail(in_rate_, out_rate_, error);
  };
  const soxr_t soxr = plan_->soxr.get();
  expect(soxr_clear(soxr));
  std::size_t taken = 0;
  std::size_t made = 0;
  while (taken < signal.size() && made < out.size()) {
    std::size_t in = 0;
    std::size_t got = 0;
    expect(soxr_process(soxr, signal.data() + taken, signal.size() - taken, &in, out.data() + made,
                        out.size() - made, &got));
    taken += in;
    made += got;
    if (in == 0 && got == 0) break;
  }
  while (made < out.size()) {  // flush; what soxr leaves out is the zero padding
    std::size_t got = 0;
    expect(soxr_process(soxr, nullptr, 0, nullptr, out.data() + made, out.size() - made, &got));
    if (got == 0) break;
    made += got;
  }
  return out;
}

std::vector<float> resample(std::span<const float> signal, int in_rate, int out_rate) {
  thread_local std::optional<Resampler> last;
  if (!last || last->in_rate() != in_rate || last->out_rate() != out_rate) {
    last.emplace(in_rate, out_rate);
  }
  return (*last)(signal);
}

}  // namespace serenade
