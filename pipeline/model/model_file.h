#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/model/network.h"
#include "pipeline/model/network_input.h"
#include "pipeline/model/safetensors.h"

namespace serenade {

/// What a model is besides its layers and numbers.
struct ModelDescription {
  std::string configuration;        ///< the experiment, resolved, as YAML
  std::string features;             ///< its FeatureSpec's options and revisions, cache_text()
  std::string feature_key;          ///< what the cache keys such features by
  std::vector<std::string> labels;  ///< in the order of class numbers
};

/// A network's trained tensors and running statistics by name.
using Weights = std::map<std::string, Array<float>>;

/// Copies of a network's, and of copies.
Weights copy_weights(const Network& network);
Weights copy_weights(const Weights& weights);
/// Throws DataError naming the tensor that is missing, of another shape, or of no use; the network
/// is then unchanged.
void set_weights(Network& network, const Weights& weights);

/// A trained model: all that a prediction needs. On disk a safetensors file whose texts are in
/// `__metadata__`; tensors are "network.NAME", "scaler.mean" and "scaler.scale" (0 and 1 where
/// `input` says that clips are standardised by themselves or by their speakers).
struct ModelFile {
  ModelDescription description;
  ModelSpec model;
  NetworkInput input;
  Weights weights;
  /// What a training needs to go on, under names that begin with "training."; empty in a model
  /// that is done.
  Safetensors training;

  /// A network with these weights. Throws DataError where they do not fit the layers.
  Network network() const;
};

/// Writes atomically. Throws IoError, and DataError for labels that are no UTF-8, empty or stand
/// twice, or names in `training` that begin otherwise.
void save_model(const std::filesystem::path& path, const ModelFile& file);

/// Reads what save_model wrote. Throws DataError naming the file where it is no safetensors file,
/// no model, of another format version, damaged (its contents do not give the hash they were saved
/// with: this guards against accidents, not malice), or where its parts do not fit together.
ModelFile load_model(const std::filesystem::path& path);

/// The two halves of load_model and save_model that meet no disk: the model that a file's contents
/// are, DataError without the file's name where they are none; and the hash that the former
/// expects, of all the contents say but the hash itself, put into their metadata.
ModelFile assemble_model(Safetensors contents);
void sign(Safetensors& contents);

}  // namespace serenade
