#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
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
  std::string protocol;     ///< "random", "random-grouped", "emobox"
  std::string description;  ///< of protocol_text
  bool speaker_independent = false;
  std::vector<Fold> folds;
  std::vector<std::string> notes;  ///< "actors 21-24 are not in the data: ..."
};

/// How a corpus is divided.
enum class Protocol { random, random_grouped, emobox };
constexpr auto enum_names(Protocol) {
  return std::to_array<std::string_view>({"random", "random-grouped", "emobox"});
}

/// Section `split` of an experiment.
struct SplitOptions {
  Protocol protocol = Protocol::random;
  double test_size = 0.25;
  double validation = 0.1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("protocol", self.protocol, Range{},
          "random: by clip, the same speakers on both sides; random-grouped: by clip, both "
          "repetitions on one side; emobox: six folds of unseen RAVDESS actors");
    visit("test_size", self.test_size, Range{0, 0.9, true},
          "share of the clips for the test part (random and random-grouped)");
    visit("validation", self.validation, Range{0, 0.9},
          "share of the training part that is held out to choose epochs by; 0 for none. Clips "
          "(random), groups of repetitions (random-grouped) or whole speakers (emobox)");
  }
};

/// Divides a corpus. The result depends on ids, labels, speakers, contents (for duplicates) and the
/// seed, never on the order or the folders of files; a clip's draw does not depend on which other
/// clips there are. In every fold the parts are disjoint and cover the corpus, and byte-identical
/// clips are in the same part (unless Corpus::duplicates_apart).
///
/// random and random-grouped: ceil(test_size * clips) test clips (as scikit-learn), to each class
/// its share by largest remainder, at least one group of each class on both sides; a group that
/// cannot be divided may shift a class's count by less than its own size.
/// emobox: needs a corpus of RAVDESS; actors that are absent are named in the notes.
///
/// Throws ConfigError for options out of range or a protocol that the corpus does not fit, and
/// DataError when it is too small (a class of one clip, too few speakers).
Split make_split(const Corpus& corpus, const SplitOptions& options, std::uint64_t seed);

/// The split as CSV: id, content hash, speaker, label, fold, part (training, validation, test), a
/// row for every clip of every fold. No paths, so that the same split is the same text on every
/// machine.
std::string split_csv(const Corpus& corpus, const Split& split);

/// split_csv in a file, atomically. Throws IoError.
void write_split_csv(const std::filesystem::path& path, const Corpus& corpus, const Split& split);

}  // namespace serenade
