#include "kernels/dsp/resample_tiles.h"

#include <algorithm>

namespace serenade {
namespace {

constexpr Index fewest_outputs = 64;

}  // namespace

ResampleTiles::ResampleTiles(const ResampleBank& bank) {
  const Index repeats = (fewest_outputs + bank.period_out() - 1) / bank.period_out();
  period_in = repeats * bank.period_in();
  period_out = repeats * bank.period_out();
  first = bank.first(0);
  // The first row of an output of the repeated period.
  const auto row = [&](Index n) {
    const Index phase = n % bank.period_out();
    return n / bank.period_out() * bank.period_in() + bank.first(phase) - first;
  };
  for (Index n = 0; n < period_out; n += phases) {
    first_row.push_back(row(n));
    const Index last = std::min(n + phases, period_out) - 1;
    rows = std::max(rows, row(last) - row(n) + bank.taps());
  }
  window = first_row.back() + rows;
  weights = Array<float>(Shape{tiles(), rows, phases});
  for (Index n = 0; n < period_out; ++n) {
    const Index tile = n / phases;
    float* to = weights.data() + tile * rows * phases + n % phases;
    leads.push_back(row(n) - first_row[static_cast<std::size_t>(tile)]);
    to += leads.back() * phases;
    for (const float weight : bank.weights(n % bank.period_out())) {
      *to = weight;
      to += phases;
    }
  }
}

}  // namespace serenade
