#include "pipeline/training/prediction.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/device/send_buffer.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/gather.h"
#include "kernels/nn/loss.h"

namespace serenade {
namespace {

// Windows that go through the network together: bounds the memory and changes no bit.
constexpr Index inference_batch = 32;

struct Window {
  std::size_t clip;
  Index start;
  Index frames;  ///< the clip's own among those of the network's input
};

/// What each clip is standardised by, where that is not the input's own scaler.
class OwnScalers {
 public:
  OwnScalers(Context& context, const NetworkInput& input,
             std::span<const Tensor<const float>> features,
             std::span<const StandardScaler* const> speakers) {
    if (input.normalisation() == Normalisation::speaker) speakers_ = speakers;
    if (input.normalisation() != Normalisation::clip) return;
    clips_.resize(features.size());
    context.parallel(static_cast<Index>(features.size()), [&](Index i) {
      const auto clip = static_cast<std::size_t>(i);
      clips_[clip] = scaler_of(features[clip]);
    });
  }

  const StandardScaler* of(std::size_t clip) const {
    if (!clips_.empty()) return &clips_[clip];
    return clip < speakers_.size() ? speakers_[clip] : nullptr;
  }

 private:
  std::span<const StandardScaler* const> speakers_;
  std::vector<StandardScaler> clips_;
};

/// Logarithms of the mean of the softmax of each row of logits [windows, classes]. Everything stays
/// in logarithms, so that no probability becomes 0.
void average_windows(Tensor<const float> logits, std::span<float> result) {
  const Index windows = logits.extent(0);
  const auto classes = result.size();
  std::vector<double> logs(static_cast<std::size_t>(windows) * classes);
  const auto log_sum_exp = [](auto&& value_of, std::size_t count) {
    double largest = value_of(0);
    for (std::size_t i = 1; i < count; ++i) largest = std::max(largest, value_of(i));
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += std::exp(value_of(i) - largest);
    return largest + std::log(sum);
  };
  for (Index w = 0; w < windows; ++w) {
    const auto row = logits.row(w).span();
    const double sum = log_sum_exp([&](std::size_t c) { return double{row[c]}; }, classes);
    for (std::size_t c = 0; c < classes; ++c) {
      logs[static_cast<std::size_t>(w) * classes + c] = double{row[c]} - sum;
    }
  }
  const double log_windows = std::log(static_cast<double>(windows));
  for (std::size_t c = 0; c < classes; ++c) {
    const double sum = log_sum_exp([&](std::size_t w) { return logs[w * classes + c]; },
                                   static_cast<std::size_t>(windows));
    result[c] = static_cast<float>(sum - log_windows);
  }
}

/// `fill` gives windows [begin, end) as the network takes them, on the context's device and good
/// until it is called again.
template <class Fill>
Prediction predict_windows(Context& context, Network& network, const NetworkInput& input,
                           Index clips, std::span<const Window> windows, Fill&& fill) {
  const UseBackend own(context, {.backend = Backend::plain});
  expect_shape("predict", "the network's input", network.input(), input.shape());
  Prediction result{Array<float>({clips, network.classes()}),
                    Array<float>({clips, network.classes()})};
  const auto rows = static_cast<Index>(windows.size());
  Array<float> window_logits({rows, network.classes()});
  std::optional<Network> copied;
  if (network.device() != context.device()) copied.emplace(network.on(context));
  Network& used = copied ? *copied : network;
  // On a GPU nothing is waited for until all windows are done.
  Lent there;
  if (context.device() != Device::cpu) there = context.lend(window_logits.shape());
  const Tensor<float> logits =
      context.device() != Device::cpu ? there.view() : window_logits.view();
  const bool masked = used.spec().masked && input.layout() == InputLayout::frames;
  Array<std::int32_t> frames(Shape{masked ? rows : 0}, context.device());
  if (masked) {
    std::vector<std::int32_t> own_frames;
    for (const Window& window : windows) {
      own_frames.push_back(static_cast<std::int32_t>(window.frames));
    }
    copy(context, Lengths(own_frames.data(), frames.shape()), frames.view());
  }
  for (Index begin = 0; begin < rows; begin += inference_batch) {
    const Index end = std::min(begin + inference_batch, rows);
    const Lengths lengths = masked ? Lengths(frames.view()).rows(begin, end) : Lengths{};
    copy(context, used.infer(context, fill(begin, end), lengths), logits.rows(begin, end));
  }
  if (context.device() != Device::cpu) {
    copy(context, Tensor<const float>(logits), window_logits.view());
  }
  for (std::size_t begin = 0; begin < windows.size();) {
    const std::size_t clip = windows[begin].clip;
    std::size_t end = begin + 1;
    while (end < windows.size() && windows[end].clip == clip) ++end;
    const auto averaged = result.logits.view().row(static_cast<Index>(clip)).span();
    const Tensor<const float> of_clip(window_logits.view().row(static_cast<Index>(begin)).data(),
                                      {static_cast<Index>(end - begin), network.classes()});
    if (end - begin == 1) {
      std::copy_n(of_clip.data(), of_clip.size(), averaged.data());
    } else {
      average_windows(of_clip, averaged);
    }
    begin = end;
  }
  // A few numbers, on the host by now.
  if (clips > 0) cpu::softmax(context, result.logits.view(), result.probabilities.view());
  return result;
}

}  // namespace

Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   std::span<const Tensor<const float>> features,
                   std::span<const StandardScaler* const> speakers) {
  std::vector<Window> windows;
  for (std::size_t clip = 0; clip < features.size(); ++clip) {
    const Index frames = features[clip].rank() == 2 ? features[clip].extent(0) : 0;
    for (const Index start : input.window_starts(frames))
      windows.push_back({clip, start, input.window_frames(frames, start)});
  }
  const OwnScalers scalers(context, input, features, speakers);
  const Shape row = input.shape();
  Array<float> x;
  Lent there;
  SendBuffer to_send(context.device());
  const auto fill = [&](Index begin, Index end) -> Tensor<const float> {
    x.resize({end - begin, row[0], row[1]});
    context.parallel(end - begin, [&](Index i) {
      const Window& window = windows[static_cast<std::size_t>(begin + i)];
      input.write_window(features[window.clip], window.start, x.view().row(i),
                         scalers.of(window.clip));
    });
    if (context.device() == Device::cpu) return x.view();
    there = context.lend(x.shape());
    const auto bytes = std::as_bytes(x.span());
    to_send.begin(SendBuffer::room(bytes.size()));
    to_send.send(context, bytes, there.view().data());
    to_send.end(context);
    return there.view();
  };
  return predict_windows(context, network, input, static_cast<Index>(features.size()), windows,
                         fill);
}

Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   const ResidentClips& clips) {
  std::vector<Window> windows;
  std::vector<Index> first, given;
  std::vector<std::uint32_t> scalers;
  for (std::size_t clip = 0; clip < clips.rows.size(); ++clip) {
    const std::size_t row = clips.rows[clip];
    const Index frames = clips.data.frames(row);
    for (const Index start : input.window_starts(frames)) {
      windows.push_back({clip, start, input.window_frames(frames, start)});
      first.push_back(clips.data.first_frame(row) + start);
      given.push_back(frames - start);
      if (clips.data.has_scalers()) scalers.push_back(clips.data.scaler_number(row));
    }
  }
  const Shape count{static_cast<Index>(windows.size())};
  Array<Index> first_there(count, context.device()), given_there(count, context.device());
  copy(context, Tensor<const Index>(first.data(), count), first_there.view());
  copy(context, Tensor<const Index>(given.data(), count), given_there.view());
  Array<std::uint32_t> scalers_there(Shape{static_cast<Index>(scalers.size())}, context.device());
  copy(context, Tensor<const std::uint32_t>(scalers.data(), scalers_there.view().shape()),
       scalers_there.view());
  const WindowTable table{first_there.view(), given_there.view(), clips.mean, clips.scale,
                          scalers.empty() ? Tensor<const std::uint32_t>{} : scalers_there.view()};
  const Shape row = input.shape();
  Lent there;
  const auto fill = [&](Index begin, Index end) -> Tensor<const float> {
    there = context.lend({end - begin, input.frames(), input.dims()});
    gather_windows(context, clips.data.table().features, table, begin, there.view());
    return std::as_const(there).view().reshape({end - begin, row[0], row[1]});
  };
  return predict_windows(context, network, input, static_cast<Index>(clips.rows.size()), windows,
                         fill);
}

bool is_answer(std::span<const float> probabilities) {
  return std::ranges::all_of(probabilities, [](float p) { return std::isfinite(p); });
}

int most_likely(std::span<const float> row) {
  return static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace serenade
