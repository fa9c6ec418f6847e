#include "kernels/nn/loss.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"

namespace serenade {
namespace {

void check_logits(std::string_view operation, const Shape& logits) {
  if (logits.rank() != 2 || logits[1] < 1) {
    throw ShapeError(std::string(operation) + ": logits are " + to_string(logits) +
                     " but must be [batch, classes]");
  }
}

}  // namespace

void softmax(Context& context, Tensor<const float> logits, Tensor<float> probabilities) {
  check_logits("softmax", logits.shape());
  expect_shape("softmax", "probabilities", probabilities.shape(), logits.shape());
  expect_on_device("softmax", context, logits, probabilities);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::softmax(context, logits, probabilities);
  }
  cpu::softmax(context, logits, probabilities);
}

void row_losses(Context& context, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits) {
  constexpr std::string_view operation = "softmax_cross_entropy";
  check_logits(operation, logits.shape());
  const Shape rows{logits.extent(0)};
  expect_shape(operation, "targets", targets.shape(), logits.shape());
  if (weights.data() != nullptr) expect_shape(operation, "weights", weights.shape(), rows);
  expect_shape(operation, "losses", losses.shape(), rows);
  if (dlogits.data() != nullptr) {
    expect_shape(operation, "dlogits", dlogits.shape(), logits.shape());
  }
  expect_on_device(operation, context, logits, targets, losses);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::row_losses(context, logits, targets, weights, losses, dlogits);
    }
  }
  cpu::row_losses(context, logits, targets, weights, losses, dlogits);
}

double mean_loss(std::span<const double> losses, std::span<const float> weights) {
  const auto weight = [&](std::size_t b) { return weights.empty() ? 1.0 : double{weights[b]}; };
  double total = 0, total_weight = 0;
  for (std::size_t b = 0; b < losses.size(); ++b) {
    total_weight += weight(b);
    if (weight(b) > 0) total += weight(b) * losses[b];
  }
  return total_weight > 0 ? total / total_weight : 0.0;
}

double softmax_cross_entropy(Context& context, Tensor<const float> logits,
                             Tensor<const float> targets, Tensor<const float> weights,
                             Tensor<float> losses, Tensor<float> dlogits) {
  constexpr std::string_view operation = "softmax_cross_entropy";
  expect_shape(operation, "losses", losses.shape(),
               Shape{logits.rank() > 0 ? logits.extent(0) : 0});
  expect_on_device(operation, context, losses);
  const Shape rows = losses.shape();
  Array<double> wide(rows, context.device());
  row_losses(context, logits, targets, weights, wide.view(), dlogits);
  Array<double> here(rows);
  Array<float> rounded(rows), weights_here;
  copy(context, Tensor<const double>(wide.view()), here.view());
  for (Index b = 0; b < rows.size(); ++b) rounded[b] = static_cast<float>(here[b]);
  copy(context, Tensor<const float>(rounded.view()), losses);
  if (weights.data() != nullptr) {
    weights_here.resize(rows);
    copy(context, weights, weights_here.view());
  }
  return mean_loss(here.span(), weights_here.span());
}

void one_hot(std::span<const std::int32_t> labels, Tensor<float> targets) {
  const auto rows = static_cast<Index>(labels.size());
  if (targets.rank() != 2 || targets.extent(0) != rows) {
    throw ShapeError("one_hot: targets are " + to_string(targets.shape()) + " but there are " +
                     std::to_string(rows) + " labels");
  }
  const Index classes = targets.extent(1);
  std::fill_n(targets.data(), targets.size(), 0.0F);
  for (Index b = 0; b < rows; ++b) {
    const Index label = labels[static_cast<std::size_t>(b)];
    if (label < 0 || label >= classes) {
      throw ShapeError("one_hot: label " + std::to_string(label) + " of row " + std::to_string(b) +
                       " is none of " + std::to_string(classes) + " classes");
    }
    targets.data()[b * classes + label] = 1;
  }
}

float smoothed(double smoothing, Index classes, float target) {
  return static_cast<float>((1 - smoothing) * double{target} +
                            smoothing / static_cast<double>(classes));
}

void smooth_labels(double smoothing, Tensor<float> targets) {
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw ConfigError("label smoothing must be at least 0 and below 1");
  }
  check_logits("smooth_labels", targets.shape());
  const Index classes = targets.extent(1);
  for (float& target : targets.span()) target = smoothed(smoothing, classes, target);
}

// Rows are few and short here (a batch by the emotions), so everything is float64 and one thread.
namespace cpu {
namespace {

double log_sum_exp(const float* logits, Index classes) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (Index c = 0; c < classes; ++c) sum += std::exp(double{logits[c]} - largest);
  return largest + std::log(sum);
}

}  // namespace

void softmax(Context&, Tensor<const float> logits, Tensor<float> probabilities) {
  const Index classes = logits.extent(1);
  for (Index b = 0; b < logits.extent(0); ++b) {
    const float* row = logits.data() + b * classes;
    float* out = probabilities.data() + b * classes;
    const double log_sum = log_sum_exp(row, classes);
    for (Index c = 0; c < classes; ++c) {
      out[c] = static_cast<float>(std::exp(double{row[c]} - log_sum));
    }
  }
}

void row_losses(Context&, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits) {
  const Index batch = logits.extent(0), classes = logits.extent(1);
  const auto weight = [&](Index b) {
    return weights.data() != nullptr ? double{weights.data()[b]} : 1.0;
  };
  double total_weight = 0;
  for (Index b = 0; b < batch; ++b) total_weight += weight(b);
  for (Index b = 0; b < batch; ++b) {
    const float* row = logits.data() + b * classes;
    const float* target = targets.data() + b * classes;
    const double log_sum = log_sum_exp(row, classes);
    double loss = 0, target_sum = 0;
    for (Index c = 0; c < classes; ++c) {
      loss -= double{target[c]} * (double{row[c]} - log_sum);
      target_sum += double{target[c]};
    }
    losses.data()[b] = loss;
    if (dlogits.data() == nullptr) continue;
    for (Index c = 0; c < classes; ++c) {
      const double gradient = std::exp(double{row[c]} - log_sum) * target_sum - double{target[c]};
      dlogits.data()[b * classes + c] =
          weight(b) > 0 ? static_cast<float>(weight(b) / total_weight * gradient) : 0.0F;
    }
  }
}

}  // namespace cpu
}  // namespace serenade
