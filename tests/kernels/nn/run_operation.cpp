#include "tests/kernels/nn/run_operation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"

namespace serenade::test {
namespace {

/// A tensor on the context's device with sentinels behind it, so that a write past its end is seen.
class Guarded {
 public:
  Guarded(Context& context, Shape shape)
      : context_(context),
        shape_(shape),
        here_(Shape{shape.size() + guard}),
        there_(here_.shape(), context.device()) {
    here_.fill(sentinel);
    copy(context, Tensor<const float>(here_.view()), there_.view());
  }
  Tensor<float> view() { return {there_.data(), shape_, there_.device()}; }
  /// All that is there now; notes what was written past the end.
  std::vector<float> values(const std::string& what) {
    copy(context_, Tensor<const float>(there_.view()), here_.view());
    const auto behind = here_.span().subspan(static_cast<std::size_t>(shape_.size()));
    EXPECT_TRUE(std::ranges::all_of(behind, [](float value) { return value == sentinel; }))
        << what << " writes past the end";
    return {here_.data(), here_.data() + shape_.size()};
  }

 private:
  static constexpr Index guard = 32;
  static constexpr float sentinel = -123456.0F;
  Context& context_;
  Shape shape_;
  Array<float> here_, there_;
};

}  // namespace

std::vector<float> random_values(Index size, std::uint32_t stream) {
  std::vector<float> values;
  for (Index i = 0; i < size; ++i) {
    const Philox::Counter counter{static_cast<std::uint32_t>(i), stream, 0,
                                  purpose_of(Purpose::test)};
    values.push_back(2 * uniform(Philox(1)(counter)[0]) - 1);
  }
  return values;
}

Numbers random_inputs(const OperationCase& c) {
  Numbers inputs;
  for (const Shape& shape : c.inputs) {
    inputs.push_back(random_values(shape.size(), static_cast<std::uint32_t>(inputs.size())));
  }
  return inputs;
}

std::vector<float> random_dy(const OperationCase& c) { return random_values(c.output.size(), 99); }

Results run(Context& context, const OperationCase& c, const Numbers& inputs) {
  std::vector<Array<float>> there;
  const auto place = [&](const std::vector<float>& values, Shape shape) -> Tensor<const float> {
    Array<float>& array = there.emplace_back(shape, context.device());
    copy(context, Tensor<const float>(values.data(), shape), array.view());
    return array.view();
  };
  Inputs views;
  for (std::size_t i = 0; i < inputs.size(); ++i) views.push_back(place(inputs[i], c.inputs[i]));
  Guarded y(context, c.output);
  c.forward(context, views, y.view());
  Results results{y.values(c.name + ", the output"), {}};
  if (!c.backward) {
    c.finish();
    return results;
  }
  std::vector<Guarded> gradients;
  for (const Shape& shape : c.inputs) gradients.emplace_back(context, shape);
  std::vector<Tensor<float>> to;
  for (Guarded& gradient : gradients) to.push_back(gradient.view());
  c.backward(context, views, y.view(), place(random_dy(c), c.output), to);
  c.finish();
  for (Guarded& gradient : gradients) {
    results.gradients.push_back(gradient.values(c.name + ", a gradient"));
  }
  return results;
}

double largest_error(const std::vector<float>& got, const Doubles& want) {
  double error = 0, scale = 1;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) return std::numeric_limits<double>::infinity();
    error = std::max(error, std::abs(double{got[i]} - want[i]));
    scale = std::max(scale, std::abs(want[i]));
  }
  return error / scale;
}

double tolerance(const OperationCase& c) {
  return 6e-8 * (8 + 4 * std::sqrt(static_cast<double>(c.terms)));
}

void expect_close(const OperationCase& c, const Results& cpu, const Results& found) {
  const auto judge = [&](const std::vector<float>& got, const std::vector<float>& want,
                         const std::string& what) {
    EXPECT_LE(largest_error(got, Doubles(want.begin(), want.end())), 2 * tolerance(c))
        << c.name << what;
  };
  judge(found.output, cpu.output, "");
  ASSERT_EQ(found.gradients.size(), cpu.gradients.size());
  for (std::size_t k = 0; k < cpu.gradients.size(); ++k) {
    judge(found.gradients[k], cpu.gradients[k], ", gradient of input " + std::to_string(k));
  }
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b,
                      const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << what << ", element " << i << ": " << a[i] << " and " << b[i];
  }
}

void expect_same_bits(const Results& a, const Results& b, const std::string& what) {
  expect_same_bits(a.output, b.output, what);
  ASSERT_EQ(a.gradients.size(), b.gradients.size()) << what;
  for (std::size_t k = 0; k < a.gradients.size(); ++k) {
    expect_same_bits(a.gradients[k], b.gradients[k], what + ", a gradient");
  }
}

}  // namespace serenade::test
