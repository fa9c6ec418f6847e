// What code that is compiled with -fsanitize=signed-integer-overflow calls where an integer does
// not hold its result: index arithmetic that is right on small batches only.
#include <cstdint>
#include <string>

#include "tests/emulation/engine.h"

namespace emulation {
namespace {

/// How the compiler's description of the operation begins.
struct Place {
  const char* file;
  std::uint32_t line;
  std::uint32_t column;
};

void overflow(const void* operation, const char* name) {
  const Place& place = *static_cast<const Place*>(operation);
  fault(where() + ": an integer overflows (" + name + ") in " + place.file + ":" +
        std::to_string(place.line));
}

}  // namespace
}  // namespace emulation

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
void __ubsan_handle_add_overflow(void* operation, std::uintptr_t, std::uintptr_t) {
  emulation::overflow(operation, "+");
}
void __ubsan_handle_sub_overflow(void* operation, std::uintptr_t, std::uintptr_t) {
  emulation::overflow(operation, "-");
}
void __ubsan_handle_mul_overflow(void* operation, std::uintptr_t, std::uintptr_t) {
  emulation::overflow(operation, "*");
}
void __ubsan_handle_negate_overflow(void* operation, std::uintptr_t) {
  emulation::overflow(operation, "unary -");
}
void __ubsan_handle_divrem_overflow(void* operation, std::uintptr_t, std::uintptr_t) {
  emulation::overflow(operation, "/ or %");
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
