#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/nn/backend.h"
#include "pipeline/augmentation/options.h"
#include "pipeline/config/yaml.h"
#include "pipeline/corpus/corpus.h"
#include "pipeline/corpus/split.h"
#include "pipeline/evaluation/options.h"
#include "pipeline/features/spec.h"
#include "pipeline/model/model_spec.h"
#include "pipeline/training/options.h"

namespace serenade {

/// One YAML file: one experiment.
struct ExperimentConfig {
  std::string name;
  std::uint64_t seed = 1;
  std::vector<std::uint64_t> seeds;
  CorpusOptions corpus;
  FeatureSpec features;
  AugmentationOptions augmentation;
  SplitOptions split;
  ModelSpec model;
  TrainingOptions training;
  BackendOptions nn;
  EvaluationOptions evaluation;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, Range{},
          "name of the run and of its folder; default: the file's name");
    visit("seed", self.seed, Range{}, "of the split, the initial weights, the order and dropout");
    visit("seeds", self.seeds, Range{},
          "of several networks for every fold, which differ in initial weights, order and dropout; "
          "the split stays that of `seed`, so that their scores differ by nothing else. Empty: one "
          "network, of `seed`");
    visit("corpus", self.corpus, Range{}, "the recordings");
    visit("features", self.features, Range{}, "what is computed from them");
    visit("augmentation", self.augmentation, Range{},
          "what training clips are learned from as well, and how they are changed from epoch to "
          "epoch; no other part's are");
    visit("split", self.split, Range{}, "which of them are learned from and which are scored");
    visit("model", self.model, Range{}, "the network");
    visit("training", self.training, Range{}, "how it learns");
    visit("nn", self.nn, Range{}, "what networks are computed by on a GPU");
    visit("evaluation", self.evaluation, Range{}, "how it is scored");
  }
};

/// The seeds of the networks of every fold: `seeds`, or `seed` where there are none.
std::vector<std::uint64_t> seeds_of(const ExperimentConfig& config);

/// What results call the protocol: "emobox", or "emobox+speaker-norm" where clips are standardised
/// by their speakers.
std::string protocol_name(const ExperimentConfig& config);

/// Throws ConfigError where a run cannot be called that: its name becomes a folder's.
void expect_run_name(const std::string& name);

/// The seeds of the networks of the fold at this place: the same for every fold, but of splits that
/// are drawn once for each of split.seeds each takes its own where `seeds` is empty.
std::vector<std::uint64_t> seeds_of_fold(const ExperimentConfig& config, std::size_t fold);

/// Reads an experiment, applies `key.path=value` overrides in order and checks it as a whole.
/// A section `sweep` is passed over: see load_sweep. Throws ConfigError naming file, line and key,
/// also where the file cannot be read.
ExperimentConfig load_experiment(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides = {});

/// The same from text, such as the configuration a model holds; `file_name` is for messages.
ExperimentConfig parse_experiment(const std::string& text, const std::string& file_name);

/// The experiment with every key spelled out, as YAML that reads back as the same.
std::string resolved_yaml(const ExperimentConfig& config);

}  // namespace serenade
