#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade::bench {

/// Work on clips, one after the other, by some threads.
struct Job {
  int threads = 1;
  std::size_t clips = 0;
  /// Called once a clip and round; a thread's calls come one after the other.
  std::function<void(int thread, std::size_t clip)> work;
};

/// Seconds of the monotonic clock, which all processes share.
struct Interval {
  double begin = 0;
  double end = 0;
};

/// Does a job `rounds` times over. Threads take clips as they come to them.
Interval run(const Job& job, int rounds);

/// Signals end to end in a file of float32.
class SignalFile {
 public:
  SignalFile(const std::filesystem::path& path, std::span<const Index> lengths);
  std::span<const float> clip(std::size_t i) const;
  std::size_t clips() const { return begins_.size() - 1; }

 private:
  std::vector<std::size_t> begins_{0};
  std::vector<float> values_;
};

}  // namespace serenade::bench
