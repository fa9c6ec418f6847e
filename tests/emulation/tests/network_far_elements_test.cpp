#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "kernels/nn/activation.h"
#include "kernels/nn/add.h"
#include "kernels/nn/attention_pool.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/channel_gate.h"
#include "kernels/nn/dropout.h"
#include "kernels/nn/gather.h"
#include "kernels/nn/layer_norm.h"
#include "kernels/nn/lengths.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "kernels/nn/pool.h"
#include "kernels/nn/statistics_pool.h"
#include "tests/emulation/tests/far_elements.h"

namespace serenade::test {
namespace {

using View = Tensor<const float>;

/// An operation on items of some rows each: [items rows, channels], views of the context's device.
struct FarCase {
  const char* name;
  std::vector<Index> rows;  ///< of an item of each input
  Index out_rows;
  std::function<void(Context&, Index items, const std::vector<View>&, Tensor<float> out)> run;
  Index in_channels = channels, out_channels = channels;

  static constexpr Index time = 4, channels = 64;
};

constexpr Index time = FarCase::time, channels = FarCase::channels;

Shape sequence(Index items, Index steps = time) { return {items, steps, channels}; }
Shape vectors(Index items, Index width = channels) { return {items, width}; }

class NetworkFarElements : public FarElements, public testing::WithParamInterface<FarCase> {};

TEST_P(NetworkFarElements, AreTheLastItems) {
  const FarCase& c = GetParam();
  constexpr Index items = 12, compared = 2;
  // As many items as make every one of the arrays pass 2^31 numbers.
  Index fewest = c.out_rows * c.out_channels;
  for (const Index rows : c.rows) fewest = std::min(fewest, rows * c.in_channels);
  const Index before = far / fewest + 1;
  std::vector<Array<float>> last, all;
  std::vector<View> on_cpu, there;
  for (const Index rows : c.rows) last.push_back(positive({items * rows, c.in_channels}));
  for (std::size_t k = 0; k < last.size(); ++k) {
    all.push_back(behind(before * c.rows[k], last[k]));
    on_cpu.emplace_back(last[k].view());
    there.emplace_back(all[k].view());
  }
  Array<float> expected(Shape{items * c.out_rows, c.out_channels});
  c.run(cpu_, items, on_cpu, expected.view());
  Array<float> found = on_gpu({(before + items) * c.out_rows, c.out_channels});
  emulation::use_last_blocks(4);
  c.run(gpu_, before + items, there, found.view());
  expect_end(found, expected, compared * c.out_rows);
}

/// Numbers for a channel each, the same wherever they are needed.
struct PerChannel {
  explicit PerChannel(Context& context, float value = 0.5F, Index size = channels)
      : there(Shape{size}, context.device()) {
    Array<float> here(Shape{size});
    here.fill(value);
    copy(context, View(here.view()), there.view());
  }
  Array<float> there;
};

std::vector<FarCase> far_cases() {
  return {
      {"relu", {1}, 1, [](Context& c, Index, const auto& in, auto y) { relu(c, in[0], y); }},
      {"relu_backward",
       {1, 1},
       1,
       [](Context& c, Index, const auto& in, auto y) { relu_backward(c, in[0], in[1], y); }},
      {"gelu",
       {1},
       1,
       [](Context& c, Index, const auto& in, auto y) { activation(c, GeluOptions{}, in[0], y); }},
      {"silu_backward",
       {1, 1},
       1,
       [](Context& c, Index, const auto& in, auto y) {
         activation_backward(c, SiluOptions{}, in[0], in[1], y);
       }},
      {"add",
       {1, 1},
       1,
       [](Context& c, Index, const auto& in, auto y) { add(c, in[0], in[1], y); }},
      {"batch_norm_inference",
       {1},
       1,
       [](Context& c, Index, const auto& in, auto y) {
         const PerChannel p(c);
         const auto v = p.there.view();
         batch_norm_inference(c, {}, in[0], v, v, v, v, y);
       }},
      {"layer_norm",
       {1},
       1,
       [](Context& c, Index, const auto& in, auto y) {
         const PerChannel p(c);
         layer_norm(c, {}, in[0], p.there.view(), p.there.view(), y);
       }},
      {"channel_gate",
       {time, 1},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         channel_gate(c, in[0].reshape(sequence(n)), in[1], y.reshape(sequence(n)));
       }},
      {"channel_gate_backward",
       {time, 1, time},
       1,
       [](Context& c, Index n, const auto& in, auto y) {
         channel_gate_backward(c, in[0].reshape(sequence(n)), in[1], in[2].reshape(sequence(n)), {},
                               y);
       }},
      {"max_pool",
       {time},
       2,
       [](Context& c, Index n, const auto& in, auto y) {
         max_pool(c, {{2, {}}}, in[0].reshape(sequence(n)), y.reshape(sequence(n, 2)));
       }},
      {"max_pool_backward",
       {time, 2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         max_pool_backward(c, {{2, {}}}, in[0].reshape(sequence(n)), in[1].reshape(sequence(n, 2)),
                           y.reshape(sequence(n)));
       }},
      {"max_pool_overlapping_backward",
       {time, 2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         max_pool_backward(c, {{3, 1}}, in[0].reshape(sequence(n)), in[1].reshape(sequence(n, 2)),
                           y.reshape(sequence(n)));
       }},
      {"average_pool",
       {time},
       2,
       [](Context& c, Index n, const auto& in, auto y) {
         average_pool(c, {{2, {}}}, in[0].reshape(sequence(n)), y.reshape(sequence(n, 2)));
       }},
      {"average_pool_backward",
       {2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         average_pool_backward(c, {{2, {}}}, in[0].reshape(sequence(n, 2)), y.reshape(sequence(n)));
       }},
      {"global_average_pool",
       {time},
       1,
       [](Context& c, Index n, const auto& in, auto y) {
         global_average_pool(c, in[0].reshape(sequence(n)), y);
       }},
      {"global_average_pool_backward",
       {1},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         global_average_pool_backward(c, in[0], y.reshape(sequence(n)));
       }},
      {"statistics_pool",
       {time},
       2,
       [](Context& c, Index n, const auto& in, auto y) {
         statistics_pool(c, {}, in[0].reshape(sequence(n)), y.reshape(vectors(n, 2 * channels)));
       }},
      {"statistics_pool_backward",
       {time, 2, 2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         const Shape wide = vectors(n, 2 * channels);
         statistics_pool_backward(c, in[0].reshape(sequence(n)), in[1].reshape(wide),
                                  in[2].reshape(wide), y.reshape(sequence(n)));
       }},
      {"attention_pool",
       {time, time},
       2,
       [](Context& c, Index n, const auto& in, auto y) {
         Array<float> shares(sequence(n), c.device());
         attention_pool(c, 0.01F, in[0].reshape(sequence(n)), in[1].reshape(sequence(n)),
                        shares.view(), y.reshape(vectors(n, 2 * channels)));
       }},
      {"attention_pool_backward",
       {time, time, 2, 2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         const Shape wide = vectors(n, 2 * channels);
         Array<float> dscores(sequence(n), c.device());
         attention_pool_backward(c, 0.01F, in[0].reshape(sequence(n)), in[1].reshape(sequence(n)),
                                 in[2].reshape(wide), in[3].reshape(wide), y.reshape(sequence(n)),
                                 dscores.view());
       }},
      {"attention_pool_of_one_head_backward",
       {time, 2, 2},
       time,
       [](Context& c, Index n, const auto& in, auto y) {
         const Shape wide = vectors(n, 2 * channels);
         const PerChannel shares(c, 0.25F, n * time);
         Array<float> dscores(Shape{n, time, 1}, c.device());
         attention_pool_backward(c, 0.01F, in[0].reshape(sequence(n)),
                                 shares.there.view().reshape(dscores.shape()), in[1].reshape(wide),
                                 in[2].reshape(wide), y.reshape(sequence(n)), dscores.view());
       }},
      {"softmax", {1}, 1, [](Context& c, Index, const auto& in, auto y) { softmax(c, in[0], y); }},
      {"moving_average",
       {1},
       1,
       [](Context& c, Index, const auto& in, auto y) {
         StepScalars scalars;
         scalars.blend = 0.5F;
         const Steps one(c, {&scalars, 1});
         if (c.device() == Device::cpu) std::fill_n(y.data(), y.size(), 0.0F);
         const AverageSlot slot{in[0], y};
         moving_average(c, one.now(), {&slot, 1});
       }},
      {"sgd", {1}, 1, [](Context& c, Index, const auto& in, auto y) {
         const StepScalars scalars = sgd_step(0.5, 1);
         const Steps one(c, {&scalars, 1});
         Array<float> velocity(y.shape(), c.device());
         const OptimizerSlot slot{y, in[0], velocity.view(), {}, false};
         sgd(c, {}, one.now(), {&slot, 1});
       }}};
}

