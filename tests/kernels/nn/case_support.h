#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "kernels/device/copy.h"
#include "tests/kernels/nn/operation_case.h"

/// What makers of operation cases share.
namespace serenade::test {

using Gradients = std::vector<Tensor<float>>;
using View = Tensor<const float>;

inline int small(Index value) { return static_cast<int>(value); }

inline reference::Extents extents(Index batch, Index time, Index channels) {
  return {small(batch), small(time), small(channels)};
}

/// Numbers that an operation takes besides its inputs, or keeps, on whatever device it runs: they
/// begin as what they are on the CPU.
template <class T>
class Aside {
 public:
  explicit Aside(Shape shape) : here_(shape) {}
  T& operator[](Index i) { return here_[i]; }
  Array<T>& here() { return here_; }
  Tensor<T> on(Context& context) {
    if (context.device() == Device::cpu) return here_.view();
    if (there_.data() == nullptr) {
      there_ = Array<T>(here_.shape(), context.device());
      copy(context, Tensor<const T>(here_.view()), there_.view());
    }
    return there_.view();
  }
  void forget() { there_ = {}; }

 private:
  Array<T> here_, there_;
};

inline std::string named(const std::string& operation, std::initializer_list<Index> sizes) {
  std::string name = operation;
  for (const Index size : sizes) name += "_" + std::to_string(size);
  return name;
}

}  // namespace serenade::test
