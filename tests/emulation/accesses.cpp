#include "tests/emulation/accesses.h"

#include <sys/mman.h>

#include <string>

#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"

namespace emulation {

#ifndef SERENADE_EMULATION_WATCHES

bool watches() { return false; }
void watch_allocation(const void*, std::size_t) {}
void watch_release(const void*, std::size_t) {}
void watch_written(const void*, std::size_t) {}
bool was_written(const void*, std::size_t) { return true; }
void watch_atomic(const void*, std::size_t) {}

#else

namespace {

enum class Kind { read, write, atomic };

/// Who touched a word. Threads of other launches do not matter: launches are ordered, or the words
/// could not be theirs.
struct Touch {
  std::uint32_t launch = 0;
  std::uint32_t block = 0;
  std::uint16_t thread = 0;
  std::uint16_t block_barriers = 0;
  std::uint16_t warp_barriers = 0;
  std::uint8_t bytes = 0;  // of the word, a bit each
  bool is_atomic = false;
};

/// What is known of four bytes of device memory. Two readers are kept: of many, a first and a last.
struct Word {
  Touch writer, reader, last_reader;
  std::uint8_t exists = 0;   // bytes within an allocation
  std::uint8_t written = 0;  // bytes that hold something
};

constexpr std::size_t words = device_range / 4;

/// A word of shadow for each word of the range; untouched pages of it take no memory.
Word* shadow() {
  static Word* const all = [] {
    void* range = mmap(nullptr, words * sizeof(Word), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? nullptr : static_cast<Word*>(range);
  }();
  return all;
}

std::uintptr_t range_begin = 0;

Word* word_of(std::uintptr_t address) { return shadow() + (address - range_begin) / 4; }

/// Runs body(word, mask of its bytes) over [first, first + bytes).
template <class Body>
void each_word(const void* first, std::size_t bytes, const Body& body) {
  auto address = reinterpret_cast<std::uintptr_t>(first);
  const std::uintptr_t end = address + bytes;
  while (address < end) {
    const std::uintptr_t word_end = (address & ~std::uintptr_t{3}) + 4;
    const std::uintptr_t upto = word_end < end ? word_end : end;
    std::uint8_t mask = 0;
    for (std::uintptr_t at = address; at < upto; ++at) {
      mask = static_cast<std::uint8_t>(mask | (1U << (at & 3U)));
    }
    body(*word_of(address), mask);
    address = upto;
  }
}

Touch touch_of(const Running& now, std::uint8_t bytes, bool is_atomic) {
  return {now.launch,
          now.block,
          static_cast<std::uint16_t>(now.thread),
          static_cast<std::uint16_t>(now.block_barriers),
          static_cast<std::uint16_t>(now.warp_barriers),
          bytes,
          is_atomic};
}

/// Neither must wait for the other: the order of the two is chance.
bool unordered(const Touch& before, const Touch& now) {
  if (before.launch != now.launch || (before.bytes & now.bytes) == 0) return false;
  if (before.is_atomic && now.is_atomic) return false;
  if (before.block != now.block) return true;
  if (before.thread == now.thread || before.block_barriers != now.block_barriers) return false;
  const bool same_warp = before.thread / warp_size == now.thread / warp_size;
  return !(same_warp && before.warp_barriers != now.warp_barriers);
}

bool watching = false;  // a report is being made, or the host is at work: no more of them

void report(const char* what, const void* address, const Touch* other) {
  std::string text = where() + ": " + what;
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - range_begin;
  text += offset < shared_range ? " in shared memory" : " in device memory";
  if (other != nullptr) {
    text +=
        " with block " + std::to_string(other->block) + ", thread " + std::to_string(other->thread);
  }
  fault(text);
}

/// The two kept readers are of different threads, so that one of them is not the one that writes.
void note_reader(Word& word, const Touch& touch) {
  const auto is_past = [&](const Touch& reader) {
    return reader.launch != touch.launch ||
           (reader.block == touch.block && reader.block_barriers != touch.block_barriers);
  };
  if (is_past(word.reader) ||
      (word.reader.block == touch.block && word.reader.thread == touch.thread)) {
    word.reader = touch;
  } else {
    word.last_reader = touch;
  }
}

void access(const void* address, std::size_t bytes, Kind kind) noexcept {
  if (watching) return;
  const Running& now = running();
  if (now.launch == 0) return;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at - range_begin >= device_range) return;
  watching = true;
  each_word(address, bytes, [&](Word& word, std::uint8_t mask) {
    const Touch touch = touch_of(now, mask, kind == Kind::atomic);
    if ((word.exists & mask) != mask) return report("out of bounds", address, nullptr);
    if (kind != Kind::write) {
      if ((word.written & mask) != mask) report("reads what nobody has written", address, nullptr);
      if (unordered(word.writer, touch)) report("race (read after write)", address, &word.writer);
    }
    if (kind != Kind::read) {
      if (unordered(word.writer, touch)) report("race (two writes)", address, &word.writer);
      for (const Touch* reader : {&word.reader, &word.last_reader}) {
        if (unordered(*reader, touch)) {
          report("race (write after read)", address, reader);
          break;
        }
      }
      word.writer = touch;
      word.written = static_cast<std::uint8_t>(word.written | mask);
    } else {
      note_reader(word, touch);
    }
  });
  watching = false;
}

}  // namespace

bool watches() { return true; }

void watch_allocation(const void* first, std::size_t bytes) {
  if (range_begin == 0) {
    // The range begins at a page that only the memory knows; its first piece lies in it.
    range_begin = reinterpret_cast<std::uintptr_t>(device_base());
  }
  watching = true;
  each_word(first, bytes, [](Word& word, std::uint8_t mask) {
    const auto before = static_cast<std::uint8_t>(word.exists & ~mask);
    if (before == 0) word = Word{};
    word.exists = static_cast<std::uint8_t>(before | mask);
    word.written = static_cast<std::uint8_t>(word.written & ~mask);
  });
  watching = false;
}

void watch_release(const void* first, std::size_t bytes) {
  watching = true;
  each_word(first, bytes, [](Word& word, std::uint8_t mask) {
    word.exists = static_cast<std::uint8_t>(word.exists & ~mask);
  });
  watching = false;
}

void watch_written(const void* first, std::size_t bytes) {
  each_word(first, bytes, [](Word& word, std::uint8_t mask) {
    word.written = static_cast<std::uint8_t>(word.written | mask);
  });
}

bool was_written(const void* first, std::size_t bytes) {
  bool all = true;
  each_word(first, bytes, [&](const Word& word, std::uint8_t mask) {
    all = all && (word.written & mask) == mask;
  });
  return all;
}

void watch_atomic(const void* address, std::size_t bytes) { access(address, bytes, Kind::atomic); }

#endif

}  // namespace emulation

