#include <algorithm>
#include <memory>

#include "kernels/nn/attention_pool.h"
#include "kernels/nn/batch_norm.h"
#include "kernels/nn/lengths.h"
#include "kernels/nn/statistics_pool.h"
#include "tests/kernels/nn/case_support.h"

// Operations on rows that are padded, each defined by what it does to every row alone without its
// padding. What lies in the padding is drawn like the rest: it must not matter.
namespace serenade::test {
namespace {

constexpr double epsilon = 0.01;

/// Lengths of a batch, on any device.
using Own = std::shared_ptr<Aside<std::int32_t>>;

Own placed(const std::vector<Index>& lengths) {
  auto own = std::make_shared<Aside<std::int32_t>>(Shape{static_cast<Index>(lengths.size())});
  for (Index b = 0; b < static_cast<Index>(lengths.size()); ++b) {
    (*own)[b] = static_cast<std::int32_t>(lengths[static_cast<std::size_t>(b)]);
  }
  return own;
}

/// The first `steps` of item b of [batch, time, width].
Doubles own_steps(const Doubles& x, Index b, Index time, Index width, Index steps) {
  const auto first = x.begin() + b * time * width;
  return {first, first + steps * width};
}

/// The case of rows with these lengths of an operation whose case without padding `alone` gives for
/// a row of so many steps; inputs [time, ...] of a row are cut, outputs filled with zeros up to the
/// padded one's.
OperationCase padded(const std::vector<Index>& lengths, OperationCase c,
                     const std::function<OperationCase(Index steps)>& alone) {
  c.name = "padded_" + c.name;
  const auto inputs = c.inputs;
  const Index row = c.output.size() / c.output[0];
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y;
    for (std::size_t b = 0; b < lengths.size(); ++b) {
      const OperationCase one = alone(lengths[b]);
      std::vector<Doubles> cut;
      for (std::size_t i = 0; i < in.size(); ++i) {
        cut.push_back(
            own_steps(in[i], static_cast<Index>(b), inputs[i][1], inputs[i][2], lengths[b]));
      }
      Doubles of_row = one.definition(cut);
      of_row.resize(static_cast<std::size_t>(row));
      y.insert(y.end(), of_row.begin(), of_row.end());
    }
    return y;
  };
  c.on_rows = {};
  return c;
}

}  // namespace

OperationCase padded_max_pool_case(const std::vector<Index>& lengths, Index time, Index channels,
                                   const MaxPoolOptions& options) {
  OperationCase c = max_pool_case(static_cast<Index>(lengths.size()), time, channels, options);
  const Own own = placed(lengths);
  c.finish = [=] { own->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    max_pool(context, options, in[0], y, own->on(context));
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    max_pool_backward(context, options, in[0], dy, gradients[0], own->on(context));
  };
  return padded(lengths, c, [=](Index steps) {
    MaxPoolOptions one = options;
    one.stride = options.stride.value_or(options.pool_size);
    one.pool_size = static_cast<int>(std::min<Index>(steps, options.pool_size));
    return max_pool_case(1, steps, channels, one);
  });
}

OperationCase padded_average_pool_case(const std::vector<Index>& lengths, Index time,
                                       Index channels, const AveragePoolOptions& options) {
  OperationCase c = average_pool_case(static_cast<Index>(lengths.size()), time, channels, options);
  const Own own = placed(lengths);
  c.finish = [=] { own->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    average_pool(context, options, in[0], y, own->on(context));
  };
  c.backward = [=](Context& context, const Inputs&, View, View dy, const Gradients& gradients) {
    average_pool_backward(context, options, dy, gradients[0], own->on(context));
  };
  return padded(lengths, c, [=](Index steps) {
    AveragePoolOptions one = options;
    one.stride = options.stride.value_or(options.pool_size);
    one.pool_size = static_cast<int>(std::min<Index>(steps, options.pool_size));
    return average_pool_case(1, steps, channels, one);
  });
}

OperationCase padded_global_pool_case(const std::vector<Index>& lengths, Index time, Index channels,
                                      bool largest) {
  const auto make = [=](Index batch, Index steps) {
    return largest ? global_max_pool_case(batch, steps, channels)
                   : global_average_pool_case(batch, steps, channels);
  };
  OperationCase c = make(static_cast<Index>(lengths.size()), time);
  const Own own = placed(lengths);
  c.finish = [=] { own->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    if (largest) return global_max_pool(context, in[0], y, own->on(context));
    global_average_pool(context, in[0], y, own->on(context));
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    if (largest) {
      return global_max_pool_backward(context, in[0], dy, gradients[0], own->on(context));
    }
    global_average_pool_backward(context, dy, gradients[0], own->on(context));
  };
  return padded(lengths, c, [=](Index steps) { return make(1, steps); });
}

