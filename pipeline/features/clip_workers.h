#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "pipeline/features/cache.h"
#include "pipeline/features/clip_batches.h"
#include "pipeline/features/extraction.h"

namespace serenade {

/// One clip to extract.
struct ClipTask {
  ContentHash content;
  std::filesystem::path path;
  std::size_t expected_bytes = 0;  ///< of its rows
  double expected_seconds = 0;     ///< of sound
};

/// What became of it.
struct ClipOutcome {
  ClipRows rows;
  /// Why there is nothing to save, not even an error that belongs to the content.
  std::string io_error;
  StageSeconds stages;
};

/// Decodes clips and computes their features. Whatever goes wrong with a clip is part of its
/// outcome: a DataError belongs to its content, any other Error and a lack of memory to this time;
/// its neighbours are computed. Throws DeviceError.
std::vector<ClipOutcome> extract_clips(ClipBatches& batches, const FeatureFunction& function,
                                       std::span<const ClipTask> tasks);

/// Threads that extract tasks in order, batch after batch as they are added, each some clips of a
/// batch at a time. Each may use `device_bytes` of the device. Only so
/// many begin that finished, untaken batches stay within `max_bytes`; the batch that is taken next
/// may always go on, so that this cannot stop for good.
class ClipWorkers {
 public:
  struct Progress {
    Index done = 0;            ///< tasks of all batches
    double audio_seconds = 0;  ///< of them
    bool batch_done = false;   ///< the batch taken next is complete
  };

  ClipWorkers(const FeatureFunction& function, int threads, std::size_t max_bytes,
              std::size_t device_bytes);
  /// Lets the clips in work finish, begins no others.
  ~ClipWorkers();
  ClipWorkers(const ClipWorkers&) = delete;
  ClipWorkers& operator=(const ClipWorkers&) = delete;
  ClipWorkers(ClipWorkers&&) = delete;
  ClipWorkers& operator=(ClipWorkers&&) = delete;

  void add(std::vector<ClipTask> batch);
  /// Tasks that no thread has begun.
  std::size_t waiting();
  /// Waits until more is done than `known` says or the next batch is complete; one must be there.
  /// Rethrows what a worker threw.
  Progress wait(const Progress& known);
  /// The outcomes of the next batch, which must be complete, in its order.
  std::vector<ClipOutcome> take();
  /// The outcomes are no longer in memory.
  void release(std::size_t bytes);

 private:
  struct Batch {
    std::vector<ClipTask> tasks;
    std::vector<ClipOutcome> outcomes;
    std::size_t left = 0;
  };
  void work();
  /// Takes some tasks of the next batch that has any; mutex_ is held.
  std::span<const ClipTask> draw();

  const FeatureFunction& function_;
  const std::size_t max_bytes_;
  const std::size_t device_bytes_;
  std::mutex mutex_;
  std::condition_variable may_begin_;
  std::condition_variable progress_changed_;
  std::deque<Batch> batches_;  // those that are added leave the others where they are
  std::size_t next_batch_ = 0, next_task_ = 0;  // to begin
  std::size_t waiting_ = 0;                     // tasks not begun
  std::size_t taken_ = 0;                       // batches
  std::size_t bytes_in_memory_ = 0;             // expected or, once known, real
  Progress progress_;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace serenade
