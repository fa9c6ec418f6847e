#include "tests/emulation/engine.h"

#include <algorithm>
#include <bit>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/emulation/memory.h"
#include "tests/emulation/target.h"

namespace emulation {

Coordinates thread_index, block_index, block_extent, grid_extent;

namespace {

namespace context = boost::context;

Order order_in_use = Order::forward;
std::mt19937_64 order_seed(1);
std::uint64_t last_blocks = 0;  // 0: all
std::string noted_faults;
int count_of_faults = 0;

enum class State { waiting_to_begin, in_collective, at_barrier, ready, done };

struct Thread {
  State state = State::waiting_to_begin;
  const void* site = nullptr;  // of the barrier or the collective
  std::uint32_t mask = 0;
  std::uint64_t value = 0;
  bool orders_memory = false;
  std::uint32_t warp_barriers = 0;
  std::size_t worker = 0;
};

/// The one block that is being run.
class Block {
 public:
  void begin(const Launch& launch, std::uint32_t launch_number,
             const std::function<void()>& thread);
  void run(std::uint64_t block);

  void wait_at_barrier(const void* site);
  const std::uint64_t* wait_for_lanes(std::uint32_t mask, std::uint64_t value, const void* site,
                                      bool orders_memory);
  void* shared(const void* key, std::size_t bytes, std::size_t alignment);
  void check_shared(std::size_t total) const;
  void* dynamic() const { return dynamic_; }
  int lane() const { return static_cast<int>(current_ % warp_size); }
  const Running& running() const { return running_; }
  std::string where() const;
  void end() { running_ = {}; }

 private:
  /// Runs threads that have not begun, one after the other, until one must wait; then its fiber is
  /// bound to that thread, and another worker goes on. A thread that never waits costs no switch.
  struct Worker {
    context::fiber fiber;
    context::fiber scheduler;
  };

  void resume(std::size_t worker);
  void work(std::size_t self);
  void suspend();
  std::size_t idle_worker();
  void enter(std::size_t thread);
  /// Lets those go on whose companions have all arrived. False when nobody can.
  bool release();
  bool release_collectives();
  bool release_barrier();
  void give_up(const std::string& why);
  std::vector<std::size_t> turns(std::size_t count) const;

