#include "kernels/dsp/lanes.h"

#include <algorithm>
#include <array>

#define HWY_TARGET_INCLUDE "kernels/dsp/lanes.simd.h"
#include "kernels/device/each_path.h"

namespace serenade::cpu {

void load_lanes(const float* rows, Index stride, Index count, Index dims, Index lanes,
                float* tile) {
  ON_VECTOR_PATH(load_lanes)(rows, stride, count, dims, lanes, tile);
}

void load_tile(const float* rows, Index stride, Index count, Index dims, float* tile) {
  load_lanes(rows, stride, count, dims, simd::lanes, tile);
}

void store_tile(const float* tile, Index dims, Index count, float* rows, Index stride) {
  ON_VECTOR_PATH(store_tile)(tile, dims, count, rows, stride);
}

float* scratch(int slot, Index size) {
  thread_local std::array<Array<float>, 4> slots;
  Array<float>& memory = slots.at(static_cast<std::size_t>(slot));
  memory.resize(Shape{std::max<Index>(size, 1)});
  return memory.data();
}

double* scratch_double(Index size) {
  thread_local Array<double> memory;
  memory.resize(Shape{std::max<Index>(size, 1)});
  return memory.data();  // NOLINT(clang-analyzer-unix.Malloc): it takes thread_local for automatic
}

}  // namespace serenade::cpu