INSTANTIATE_TEST_SUITE_P(Networks, NetworkFarElements, testing::ValuesIn(far_cases()),
                         [](const auto& test) { return test.param.name; });

/// Padding of rows behind 2^31 numbers.
TEST_F(FarElements, ClearPadding) {
  constexpr Index items = 12;
  const Array<float> last = positive({items * time, channels});
  const Index before = far_rows(time * channels);
  const auto lengths = [&](Index from) {
    Array<std::int32_t> all(Shape{from + items});
    for (Index i = 0; i < items; ++i) all[from + i] = static_cast<std::int32_t>(time - i % time);
    return all;
  };
  Array<float> expected(last.shape());
  std::ranges::copy(last.span(), expected.data());
  const auto few = lengths(0), many = lengths(before);
  clear_padding(cpu_, few.view(), expected.view().reshape(sequence(items)));
  Array<std::int32_t> there(many.shape(), Device::cuda);
  copy(gpu_, many.view(), there.view());
  Array<float> x = behind(before * time, last);
  emulation::use_last_blocks(4);
  clear_padding(gpu_, there.view(), x.view().reshape(sequence(before + items)));
  expect_end(x, expected, 2 * time);
}

/// Masks of items behind 2^31 numbers are those of their utterances.
TEST_F(FarElements, Dropout) {
  constexpr Index items = 12, row = 256;
  const Array<float> last = positive({items, row});
  const Index before = far_rows(row);
  const auto numbers = [&](Index from) {
    Array<std::uint32_t> all(Shape{from + items});
    for (Index i = 0; i < items; ++i) all[from + i] = static_cast<std::uint32_t>(77 + i);
    return all;
  };
  const StepScalars scalars{5};
  const Steps cpus(cpu_, {&scalars, 1}), gpus(gpu_, {&scalars, 1});
  Array<float> expected(last.shape());
  const auto few = numbers(0), many = numbers(before);
  dropout(cpu_, {0.5}, {1, cpus.now(), 2}, few.view(), last.view(), expected.view());
  Array<std::uint32_t> there(many.shape(), Device::cuda);
  copy(gpu_, many.view(), there.view());
  const Array<float> x = behind(before, last);
  Array<float> y = on_gpu(x.shape());
  emulation::use_last_blocks(4);
  dropout(gpu_, {0.5}, {1, gpus.now(), 2}, there.view(), x.view(), y.view());
  expect_end(y, expected, 4);
}

