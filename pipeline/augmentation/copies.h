#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/augmentation/options.h"
#include "pipeline/corpus/split.h"
#include "pipeline/corpus/utterance.h"

namespace serenade {

/// A copy of a clip that is learned from.
struct TrainingCopy {
  std::size_t source = 0;  ///< index in Corpus::utterances
  std::size_t recipe = 0;  ///< place in AugmentationOptions::copies
  friend bool operator==(const TrainingCopy&, const TrainingCopy&) = default;
};

/// The copies that the folds of a split need: of each recipe one of every clip that is in the
/// training part of some fold, and of no other clip. Row n + i of a data set of n utterances is
/// copy i.
class TrainingCopies {
 public:
  TrainingCopies() = default;
  /// `utterances` of the corpus that the rows are of.
  TrainingCopies(std::size_t utterances, std::span<const CopyRecipe> recipes,
                 std::span<const TrainingRows> parts);

  std::size_t utterances() const { return utterances_; }
  std::size_t size() const { return copies_.size(); }
  /// In order of recipe, then of source.
  std::span<const TrainingCopy> all() const { return copies_; }
  /// Whether the recipe at that place makes another voice of a speaker's.
  bool makes_voice(std::size_t recipe) const { return voices_[recipe]; }
  /// A copy that could not be made is no row.
  template <class Predicate>
  void leave_out(const Predicate& is_missing) {
    std::erase_if(copies_, is_missing);
  }

 private:
  std::size_t utterances_ = 0;
  std::vector<TrainingCopy> copies_;
  std::vector<bool> voices_;  // of each recipe
};

/// What a network is trained on: the training rows of its fold and their copies, ascending.
/// Nothing but TrainingRows can be given copies, so what is scored by never has any.
class AugmentedRows {
 public:
  AugmentedRows(const TrainingRows& originals, const TrainingCopies& copies);

  /// Rows of the data set. They may be learned from as the originals may.
  TrainingRows rows() const { return TrainingRows(indices_); }
  std::size_t copies() const { return copies_; }

 private:
  std::vector<std::size_t> indices_;
  std::size_t copies_ = 0;
};

/// Proves of what a fold's networks are about to learn that no copy in it sounds like what they are
/// judged by: no source has the content of a test or validation clip of the fold, under whatever
/// name. Throws DataError naming both clips, or the row that is no copy.
void expect_copies_unheard(const Corpus& corpus, const Fold& fold, const TrainingRows& learned,
                           const TrainingCopies& copies);

}  // namespace serenade
