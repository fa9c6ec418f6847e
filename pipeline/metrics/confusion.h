#pragma once

#include <span>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// Counts of clips by true class (row) and predicted class (column).
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  /// All zeros. Throws ShapeError on a negative number of classes.
  explicit ConfusionMatrix(Index classes);

  Index classes() const { return classes_; }
  /// Counts one clip. Throws ShapeError when a class is not in [0, classes).
  void add(Index truth, Index predicted);
  /// Adds another matrix of as many classes, as when folds are pooled. Throws ShapeError.
  ConfusionMatrix& operator+=(const ConfusionMatrix& other);

  Index operator()(Index truth, Index predicted) const { return counts_[at(truth, predicted)]; }
  /// Clips of this true class: the sum of its row.
  Index support(Index truth) const;
  /// Clips given this class: the sum of its column.
  Index predicted(Index predicted_class) const;
  /// Clips on the diagonal.
  Index correct() const;
  Index total() const;

  friend bool operator==(const ConfusionMatrix&, const ConfusionMatrix&) = default;

 private:
  std::size_t at(Index truth, Index predicted) const {
    return static_cast<std::size_t>(truth * classes_ + predicted);
  }
  Index classes_ = 0;
  std::vector<Index> counts_;
};

/// truth      [clips]  class numbers
/// predicted  [clips]  class numbers
/// Throws ShapeError when the lengths differ or a number is not in [0, classes).
ConfusionMatrix confusion_matrix(std::span<const int> truth, std::span<const int> predicted,
                                 Index classes);

}  // namespace serenade
