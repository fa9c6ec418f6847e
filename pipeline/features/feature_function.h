#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/audio/signals.h"
#include "pipeline/augmentation/waveform.h"
#include "pipeline/features/extractor.h"

namespace serenade {

/// What the cache needs to know of a computation from a clip to rows of features.
struct FeatureFunction {
  /// Everything the numbers depend on beside the sound: equal texts, equal bits.
  std::string text;
  int sample_rate = 0;
  DecodeOptions decode;
  std::vector<std::string> columns;
  /// What the user should read of how they are computed, a line each.
  std::vector<std::string> notes{};
  /// What makes copies of recordings' signals, in place of which they are used then; nothing where
  /// unset. Always on the CPU; `contents` says who each clip is.
  std::function<Signals(Context&, Signals, std::span<const ContentHash> contents)> copy{};
  /// What is done to the signals before anything is computed of them; nothing where unset.
  std::function<Signals(Context&, Signals)> condition{};
  /// Where they are computed: workers make their contexts on it.
  Device device = Device::cpu;
  /// Rows that a signal of so many samples gives.
  std::function<Index(Index samples)> rows;
  /// signal [samples], clips end to end -> out [rows, dims], both on the context's device;
  /// DataError for a clip that has no features. Called by several threads at a time, each with its
  /// own context.
  std::function<void(Context&, Tensor<const float> signal, const Ragged& samples,
                     Tensor<float> out)>
      extract;
  /// How many clips one call is best given: a GPU is busy with some, a processor with one.
  Index clips_at_once = 1;
  /// Bytes of the device's memory that condition and extract take for clips of so many samples;
  /// unset: not bounded.
  std::function<std::size_t(const Ragged& samples)> device_bytes{};

  Index dims() const { return static_cast<Index>(columns.size()); }
};

/// The extractor as such a function; it must outlive the result. Another device than the CPU is
/// part of the text: they agree within tolerances, not in bits.
FeatureFunction feature_function(const FeatureExtractor& extractor, Device device = Device::cpu);

/// The same of copies of the recordings. The copies are made on the CPU whatever the device, from
/// the mean of the channels at the features' sample rate; trim and normalise follow, as for a
/// recording that sounds so.
FeatureFunction feature_function(const FeatureExtractor& extractor, const CopyMaker& copies,
                                 Device device = Device::cpu);

}  // namespace serenade
