#include "kernels/dsp/pyin.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/pyin_table.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/pyin.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

constexpr int pitches_a_semitone = 10;
constexpr double least_probability = 1e-4;
constexpr double nothing = std::numeric_limits<double>::min();  // added before logarithms
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// Cumulative distribution of beta(2, 18).
double beta_cdf(double x) { return 1 - std::pow(1 - x, 19) - 19 * x * std::pow(1 - x, 18); }

}  // namespace

PyinPlan::Table::Table(const PyinOptions& options, double sample_rate, int hop_length)
    : no_trough_prob(options.no_trough_prob) {
  for (std::size_t j = 0; j < likelihood.size(); ++j) {
    const auto low = static_cast<double>(j);
    likelihood[j] = beta_cdf((low + 1) / thresholds) - beta_cdf(low / thresholds);
  }
  const double octaves = std::log2(options.fmax / options.fmin);
  pitches = 1 + static_cast<Index>(std::floor(12 * pitches_a_semitone * octaves));
  constexpr Index most = 4096;
  const double semitones =
      std::nearbyint(options.max_transition_rate * 12 * hop_length / sample_rate);
  if (pitches > most || semitones > most) {
    throw ConfigError("pyin: " + std::to_string(pitches) + " pitches, and " + shortest(semitones) +
                      " semitones from frame to frame, are more than " + std::to_string(most) +
                      "; raise fmin or lower max_transition_rate");
  }
  for (Index i = 0; i < pitches; ++i) {
    frequency.push_back(options.fmin *
                        std::pow(2.0, static_cast<double>(i) / (12 * pitches_a_semitone)));
  }
  reach = static_cast<Index>(semitones) * pitches_a_semitone / 2;
  const auto height = [&](Index o) { return static_cast<double>(reach + 1 - o); };
  const double whole = height(0) * height(0);  // the sum of a triangle
  for (Index o = 0; o <= reach; ++o) {
    stay.push_back(std::log((1 - options.switch_prob) * height(o) / whole + nothing));
    change.push_back(std::log(options.switch_prob * height(o) / whole + nothing));
  }
  const double least = std::log(least_probability);
  if (stay[0] < least) {
    throw ConfigError(
        "pyin: from a pitch to itself the probability is below 1e-4, so that nothing "
        "would be likely; lower max_transition_rate or hop_length");
  }
  const auto farthest = [&](const std::vector<double>& moves, double part) {
    Index o = reach;
    while (o >= 0 && moves[static_cast<std::size_t>(o)] - part < least) --o;
    return o;
  };
  for (Index i = 0; i < pitches; ++i) {
    double sum = 0;
    for (Index j = std::max<Index>(0, i - reach); j <= std::min(pitches - 1, i + reach); ++j) {
      sum += height(std::abs(i - j));
    }
    share.push_back(std::log(sum / whole));
    stay_reach.push_back(farthest(stay, share.back()));
    change_reach.push_back(farthest(change, share.back()));
  }
  stays = *std::min_element(stay_reach.begin(), stay_reach.end());
  changes = *std::min_element(change_reach.begin(), change_reach.end());
  const auto whole_tiles = [](Index n) { return cpu::tiles_of(n) * simd::lanes; };
  pad = whole_tiles(reach);
  row = 2 * pad + whole_tiles(pitches);
}

PyinPlan::PyinPlan(const PyinOptions& options, double sample_rate, const FrameOptions& frames)
    : yin_(options, sample_rate, frames) {
  check_ranges(options);
  table_ = std::make_shared<const Table>(options, sample_rate, frames.hop_length);
}

