// Compares the resampling table with libsoxr, which it is measured from: first what both differ
// from libsoxr in float64, then the time of one clip of four seconds, in turns.
//   ninja -C build bench_resample && build/bench_resample
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/dsp/resample.h"

namespace serenade {
namespace {

constexpr Index seconds = 4;
constexpr int turns = 31;

/// Of this thread, so that others that run beside it count less.
double processor_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double difference(const Array<float>& found, const Array<double>& wanted) {
  double most = 0;
  for (Index i = 0; i < wanted.size(); ++i) most = std::max(most, std::abs(found[i] - wanted[i]));
  return most;
}

void compare(int in_rate, int out_rate) {
  const double before = processor_milliseconds();
  const auto bank = ResampleBank::measure(in_rate, out_rate);
  const double measuring = processor_milliseconds() - before;
  const std::string rates = fmt::format("{} -> {}", in_rate, out_rate);
  if (!bank) {
    fmt::print("{:<16} no table\n", rates);
    return;
  }
  Array<float> signal({in_rate * seconds});
  Array<double> precise(signal.shape());
  const Philox philox(1);
  for (Index i = 0; i < signal.size(); ++i) {
    signal[i] = 2 * uniform(philox({static_cast<std::uint32_t>(i), 0, 0, 0})[0]) - 1;
    precise[i] = signal[i];
  }
  const Ragged samples(std::vector<Index>{signal.size()});
  const Shape shape{resampled_length(signal.size(), in_rate, out_rate)};
  Array<double> wanted(shape);
  Soxr<double>(in_rate, out_rate)(precise.span(), wanted.span());

  Context context;
  const Soxr<float> soxr(in_rate, out_rate);
  Array<float> ours(shape), theirs(shape);
  std::vector<double> our_times, their_times;
  for (int turn = 0; turn < turns; ++turn) {
    const double start = processor_milliseconds();
    resample(context, *bank, std::as_const(signal).view(), samples, ours.view());
    const double middle = processor_milliseconds();
    soxr(signal.span(), theirs.span());
    our_times.push_back(middle - start);
    their_times.push_back(processor_milliseconds() - middle);
  }
  fmt::print("{:<16} {:>5} x {:<5} {:>8.1f} {:>10.3f} {:>10.3f} {:>8.2f} {:>12.1e} {:>10.1e}\n",
             rates, bank->period_out(), bank->taps(), measuring, median(our_times),
             median(their_times), median(their_times) / median(our_times), difference(ours, wanted),
             difference(theirs, wanted));
}

}  // namespace
}  // namespace serenade

int main() {
  fmt::print("{:<16} {:>13} {:>8} {:>10} {:>10} {:>8} {:>12} {:>10}\n", "rates, Hz", "table",
             "made, ms", "table, ms", "soxr, ms", "soxr/it", "table off by", "soxr off by");
  for (const int out_rate : {22050, 16000}) {
    for (const int in_rate : {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000}) {
      if (in_rate != out_rate) serenade::compare(in_rate, out_rate);
    }
  }
}
