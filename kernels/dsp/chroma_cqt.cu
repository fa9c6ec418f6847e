#include "kernels/dsp/chroma_cqt.h"

#include <cfloat>

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

/// One thread a class of a frame: the bins around its middles, octave after octave, as the CPU twin
/// adds them; 4 bytes and a flop a bin, 4 bytes written.
__global__ __launch_bounds__(most_threads) void fold_octaves_kernel(const float* magnitude,
                                                                    int bins, int n_chroma,
                                                                    int bins_of_class, int lowest,
                                                                    Index size, float* out) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, n_chroma);
  const float* x = magnitude + at.row * bins;
  const int above_lowest = (static_cast<int>(at.column) - lowest + n_chroma) % n_chroma;
  float sum = 0;
  int begin = above_lowest * bins_of_class - bins_of_class / 2;
  for (; begin < bins; begin += n_chroma * bins_of_class) {
    for (int bin = begin < 0 ? 0 : begin; bin < begin + bins_of_class && bin < bins; ++bin) {
      sum += x[bin];
    }
  }
  out[i] = sum;
}

/// One thread a frame, whose numbers lie beside those of its neighbours: 8 bytes read, half of them
/// from cache, and 4 written a number.
__global__ __launch_bounds__(most_threads) void divide_by_largest_kernel(const float* chroma,
                                                                         int n_chroma, Index size,
                                                                         float* out) {
  const Index frame = global_index();
  if (frame >= size) return;
  const float* x = chroma + frame * n_chroma;
  float largest = 0;
  for (int c = 0; c < n_chroma; ++c) largest = fmaxf(largest, fabsf(x[c]));
  const float by = largest < FLT_MIN ? 1.0F : largest;
  for (int c = 0; c < n_chroma; ++c) out[frame * n_chroma + c] = x[c] / by;
}

}  // namespace

void fold_octaves(Context& context, Tensor<const float> magnitude, const ChromaCqtOptions& options,
                  Tensor<float> out) {
  Session& session = context.session();
  launch<fold_octaves_kernel>(session, one_thread_each(session, out.size()), magnitude.data(),
                              static_cast<int>(magnitude.extent(1)), options.n_chroma,
                              options.bins_per_octave / options.n_chroma,
                              static_cast<int>(class_of_lowest(options)), out.size(), out.data());
}

void divide_by_largest(Context& context, Tensor<const float> chroma, Tensor<float> out) {
  Session& session = context.session();
  const Index frames = chroma.extent(0);
  launch<divide_by_largest_kernel>(session, one_thread_each(session, frames), chroma.data(),
                                   static_cast<int>(chroma.extent(1)), frames, out.data());
}

}  // namespace serenade::cuda
