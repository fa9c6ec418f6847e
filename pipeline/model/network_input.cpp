#include "pipeline/model/network_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/device/error.h"

namespace serenade {

NetworkInput::NetworkInput(InputLayout layout, StandardScaler scaler, Index frames, Windows windows,
                           Normalisation normalisation)
    : layout_(layout),
      scaler_(std::move(scaler)),
      frames_(frames),
      windows_(windows),
      normalisation_(normalisation) {
  if (scaler_.mean.empty() || scaler_.mean.size() != scaler_.scale.size()) {
    throw ConfigError(
        fmt::format("the scaler has {} means and {} scales, must have one of each "
                    "for every feature dimension",
                    scaler_.mean.size(), scaler_.scale.size()));
  }
  for (std::size_t d = 0; d < scaler_.mean.size(); ++d) {
    if (!std::isfinite(scaler_.mean[d]) || !std::isfinite(scaler_.scale[d]) ||
        scaler_.scale[d] <= 0) {
      throw ConfigError(
          fmt::format("the scaler's dimension {} has mean {} and scale {}: both must "
                      "be finite, the scale above 0",
                      d, scaler_.mean[d], scaler_.scale[d]));
    }
  }
  if (frames_ < 1 || (layout_ == InputLayout::statistics && frames_ != 1)) {
    throw ConfigError(
        fmt::format("a network's input of {} cannot have {} frames", enum_name(layout_), frames_));
  }
}

Shape NetworkInput::shape() const {
  return layout_ == InputLayout::statistics ? Shape{dims(), 1} : Shape{frames_, dims()};
}

std::vector<Index> NetworkInput::window_starts(Index clip_frames) const {
  if (clip_frames <= frames_) return {0};
  const Index last = clip_frames - frames_;
  if (windows_ == Windows::centre) return {last / 2};
  const Index hop = std::max<Index>(frames_ / 2, 1);
  std::vector<Index> starts;
  for (Index start = 0; start < last; start += hop) starts.push_back(start);
  starts.push_back(last);
  return starts;
}

void NetworkInput::write(Tensor<const float> features, Tensor<float> row,
                         const StandardScaler* own) const {
  const Index given = features.rank() == 2 ? features.extent(0) : 0;
  write_window(features, std::max<Index>(given - frames_, 0) / 2, row, own);
}

void NetworkInput::write_window(Tensor<const float> features, Index start, Tensor<float> row,
                                const StandardScaler* own) const {
  expect_shape("network input", "row", row.shape(), shape());
  const bool fits = features.rank() == 2 && features.extent(0) >= 1 &&
                    features.extent(1) == dims() &&
                    (layout_ == InputLayout::frames || features.extent(0) == 1);
  if (!fits) {
    throw ShapeError(fmt::format(
        "network input: features are {} but the model was made for [{}, {}]: they come of other "
        "feature options",
        to_string(features.shape()), layout_ == InputLayout::frames ? "frames" : "1", dims()));
  }
  const Index given = features.extent(0);
  if (start < 0 || start >= given) {
    throw ShapeError(fmt::format("network input: a window from frame {} of {}", start, given));
  }
  const bool global = normalisation_ == Normalisation::global;
  if (!global && (own == nullptr || own->mean.size() != scaler_.mean.size())) {
    throw DataError(
        fmt::format("network input: the model standardises by {}, and no scaler of {} dimensions "
                    "comes with the clip",
                    enum_name(normalisation_), dims()));
  }
  const StandardScaler& scaler = global ? scaler_ : *own;
  const Index used = std::min(given - start, frames_);
  const float* from = features.data() + start * dims();
  float* to = row.data();
  for (Index frame = 0; frame < used; ++frame) {
    for (std::size_t d = 0; d < scaler.mean.size(); ++d) {
      *to++ = static_cast<float>((static_cast<double>(*from++) - scaler.mean[d]) / scaler.scale[d]);
    }
  }
  std::fill(to, row.data() + row.size(), 0.0F);
}

}  // namespace serenade
