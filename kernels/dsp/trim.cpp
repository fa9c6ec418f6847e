#include "kernels/dsp/trim.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/dsp/rms.h"

namespace serenade {

void check(const TrimOptions& options) {
  check_ranges(options);
  check(FrameOptions{options.frame_length, options.hop_length});
}

std::vector<Extent> trim(Context& context, Tensor<const float> signal, const Ragged& samples,
                         const TrimOptions& options) {
  check(options);
  const FrameOptions frame_options{options.frame_length, options.hop_length};
  const Ragged frames = frames_of(samples, options.hop_length);
  Array<float> levels(Shape{frames.total(), 1});
  if (context.device() == Device::cpu) {
    rms(context, signal, samples, frame_options, levels.view());
  } else {
    Lent computed = context.lend(levels.shape());
    rms(context, signal, samples, frame_options, computed.view());
    copy(context, std::as_const(computed).view(), levels.view());
  }

  constexpr double floor = 1e-5;
  const double below = std::pow(10.0, -options.top_db / 20);
  std::vector<Extent> extents;
  extents.reserve(static_cast<std::size_t>(samples.clips()));
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    const float* first = levels.data() + frames.begin(clip);
    const float* last = first + frames.length(clip);
    const float loudest = first == last ? 0.0F : *std::max_element(first, last);
    // 20 log10(level / loudest) > -top_db, without the logarithm.
    const double threshold = std::max<double>(loudest, floor) * below;
    const auto is_sound = [&](float level) { return std::max<double>(level, floor) > threshold; };
    const float* begin = std::find_if(first, last, is_sound);
    if (begin == last) {  // the loudest level is NaN or infinite, or top_db rounds to nothing
      extents.push_back({0, samples.length(clip)});
      continue;
    }
    const float* end = last;
    while (!is_sound(end[-1])) --end;
    extents.push_back({(begin - first) * options.hop_length,
                       std::min(samples.length(clip), (end - first) * options.hop_length)});
  }
  return extents;
}

}  // namespace serenade
