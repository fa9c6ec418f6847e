#include <gtest/gtest.h>

#include <vector>

#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/mixup.h"
#include "kernels/nn/spec_augment.h"
#include "tests/emulation/tests/far_elements.h"

// Training clips behind 2^31 numbers are augmented as clips among the first are.
namespace serenade::test {
namespace {

constexpr Index items = 12, frames = 4, dims = 64, row = frames * dims;

class FarAugmentation : public FarElements {
 protected:
  /// The last items' clips; those before have another number.
  static std::vector<std::uint32_t> numbers(Index before) {
    std::vector<std::uint32_t> all(static_cast<std::size_t>(before));
    for (std::uint32_t i = 0; i < items; ++i) all.push_back(77 + i);
    return all;
  }
  template <class T>
  static Array<T> placed(Context& context, const std::vector<T>& values) {
    Array<T> array(Shape{static_cast<Index>(values.size())}, context.device());
    copy(context, Tensor<const T>(values.data(), array.shape()), array.view());
    return array;
  }
  static Shape sequences(Index before) { return {before + items, frames, dims}; }

  const Index before_ = far_rows(row);
  const StepScalars scalars_{5};
  const Steps cpus_{cpu_, {&scalars_, 1}}, gpus_{gpu_, {&scalars_, 1}};
};

TEST_F(FarAugmentation, SpecAugment) {
  const SpecAugmentOptions options{1, 2, 1, 9};
  Array<float> x = positive({items, row});
  Array<float> far_x = behind(before_, x);
  const auto few = placed(cpu_, numbers(0)), many = placed(gpu_, numbers(before_));
  spec_augment(cpu_, options, {1, cpus_.now()}, few.view(), x.view().reshape(sequences(0)));
  emulation::use_last_blocks(4);
  spec_augment(gpu_, options, {1, gpus_.now()}, many.view(),
               far_x.view().reshape(sequences(before_)));
  expect_end(far_x, x, 4);
}

TEST_F(FarAugmentation, FrequencyShift) {
  const FrequencyShift how{9, 0, dims};
  const Array<float> x = positive({items, row});
  const Array<float> far_x = behind(before_, x);
  const auto few = placed(cpu_, numbers(0)), many = placed(gpu_, numbers(before_));
  Array<float> expected(x.shape()), y = on_gpu(far_x.shape());
  frequency_shift(cpu_, how, {1, cpus_.now()}, few.view(), x.view().reshape(sequences(0)),
                  expected.view().reshape(sequences(0)));
  emulation::use_last_blocks(4);
  frequency_shift(gpu_, how, {1, gpus_.now()}, many.view(),
                  far_x.view().reshape(sequences(before_)), y.view().reshape(sequences(before_)));
  expect_end(y, expected, 4);
}

TEST_F(FarAugmentation, Mixup) {
  // The last clip's partner is the first, of zeros.
  const Array<float> last = positive({items, row}), x = zeros_and(1, last);
  const Array<float> far_x = behind(before_, last);
  std::vector<float> few(1 + items), many(static_cast<std::size_t>(before_ + items));
  for (std::size_t i = 1; i <= items; ++i) {
    few.at(few.size() - i) = many.at(many.size() - i) = 0.04F * static_cast<float>(i);
  }
  const auto shares = placed(cpu_, few), far_shares = placed(gpu_, many);
  Array<float> expected(x.shape()), y = on_gpu(far_x.shape());
  mixup(cpu_, {shares.view(), 1 + items, cpus_.now().index}, x.view(), expected.view());
  emulation::use_last_blocks(4);
  mixup(gpu_, {far_shares.view(), before_ + items, gpus_.now().index}, far_x.view(), y.view());
  expect_end(y, expected, 4);
}

}  // namespace
}  // namespace serenade::test