namespace {

/// What a frame says of its pitch.
struct Observation {
  double voiced = 0;
  /// Pitches and their probabilities; all others have none.
  std::vector<std::pair<Index, double>> pitches;
};

struct Trough {
  Index at;
  Index threshold;  // the lowest, in hundredths, that is above its height; 100: none
  double probability = 0;
};

std::vector<Trough> troughs_of(const float* row, Index size) {
  std::vector<Trough> troughs;
  for (Index i = 0; i < size; ++i) {
    if (!is_trough(row, size, i)) continue;
    Index threshold = 0;
    while (threshold < PyinPlan::Table::thresholds &&
           !(static_cast<double>(row[i]) < static_cast<double>(threshold + 1) * 0.01)) {
      ++threshold;
    }
    troughs.push_back({i, threshold});
  }
  return troughs;
}

/// Gives each trough below a threshold its share of that threshold's likelihood: shorter periods
/// more, by a Boltzmann distribution with parameter 2; and the lowest one a share of what no trough
/// is below.
void weigh(const PyinPlan::Table& table, const float* row, std::vector<Trough>& troughs) {
  const double step = std::exp(-2.0);
  for (Index j = 0; j < PyinPlan::Table::thresholds; ++j) {
    const auto below = std::count_if(troughs.begin(), troughs.end(),
                                     [&](const Trough& trough) { return trough.threshold <= j; });
    if (below == 0) continue;
    double share = table.likelihood[static_cast<std::size_t>(j)] * (1 - step) /
                   (1 - std::exp(-2.0 * static_cast<double>(below)));
    for (Trough& trough : troughs) {
      if (trough.threshold > j) continue;
      trough.probability += share;
      share *= step;
    }
  }
  const auto lowest =
      std::min_element(troughs.begin(), troughs.end(),
                       [&](const Trough& a, const Trough& b) { return row[a.at] < row[b.at]; });
  double rest = 0;
  for (Index j = 0; j < lowest->threshold; ++j)
    rest += table.likelihood[static_cast<std::size_t>(j)];
  lowest->probability += table.no_trough_prob * rest;
}

Observation observe(const PyinPlan& plan, const float* row) {
  const PyinPlan::Table& table = plan.table();
  const YinPlan& yin = plan.yin();
  Observation seen;
  std::vector<Trough> troughs = troughs_of(row, yin.periods());
  if (troughs.empty()) return seen;
  weigh(table, row, troughs);
  for (const Trough& trough : troughs) {
    if (trough.probability == 0) continue;
    const double period = static_cast<double>(yin.min_period() + trough.at) +
                          parabolic_shift(row, yin.periods(), trough.at);
    const double octaves = std::log2(yin.sample_rate() / period / yin.range().fmin);
    const auto pitch =
        static_cast<Index>(std::clamp(std::nearbyint(12 * pitches_a_semitone * octaves), 0.0,
                                      static_cast<double>(table.pitches)));
    if (pitch == table.pitches) continue;  // above the range
    // Of two at one pitch the longer period counts.
    if (!seen.pitches.empty() && seen.pitches.back().first == pitch) seen.pitches.pop_back();
    seen.pitches.emplace_back(pitch, trough.probability);
  }
  for (const auto& [pitch, probability] : seen.pitches) seen.voiced += probability;
  seen.voiced = std::clamp(seen.voiced, 0.0, 1.0);
  return seen;
}

/// Log probabilities of the likeliest ways to every state, voiced and unvoiced, of one frame.
class States {
 public:
  explicit States(const PyinPlan::Table& table)
      : pad_(table.pad),
        row_(table.row),
        all_(static_cast<std::size_t>(2 * row_), minus_infinity) {}
  double* voiced() { return all_.data() + pad_; }
  double* unvoiced() { return all_.data() + row_ + pad_; }
  const double* voiced() const { return all_.data() + pad_; }
  const double* unvoiced() const { return all_.data() + row_ + pad_; }

 private:
  Index pad_, row_;
  std::vector<double> all_;
};

class Viterbi {
 public:
  explicit Viterbi(const PyinPlan::Table& table)
      : table_(table), moved_(table), background_(std::log(nothing)) {}

