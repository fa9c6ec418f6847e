#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "kernels/device/device.h"
#include "kernels/device/error.h"
#include "kernels/device/memory.h"

namespace serenade {

using Index = std::int64_t;

/// Extents of a tensor, outermost first; at most four.
class Shape {
 public:
  static constexpr int max_rank = 4;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<Index> extents) {
    if (extents.size() > max_rank) throw ShapeError("a shape has at most 4 dimensions");
    for (Index extent : extents) {
      if (extent < 0) throw ShapeError("a shape has no negative extents");
      extents_[static_cast<std::size_t>(rank_++)] = extent;
    }
  }

  constexpr int rank() const { return rank_; }
  constexpr Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  /// Number of elements; 1 for rank 0.
  constexpr Index size() const {
    Index product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= (*this)[axis];
    return product;
  }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

/// "[3, 1025]", for messages.
inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

/// A view of contiguous row-major numbers on one device. Copying a Tensor copies the view.
template <class T>
class Tensor {
 public:
  constexpr Tensor() = default;
  constexpr Tensor(T* data, Shape shape, Device device = Device::cpu)
      : data_(data), shape_(shape), device_(device) {}

  /// A view that may write converts to one that may not. (A template, for a plain constructor would
  /// be the copy constructor of a view that may write.)
  template <class Other>
  requires(std::is_const_v<T>&& std::is_same_v<Other, std::remove_const_t<T>>)  //
      constexpr Tensor(const Tensor<Other>& other)  // NOLINT(google-explicit-constructor)
      : data_(other.data()), shape_(other.shape()), device_(other.device()) {}

  constexpr T* data() const { return data_; }
  constexpr const Shape& shape() const { return shape_; }
  constexpr Index extent(int axis) const { return shape_[axis]; }
  constexpr int rank() const { return shape_.rank(); }
  constexpr Index size() const { return shape_.size(); }
  constexpr Device device() const { return device_; }
  constexpr std::span<T> span() const { return {data_, static_cast<std::size_t>(size())}; }

  /// Row i of the outermost axis, as a view of one rank less.
  constexpr Tensor row(Index i) const {
    Shape inner;
    if (rank() == 2) inner = Shape{shape_[1]};
    if (rank() == 3) inner = Shape{shape_[1], shape_[2]};
    if (rank() == 4) inner = Shape{shape_[1], shape_[2], shape_[3]};
    return Tensor(data_ + i * inner.size(), inner, device_);
  }
  /// Rows [begin, end) of the outermost axis.
  constexpr Tensor rows(Index begin, Index end) const {
    Shape part{end - begin};
    if (rank() == 2) part = Shape{end - begin, shape_[1]};
    if (rank() == 3) part = Shape{end - begin, shape_[1], shape_[2]};
    if (rank() == 4) part = Shape{end - begin, shape_[1], shape_[2], shape_[3]};
    const Index stride = rank() > 1 ? part.size() / std::max<Index>(end - begin, 1) : 1;
    return Tensor(data_ + begin * stride, part, device_);
  }
  /// The same numbers under another shape of the same size.
  constexpr Tensor reshape(Shape shape) const {
    if (shape.size() != size()) {
      throw ShapeError("cannot view " + to_string(shape_) + " as " + to_string(shape));
    }
    return Tensor(data_, shape, device_);
  }

 private:
  T* data_ = nullptr;
  Shape shape_;
  Device device_ = Device::cpu;
};

/// Owns the numbers a Tensor views: on the CPU 64-byte aligned and zeroed, on a GPU unspecified
/// until they are written. Move-only, empty when moved from; keeps its allocation when resized to
/// fit, so that a step of the same size allocates nothing.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(Shape shape, Device device = Device::cpu) : data_(nullptr, Free{device}) {
    resize(shape);
  }
  ~Array() = default;
  Array(Array&& other) noexcept
      : data_(std::move(other.data_)),
        shape_(std::exchange(other.shape_, Shape{0})),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    Array taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(shape_, taken.shape_);
    std::swap(capacity_, taken.capacity_);
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  /// Gives the array this shape. The contents are unspecified where it had another size. Throws
  /// std::bad_alloc (DeviceError on a GPU), which leaves the array empty, also for shapes that no
  /// memory could hold.
  void resize(Shape shape) {
    const Index size = countable(shape);
    if (size > capacity_) {
      data_.reset();
      shape_ = Shape{0};
      capacity_ = 0;
      data_.reset(static_cast<T*>(allocate(static_cast<std::size_t>(size) * sizeof(T))));
      if (device() == Device::cpu) std::fill_n(data_.get(), size, T{});
      capacity_ = size;
    }
    shape_ = shape;
  }

  Device device() const { return data_.get_deleter().device; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  const Shape& shape() const { return shape_; }
  Index size() const { return data_ ? shape_.size() : 0; }
  /// Numbers that fit without another allocation.
  Index capacity() const { return capacity_; }
  Tensor<T> view() { return {data_.get(), shape_, device()}; }
  Tensor<const T> view() const { return {data_.get(), shape_, device()}; }
  // On the CPU only:
  void fill(T value) { std::fill_n(data_.get(), shape_.size(), value); }
  std::span<T> span() { return {data_.get(), static_cast<std::size_t>(size())}; }
  std::span<const T> span() const { return {data_.get(), static_cast<std::size_t>(size())}; }
  T& operator[](Index i) { return data_.get()[i]; }
  const T& operator[](Index i) const { return data_.get()[i]; }

 private:
  static_assert(std::is_trivially_copyable_v<T>);
  struct Free {
    Device device = Device::cpu;
    void operator()(T* data) const {
      if constexpr (has_cuda) {
        if (device == Device::cuda) return cuda::deallocate(data);
      }
      std::free(data);
    }
  };

  void* allocate(std::size_t bytes) const {
    if constexpr (has_cuda) {
      if (device() == Device::cuda) return cuda::allocate(bytes);
    }
    constexpr std::size_t alignment = 64;
    void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  /// shape.size(), where the bytes of so many numbers can be counted at all: extents may come from
  /// a file, and a product that wrapped around would look small.
  static Index countable(const Shape& shape) {
    constexpr Index most = std::numeric_limits<Index>::max() / 2 / static_cast<Index>(sizeof(T));
    Index left = most;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 0) return 0;
      left /= shape[axis];
    }
    if (left == 0) throw std::bad_alloc();
    return shape.size();
  }

  std::unique_ptr<T, Free> data_;
  Shape shape_{0};
  Index capacity_ = 0;
};

}  // namespace serenade
