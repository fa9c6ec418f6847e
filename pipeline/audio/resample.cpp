#include "pipeline/audio/resample.h"

#include <deque>
#include <mutex>
#include <utility>

namespace serenade {
namespace {

using Rates = std::pair<int, int>;

struct Known {
  Rates rates;
  std::optional<ResampleBank> bank;
};

}  // namespace

std::optional<ResampleBank> shared_bank(int in_rate, int out_rate) {
  // A corpus has a few rates. One of many, as a hostile one may be, does not fill the memory.
  constexpr std::size_t most_kept = 16;
  static std::mutex mutex;
  static std::deque<Known> all;

  const Rates rates(in_rate, out_rate);
  thread_local std::optional<Known> last;
  if (last && last->rates == rates) return last->bank;
  // Measured under the lock: others that come would want the same one.
  const std::lock_guard lock(mutex);
  for (const Known& known : all) {
    if (known.rates == rates) return (last = known)->bank;
  }
  all.push_back({rates, ResampleBank::measure(in_rate, out_rate)});
  if (all.size() > most_kept) all.pop_front();
  return (last = all.back())->bank;
}

}  // namespace serenade
