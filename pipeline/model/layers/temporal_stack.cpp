#include "pipeline/model/layers/temporal_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kernels/nn/activation.h"
#include "kernels/nn/add.h"
#include "kernels/nn/channel_dropout.h"
#include "kernels/nn/gate.h"
#include "kernels/nn/pool.h"
#include "kernels/nn/weighted_sum.h"

namespace serenade {
namespace {

constexpr Index parts_of_block = 2;
constexpr std::uint32_t numbers_of_part = 2;  // convolution, dropout

/// Takes a layer's parameters off what there is for those that follow.
template <class Inner>
std::unique_ptr<Inner> made(const typename Inner::Options& options, LayerSite& site) {
  auto layer = std::make_unique<Inner>(options, site);
  for (const Parameter& parameter : layer->parameters()) {
    site.max_parameters -= parameter.value.size();
  }
  return layer;
}

}  // namespace

TemporalStackLayer::TemporalStackLayer(const Options& options, const LayerSite& site)
    : options_(options), site_(site) {
  expect_rank(site, 2, "[time, channels]");
  LayerSite inner = site;
  inner.name = site.name + ".input";
  inner.index = site.inner;
  Conv1dOptions convolution;
  convolution.filters = options.filters;
  convolution.kernel_size = 1;
  input_ = made<Conv1dLayer>(convolution, inner);

  inner.input = input_->output();
  convolution.kernel_size = options.kernel_size;
  convolution.use_bias = false;
  std::uint32_t number = site.inner + 1;
  for (int level = 0; level < options.levels; ++level) {
    convolution.dilation = 1 << level;
    for (Index direction = 0; direction < directions; ++direction) {
      convolution.padding = direction == 0 ? Padding::causal : Padding::anticausal;
      Block& block = blocks_.emplace_back();
      for (Index i = 0; i < parts_of_block; ++i) {
        const std::string prefix = fmt::format("{}.{}.{}.{}", site.name,
                                               direction == 0 ? "forward" : "backward", level, i);
        Part& part = block.at(static_cast<std::size_t>(i));
        inner.name = prefix + ".conv1d";
        inner.index = number;
        part.convolution = made<Conv1dLayer>(convolution, inner);
        inner.name = prefix + ".batch_norm";
        part.norm = made<BatchNormLayer>({}, inner);
        part.dropout = number + 1;
        number += numbers_of_part;
      }
    }
  }
  weights_ = Trained(inner, Shape{options.levels});
  weights_.value.fill(1);
}

std::uint32_t TemporalStackLayer::inner_numbers(const Options& options) {
  return 1 +
         static_cast<std::uint32_t>(options.levels * directions * parts_of_block) * numbers_of_part;
}

Shape TemporalStackLayer::output() const { return Shape{options_.filters}; }

Tensor<float> TemporalStackLayer::after(Index level, Index direction) {
  const Tensor<float> block = levels_.view().row(level).row(direction);
  return block.reshape(projected_.shape());
}

Tensor<float> TemporalStackLayer::before(Index level, Index direction) {
  return level == 0 ? projected_.view() : after(level - 1, direction);
}

Tensor<const float> TemporalStackLayer::summands() {
  const Tensor<const float> means = means_.view();
  return means.reshape({options_.levels, directions, means.extent(2) * means.extent(3)});
}

void TemporalStackLayer::resize(Index batch) {
  const Shape row = input_->output();
  projected_.resize({batch, row[0], row[1]});
  levels_.resize({options_.levels, directions, batch, row[0] * row[1]});
  means_.resize({options_.levels, directions, batch, row[1]});
  for (auto* array : {&first_, &second_}) array->resize(projected_.shape());
}

void TemporalStackLayer::infer_part(Context& context, const RowLengths& steps, Part& part,
                                    Tensor<const float> x) {
  part.convolution->infer(context, steps, x, second_.view());
  part.norm->infer(context, steps, second_.view(), first_.view());
  relu(context, first_.view(), first_.view());
}

void TemporalStackLayer::infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
                               Tensor<float> y) {
  const RowLengths steps{lengths.in, lengths.in};
  resize(x.extent(0));
  input_->infer(context, steps, x, projected_.view());
  for (Index direction = 0; direction < directions; ++direction) {
    for (Index level = 0; level < options_.levels; ++level) {
      auto& [one, two] = block(level, direction);
      infer_part(context, steps, one, before(level, direction));
      infer_part(context, steps, two, first_.view());
      gate(context, before(level, direction), first_.view(), after(level, direction));
    }
  }
  finish(context, steps, y);
}

void TemporalStackLayer::train_part(Context& context, const RowLengths& steps,
                                    const TrainingKey& key, Part& part, Tensor<const float> x) {
  for (auto* array : {&part.convolved, &part.out}) array->resize(x.shape());
  part.convolution->forward(context, steps, key, x, part.convolved.view());
  part.norm->forward(context, steps, key, part.convolved.view(), part.out.view());
  relu(context, part.out.view(), part.out.view());
  if (options_.dropout > 0) {
    channel_dropout(context, {options_.dropout}, {site_.seed, key.step, part.dropout},
                    key.utterances, part.out.view(), part.out.view());
  }
}