/// So many channels that the last of 64 rows lies behind 2^31 numbers, in training.
TEST_F(FarElements, BatchNormStatistics) {
  constexpr Index rows = 64, compared = 128, many = far / rows + 1024;
  const Array<float> last = positive({rows, compared}), last_dy = positive({rows, compared});
  const auto behind_columns = [&](const Array<float>& values) {
    Array<float> all = on_gpu({rows, many});
    for (Index r = 0; r < rows; ++r) {
      copy(gpu_, values.view().row(r),
           Tensor<float>(all.data() + (r + 1) * many - compared, {compared}, Device::cuda));
    }
    return all;
  };
  const auto end_of = [&](const Array<float>& all) {
    Array<float> end(Shape{1, compared});
    copy(gpu_, View(all.data() + all.size() - compared, Shape{1, compared}, Device::cuda),
         end.view());
    return end;
  };
  // Only the last channels are looked at: the others' numbers are what memory holds.
  const auto filled = [](Context& context, Index width, float value) {
    Array<float> here(Shape{compared}), there(Shape{width}, context.device());
    here.fill(value);
    copy(context, View(here.view()),
         Tensor<float>(there.data() + width - compared, {compared}, context.device()));
    return there;
  };
  struct Numbers {
    BatchNormStatistics statistics() {
      return {mean.view(), inverse_std.view(), running_mean.view(), running_variance.view()};
    }
    Array<float> gamma, beta, mean, inverse_std, running_mean, running_variance;
  };
  const auto numbers = [&](Context& context, Index width) {
    return Numbers{filled(context, width, 0.5F), filled(context, width, 0.25F),
                   filled(context, width, 0),    filled(context, width, 0),
                   filled(context, width, 0),    filled(context, width, 1)};
  };
  const auto run = [](Context& context, Numbers& n, View x, View dy, Array<float>& y,
                      Array<float>& dx, Array<float>& dgamma, Array<float>& dbeta) {
    batch_norm(context, {}, x, n.gamma.view(), n.beta.view(), n.statistics(), y.view());
    batch_norm_backward(context, x, n.gamma.view(), n.statistics(), dy, dx.view(), dgamma.view(),
                        dbeta.view());
  };
  Numbers here = numbers(cpu_, compared), there = numbers(gpu_, many);
  Array<float> y(last.shape()), dx(last.shape()), dgamma(Shape{compared}), dbeta(Shape{compared});
  run(cpu_, here, last.view(), last_dy.view(), y, dx, dgamma, dbeta);
  const Array<float> far_x = behind_columns(last), far_dy = behind_columns(last_dy);
  Array<float> far_y = on_gpu({rows, many}), far_dx = on_gpu({rows, many});
  Array<float> far_dgamma = on_gpu({many}), far_dbeta = on_gpu({many});
  emulation::use_last_blocks(4);
  run(gpu_, there, far_x.view(), far_dy.view(), far_y, far_dx, far_dgamma, far_dbeta);
  const auto expect_last = [&](const Array<float>& found, const Array<float>& wanted) {
    const Array<float> end = end_of(found);
    for (Index c = 0; c < compared; ++c) {
      const float value = wanted[wanted.size() - compared + c];
      ASSERT_NEAR(end[c], value, 1e-4F * (1 + std::abs(value))) << c;
    }
  };
  expect_last(there.mean, here.mean);
  expect_last(there.inverse_std, here.inverse_std);
  expect_last(there.running_variance, here.running_variance);
  expect_last(far_y, y);
  expect_last(far_dgamma, dgamma);
  expect_last(far_dbeta, dbeta);
  expect_last(far_dx, dx);
}

