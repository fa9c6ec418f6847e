#include "pipeline/training/prediction.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/loss.h"

namespace serenade {
namespace {

// Windows that go through the network together: bounds the memory and changes no bit.
constexpr Index inference_batch = 32;

struct Window {
  std::size_t clip;
  Index start;
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

}  // namespace

Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   std::span<const Tensor<const float>> features) {
  const UseBackend own(context, {.backend = Backend::plain});
  const Shape row = input.shape();
  expect_shape("predict", "the network's input", network.input(), row);
  const auto clips = static_cast<Index>(features.size());
  Prediction result{Array<float>({clips, network.classes()}),
                    Array<float>({clips, network.classes()})};
  std::vector<Window> windows;
  for (std::size_t clip = 0; clip < features.size(); ++clip) {
    const Index frames = features[clip].rank() == 2 ? features[clip].extent(0) : 0;
    for (const Index start : input.window_starts(frames)) windows.push_back({clip, start});
  }
  const auto rows = static_cast<Index>(windows.size());
  Array<float> window_logits({rows, network.classes()});
  std::optional<Network> copied;
  if (network.device() != context.device()) copied.emplace(network.on(context));
  Network& used = copied ? *copied : network;
  const bool elsewhere = context.device() != Device::cpu;
  const bool masked = used.spec().masked && input.layout() == InputLayout::frames;
  Array<float> x;
  Array<std::int32_t> lengths, there_lengths(Shape{0}, context.device());
  for (Index begin = 0; begin < rows; begin += inference_batch) {
    const Index end = std::min(begin + inference_batch, rows);
    x.resize({end - begin, row[0], row[1]});
    context.parallel(end - begin, [&](Index i) {
      const Window& window = windows[static_cast<std::size_t>(begin + i)];
      input.write_window(features[window.clip], window.start, x.view().row(i));
    });
    Lengths frames;
    if (masked) {
      lengths.resize({end - begin});
      for (Index i = 0; i < end - begin; ++i) {
        const Window& window = windows[static_cast<std::size_t>(begin + i)];
        lengths[i] = static_cast<std::int32_t>(
            input.window_frames(features[window.clip].extent(0), window.start));
      }
      frames = lengths.view();
      if (elsewhere) {
        there_lengths.resize(lengths.shape());
        copy(context, frames, there_lengths.view());
        frames = there_lengths.view();
      }
    }
    const Tensor<float> to = window_logits.view().rows(begin, end);
    if (elsewhere) {
      Lent there = context.lend(x.shape());
      copy(context, Tensor<const float>(x.view()), there.view());
      copy(context, used.infer(context, std::as_const(there).view(), frames), to);
    } else {
      copy(context, used.infer(context, x.view(), frames), to);
    }
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

bool is_answer(std::span<const float> probabilities) {
  return std::ranges::all_of(probabilities, [](float p) { return std::isfinite(p); });
}

int most_likely(std::span<const float> row) {
  return static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace serenade