void TemporalStackLayer::forward(Context& context, const RowLengths& lengths,
                                 const TrainingKey& key, Tensor<const float> x, Tensor<float> y) {
  const RowLengths steps{lengths.in, lengths.in};
  resize(x.extent(0));
  input_->forward(context, steps, key, x, projected_.view());
  for (Index direction = 0; direction < directions; ++direction) {
    for (Index level = 0; level < options_.levels; ++level) {
      auto& [one, two] = block(level, direction);
      train_part(context, steps, key, one, before(level, direction));
      train_part(context, steps, key, two, one.out.view());
      gate(context, before(level, direction), two.out.view(), after(level, direction));
    }
  }
  finish(context, steps, y);
}

void TemporalStackLayer::finish(Context& context, const RowLengths& steps, Tensor<float> y) {
  for (Index level = 0; level < options_.levels; ++level) {
    for (Index direction = 0; direction < directions; ++direction) {
      global_average_pool(context, after(level, direction), means_.view().row(level).row(direction),
                          steps.in);
    }
  }
  weighted_sum(context, summands(), weights_.value.view(), y.reshape({y.size()}));
}

void TemporalStackLayer::part_backward(Context& context, const RowLengths& steps,
                                       const TrainingKey& key, Part& part, Tensor<const float> x) {
  if (options_.dropout > 0) {
    channel_dropout(context, {options_.dropout}, {site_.seed, key.step, part.dropout},
                    key.utterances, first_.view(), first_.view());
  }
  // what dropout set to 0 has no gradient any more: ReLU's may ask the numbers after it
  relu_backward(context, part.out.view(), first_.view(), first_.view());
  part.norm->backward(context, steps, key, part.convolved.view(), part.out.view(), first_.view(),
                      second_.view());
  part.convolution->backward(context, steps, key, x, part.convolved.view(), second_.view(),
                             first_.view());
}

void TemporalStackLayer::block_backward(Context& context, const RowLengths& steps,
                                        const TrainingKey& key, Index level, Index direction) {
  auto& [one, two] = block(level, direction);
  const Tensor<const float> x = before(level, direction);
  gate_backward(context, x, two.out.view(), gradient_.view(), gradient_.view(), first_.view());
  part_backward(context, steps, key, two, one.out.view());
  part_backward(context, steps, key, one, x);
  add(context, gradient_.view(), first_.view(), gradient_.view());
}

void TemporalStackLayer::backward(Context& context, const RowLengths& lengths,
                                  const TrainingKey& key, Tensor<const float> x,
                                  Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) {
  const RowLengths steps{lengths.in, lengths.in};
  for (auto* array : {&gradient_, &dprojected_}) array->resize(projected_.shape());
  const Tensor<const float> parts = summands();
  dmeans_.resize({options_.levels, parts.extent(2)});
  weighted_sum_backward(context, parts, weights_.value.view(), dy.reshape({dy.size()}),
                        dmeans_.view(), weights_.gradient.view());
  for (Index direction = 0; direction < directions; ++direction) {
    for (Index level = options_.levels - 1; level >= 0; --level) {
      const bool top = level == options_.levels - 1;
      const Tensor<float> spread = top ? gradient_.view() : first_.view();
      const Tensor<const float> mean = dmeans_.view().row(level);
      global_average_pool_backward(context, mean.reshape({spread.extent(0), spread.extent(2)}),
                                   spread, steps.in);
      if (!top) add(context, gradient_.view(), spread, gradient_.view());
      block_backward(context, steps, key, level, direction);
    }
    if (direction == 0) copy(context, Tensor<const float>(gradient_.view()), dprojected_.view());
  }
  add(context, gradient_.view(), dprojected_.view(), dprojected_.view());
  input_->backward(context, steps, key, x, projected_.view(), dprojected_.view(), dx);
}

void TemporalStackLayer::use_statistics_momentum(std::optional<double> momentum) {
  for (Block& block : blocks_) {
    for (Part& part : block) part.norm->use_statistics_momentum(momentum);
  }
}

void TemporalStackLayer::move_to(Context& context) {
  input_->move_to(context);
  for (Block& block : blocks_) {
    for (Part& part : block) {
      part.convolution->move_to(context);
      part.norm->move_to(context);
      move_room(context, part.convolved);
      move_room(context, part.out);
    }
  }
  weights_.move_to(context);
  for (auto* array :
       {&projected_, &levels_, &means_, &dmeans_, &dprojected_, &gradient_, &first_, &second_}) {
    move_room(context, *array);
  }
}

std::vector<Parameter> TemporalStackLayer::parameters() {
  std::vector<Parameter> all = input_->parameters();
  for (Block& block : blocks_) {
    for (Part& part : block) {
      std::ranges::move(part.convolution->parameters(), std::back_inserter(all));
      std::ranges::move(part.norm->parameters(), std::back_inserter(all));
    }
  }
  all.push_back(weights_.parameter(site_.name + ".weights", false));
  return all;
}

std::vector<State> TemporalStackLayer::state() {
  std::vector<State> all;
  for (Block& block : blocks_) {
    for (Part& part : block) std::ranges::move(part.norm->state(), std::back_inserter(all));
  }
  return all;
}

}  // namespace serenade
