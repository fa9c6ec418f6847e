#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// What a network said of one clip.
struct ClipPrediction {
  std::string id;       ///< the utterance's, unique in its corpus
  std::string path;     ///< as the user gave it
  std::string speaker;  ///< empty when unknown
  std::string label;    ///< the true class; empty when unknown
  std::string predicted;
  std::vector<float> probabilities;     ///< [classes], in the order of the labels
  std::string fold{};                   ///< whose test part the clip is in; empty outside folds
  std::optional<std::uint64_t> seed{};  ///< of the network; absent where it does not matter
};

/// Predictions and the classes their probabilities are of.
struct PredictionTable {
  std::vector<std::string> labels;  ///< in the order of class numbers
  std::vector<ClipPrediction> rows;
};

/// predictions.csv: header id,file,speaker,fold,label,predicted,correct,p_<class>..., a line each.
/// Fields are quoted as RFC 4180 says; lines end in \n. `correct` is 1 or 0, or empty where the
/// true class is unknown. Probabilities are the shortest decimals that read back as the same float.
/// Throws ShapeError when a row has not one probability per label.
std::string predictions_csv(std::span<const std::string> labels,
                            std::span<const ClipPrediction> rows);

/// The reverse; accepts lines ending in \n or \r\n. Throws DataError naming the line (of the text,
/// from 1) and what is wrong with it.
PredictionTable parse_predictions(std::string_view csv);

}  // namespace serenade
