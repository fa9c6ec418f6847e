#pragma once

#include <algorithm>

#include "kernels/device/context.h"

namespace serenade::cpu {

/// Cuts [0, size) into chunks of `share` and calls body(begin, end) for each in parallel.
template <class Body>
void parallel_ranges(Context& context, Index size, Index share, const Body& body) {
  context.parallel((size + share - 1) / share,
                   [&](Index chunk) { body(chunk * share, std::min(size, (chunk + 1) * share)); });
}

/// A share of elements worth a thread's while.
inline constexpr Index element_share = 32768;

}  // namespace serenade::cpu
