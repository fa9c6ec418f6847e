#include "kernels/device/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace serenade {
namespace {

TEST(Tensor, RowsViewTheSameNumbers) {
  Array<float> array(Shape{3, 4});
  for (Index i = 0; i < array.size(); ++i) array[i] = static_cast<float>(i);
  const Tensor<float> view = array.view();
  EXPECT_EQ(view.row(2).shape(), (Shape{4}));
  EXPECT_EQ(view.row(2).data()[1], 9.0F);
  EXPECT_EQ(view.rows(1, 3).shape(), (Shape{2, 4}));
  EXPECT_EQ(view.rows(1, 3).data()[0], 4.0F);
  EXPECT_EQ(view.reshape({2, 6}).row(1).data()[0], 6.0F);
}

TEST(Tensor, CopiesAndConvertsToAViewThatOnlyReads) {
  Array<float> array(Shape{3, 4});
  const Tensor<float> view = array.view();
  const Tensor<float> copy = view;  // NOLINT(performance-unnecessary-copy-initialization)
  const Tensor<const float> reader = copy;
  EXPECT_EQ(reader.data(), array.data());
  static_assert(!std::is_convertible_v<Tensor<const float>, Tensor<float>>);
}

TEST(Tensor, RefusesAViewOfAnotherSize) {
  Array<float> array(Shape{3, 4});
  EXPECT_THROW(array.view().reshape({5}), ShapeError);
  EXPECT_THROW((Shape{1, 2, 3, 4, 5}), ShapeError);
  EXPECT_THROW((Shape{-1}), ShapeError);
}

TEST(Array, IsAlignedZeroedAndKeepsItsMemory) {
  Array<float> array(Shape{5, 7});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0U);
  for (const float value : array.span()) EXPECT_EQ(value, 0.0F);
  const auto before = reinterpret_cast<std::uintptr_t>(array.data());
  array.resize({2, 3});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()), before);
  EXPECT_EQ(array.size(), 6);
}

TEST(Array, IsEmptyWhenMovedFromAndCanBeUsedAgain) {
  Array<float> array(Shape{5, 7});
  array[34] = 3;
  Array<float> taken(std::move(array));
  EXPECT_EQ(taken.shape(), (Shape{5, 7}));
  EXPECT_EQ(taken[34], 3.0F);
  // What is left behind is what is tested.
  // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_EQ(array.size(), 0);
  EXPECT_EQ(array.view().size(), 0);
  array.resize({5, 7});
  ASSERT_NE(array.data(), nullptr);
  EXPECT_NE(array.data(), taken.data());

  Array<float> other(Shape{2});
  other = std::move(taken);
  EXPECT_EQ(other[34], 3.0F);
  taken.resize({2});
  ASSERT_NE(taken.data(), nullptr);
  // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
}

TEST(Array, RefusesShapesWhoseBytesCannotBeCounted) {
  constexpr Index huge = Index{1} << 31U;
  // As products of 64 bits these are 0, negative, and 2^62, whose bytes are 0 again.
  for (const Shape& shape : {Shape{huge, huge, 4}, Shape{huge, huge, 2}, Shape{huge, huge}}) {
    Array<float> array(Shape{3});
    EXPECT_THROW(array.resize(shape), std::bad_alloc) << to_string(shape);
    array.resize({2});
    EXPECT_NE(array.data(), nullptr);
    EXPECT_EQ(array.shape(), Shape{2});
  }
  EXPECT_EQ(Array<float>(Shape{huge, huge, 0}).size(), 0);
}

}  // namespace
}  // namespace serenade