/// A clip whose features lie behind 2^31 numbers.
TEST_F(FarElements, Gather) {
  constexpr Index frames = 8, dims = 64;
  const Array<float> last = positive({frames, dims});
  const Index before = far_rows(dims);
  const auto run = [&](Context& context, Index first, View features, Tensor<float> x) {
    const auto place = [&]<class T>(std::vector<T> values) {
      Array<T> array(Shape{static_cast<Index>(values.size())}, context.device());
      copy(context, Tensor<const T>(values.data(), array.shape()), array.view());
      return array;
    };
    const auto offsets = place(std::vector<Index>{0, first, first + frames});
    const auto labels = place(std::vector<std::int32_t>{0, 1});
    const auto numbers = place(std::vector<std::uint32_t>{0, 1});
    const auto clips = place(std::vector<std::uint32_t>{1});
    const auto index = place(std::vector<std::uint32_t>{0});
    const auto mean = place(std::vector<double>(dims, 0.1));
    const auto scale = place(std::vector<double>(dims, 0.5));
    Array<float> targets(Shape{1, 2}, context.device());
    Array<std::uint32_t> utterances(Shape{1}, context.device());
    gather_batch(context, {features, offsets.view(), labels.view(), numbers.view()},
                 {clips.view(), 1, mean.view(), scale.view(), {}}, index.view(),
                 {x.reshape({1, frames, dims}), targets.view(), utterances.view(), {}});
  };
  Array<float> expected(last.shape());
  run(cpu_, 0, last.view(), expected.view());
  const Array<float> features = behind(before, last);
  Array<float> x = on_gpu(last.shape());
  run(gpu_, before, features.view(), x.view());
  expect_end(x, expected, frames);

  const auto table = [](Context& context, auto values) {
    using T = typename decltype(values)::value_type;
    Array<T> array(Shape{static_cast<Index>(values.size())}, context.device());
    copy(context, Tensor<const T>(values.data(), array.shape()), array.view());
    return array;
  };
  const auto first = table(gpu_, std::vector<Index>{before}),
             given = table(gpu_, std::vector<Index>{frames});
  const auto mean = table(gpu_, std::vector<double>(dims, 0.1)),
             scale = table(gpu_, std::vector<double>(dims, 0.5));
  Array<float> window = on_gpu(last.shape());
  gather_windows(gpu_, features.view(), {first.view(), given.view(), mean.view(), scale.view()}, 0,
                 window.view().reshape({1, frames, dims}));
  expect_end(window, expected, frames);
}

}  // namespace
}  // namespace serenade::test
