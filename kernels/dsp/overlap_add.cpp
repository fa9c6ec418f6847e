#include "kernels/dsp/overlap_add.h"

#include <limits>

#include "kernels/dsp/fft.h"

namespace serenade::cpu {
namespace {

/// Too little to divide by leaves sums as they are.
double divisor(double weight) {
  return weight > static_cast<double>(std::numeric_limits<float>::min()) ? weight : 1.0;
}

}  // namespace

OverlapAdd::OverlapAdd(const StftPlan& plan)
    : size_(plan.options().n_fft), hop_(plan.options().hop_length) {
  for (Index i = 0; i < size_; ++i) {
    const double window = 2 * plan.fft().window()[i];
    squares_.push_back(window * window);
  }
  for (Index first = 0; first < hop_; ++first) {
    double weight = 0;
    // The earliest frame's is the last of its samples.
    const Index last = first + (size_ - 1 - first) / hop_ * hop_;
    for (Index i = last; first < size_ && i >= 0; i -= hop_) {
      weight += squares_[static_cast<std::size_t>(i)];
    }
    divisors_.push_back(divisor(weight));
  }
}

void OverlapAdd::add(const float* rows, Index count, double* sums) const {
  for (Index frame = 0; frame < count; ++frame) {
    const float* row = rows + frame * size_;
    double* to = sums + frame * hop_;
    for (Index i = 0; i < size_; ++i) to[i] += static_cast<double>(row[i]);
  }
}

void OverlapAdd::write(Index tile, Index frames, Index length, const double* sums, float* y) const {
  const Index tile_size = simd::lanes * hop_;
  const Index begin = tile * tile_size;
  const Index clip = size_ / 2;  // the position of its first sample
  const bool is_last = (tile + 1) * simd::lanes >= frames;
  const Index end = is_last ? clip + length : std::min(clip + length, begin + tile_size);
  const Index reached = std::min(end, begin + sums_size());
  for (Index at = std::max(begin, clip); at < reached;) {
    const Index in_hop = at % hop_;
    const Index stop = std::min(reached, at - in_hop + hop_);
    if (at >= size_ - 1 && at / hop_ < frames) {
      const double* divisors = divisors_.data();
      const Index hop_begin = at - in_hop;
      for (; at < stop; ++at) {
        y[at - clip] = static_cast<float>(sums[at - begin] / divisors[at - hop_begin]);
      }
    }
    for (; at < stop; ++at) {
      double weight = 0;
      const Index last = std::min(frames - 1, at / hop_);
      for (Index t = at < size_ ? 0 : (at - size_) / hop_ + 1; t <= last; ++t) {
        weight += squares_[static_cast<std::size_t>(at - t * hop_)];
      }
      y[at - clip] = static_cast<float>(sums[at - begin] / divisor(weight));
    }
  }
  for (Index at = std::max(reached, clip); at < end; ++at) y[at - clip] = 0;
}

void OverlapAdd::advance(double* sums) const {
  const Index tile_size = simd::lanes * hop_;
  std::copy(sums + tile_size, sums + tile_size + size_, sums);
  std::fill(sums + size_, sums + sums_size(), 0.0);
}

}  // namespace serenade::cpu
