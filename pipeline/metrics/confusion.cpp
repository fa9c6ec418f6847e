#include "pipeline/metrics/confusion.h"

#include <fmt/format.h>

#include <numeric>

#include "kernels/device/error.h"

namespace serenade {

ConfusionMatrix::ConfusionMatrix(Index classes) : classes_(classes) {
  if (classes < 0) throw ShapeError(fmt::format("a confusion matrix of {} classes", classes));
  counts_.resize(static_cast<std::size_t>(classes * classes));
}

void ConfusionMatrix::add(Index truth, Index predicted) {
  for (const Index number : {truth, predicted}) {
    if (number < 0 || number >= classes_) {
      throw ShapeError(
          fmt::format("class number {} in a confusion matrix of {} classes: it must "
                      "be at least 0 and less than {}",
                      number, classes_, classes_));
    }
  }
  ++counts_[at(truth, predicted)];
}

ConfusionMatrix& ConfusionMatrix::operator+=(const ConfusionMatrix& other) {
  if (other.classes_ != classes_) {
    throw ShapeError(fmt::format("a confusion matrix of {} classes added to one of {}",
                                 other.classes_, classes_));
  }
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

Index ConfusionMatrix::support(Index truth) const {
  Index sum = 0;
  for (Index k = 0; k < classes_; ++k) sum += (*this)(truth, k);
  return sum;
}

Index ConfusionMatrix::predicted(Index predicted_class) const {
  Index sum = 0;
  for (Index k = 0; k < classes_; ++k) sum += (*this)(k, predicted_class);
  return sum;
}

Index ConfusionMatrix::correct() const {
  Index sum = 0;
  for (Index k = 0; k < classes_; ++k) sum += (*this)(k, k);
  return sum;
}

Index ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), Index{0});
}

ConfusionMatrix confusion_matrix(std::span<const int> truth, std::span<const int> predicted,
                                 Index classes) {
  if (truth.size() != predicted.size()) {
    throw ShapeError(
        fmt::format("{} true classes but {} predicted ones", truth.size(), predicted.size()));
  }
  ConfusionMatrix confusion(classes);
  for (std::size_t i = 0; i < truth.size(); ++i) confusion.add(truth[i], predicted[i]);
  return confusion;
}

}  // namespace serenade