  const Launch* launch_ = nullptr;
  const std::function<void()>* body_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<std::size_t> order_;
  std::size_t begun_ = 0;
  std::size_t current_ = 0;
  std::uint64_t number_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::size_t> idle_;
  std::vector<std::uint64_t> exchanged_;  // [threads, warp_size]
  std::map<const void*, std::pair<std::byte*, std::size_t>> shared_;
  std::size_t shared_used_ = 0;
  std::byte* dynamic_ = nullptr;
  Running running_;
};

Block block;
std::uint32_t launches = 0;

std::vector<std::size_t> Block::turns(std::size_t count) const {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (order_in_use == Order::reverse) std::reverse(all.begin(), all.end());
  if (order_in_use == Order::random) std::shuffle(all.begin(), all.end(), order_seed);
  return all;
}

void Block::begin(const Launch& launch, std::uint32_t launch_number,
                  const std::function<void()>& thread) {
  launch_ = &launch;
  body_ = &thread;
  running_ = {};
  running_.launch = launch_number;
}

void Block::run(std::uint64_t number) {
  number_ = number;
  const std::uint64_t across = launch_->grid.x;
  block_index = {static_cast<unsigned>(number % across),
                 static_cast<unsigned>(number / across % launch_->grid.y),
                 static_cast<unsigned>(number / across / launch_->grid.y)};
  running_.block = static_cast<std::uint32_t>(number);
  running_.block_barriers = 0;
  const std::size_t count = std::size_t{launch_->block.x} * launch_->block.y * launch_->block.z;
  threads_.assign(count, Thread{});
  exchanged_.resize(count * warp_size);
  order_ = turns(count);
  begun_ = 0;
  shared_.clear();
  shared_used_ = 0;
  begin_shared_memory();
  dynamic_ = nullptr;
  if (launch_->dynamic_shared > 0) {
    dynamic_ = static_cast<std::byte*>(shared(this, launch_->dynamic_shared, 128));
  }
  while (begun_ < count) resume(idle_worker());
  for (;;) {
    const auto is_done = [](const Thread& thread) { return thread.state == State::done; };
    if (std::all_of(threads_.begin(), threads_.end(), is_done)) break;
    if (!release()) break;
    for (const std::size_t thread : turns(count)) {
      if (threads_[thread].state != State::ready) continue;
      enter(thread);
      resume(threads_[thread].worker);
    }
  }
  end_shared_memory();
}

std::size_t Block::idle_worker() {
  if (!idle_.empty()) {
    const std::size_t worker = idle_.back();
    idle_.pop_back();
    return worker;
  }
  const std::size_t self = workers_.size();
  workers_.push_back(std::make_unique<Worker>());
  workers_.back()->fiber =
      context::fiber(std::allocator_arg, context::fixedsize_stack(std::size_t{128} << 10U),
                     [this, self](context::fiber&& scheduler) {
                       workers_[self]->scheduler = std::move(scheduler);
                       for (;;) {
                         work(self);
                         suspend();
                       }
                       return context::fiber();
                     });
  return self;
}

void Block::resume(std::size_t worker) {
  Worker& chosen = *workers_[worker];
  chosen.fiber = std::move(chosen.fiber).resume();
}

void Block::work(std::size_t self) {
  while (begun_ < order_.size()) {
    const std::size_t thread = order_[begun_++];
    threads_[thread].worker = self;
    enter(thread);
    (*body_)();
    threads_[current_].state = State::done;
    // This fiber may have waited meanwhile: others began the threads that were left.
  }
  idle_.push_back(self);
}

void Block::enter(std::size_t thread) {
  current_ = thread;
  const std::size_t x = launch_->block.x;
  const std::size_t y = launch_->block.y;
  thread_index = {static_cast<unsigned>(thread % x), static_cast<unsigned>(thread / x % y),
                  static_cast<unsigned>(thread / x / y)};
  running_.thread = static_cast<std::uint32_t>(thread);
  running_.warp_barriers = threads_[thread].warp_barriers;
}

void Block::suspend() {
  // The worker of the thread that is running is the fiber that is running.
  Worker& self = *workers_[threads_[current_].worker];
  self.scheduler = std::move(self.scheduler).resume();
}

void Block::wait_at_barrier(const void* site) {
  Thread& thread = threads_[current_];
  thread.state = State::at_barrier;
  thread.site = site;
  suspend();
}

const std::uint64_t* Block::wait_for_lanes(std::uint32_t mask, std::uint64_t value,
                                           const void* site, bool orders_memory) {
  Thread& thread = threads_[current_];
  if ((mask >> (current_ % warp_size) & 1U) == 0) {
    fault(where() + ": calls a warp collective whose mask leaves the thread itself out");
  }
  thread.state = State::in_collective;
  thread.site = site;
  thread.mask = mask;
  thread.value = value;
  thread.orders_memory = orders_memory;
  suspend();
  return &exchanged_[current_ * warp_size];
}

bool Block::release() {
  if (release_collectives()) return true;
  return release_barrier();
}

bool Block::release_collectives() {
  bool any = false;
  for (std::size_t warp = 0; warp * warp_size < threads_.size(); ++warp) {
    const std::size_t first = warp * warp_size;
    const std::size_t lanes = std::min<std::size_t>(warp_size, threads_.size() - first);
    for (std::size_t i = 0; i < lanes; ++i) {
      const Thread& leader = threads_[first + i];
      if (leader.state != State::in_collective) continue;
      bool complete = true;
      for (std::size_t k = 0; k < warp_size; ++k) {
        if ((leader.mask >> k & 1U) == 0) continue;
        complete = complete && k < lanes && threads_[first + k].state == State::in_collective &&
                   threads_[first + k].site == leader.site &&
                   threads_[first + k].mask == leader.mask;
      }
      if (!complete) continue;
      std::uint64_t values[warp_size] = {};
      const std::uint32_t mask = leader.mask;
      for (std::size_t k = 0; k < lanes; ++k) {
        if ((mask >> k & 1U) != 0) values[k] = threads_[first + k].value;
      }
      for (std::size_t k = 0; k < lanes; ++k) {
        if ((mask >> k & 1U) == 0) continue;
        Thread& thread = threads_[first + k];
        std::copy_n(values, warp_size, &exchanged_[(first + k) * warp_size]);
        if (thread.orders_memory) ++thread.warp_barriers;
        thread.state = State::ready;
      }
      any = true;
    }
  }
  return any;
}

bool Block::release_barrier() {
  const Thread* first = nullptr;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    if (thread.state == State::done) {
      give_up("thread " + std::to_string(i) + " has ended while others wait at a barrier");
      return false;
    }
    if (thread.state == State::in_collective) {
      give_up("thread " + std::to_string(i) +
              " waits in a warp collective for lanes that do not come");
      return false;
    }
    if (first == nullptr) first = &thread;
    if (thread.site != first->site) {
      give_up("threads wait at different barriers (the barrier is divergent)");
      return false;
    }
  }
  ++running_.block_barriers;
  for (Thread& thread : threads_) {
    thread.state = State::ready;
    thread.warp_barriers = 0;
  }
  return true;
}

void Block::give_up(const std::string& why) {
  fault(launch_->kernel + ": block " + std::to_string(number_) + ": " + why);
  // Fibers that still wait are unwound with their kernels' stacks.
  workers_.clear();
  idle_.clear();
}

void* Block::shared(const void* key, std::size_t bytes, std::size_t alignment) {
  if (const auto known = shared_.find(key); known != shared_.end()) return known->second.first;
  // A piece, and behind it a fence.
  shared_used_ = (shared_used_ + alignment - 1) / alignment * alignment;
  std::byte* memory = shared_piece(shared_used_, bytes);
  shared_used_ += bytes + fence_bytes;
  shared_[key] = {memory, bytes};
  std::size_t total = 0;
  for (const auto& [name, piece] : shared_) total += piece.second;
  check_shared(total);
  return memory;
}

/// The compiler refuses too much static memory and the launch the rest: here a kernel's static
/// memory is known when it is used.
void Block::check_shared(std::size_t total) const {
  const std::size_t fixed = total - launch_->dynamic_shared;
  if (total > target().shared_optin) {
    fault(where() + ": needs " + std::to_string(total) +
          " bytes of shared memory, but a block has " + std::to_string(target().shared_optin));
  } else if (fixed > target().shared_static) {
    fault(where() + ": has " + std::to_string(fixed) +
          " bytes of static shared memory, but may have " + std::to_string(target().shared_static));
  } else if (total > target().shared_static && launch_->dynamic_shared > launch_->asked_shared) {
    fault(where() + ": needs " + std::to_string(total) + " bytes of shared memory, more than " +
          std::to_string(target().shared_static) + ", and cudaFuncSetAttribute has not asked for " +
          std::to_string(launch_->dynamic_shared) + " of them");
  }
}

std::string Block::where() const {
  if (running_.launch == 0) return "host";
  return launch_->kernel + ": block " + std::to_string(number_) + ", thread " +
         std::to_string(current_);
}

/// Appends the name of every kernel, once, to the file that the environment names, for
/// tools/kernel-rungs.
void record(const Launch& launch) {
  static const char* const file =
      std::getenv("SERENADE_KERNELS_RUN");  // NOLINT(concurrency-mt-unsafe)
  static std::set<std::string> known;
  if (file == nullptr || !known.insert(launch.kernel).second) return;
  std::ofstream(file, std::ios::app) << launch.kernel << "\n";
}

/// What a launch may ask of any of the devices that are to run it.
bool check_limits(const Launch& launch) {
  const std::uint64_t threads = std::uint64_t{launch.block.x} * launch.block.y * launch.block.z;
  if (threads == 0 || threads > 1024 || launch.block.z > 64) {
    fault(launch.kernel + ": has " + std::to_string(threads) +
          " threads in a block, but must have 1 to 1024, at most 64 of them along z");
    return false;
  }
  if (launch.grid.x == 0 || launch.grid.y == 0 || launch.grid.z == 0 ||
      launch.grid.x > 2147483647U || launch.grid.y > 65535 || launch.grid.z > 65535) {
    fault(launch.kernel + ": its grid is empty or too large");
    return false;
  }
  return true;
}

}  // namespace