#ifdef SERENADE_EMULATION_WATCHES

// What code that is compiled with -fsanitize=thread calls. T is a type, which takes no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define ACCESSES(size)                                                                       \
  void __tsan_read##size(void* at) { emulation::access(at, size, emulation::Kind::read); }   \
  void __tsan_write##size(void* at) { emulation::access(at, size, emulation::Kind::write); } \
  void __tsan_unaligned_read##size(void* at) {                                               \
    emulation::access(at, size, emulation::Kind::read);                                      \
  }                                                                                          \
  void __tsan_unaligned_write##size(void* at) {                                              \
    emulation::access(at, size, emulation::Kind::write);                                     \
  }

// The host's code beside the kernels has atomics, which are done and no more.
#define ATOMICS(bits, T)                                                                       \
  T __tsan_atomic##bits##_load(const volatile T* at, int) {                                    \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                              \
  }                                                                                            \
  void __tsan_atomic##bits##_store(volatile T* at, T value, int) {                             \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                             \
  }                                                                                            \
  T __tsan_atomic##bits##_exchange(volatile T* at, T value, int) {                             \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                   \
  }                                                                                            \
  T __tsan_atomic##bits##_fetch_add(volatile T* at, T value, int) {                            \
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                                    \
  }                                                                                            \
  T __tsan_atomic##bits##_fetch_sub(volatile T* at, T value, int) {                            \
    return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);                                    \
  }                                                                                            \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* at, T* expected, T value, int, \
                                                    int) {                                     \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST,           \
                                       __ATOMIC_SEQ_CST)                                       \
               ? 1                                                                             \
               : 0;                                                                            \
  }

// NOLINTEND(bugprone-macro-parentheses)

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
ATOMICS(8, char)
ATOMICS(32, int)
ATOMICS(64, std::int64_t)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
void __tsan_read_range(void* at, std::size_t size) {
  emulation::access(at, size, emulation::Kind::read);
}
void __tsan_write_range(void* at, std::size_t size) {
  emulation::access(at, size, emulation::Kind::write);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

#endif
