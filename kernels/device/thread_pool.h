#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// The cores that this process may use (sched_getaffinity), at least one.
int available_cores();

/// Threads for jobs that may take microseconds, one job at a time. A job is a number of chunks that
/// the caller and every awake thread draw from; the caller waits for chunks, not for threads, so
/// that a thread which has none, and whose core has other work, holds nothing up. Threads without a
/// job look out for the next one for a moment, as waking them takes longer than many a job does,
/// and then sleep.
class ThreadPool {
 public:
  /// Of so many threads, the caller's among them; of fewer where the system gives no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// As Context::parallel().
  void run(Index chunks, const std::function<void(Index)>& body);

 private:
  /// The job's number in the upper half, the next chunk in the lower: in one word, so that a thread
  /// that slept through several jobs cannot draw a chunk of one by what it read of another.
  using Ticket = std::uint64_t;
  static constexpr Ticket one_job = Ticket{1} << 32U;
  static constexpr Ticket chunk_mask = one_job - 1;

  void run_job(Index first, Index chunks, const std::function<void(Index)>& body);
  void publish(Index first, Index chunks, const std::function<void(Index)>& body);
  bool has_chunks() const;
  void draw();
  void run_chunk(const std::function<void(Index)>& body, Index chunk);
  void work();
  /// Whether the condition came true within a moment.
  template <class Condition>
  bool soon(const Condition& condition) const;

  std::vector<std::thread> workers_;
  bool patient_;  ///< there is a core for every thread: they may look out
  std::atomic<Ticket> ticket_{chunk_mask};
  // The job's, written before ticket_ has a chunk of it.
  std::atomic<const std::function<void(Index)>*> body_{nullptr};
  std::atomic<Index> first_{0}, chunks_{0};
  std::atomic<Index> left_{0};  ///< chunks that are not done
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  ///< of the first chunk that failed
  std::atomic<bool> stopping_{false};
  /// Who makes true what a sleeper waits for holds it before he notifies.
  std::mutex mutex_;
  std::condition_variable wake_, done_;
};

}  // namespace serenade
