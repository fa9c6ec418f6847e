#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pipeline/corpus/utterance.h"
#include "pipeline/features/cache.h"
#include "pipeline/features/plan.h"
#include "pipeline/support/observer.h"

namespace serenade {

struct ExtractionOptions {
  int threads = 0;        ///< that decode and compute; 0: one a core
  double max_bad = 0.05;  ///< largest share of utterances that may have no features
  ShardLimits shards;
  /// Bytes of a GPU's memory that all threads together may use for what depends on the clips; 0:
  /// half of it.
  std::size_t device_memory = 0;
};

/// An utterance that has no features.
struct BadClip {
  std::string id;
  std::filesystem::path path;
  std::string reason;
};

/// Seconds of the clock, summed over threads.
struct StageSeconds {
  double verify = 0;  ///< hashing files again: are they still what the corpus read?
  double decode = 0;  ///< reading and averaging channels
  double resample = 0;
  double copies = 0;  ///< making copies of the signals
  double features = 0;
  double write = 0;  ///< building, writing, syncing and opening shards
};

/// What an extraction did.
struct ExtractionReport {
  Index utterances = 0;
  Index copies = 0;      ///< among these, copies of training clips
  Index contents = 0;    ///< different recordings among them
  Index from_cache = 0;  ///< contents that were there before
  Index extracted = 0;   ///< clips computed now
  Index by_others = 0;   ///< clips that another process computed meanwhile
  Index shards = 0;      ///< written now
  std::size_t bytes = 0;
  int threads = 0;
  double seconds = 0;        ///< of the clock
  double audio_seconds = 0;  ///< of the clips computed now
  StageSeconds stages;
  std::vector<BadClip> bad;      ///< in the order of the utterances
  std::filesystem::path folder;  ///< of the recordings' features, index.h5 among them
};

/// Puts the features of all utterances into the cache: what is missing is planned, then worker
/// threads decode and compute, as many clips at a time as the function is best given, while the
/// calling thread writes finished shards. A clip of several names is extracted once. At most about
/// four shards' worth of features is in memory.
///
/// Any number of processes may fill one cache: each claims the shards that it is about to write,
/// one after the other, and what is claimed by a process that ends is free again. A process that
/// finds all that is left claimed waits for the others, saying so, and takes over what they leave.
///
/// Killed at any moment, it goes on from the last finished shard, with the same bytes as if it had
/// not been killed, also with another number of threads or of processes. Damaged files and
/// leftovers are removed. At the end, index.h5 is written for other programs (write_index).
///
/// A clip that cannot be decoded or has no features (DataError) is remembered with its reason and
/// not tried again while its content is the same. One that cannot be read, or changed since the
/// corpus was read (IoError), or that fails in any other way, is left out and tried again next
/// time.
///
/// Throws DataError, after everything else was extracted and saved, when more than max_bad of the
/// utterances have no features, with their names; IoError when the cache cannot be written (what is
/// finished stays).
ExtractionReport extract_features(FeatureCache& cache, const FeatureFunction& function,
                                  std::span<const Utterance> utterances,
                                  const ExtractionOptions& options, Observer& observer);

}  // namespace serenade
