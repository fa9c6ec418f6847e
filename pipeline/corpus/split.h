#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/corpus/utterance.h"

namespace serenade {

class Fold;

/// Rows of the corpus that may be learned from. Only a Fold makes one, out of its training part, so
/// whatever is fitted (scaler, augmentation, class weights) cannot be given test rows by mistake.
class TrainingRows {
 public:
  std::span<const std::size_t> indices() const { return indices_; }
  std::size_t size() const { return indices_.size(); }

 private:
  friend class Fold;
  explicit TrainingRows(std::span<const std::size_t> indices) : indices_(indices) {}
  std::span<const std::size_t> indices_;
};

/// One division of a corpus: indices into Corpus::utterances, ascending, disjoint.
class Fold {
 public:
  Fold(std::string name, std::vector<std::size_t> training, std::vector<std::size_t> validation,
       std::vector<std::size_t> test);

  const std::string& name() const { return name_; }
  TrainingRows training() const { return TrainingRows(training_); }
  std::span<const std::size_t> validation() const { return validation_; }
  std::span<const std::size_t> test() const { return test_; }

 private:
  std::string name_;
  std::vector<std::size_t> training_, validation_, test_;
};

/// A protocol carried out on a corpus.
struct Split {
  std::string protocol;     ///< "random", "random-grouped", "emobox"
  std::string description;  ///< two sentences for someone who never heard of it
  bool speaker_independent = false;
  std::vector<Fold> folds;
  std::vector<std::string> notes;  ///< "actors 21-24 are not in the data: ..."
};

}  // namespace serenade
