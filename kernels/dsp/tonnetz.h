#pragma once

#include <vector>

#include "kernels/device/context.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int tonnetz_revision = 1;

/// Tonal centroids, librosa.feature.tonnetz(chroma=chroma): fifths, minor and major thirds, each as
/// sine and cosine, of chroma divided by its sum.
/// chroma  [frames, n_chroma]  not negative
/// out     [frames, 6]         zeros where chroma is zero
/// Throws ShapeError when the shapes do not fit.
void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out);

/// [6, n_chroma]: angle of each pitch class on the circles of fifths, minor and major
/// thirds; even rows are the sine, odd ones the cosine, and major thirds count half.
std::vector<float> tonnetz_projection(Index n_chroma);

namespace cpu {
void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void tonnetz(Context& context, Tensor<const float> chroma, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
