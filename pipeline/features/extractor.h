#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "pipeline/features/spec.h"

namespace serenade {

/// A clip of a batch that no features can be computed of. The text speaks of "the clip": who knows
/// its name adds it.
class ClipError : public DataError {
 public:
  ClipError(Index clip, const std::string& what) : DataError(what), clip_(clip) {}
  /// Its place in the batch.
  Index clip() const { return clip_; }

 private:
  Index clip_;
};

/// An item of the list that is wrong by itself, or contradicts the section or the items before it.
class FeatureError : public ConfigError {
 public:
  FeatureError(std::size_t item, const std::string& what) : ConfigError(what), item_(item) {}
  /// Its place in FeatureSpec::extract.
  std::size_t item() const { return item_; }

 private:
  std::size_t item_;
};

/// Computes the features of a FeatureSpec: one STFT for all that need it, power, magnitude, mel and
/// chroma each once. Owns the plans and tables. Immutable: any number of threads may use one
/// extractor at a time, each with its own Context.
class FeatureExtractor {
 public:
  /// Throws ConfigError as check(FeatureSpec) does, FeatureError where an item is to blame.
  explicit FeatureExtractor(const FeatureSpec& spec);
  ~FeatureExtractor();
  FeatureExtractor(FeatureExtractor&&) noexcept;
  FeatureExtractor& operator=(FeatureExtractor&&) noexcept;
  FeatureExtractor(const FeatureExtractor&) = delete;
  FeatureExtractor& operator=(const FeatureExtractor&) = delete;

  const FeatureSpec& spec() const;
  /// Columns of the result.
  Index dims() const;
  /// One name a column, none twice: "mfcc_0", "delta_mfcc_3", "rms"; with statistics "rms_mean".
  std::vector<std::string> column_names() const;
  /// What is doubtful about the options, a line each: mel bands that hold no bin, by feature.
  std::vector<std::string> warnings() const;
  /// Features of the list that have no CUDA version, by name, and so are computed on the CPU.
  std::vector<std::string> without_cuda() const;
  /// True when a clip gives one row instead of a row a frame.
  bool per_clip() const;
  /// Rows of the result, clip by clip: frames, or 1. A clip that is too short for a frame of
  /// Kaldi's has none.
  Ragged rows_of(const Ragged& samples) const;

  /// Bytes that extract() takes at most on the context's device for clips of so many samples,
  /// beside tables and working memory of a fixed size.
  std::size_t working_bytes(const Ragged& samples) const;

  /// signal  [samples]     at spec().sample_rate, clips end to end
  /// out     [rows, dims]  rows = rows_of(samples)
  /// Both are on the context's device, or both on the CPU, where the signal goes from and the rows
  /// come back to. A clip's rows have the same bits whatever its neighbours, its place and the
  /// threads.
  /// Throws ClipError for the first clip of the batch that has no samples, or none for a frame, or,
  /// where the signal is on the CPU, holds NaN, infinity or a number that no recording holds;
  /// ShapeError when the shapes do not fit.
  void extract(Context& context, Tensor<const float> signal, const Ragged& samples,
               Tensor<float> out) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace serenade
