#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
#include "pipeline/corpus/utterance.h"

namespace serenade {

class AugmentedRows;
class Fold;

/// Rows of a data set that may be learned from. Only a Fold makes one, out of its training part,
/// and AugmentedRows, which adds copies to such rows; so whatever is fitted (scaler, augmentation,
/// class weights) cannot be given test rows by mistake.
class TrainingRows {
 public:
  std::span<const std::size_t> indices() const { return indices_; }
  std::size_t size() const { return indices_.size(); }
  /// The same rows, copied into `storage`, which must outlive what is returned.
  TrainingRows kept_in(std::vector<std::size_t>& storage) const {
    storage.assign(indices_.begin(), indices_.end());
    return TrainingRows(storage);
  }

 private:
  friend class AugmentedRows;
  friend class Fold;
  explicit TrainingRows(std::span<const std::size_t> indices) : indices_(indices) {}
  std::span<const std::size_t> indices_;
};

/// One division of a corpus: indices into Corpus::utterances, ascending, disjoint. A clip in no
/// part is neither learned from nor scored.
class Fold {
 public:
  /// Throws DataError unless the parts are ascending and disjoint.
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
  std::string protocol;     ///< "random", "emobox", ...
  std::string description;  ///< of protocol_text
  bool speaker_independent = false;
  std::vector<Fold> folds;
  std::vector<std::string> notes;  ///< "actors 21-24 are not in the data: ..."
};

/// How a corpus is divided; pipeline/corpus/protocols/ has a file for each.
enum class Protocol { random, random_grouped, emobox, luna, loso, speaker_kfold, listed };
constexpr auto enum_names(Protocol) {
  return std::to_array<std::string_view>(
      {"random", "random-grouped", "emobox", "luna", "loso", "speaker-kfold", "listed"});
}

/// Section `split` of an experiment.
struct SplitOptions {
  Protocol protocol = Protocol::random;
  double test_size = 0.25;
  double validation = 0.1;
  int folds = 5;
  std::vector<std::uint64_t> seeds{};
  std::string file{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("protocol", self.protocol, Range{},
          "random: by clip, the same speakers on both sides; random-grouped: by clip, both "
          "repetitions on one side; emobox, luna: published folds of unseen RAVDESS actors, six "
          "and five; loso: leave one speaker out, a fold each; speaker-kfold: folds of whole "
          "speakers; listed: as a file says");
    visit("test_size", self.test_size, Range{0, 0.9, true},
          "share of the clips for the test part (random and random-grouped)");
    visit("validation", self.validation, Range{0, 0.9},
          "share of the training part that is held out to choose epochs by; 0 for none. Clips "
          "(random), groups of repetitions (random-grouped) or whole speakers (the others). luna "
          "names its own validation actors, all held out by any share above 0; listed draws only "
          "where the list has none");
    visit("folds", self.folds, Range{2, 1000}, "number of folds (speaker-kfold)");
    visit("seeds", self.seeds, Range{},
          "draws as many splits, a fold each, fold-S the one of seed S, instead of the one of the "
          "experiment's seed (random and random-grouped). Without seeds of the experiment the "
          "network of a fold takes the seed of its split, as in runs of their own with seed=S; but "
          "the copies of augmentation.copies are those of `seed` in all of them, and voices that "
          "they make are standardised over all splits");
    visit("file", self.file, Range{},
          "CSV with the columns id and part (training, validation, test) and, where they are "
          "there, fold and content (listed); a run's split.csv is one");
  }
};

/// Divides a corpus. The result depends on ids, labels, speakers, contents (for duplicates) and the
/// seed, never on the order or the folders of files; a clip's draw does not depend on which other
/// clips there are. In every fold the parts are disjoint and, but for listed, cover the corpus, and
/// byte-identical clips are in the same part (unless Corpus::duplicates_apart).
///
/// random and random-grouped: ceil(test_size * clips) test clips (as scikit-learn), to each class
/// its share by largest remainder, at least one group of each class on both sides; a group that
/// cannot be divided may shift a class's count by less than its own size.
///
/// With options.seeds they are drawn once for each of these seeds, and a clip may be tested in
/// several folds or in none; each fold is the one that its seed alone gives.
///
/// emobox and luna: need a corpus of RAVDESS; actors that are absent are named in the notes. loso:
/// a fold for each speaker. speaker-kfold: each speaker is tested once; folds differ by at most one
/// speaker of each sex, and among speakers of one sex by no more clips than the one with most of
/// them has. Validation parts are whole speakers, a speaker's draw depending on the fold's name.
///
/// listed: a clip's part by its id. A row whose id the corpus has not, a part of another name, an
/// id twice in a fold, and, where there is a column content, another content, are errors that name
/// the line; so is a content in two parts, naming both files. Rows for recordings that were left
/// out as unreadable, unlabelled or copies (Corpus::left_out) are passed over. Clips that the list
/// does not name take no part; the notes count them. Where a fold has no validation part,
/// split.validation of its training part is drawn: whole speakers where test speakers are not heard
/// in training, else clips. Folds named K or fold-K are called fold-K; other names are numbered in
/// natural order.
///
/// Throws ConfigError for options out of range or a protocol that the corpus does not fit, IoError
/// where the list cannot be read, and DataError for a wrong list and where the corpus is too small
/// (a class of one clip, too few speakers).
Split make_split(const Corpus& corpus, const SplitOptions& options, std::uint64_t seed);

/// Throws ConfigError where options.seeds has a seed twice, too many, or the protocol draws nothing
/// that could be drawn again. make_split does so, too; before that nothing need be read.
void check_split_seeds(const SplitOptions& options);

/// The split as CSV: id, content hash, speaker, label, fold, part (training, validation, test), a
/// row for every clip of every part. No paths, so that the same split is the same text on every
/// machine. As split.file of the protocol listed it gives the same folds; where it has no
/// validation part, with split.validation 0.
std::string split_csv(const Corpus& corpus, const Split& split);

}  // namespace serenade