OperationCase padded_statistics_pool_case(const std::vector<Index>& lengths, Index time,
                                          Index channels) {
  OperationCase c = statistics_pool_case(static_cast<Index>(lengths.size()), time, channels);
  const Own own = placed(lengths);
  c.finish = [=] { own->forget(); };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    statistics_pool(context, {epsilon}, in[0], y, own->on(context));
  };
  c.backward = [=](Context& context, const Inputs& in, View y, View dy,
                   const Gradients& gradients) {
    statistics_pool_backward(context, in[0], y, dy, gradients[0], own->on(context));
  };
  return padded(lengths, c, [=](Index steps) { return statistics_pool_case(1, steps, channels); });
}

OperationCase padded_attention_pool_case(const std::vector<Index>& lengths, Index time,
                                         Index channels, Index heads) {
  const auto batch = static_cast<Index>(lengths.size());
  OperationCase c = attention_pool_case(batch, time, channels, heads, true);
  const Own own = placed(lengths);
  const auto shares = std::make_shared<Aside<float>>(c.inputs[1]);
  c.finish = [=] {
    own->forget();
    shares->forget();
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    attention_pool(context, static_cast<float>(epsilon), in[0], in[1], shares->on(context), y,
                   own->on(context));
  };
  c.backward = [=](Context& context, const Inputs& in, View y, View dy,
                   const Gradients& gradients) {
    attention_pool_backward(context, static_cast<float>(epsilon), in[0], shares->on(context), y, dy,
                            gradients[0], gradients[1]);
  };
  return padded(lengths, c,
                [=](Index steps) { return attention_pool_case(1, steps, channels, heads, true); });
}

OperationCase padded_batch_norm_case(const std::vector<Index>& lengths, Index time,
                                     Index channels) {
  const auto batch = static_cast<Index>(lengths.size());
  OperationCase c = batch_norm_case(batch, time, channels);
  c.name = "padded_" + c.name;
  const BatchNormOptions options;
  // All rows' own steps are one batch.
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles rows;
    for (Index b = 0; b < batch; ++b) {
      const Doubles own = own_steps(in[0], b, time, channels, lengths[static_cast<std::size_t>(b)]);
      rows.insert(rows.end(), own.begin(), own.end());
    }
    const int count = small(static_cast<Index>(rows.size()) / channels);
    const Doubles normal = reference::batch_norm(
        rows, count, small(channels), reference::column_moments(rows, count, small(channels)),
        in[1], in[2], options.epsilon);
    Doubles y(in[0].size());
    auto from = normal.begin();
    for (Index b = 0; b < batch; ++b) {
      const Index numbers = lengths[static_cast<std::size_t>(b)] * channels;
      std::copy_n(from, numbers, y.begin() + b * time * channels);
      from += numbers;
    }
    return y;
  };
  const Own own = placed(lengths);
  const auto memory = std::make_shared<Aside<float>>(Shape{4, channels});
  const auto statistics = [=](Context& context) {
    const auto view = memory->on(context);
    return BatchNormStatistics{view.row(0), view.row(1), view.row(2), view.row(3)};
  };
  c.finish = [=] {
    own->forget();
    memory->forget();
  };
  c.forward = [=](Context& context, const Inputs& in, Tensor<float> y) {
    batch_norm(context, options, in[0], in[1], in[2], statistics(context), y, own->on(context));
    clear_padding(context, own->on(context), y);
  };
  c.backward = [=](Context& context, const Inputs& in, View, View dy, const Gradients& gradients) {
    batch_norm_backward(context, in[0], in[1], statistics(context), dy, gradients[0], gradients[1],
                        gradients[2], own->on(context));
    clear_padding(context, own->on(context), gradients[0]);
  };
  return c;
}

std::vector<OperationCase> padded_cases() {
  const std::vector<Index> lengths{11, 1, 4};
  return {padded_max_pool_case(lengths, 12, 7, {{2, {}}}),
          padded_max_pool_case(lengths, 11, 3, {{3, 2}}),
          padded_max_pool_case(lengths, 17, 9, {{3, 5}}),
          padded_max_pool_case(lengths, 13, 3, {{6, 1}}),  // rows of less than a window
          padded_average_pool_case(lengths, 12, 7, {{2, {}}}),
          padded_average_pool_case(lengths, 11, 3, {{3, 2}}),
          padded_average_pool_case(lengths, 17, 9, {{3, 5}}),
          padded_average_pool_case(lengths, 13, 3, {{6, 1}}),
          padded_global_pool_case(lengths, 13, 7, false),
          padded_global_pool_case(lengths, 13, 7, true),
          padded_statistics_pool_case(lengths, 13, 7),
          padded_attention_pool_case(lengths, 13, 6, 2),
          padded_attention_pool_case(lengths, 13, 6, 6),
          padded_batch_norm_case(lengths, 13, 7),
          padded_batch_norm_case({150, 70, 64}, 150, 5)};  // blocks of rows, some of them empty
}

}  // namespace serenade::test