void use_order(Order order, std::uint64_t seed) {
  order_in_use = order;
  order_seed.seed(seed);
}

void use_last_blocks(std::uint64_t count) { last_blocks = count; }

void run(const Launch& launch, const std::function<void()>& thread) {
  if (!check_limits(launch)) return;
  record(launch);
  block_extent = launch.block;
  grid_extent = launch.grid;
  block.begin(launch, ++launches, thread);
  const std::uint64_t all = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const std::uint64_t first = last_blocks > 0 && last_blocks < all ? all - last_blocks : 0;
  std::vector<std::uint64_t> turns;
  if (order_in_use == Order::random) {
    turns.resize(all - first);
    std::iota(turns.begin(), turns.end(), first);
    std::shuffle(turns.begin(), turns.end(), order_seed);
  }
  for (std::uint64_t i = first; i < all; ++i) {
    const std::uint64_t backward = all - 1 - (i - first);
    block.run(!turns.empty() ? turns[i - first] : order_in_use == Order::reverse ? backward : i);
  }
  block.end();
}

void fault(std::string_view what) {
  constexpr int most = 8;
  if (++count_of_faults > most) return;
  noted_faults += std::string(what) + "\n";
}

std::string faults() {
  return count_of_faults > 8
             ? noted_faults + "and " + std::to_string(count_of_faults - 8) + " more\n"
             : noted_faults;
}

std::string take_faults() {
  std::string all = faults();
  noted_faults.clear();
  count_of_faults = 0;
  return all;
}

void synchronize_block(const void* site) { block.wait_at_barrier(site); }

const std::uint64_t* exchange(std::uint32_t mask, std::uint64_t value, const void* site,
                              bool orders_memory) {
  return block.wait_for_lanes(mask, value, site, orders_memory);
}

int lane() { return block.lane(); }
void* static_shared(const void* key, std::size_t bytes, std::size_t alignment) {
  return block.shared(key, bytes, alignment);
}
void* dynamic_shared() { return block.dynamic(); }
const Running& running() { return block.running(); }
std::string where() { return block.where(); }

}  // namespace emulation