  States begin(const Observation& seen) const {
    States states(table_);
    const double each = std::log(1 / static_cast<double>(2 * table_.pitches));
    std::fill_n(states.voiced(), table_.pitches, each);
    std::fill_n(states.unvoiced(), table_.pitches, each);
    weigh(seen, states);
    return states;
  }

  States next(const States& before, const Observation& seen) {
    leave(before);
    States states(table_);
    ON_VECTOR_PATH(likeliest_ways)
    (table_, moved_.voiced(), moved_.unvoiced(), states.voiced(), states.unvoiced());
    // Pitches near the ends are felt farther away.
    for (Index i = 0; i < table_.pitches; ++i) {
      add_far(i, table_.stays, table_.stay_reach, table_.stay, moved_.voiced(), states.voiced());
      add_far(i, table_.stays, table_.stay_reach, table_.stay, moved_.unvoiced(),
              states.unvoiced());
      add_far(i, table_.changes, table_.change_reach, table_.change, moved_.unvoiced(),
              states.voiced());
      add_far(i, table_.changes, table_.change_reach, table_.change, moved_.voiced(),
              states.unvoiced());
    }
    for (double* row : {states.voiced(), states.unvoiced()}) {
      std::fill(row + table_.pitches, row + (table_.row - 2 * table_.pad), minus_infinity);
    }
    weigh(seen, states);
    return states;
  }

  using State = std::pair<bool, Index>;  // voiced, pitch

  /// The first of the likeliest: voiced before unvoiced, low pitches before high ones.
  State last(const States& states) const {
    const double* v = std::max_element(states.voiced(), states.voiced() + table_.pitches);
    const double* u = std::max_element(states.unvoiced(), states.unvoiced() + table_.pitches);
    return *u > *v ? State{false, u - states.unvoiced()} : State{true, v - states.voiced()};
  }

  /// Where the likeliest way to `state` came from.
  State from(const States& before, const State& state) {
    leave(before);
    State best{true, 0};
    double highest = minus_infinity;
    for (const bool voiced : {true, false}) {
      const bool stays = voiced == state.first;
      const auto& moves = stays ? table_.stay : table_.change;
      const auto& reach = stays ? table_.stay_reach : table_.change_reach;
      const double* row = voiced ? moved_.voiced() : moved_.unvoiced();
      const Index first = std::max<Index>(0, state.second - table_.reach);
      const Index last = std::min(table_.pitches - 1, state.second + table_.reach);
      for (Index i = first; i <= last; ++i) {
        const Index o = std::abs(i - state.second);
        if (o > reach[static_cast<std::size_t>(i)]) continue;
        const double value = row[i] + moves[static_cast<std::size_t>(o)];
        if (value > highest) {
          highest = value;
          best = {voiced, i};
        }
      }
    }
    return best;
  }

 private:
  /// moved_ = before, less the share of each pitch's triangle that lies within the range.
  void leave(const States& before) {
    for (Index i = 0; i < table_.pitches; ++i) {
      const double share = table_.share[static_cast<std::size_t>(i)];
      moved_.voiced()[i] = before.voiced()[i] - share;
      moved_.unvoiced()[i] = before.unvoiced()[i] - share;
    }
  }

  void add_far(Index i, Index near, const std::vector<Index>& reach,
               const std::vector<double>& moves, const double* from, double* to) const {
    for (Index o = near + 1; o <= reach[static_cast<std::size_t>(i)]; ++o) {
      const double value = from[i] + moves[static_cast<std::size_t>(o)];
      if (i - o >= 0) to[i - o] = std::max(to[i - o], value);
      if (i + o < table_.pitches) to[i + o] = std::max(to[i + o], value);
    }
  }

