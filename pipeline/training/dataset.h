#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/augmentation/copies.h"
#include "pipeline/corpus/split.h"
#include "pipeline/corpus/utterance.h"
#include "pipeline/model/network_input.h"

namespace serenade {

/// Features [frames, dims] of a row of the data set: of an utterance by its index in the corpus, or
/// of a copy behind them (frames is 1 for statistics). The view stays valid for as long as the
/// source, as those into mapped cache shards do. Called from one thread.
using FeatureSource = std::function<Tensor<const float>(std::size_t row)>;

/// A corpus as networks see it: features as computed, neither standardised nor padded, so that one
/// data set serves every fold. Row i is utterance i of the corpus; behind the utterances come
/// copies of training clips, the copy by recipe k of the utterance ID being "ID~k", from 1. Views
/// the features, or owns copies of them. Where clips are standardised by themselves or by their
/// speakers (copies that are another voice by all copies of that voice, which are of every fold's
/// training clips), it knows each row's scaler, which no fold changes.
class DataSet {
 public:
  /// Asks for every row's features once. Throws DataError naming the clip whose features hold
  /// NaN or infinity or have no frames, ShapeError naming the one whose dims differ from the
  /// first's.
  ///
  /// The features are copied where all of them together take at most max_copied_bytes.
  DataSet(const Corpus& corpus, const FeatureSource& features, std::size_t max_copied_bytes = 0,
          Normalisation normalisation = Normalisation::global, const TrainingCopies& copies = {});

  std::size_t size() const { return rows_.size(); }
  Index dims() const { return dims_; }
  const std::vector<std::string>& labels() const { return labels_; }
  Index classes() const { return static_cast<Index>(labels_.size()); }

  const std::string& id(std::size_t row) const { return rows_[row].id; }
  Tensor<const float> features(std::size_t row) const { return rows_[row].features; }
  std::int32_t label(std::size_t row) const { return rows_[row].label; }
  /// Who the row is to random numbers: a hash of its id, so that neither the other clips nor their
  /// order matter to its draws.
  std::uint32_t number(std::size_t row) const { return rows_[row].number; }

  Normalisation normalisation() const { return normalisation_; }
  /// What the row is standardised by, the clip's or its speaker's; none where that is global.
  const StandardScaler* scaler(std::size_t row) const {
    return scalers_.empty() ? nullptr : &scalers_[rows_[row].scaler];
  }
  /// All of them, and the row's place there.
  const std::vector<StandardScaler>& scalers() const { return scalers_; }
  std::uint32_t scaler_number(std::size_t row) const { return rows_[row].scaler; }

 private:
  struct Row {
    std::string id;
    Tensor<const float> features;
    std::int32_t label = 0;
    std::uint32_t number = 0;
    std::size_t source = 0;    // the utterance that it is, or is a copy of
    std::uint32_t scaler = 0;  // its place in scalers_
  };
  /// Checks a row and appends it.
  void add(Row row);
  void fit_scalers(const Corpus& corpus, const TrainingCopies& copies);
  void fit_speaker_scalers(const Corpus& corpus, const TrainingCopies& copies);

  std::vector<Row> rows_;
  std::vector<std::string> labels_;
  Index dims_ = 0;
  Normalisation normalisation_;
  std::vector<StandardScaler> scalers_;
  Array<float> copies_;  // of all rows' features, end to end; empty where they are viewed
};

/// The rows in the order of an epoch: by a number drawn for each from Philox(seed) at
/// (0, its number, epoch, Purpose::shuffle). Which others there are does not matter to two rows'
/// order; neither does the order given.
std::vector<std::size_t> shuffled(const DataSet& data, std::span<const std::size_t> rows,
                                  std::uint64_t seed, std::uint32_t epoch);

/// A batch of rows as a network takes it.
struct Batch {
  Array<float> x;                   ///< [rows, ...input.shape()]
  Array<float> targets;             ///< [rows, classes], one-hot
  Array<std::uint32_t> utterances;  ///< [rows]
  Array<std::int32_t> lengths;      ///< [rows], frames of x that are the clip's
};

/// Fills a batch with these rows of the data set; keeps its memory. starts: the first frame taken
/// of each; the middle where there are none.
void gather(Context& context, const DataSet& data, const NetworkInput& input,
            std::span<const std::size_t> rows, Batch& batch,
            std::span<const std::uint32_t> starts = {});

}  // namespace serenade
