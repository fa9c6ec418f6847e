#include "pipeline/metrics/scores.h"

#include <array>
#include <cmath>
#include <limits>

#include "kernels/device/error.h"

namespace serenade {
namespace {

double ratio(Index numerator, Index denominator) {
  return denominator == 0 ? 0 : static_cast<double>(numerator) / static_cast<double>(denominator);
}

double mean(std::span<const double> values) {
  return values.empty() ? 0 : pairwise_sum(values) / static_cast<double>(values.size());
}

}  // namespace

double pairwise_sum(std::span<const double> values) {
  constexpr std::size_t lanes = 8;
  constexpr std::size_t block = 128;  // numpy's PW_BLOCKSIZE
  const std::size_t n = values.size();
  if (n < lanes) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  if (n <= block) {
    std::array<double, lanes> sums{};
    for (std::size_t j = 0; j < lanes; ++j) sums[j] = values[j];
    std::size_t i = lanes;
    for (; i < n - n % lanes; i += lanes) {
      for (std::size_t j = 0; j < lanes; ++j) sums[j] += values[i + j];
    }
    double sum =
        ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (; i < n; ++i) sum += values[i];
    return sum;
  }
  const std::size_t half = n / 2 - n / 2 % lanes;
  return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
}

Scores scores_of(const ConfusionMatrix& confusion) {
  Scores scores;
  scores.clips = confusion.total();
  if (scores.clips == 0) throw ShapeError("no clips to score: the test part is empty");
  scores.accuracy = ratio(confusion.correct(), scores.clips);
  std::vector<double> recalls;
  std::vector<double> f1s;
  for (Index k = 0; k < confusion.classes(); ++k) {
    ClassScores one;
    one.support = confusion.support(k);
    one.predicted = confusion.predicted(k);
    const Index correct = confusion(k, k);
    one.precision = ratio(correct, one.predicted);
    one.recall = ratio(correct, one.support);
    one.f1 = ratio(2 * correct, one.support + one.predicted);
    if (one.support > 0) recalls.push_back(one.recall);
    if (one.support + one.predicted > 0) f1s.push_back(one.f1);
    scores.per_class.push_back(one);
  }
  scores.uar = mean(recalls);
  scores.macro_f1 = mean(f1s);
  return scores;
}

MeanAndDeviation mean_and_deviation(std::span<const double> values) {
  if (values.empty()) throw ShapeError("the mean of no values");
  MeanAndDeviation result;
  result.mean = mean(values);
  if (values.size() == 1) {
    result.deviation = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  std::vector<double> squares;
  for (const double value : values) {
    squares.push_back((value - result.mean) * (value - result.mean));
  }
  result.deviation = std::sqrt(pairwise_sum(squares) / static_cast<double>(values.size() - 1));
  return result;
}

}  // namespace serenade
