#pragma once

#include <ostream>

#include "tests/emulation/engine.h"

/// One for all tests: what prints a type must be the same in every file of a program.
namespace emulation {
inline void PrintTo(Order order, std::ostream* out) {
  *out << (order == Order::forward ? "forward" : order == Order::reverse ? "reverse" : "random");
}
}  // namespace emulation
