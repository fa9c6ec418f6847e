#include "kernels/device/context.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/lent_again.h"
#include "kernels/device/memory.h"
#include "kernels/device/thread_pool.h"

namespace serenade {
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
  if (threads == 0) threads = available_cores();
  pool_ = std::make_unique<ThreadPool>(threads);
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
