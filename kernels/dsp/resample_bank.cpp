#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/dsp/resample_tiles.h"

namespace serenade {
namespace {

/// Beyond the last weight as large as this, a filter has ended: what is left out changes an output
/// by less than float32 rounds. (Some of libsoxr's filters go on for thousands of samples at
/// 1e-10.)
constexpr double smallest_weight = 1e-8;
/// What a table may differ from libsoxr where both compute in float64, noise of amplitude 1 being
/// resampled: half of what libsoxr's own float32 differs there.
constexpr double tolerance = 2e-7;
/// Input samples that are resampled to measure a filter, numbers of a table, first outputs with
/// weights of their own. Beyond these libsoxr is as fast, or does not repeat at all.
constexpr Index max_measured = Index{1} << 22U;
constexpr Index max_weights = Index{1} << 22U;
constexpr Index max_head = 256;

std::vector<double> run(const Soxr<double>& soxr, const std::vector<double>& signal,
                        Index outputs) {
  std::vector<double> out(static_cast<std::size_t>(outputs));
  soxr(signal, out);
  return out;
}

/// As ResampleBank has it, in float64 while it is measured.
template <class T>
struct Filter {
  Index in = 0, out = 0;       // a period
  Index before = 0, taps = 0;  // a sum begins `before` samples ahead of its output's place
  std::vector<T> weights{};    // [out, taps]
  Index head = 0, head_taps = 0;
  std::vector<T> head_weights{};  // [head_taps, head]

