#include "pipeline/metrics/guessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kernels/device/error.h"

namespace serenade {
namespace {

Index sum(std::span<const Index> counts) {
  return std::accumulate(counts.begin(), counts.end(), Index{0});
}

void expect_clips(std::span<const Index> counts) {
  if (sum(counts) > 0) return;
  throw ShapeError("guessing: no clips to learn the frequencies of classes from");
}

}  // namespace

GuessScores scores_of_guessing(std::span<const double> guess, std::span<const Index> support) {
  const auto clips = static_cast<double>(sum(support));
  if (guess.size() != support.size() || clips == 0) {
    throw ShapeError(fmt::format("guessing: {} probabilities for {} clips of {} classes",
                                 guess.size(), clips, support.size()));
  }
  GuessScores scores;
  double present = 0;    // classes with clips
  double occurring = 0;  // classes with clips or guesses
  for (std::size_t k = 0; k < guess.size(); ++k) {
    const double share = static_cast<double>(support[k]) / clips;
    scores.accuracy += share * guess[k];
    if (support[k] > 0) {
      scores.uar += guess[k];
      ++present;
    }
    if (share + guess[k] > 0) {
      scores.macro_f1 += 2 * share * guess[k] / (share + guess[k]);
      ++occurring;
    }
  }
  scores.uar /= present;
  scores.macro_f1 /= occurring;
  return scores;
}

std::vector<double> guess_majority(std::span<const Index> training) {
  expect_clips(training);
  std::vector<double> guess(training.size(), 0);
  const auto most = std::max_element(training.begin(), training.end()) - training.begin();
  guess[static_cast<std::size_t>(most)] = 1;
  return guess;
}

std::vector<double> guess_by_frequency(std::span<const Index> training) {
  expect_clips(training);
  const auto clips = static_cast<double>(sum(training));
  std::vector<double> guess;
  for (const Index count : training) guess.push_back(static_cast<double>(count) / clips);
  return guess;
}

std::vector<double> guess_evenly(std::span<const Index> training) {
  expect_clips(training);
  const auto known = static_cast<double>(
      std::count_if(training.begin(), training.end(), [](Index count) { return count > 0; }));
  std::vector<double> guess;
  for (const Index count : training) guess.push_back(count > 0 ? 1 / known : 0);
  return guess;
}

}  // namespace serenade