  void weigh(const Observation& seen, States& states) const {
    double* voiced = states.voiced();
    std::size_t known = 0;
    std::vector<std::pair<Index, double>> ascending = seen.pitches;
    std::sort(ascending.begin(), ascending.end());
    const double unvoiced =
        std::log((1 - seen.voiced) / static_cast<double>(table_.pitches) + nothing);
    for (Index i = 0; i < table_.pitches; ++i) {
      const bool is_known = known < ascending.size() && ascending[known].first == i;
      voiced[i] += is_known ? std::log(ascending[known++].second + nothing) : background_;
      states.unvoiced()[i] += unvoiced;
    }
  }

  const PyinPlan::Table& table_;
  States moved_;
  double background_;
};

/// out [frames, 3] of one clip. States are kept for a block of frames at a time, and those of each
/// block's first frame; going back, a block is computed again. So an hour takes no more memory than
/// its observations.
void follow(const PyinPlan& plan, const std::vector<Observation>& seen, float* out) {
  constexpr std::size_t block = 512;
  Viterbi viterbi(plan.table());
  std::vector<States> starts;
  std::vector<States> states;
  const auto run_block = [&](std::size_t first, States start) {
    states.clear();
    states.push_back(std::move(start));
    const std::size_t end = std::min(seen.size(), first + block);
    for (std::size_t t = first + 1; t < end; ++t) {
      states.push_back(viterbi.next(states.back(), seen[t]));
    }
  };
  for (std::size_t first = 0; first < seen.size(); first += block) {
    starts.push_back(first == 0 ? viterbi.begin(seen[0])
                                : viterbi.next(states.back(), seen[first]));
    run_block(first, starts.back());
  }
  std::optional<Viterbi::State> state;
  for (std::size_t b = starts.size(); b-- > 0;) {  // `states` are those of block b
    for (std::size_t t = states.size(); t-- > 0;) {
      if (!state) {
        state = viterbi.last(states[t]);
      } else if (t + 1 < states.size()) {
        state = viterbi.from(states[t], *state);
      }
      const std::size_t frame = b * block + t;
      out[3 * frame] =
          state->first
              ? static_cast<float>(plan.table().frequency[static_cast<std::size_t>(state->second)])
              : 0.0F;
      out[3 * frame + 1] = state->first ? 1.0F : 0.0F;
      out[3 * frame + 2] = static_cast<float>(seen[frame].voiced);
    }
    if (b > 0) {
      // From this block's first frame to the last of the one before.
      run_block((b - 1) * block, starts[b - 1]);
      state = viterbi.from(states.back(), *state);
    }
  }
}

}  // namespace

void pyin(Context& context, const PyinPlan& plan, Tensor<const float> signal, const Ragged& samples,
          Tensor<float> out) {
  const Ragged frames = frames_of(samples, plan.yin().frames().hop_length);
  expect_signal("pyin", signal, samples);
  expect_shape("pyin", "out", out.shape(), Shape{frames.total(), 3});
  expect_on_device("pyin", context, signal, out);
  if (context.device() != Device::cpu) {
    throw DeviceError("pyin: there is no version for a GPU; use a context on the CPU");
  }
  const Index periods = plan.yin().periods();
  std::vector<std::vector<Observation>> seen(static_cast<std::size_t>(frames.clips()));
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    seen[static_cast<std::size_t>(clip)].resize(static_cast<std::size_t>(frames.length(clip)));
  }
  cpu::for_each_frame_tile(context, frames, [&](Index clip, Index first, Index count) {
    std::vector<float> rows(static_cast<std::size_t>(count * periods));
    cpu::yin_rows(plan.yin(), signal.data() + samples.begin(clip), samples.length(clip), first,
                  count, rows.data());
    for (Index t = 0; t < count; ++t) {
      seen[static_cast<std::size_t>(clip)][static_cast<std::size_t>(first + t)] =
          observe(plan, rows.data() + t * periods);
    }
  });
  context.parallel(frames.clips(), [&](Index clip) {
    follow(plan, seen[static_cast<std::size_t>(clip)], out.data() + 3 * frames.begin(clip));
  });
}

}  // namespace serenade
