#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "pipeline/audio/decode.h"

namespace serenade {

/// Signals of a batch of recordings, one number a sample, clips end to end, on a context's device.
struct Signals {
  Lent values;  ///< [at least samples.total()]
  Ragged samples;

  Tensor<float> view() { return values.view().rows(0, samples.total()); }
  Tensor<const float> view() const { return values.view().rows(0, samples.total()); }
};

/// decode_stored, ready for signals_of: what no table resamples (shared_bank) is resampled by
/// libsoxr here and stored as its result. Throws ConfigError for a sample_rate out of range,
/// DataError where the recording becomes too long at that rate.
StoredSound load_stored(const std::filesystem::path& path, int sample_rate,
                        const DecodeOptions& options, HostBytes& memory);

/// The mean of the channels at sample_rate, as librosa.load(sr=sample_rate, res_type="soxr_hq")
/// gives it within 5e-7 of full scale: to_mono and resample, on the context's device.
/// sounds  as load_stored left them; those of one rate are best next to each other
/// stored  [bytes]  that they lie in, on the context's device
/// A clip's signal has the same bits whatever its neighbours and the threads.
Signals signals_of(Context& context, std::span<const StoredSound> sounds,
                   Tensor<const std::byte> stored, int sample_rate);

/// Raised when the signal of the same file is another with the same libraries and operations: the
/// part that is read, the ends of what is resampled.
inline constexpr int audio_revision = 2;

/// Names and versions of what decodes and resamples, for cache keys: "libsndfile-1.2.0,
/// libsoxr-0.1.3, revision 2, to_mono 1, resample 1". Another version may give other samples.
std::string audio_versions();

}  // namespace serenade
