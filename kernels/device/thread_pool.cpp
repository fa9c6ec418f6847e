#include "kernels/device/thread_pool.h"

#include <hwy/cache_control.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

namespace serenade {
namespace {

/// About what it takes to wake a thread: who looks out longer may as well have slept.
constexpr std::chrono::microseconds moment{50};

/// A ticket has room for twice as many; run() makes several jobs of more.
constexpr Index most_chunks = Index{1} << 31U;

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Of more than 1024 cores the set is too small to tell.
  const bool known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  return std::max(1,
                  known ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) : patient_(threads <= available_cores()) {
  for (int i = 1; i < threads; ++i) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      break;  // the system gives no more of them, and results do not depend on how many there are
    } catch (const std::bad_alloc&) {
      break;
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(Index chunks, const std::function<void(Index)>& body) {
  if (workers_.empty() || chunks <= 1) {
    for (Index chunk = 0; chunk < chunks; ++chunk) body(chunk);
    return;
  }
  for (Index first = 0; first < chunks; first += most_chunks) {
    run_job(first, std::min(most_chunks, chunks - first), body);
  }
}

void ThreadPool::run_job(Index first, Index chunks, const std::function<void(Index)>& body) {
  publish(first, chunks, body);
  draw();
  const auto done = [this] { return left_.load(std::memory_order_acquire) == 0; };
  if (!soon(done)) {
    std::unique_lock lock(mutex_);
    done_.wait(lock, done);
  }
  if (failed_.load(std::memory_order_acquire)) {
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void ThreadPool::publish(Index first, Index chunks, const std::function<void(Index)>& body) {
  // Closed first: a thread that reads the new job's numbers while it holds the old ticket finds
  // that the ticket has changed.
  const Ticket job = (ticket_.load(std::memory_order_relaxed) & ~chunk_mask) + one_job;
  ticket_.store(job | chunk_mask, std::memory_order_release);
  body_.store(&body, std::memory_order_release);
  first_.store(first, std::memory_order_release);
  chunks_.store(chunks, std::memory_order_release);
  left_.store(chunks, std::memory_order_relaxed);
  failed_.store(false, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    ticket_.store(job, std::memory_order_release);
  }
  // No more than can find a chunk.
  const auto others = std::min(chunks - 1, static_cast<Index>(workers_.size()));
  for (Index i = 0; i < others; ++i) wake_.notify_one();
}

bool ThreadPool::has_chunks() const {
  const Ticket ticket = ticket_.load(std::memory_order_acquire);
  return static_cast<Index>(ticket & chunk_mask) < chunks_.load(std::memory_order_acquire);
}

void ThreadPool::draw() {
  Ticket ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const auto chunk = static_cast<Index>(ticket & chunk_mask);
    const auto* body = body_.load(std::memory_order_acquire);
    const Index first = first_.load(std::memory_order_acquire);
    if (chunk >= chunks_.load(std::memory_order_acquire)) return;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      continue;  // another thread drew it, and ticket says what is there now
    }
    run_chunk(*body, first + chunk);
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::run_chunk(const std::function<void(Index)>& body, Index chunk) {
  if (!failed_.load(std::memory_order_acquire)) {
    try {
      body(chunk);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_.exchange(true, std::memory_order_acq_rel)) failure_ = std::current_exception();
    }
  }
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const std::lock_guard lock(mutex_);
    done_.notify_one();
  }
}

void ThreadPool::work() {
  const auto wanted = [this] { return has_chunks() || stopping_.load(std::memory_order_acquire); };
  for (;;) {
    // Woken too late for a job, it looks out for the next one all the same.
    const Ticket seen = ticket_.load(std::memory_order_acquire) & ~chunk_mask;
    if (!soon(wanted)) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] {
        return wanted() || (ticket_.load(std::memory_order_acquire) & ~chunk_mask) != seen;
      });
    }
    if (stopping_.load(std::memory_order_acquire)) return;
    draw();
  }
}

template <class Condition>
bool ThreadPool::soon(const Condition& condition) const {
  if (!patient_) return condition();
  const auto end = std::chrono::steady_clock::now() + moment;
  do {
    for (int i = 0; i < 16; ++i) {
      if (condition()) return true;
      hwy::Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace serenade
