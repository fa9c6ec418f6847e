#include "pipeline/features/signal.h"

#include <utility>
#include <vector>

#include "kernels/device/copy.h"

namespace serenade {
namespace {

Signals trimmed(Context& context, const TrimOptions& options, const Signals& signals) {
  const std::vector<Extent> kept = trim(context, signals.view(), signals.samples, options);
  Signals all;
  for (const Extent& extent : kept) all.samples.append(extent.end - extent.begin);
  all.values = context.lend({all.samples.total()});
  for (Index clip = 0; clip < all.samples.clips(); ++clip) {
    const Extent& extent = kept[static_cast<std::size_t>(clip)];
    const Index begin = signals.samples.begin(clip);
    copy(context, signals.view().rows(begin + extent.begin, begin + extent.end),
         all.view().rows(all.samples.begin(clip), all.samples.end(clip)));
  }
  return all;
}

}  // namespace

Signals condition(Context& context, const FeatureSpec& spec, Signals signals) {
  if (spec.trim) signals = trimmed(context, *spec.trim, signals);
  if (spec.normalise != Normalise::none) {
    normalise(context, std::as_const(signals).view(), signals.samples, spec.normalise,
              signals.view());
  }
  return signals;
}

}  // namespace serenade