  /// The sample at the place of output n, or the one before it.
  Index place(Index n) const { return n * in / out; }
};

using Measured = Filter<double>;

double output(const Measured& filter, const std::vector<double>& signal, Index n) {
  const double* weight = filter.weights.data() + n % filter.out * filter.taps;
  const Index first = filter.place(n) - filter.before;
  double sum = 0;
  for (Index k = std::max<Index>(-first, 0); k < filter.taps; ++k) {
    if (first + k >= static_cast<Index>(signal.size())) break;
    sum += weight[k] * signal[static_cast<std::size_t>(first + k)];
  }
  return sum;
}

/// How far from its place the answer to one impulse reaches, in input samples.
Index reach_of(const Soxr<double>& soxr, Index in, Index out) {
  const Index far = 4096 * std::max<Index>(1, (in + out - 1) / out);
  std::vector<double> signal(static_cast<std::size_t>(2 * far + 1), 0.0);
  signal[static_cast<std::size_t>(far)] = 1;
  const Index outputs = (2 * far + 1) * out / in;
  const auto answer = run(soxr, signal, outputs);
  double reach = 0;
  for (Index n = 0; n < outputs; ++n) {
    if (std::abs(answer[static_cast<std::size_t>(n)]) < smallest_weight) continue;
    const double place = static_cast<double>(n * in) / static_cast<double>(out);
    reach = std::max(reach, std::abs(place - static_cast<double>(far)));
  }
  // Other impulses lie otherwise between the outputs.
  return static_cast<Index>(reach) + 2 + (in + out - 1) / out;
}

/// An impulse on every sample of a period, each in a period of its own and far from the others.
void measure_weights(const Soxr<double>& soxr, Measured& filter, Index reach) {
  const Index distance = (2 * reach / filter.in + 1) * filter.in + 1;
  const Index length = distance * (filter.in + 1);
  std::vector<double> signal(static_cast<std::size_t>(length), 0.0);
  for (Index i = 1; i <= filter.in; ++i) signal[static_cast<std::size_t>(i * distance)] = 1;
  signal.resize(signal.size() + static_cast<std::size_t>(reach), 0.0);
  const Index outputs = (length + reach) * filter.out / filter.in;
  const auto answer = run(soxr, signal, outputs);
  filter.before = reach;
  filter.taps = 2 * reach + 1;
  filter.weights.assign(static_cast<std::size_t>(filter.out * filter.taps), 0.0);
  for (Index n = 0; n < outputs; ++n) {
    const Index impulse = (filter.place(n) + distance / 2) / distance;
    if (impulse < 1 || impulse > filter.in) continue;
    const Index k = impulse * distance - filter.place(n) + filter.before;
    if (k < 0 || k >= filter.taps) continue;
    filter.weights[static_cast<std::size_t>(n % filter.out * filter.taps + k)] =
        answer[static_cast<std::size_t>(n)];
  }
}

/// The first outputs' weights, an impulse at a time.
void measure_head(const Soxr<double>& soxr, Measured& filter, Index head) {
  filter.head = head;
  filter.head_taps = head == 0 ? 0 : filter.place(head - 1) - filter.before + filter.taps;
  filter.head_weights.assign(static_cast<std::size_t>(filter.head_taps * head), 0.0);
  std::vector<double> signal(static_cast<std::size_t>(filter.head_taps + filter.taps), 0.0);
  for (Index i = 0; i < filter.head_taps; ++i) {
    signal[static_cast<std::size_t>(i)] = 1;
    const auto answer = run(soxr, signal, head);
    std::copy(answer.begin(), answer.end(), filter.head_weights.begin() + i * head);
    signal[static_cast<std::size_t>(i)] = 0;
  }
}

/// Noise and what libsoxr makes of it, long enough to meet every phase behind the longest head.
struct Probe {
  std::vector<double> signal;
  std::vector<double> wanted;
};

std::vector<Probe> probes(const Soxr<double>& soxr, const Measured& filter) {
  // Several: what the start forgets is much of one signal and little of another.
  std::vector<Probe> all(4);
  const Index outputs = std::max(2 * filter.out, 4 * max_head);
  const auto length = static_cast<std::uint32_t>(filter.place(outputs) + 2 * filter.taps);
  for (std::size_t seed = 0; seed < all.size(); ++seed) {
    const Philox philox(seed);
    for (std::uint32_t i = 0; i < length; ++i) {
      all[seed].signal.push_back(2 * static_cast<double>(uniform(philox({i, 0, 0, 0})[0])) - 1);
    }
    all[seed].wanted = run(soxr, all[seed].signal, outputs);
  }
  return all;
}

/// How many outputs from the first on the repeating weights do not give as well as the later ones;
/// nothing where they do not give the later ones.
std::optional<Index> head_of(const Measured& filter, const std::vector<Probe>& all) {
  std::vector<double> differences(all.front().wanted.size(), 0.0);
  for (const Probe& probe : all) {
    for (std::size_t n = 0; n < differences.size(); ++n) {
      const double found = output(filter, probe.signal, static_cast<Index>(n));
      differences[n] = std::max(differences[n], std::abs(found - probe.wanted[n]));
    }
  }
  const double later = *std::max_element(differences.begin() + max_head, differences.end());
  if (later > tolerance) return std::nullopt;
  Index head = max_head;
  while (head > 0 && differences[static_cast<std::size_t>(head - 1)] < 2 * later + 1e-9) --head;
  return head;
}

bool head_holds(const Measured& filter, const Probe& probe) {
  for (Index n = 0; n < filter.head; ++n) {
    double sum = 0;
    for (Index i = 0; i < filter.head_taps; ++i) {
      sum += filter.head_weights[static_cast<std::size_t>(i * filter.head + n)] *
             probe.signal[static_cast<std::size_t>(i)];
    }
    if (std::abs(sum - probe.wanted[static_cast<std::size_t>(n)]) > tolerance) return false;
  }
  return true;
}

std::vector<float> floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

struct ResampleBank::Table {
  int in_rate = 0, out_rate = 0;
  Filter<float> filter;
  std::optional<ResampleTiles> tiles;
};

std::optional<ResampleBank> ResampleBank::measure(int in_rate, int out_rate) {
  const Soxr<double> soxr(in_rate, out_rate);
  if (in_rate == out_rate) return std::nullopt;
  const Index common = std::gcd(in_rate, out_rate);
  Measured filter{.in = in_rate / common, .out = out_rate / common};
  if (filter.in * filter.in > max_measured || filter.out > max_weights / 64) return std::nullopt;
  const Index reach = reach_of(soxr, filter.in, filter.out);
  if ((2 * reach / filter.in + 2) * filter.in * (filter.in + 1) > max_measured ||
      (2 * reach + 1) * filter.out > max_weights) {
    return std::nullopt;
  }
  measure_weights(soxr, filter, reach);

  const auto noise = probes(soxr, filter);
  const auto head = head_of(filter, noise);
  if (!head) return std::nullopt;
  measure_head(soxr, filter, *head);
  const auto holds = [&](const Probe& probe) { return head_holds(filter, probe); };
  if (!std::all_of(noise.begin(), noise.end(), holds)) return std::nullopt;

  auto table = std::make_shared<Table>();
  table->in_rate = in_rate;
  table->out_rate = out_rate;
  table->filter = {filter.in,
                   filter.out,
                   filter.before,
                   filter.taps,
                   floats(filter.weights),
                   filter.head,
                   filter.head_taps,
                   floats(filter.head_weights)};
  table->tiles.emplace(ResampleBank(table));
  return ResampleBank(std::move(table));
}

int ResampleBank::in_rate() const { return table_->in_rate; }
int ResampleBank::out_rate() const { return table_->out_rate; }
Index ResampleBank::period_in() const { return table_->filter.in; }
Index ResampleBank::period_out() const { return table_->filter.out; }
Index ResampleBank::taps() const { return table_->filter.taps; }
Index ResampleBank::head() const { return table_->filter.head; }
Index ResampleBank::head_taps() const { return table_->filter.head_taps; }
const ResampleTiles& ResampleBank::tiles() const { return *table_->tiles; }
std::span<const float> ResampleBank::head_weights() const { return table_->filter.head_weights; }

Index ResampleBank::first(Index phase) const {
  return table_->filter.place(phase) - table_->filter.before;
}

std::span<const float> ResampleBank::weights(Index phase) const {
  const auto taps = static_cast<std::size_t>(table_->filter.taps);
  return std::span(table_->filter.weights).subspan(static_cast<std::size_t>(phase) * taps, taps);
}

}  // namespace serenade
