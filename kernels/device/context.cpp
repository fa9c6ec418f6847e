#include "kernels/device/context.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/lent_again.h"
#include "kernels/device/memory.h"

namespace serenade {

/// Threads that sleep between jobs. A job is a counter of chunks that every thread draws from.
class Context::Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) {
      try {
        workers_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        break;  // the system gives no more of them, and results do not depend on how many there are
      }
    }
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(Index chunks, const std::function<void(Index)>& body) {
    if (workers_.empty() || chunks <= 1) {
      for (Index chunk = 0; chunk < chunks; ++chunk) body(chunk);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      body_ = &body;
      chunks_ = chunks;
      next_.store(0, std::memory_order_relaxed);
      failure_ = nullptr;
      busy_ = static_cast<int>(workers_.size());
      ++job_;
    }
    wake_.notify_all();
    draw();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void draw() {
    for (;;) {
      const Index chunk = next_.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks_) return;
      try {
        (*body_)(chunk);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_.store(chunks_, std::memory_order_relaxed);
      }
    }
  }

  void work() {
    std::uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || job_ != seen; });
        if (stopping_) return;
        seen = job_;
      }
      draw();
      const std::lock_guard lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(Index)>* body_ = nullptr;
  Index chunks_ = 0;
  std::atomic<Index> next_{0};
  std::exception_ptr failure_;
  std::uint64_t job_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
};

namespace {

/// How many numbers these are. Throws std::bad_alloc where they cannot be counted.
Index count_of(const Shape& shape) {
  Index count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 0) return 0;
    if (__builtin_mul_overflow(count, shape[axis], &count)) throw std::bad_alloc();
  }
  if (count > std::numeric_limits<Index>::max() / 4) throw std::bad_alloc();
  return count;
}

/// Up to an eighth more: clips of nearly one length then fit into each other's memory.
Index roomy(Index size) {
  if (size < 1024) return 1024;
  const int digits = std::bit_width(static_cast<std::uint64_t>(size)) - 4;
  return (((size - 1) >> digits) + 1) << digits;
}

/// What was given back, the least recent first, and what is lent.
struct Kept : std::vector<Array<float>> {
  Index live = 0;  // numbers that are lent
  Index peak = 0;  // the most that ever were

  Index capacity_of_all() const {
    Index all = 0;
    for (const Array<float>& array : *this) all += array.capacity();
    return all;
  }
};

}  // namespace

void Lent::give_back() noexcept {
  const std::shared_ptr<Spares> spares = std::move(spares_);
  if (!spares) return;
  auto& kept = static_cast<Kept&>(*spares);
  kept.live -= array_.capacity();
  // More than the features of some minutes: the system may have a better use for it.
  constexpr Index most_kept = Index{1} << 24U;
  if (array_.device() == Device::cpu && array_.capacity() > most_kept) return;
  try {
    kept.push_back(std::move(array_));
  } catch (const std::bad_alloc&) {
    // Then it is not kept.
  }
}

Lent Context::lend(Shape shape) {
  const Index size = count_of(shape);
  auto& kept = static_cast<Kept&>(*spares_);
  // The smallest that is large enough. One of more than twice the size is left to others.
  const Index wanted = roomy(size);
  const auto fits = [&](const Array<float>& one) {
    return one.capacity() >= size && one.capacity() <= 2 * wanted;
  };
  auto found = kept.end();
  for (auto one = kept.begin(); one != kept.end(); ++one) {
    if (fits(*one) && (found == kept.end() || one->capacity() < found->capacity())) found = one;
  }
  Array<float> array;
  if (found != kept.end()) {
    array = std::move(*found);
    kept.erase(found);
    if constexpr (has_cuda) {
      if (session_ && cuda::lent_again != nullptr) {
        const auto bytes = static_cast<std::size_t>(array.capacity()) * sizeof(float);
        array.resize({array.capacity()});
        cuda::lent_again(*session_, array.data(), bytes);
      }
    }
  } else {
    // All that there is may be a third more than what was ever lent at a time, so that batches of
    // several sizes find what fits them; beyond that, what was not used for longest goes.
    const Index most = std::max(kept.peak, kept.live + wanted) / 3 * 4;
    while (!kept.empty() && kept.live + kept.capacity_of_all() + wanted > most) {
      kept.erase(kept.begin());
    }
    array = Array<float>(Shape{0}, device());
    try {
      array.resize({wanted});
    } catch (const DeviceError&) {
      if (kept.empty()) throw;
      kept.clear();
      array.resize({wanted});
    }
  }
  array.resize(shape);
  kept.live += array.capacity();
  kept.peak = std::max(kept.peak, kept.live);
  return {std::move(array), spares_};
}

Context::Context(int threads) : spares_(std::make_shared<Kept>()) {
  if (threads < 0) throw ConfigError("threads must be 0 (all cores) or more");
  if (threads == 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  pool_ = std::make_unique<Pool>(threads);
}
Context::Context(Device device, int threads) : Context(threads) {
  if (device == Device::cpu) return;
  if constexpr (has_cuda) {
    session_ = cuda::make_session();
  } else {
    throw DeviceError("this program was built without CUDA: use --device cpu");
  }
}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::span<float> Context::scratch(Index size) {
  scratch_.resize(Shape{size});
  return scratch_.span();
}

void Context::synchronize() {
  if constexpr (has_cuda) {
    if (session_) cuda::synchronize(*session_);
  }
}

int Context::threads() const { return pool_->threads(); }

void Context::parallel(Index chunks, const std::function<void(Index)>& body) {
  pool_->run(chunks, body);
}

}  // namespace serenade
