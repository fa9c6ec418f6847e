#pragma once

#include <nlohmann/json.hpp>

#include "tools/bench/feature_tools/job.h"

namespace serenade::bench {

/// What no feature can be had without, as bare as it gets:
///   decode    libsndfile alone, to 16-bit integers
///   resample  libsoxr alone, HQ, of decoded samples
///   fft       the real transforms of all frames, by a library with FFTW's interface
///   copy      memcpy of the signals
/// `order` says which, of what and on how many threads. Throws Error for what cannot be done.
Job floor_job(const nlohmann::json& order);

}  // namespace serenade::bench
