#include "tests/emulation/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/target.h"

namespace emulation {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t most_poisoned = std::size_t{1} << 30U;
constexpr auto poison = std::byte{0xFF};  // a NaN in float and double, -1 in integers
constexpr auto fence = std::byte{0xFD};

struct Piece {
  std::size_t bytes = 0;
  std::size_t mapped = 0;
};

/// Says who touched memory that is closed, before that ends the program.
void on_closed_memory(int signal, siginfo_t* about, void*) {
  if (running().launch != 0 || is_device_address(about->si_addr)) {
    const std::string text = where() + ": touches memory that is closed to it\n";
    if (write(STDERR_FILENO, text.data(), text.size()) < 0) std::abort();
  }
  std::signal(signal, SIG_DFL);  // for the same access, which is tried again
}

struct Memory {
  std::byte* base = nullptr;
  std::size_t used = 0;  // of the range
  std::size_t in_use = 0;
  MemoryUse use;
  std::map<std::byte*, Piece> live;
  int unlocked = 0;
  std::vector<std::pair<std::byte*, std::size_t>> shared;

  Memory() {
    void* range =
        mmap(nullptr, device_range, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range != MAP_FAILED) base = static_cast<std::byte*>(range);
    if (base != nullptr) mprotect(base, shared_range, PROT_READ | PROT_WRITE);
    used = shared_range;
    struct sigaction action {};
    action.sa_sigaction = on_closed_memory;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
  }
};

Memory& memory() {
  static Memory all;
  return all;
}

void protect(bool open) {
  for (const auto& [first, piece] : memory().live) {
    mprotect(first, piece.mapped, open ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
}

bool is_fence(const std::byte* first, std::size_t bytes) {
  return std::all_of(first, first + bytes, [](std::byte b) { return b == fence; });
}

void check_fence(const std::byte* first, const Piece& piece) {
  if (is_fence(first + piece.bytes, piece.mapped - piece.bytes)) return;
  fault("device memory: something was written beyond the end of a buffer of " +
        std::to_string(piece.bytes) + " bytes");
}

}  // namespace

Machine& machine() {
  static Machine described;
  return described;
}

void* allocate(std::size_t bytes) {
  Memory& all = memory();
  const std::size_t mapped = (bytes + fence_bytes + page - 1) / page * page;
  if (all.base == nullptr || bytes > target().memory || all.in_use + bytes > target().memory ||
      all.used + mapped + page > device_range) {
    ++all.use.refusals;
    return nullptr;
  }
  std::byte* first = all.base + all.used;
  all.used += mapped + page;  // a page between two pieces is never mapped
  all.in_use += bytes;
  ++all.use.allocations;
  all.use.most = std::max(all.use.most, all.in_use);
  mprotect(first, mapped, PROT_READ | PROT_WRITE);
  if (bytes <= most_poisoned) std::memset(first, static_cast<int>(poison), bytes);
  std::memset(first + bytes, static_cast<int>(fence), mapped - bytes);
  all.live[first] = {bytes, mapped};
  watch_allocation(first, bytes);
  if (all.unlocked == 0) mprotect(first, mapped, PROT_NONE);
  return first;
}

bool release(void* of) {
  Memory& all = memory();
  const auto found = all.live.find(static_cast<std::byte*>(of));
  if (found == all.live.end()) return false;
  const auto [first, piece] = *found;
  mprotect(first, piece.mapped, PROT_READ | PROT_WRITE);
  check_fence(first, piece);
  watch_release(first, piece.bytes);
  madvise(first, piece.mapped, MADV_DONTNEED);
  mprotect(first, piece.mapped, PROT_NONE);
  all.in_use -= piece.bytes;
  all.live.erase(found);
  return true;
}

void count_early_free() { ++memory().use.early_frees; }

std::size_t bytes_in_use() { return memory().in_use; }

MemoryUse take_memory_use() {
  return std::exchange(memory().use, MemoryUse{0, memory().in_use, 0, 0});
}

const void* device_base() { return memory().base; }

bool is_device_address(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const Memory& all = memory();
  return at >= all.base && at < all.base + device_range;
}

bool is_device_memory(const void* first, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(first);
  const auto& live = memory().live;
  auto found = live.upper_bound(const_cast<std::byte*>(at));
  if (found == live.begin()) return false;
  --found;
  const auto offset = static_cast<std::size_t>(at - found->first);
  return offset <= found->second.bytes && bytes <= found->second.bytes - offset;
}

Unlock::Unlock() {
  if (memory().unlocked++ == 0) protect(true);
}
Unlock::~Unlock() {
  if (--memory().unlocked == 0) protect(false);
}

void check_fences() {
  for (const auto& [first, piece] : memory().live) check_fence(first, piece);
}

void begin_shared_memory() { memory().shared.clear(); }

std::byte* shared_piece(std::size_t offset, std::size_t bytes) {
  Memory& all = memory();
  std::byte* first = all.base + offset;
  if (all.base == nullptr || offset + bytes + fence_bytes > shared_range) return all.base;
  std::memset(first, static_cast<int>(poison), bytes);
  std::memset(first + bytes, static_cast<int>(fence), fence_bytes);
  watch_allocation(first, bytes);
  all.shared.emplace_back(first, bytes);
  return first;
}

void end_shared_memory() {
  for (const auto& [first, bytes] : memory().shared) {
    if (!is_fence(first + bytes, fence_bytes)) {
      fault(where() + ": something was written beyond the end of a shared array of " +
            std::to_string(bytes) + " bytes");
    }
    watch_release(first, bytes);
  }
}

}  // namespace emulation
