#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// What a network said of one clip.
struct ClipPrediction {
  std::string id;       ///< the utterance's, unique in its corpus
  std::string path;     ///< as the user gave it
  std::string speaker;  ///< empty when unknown
  std::string label;    ///< the true class; empty when unknown
  std::string predicted;
  std::vector<float> probabilities;     ///< [classes], in the order of the labels
  std::string fold{};                   ///< whose network spoke; empty where there is only one
  std::optional<std::uint64_t> seed{};  ///< of the network; absent where it does not matter
  std::map<std::string, std::string> fields{};  ///< of the utterance: intensity, sex, statement ...
};

/// Predictions and the classes their probabilities are of.
struct PredictionTable {
  std::vector<std::string> labels;  ///< in the order of class numbers
  std::vector<ClipPrediction> rows;
};

/// Place of a class, the clip's true or predicted one, among the labels. Throws DataError, naming
/// the clip, where it is none of them.
Index class_number(std::span<const std::string> labels, const std::string& name,
                   const ClipPrediction& clip);
/// What the network gave that class. Throws DataError likewise, and ShapeError where the clip has
/// not one probability per label.
float probability_of(std::span<const std::string> labels, const std::string& name,
                     const ClipPrediction& clip);

/// predictions.csv: header
/// id,file,speaker,fold,seed,label,predicted,correct,p_<class>...,<field>..., a line each;
/// pandas.read_csv takes it as it is. Fields are quoted as RFC 4180 says; lines end in \n. Bytes of
/// file names that are not UTF-8 are written as \xff (as_utf8), so that the table is.
/// `correct` is 1 or 0, or empty where the true class is unknown. Probabilities are the shortest
/// decimals that read back as the same float. <field> are all fields that some clip has, by
/// alphabet, empty for clips without; one whose name could be taken for another column's (label,
/// p_x, field_x) is called field_<name>.
/// Throws ShapeError when a row has not one probability per label.
std::string predictions_csv(std::span<const std::string> labels,
                            std::span<const ClipPrediction> rows);

/// The reverse, but for fields that are there and empty; accepts lines ending in \n or \r\n. Throws
/// DataError naming the line (of the text, from 1) and what is wrong with it.
PredictionTable parse_predictions(std::string_view csv);

}  // namespace serenade
