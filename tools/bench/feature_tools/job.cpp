#include "tools/bench/feature_tools/job.h"

#include <fmt/format.h>

#include <atomic>
#include <ctime>
#include <exception>
#include <fstream>
#include <mutex>
#include <thread>

#include "kernels/device/error.h"

namespace serenade::bench {
namespace {

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

Interval run(const Job& job, int rounds) {
  std::atomic<std::size_t> next = 0;
  const std::size_t all = job.clips * static_cast<std::size_t>(rounds);
  std::mutex failing;
  std::exception_ptr error;
  const auto work = [&](int thread) {
    try {
      for (std::size_t i = next++; i < all; i = next++) job.work(thread, i % job.clips);
    } catch (...) {
      next = all;
      const std::lock_guard lock(failing);
      error = std::current_exception();
    }
  };
  Interval interval;
  interval.begin = now();
  {
    std::vector<std::jthread> threads;
    for (int thread = 1; thread < job.threads; ++thread) threads.emplace_back(work, thread);
    work(0);
  }
  interval.end = now();
  if (error) std::rethrow_exception(error);
  return interval;
}

SignalFile::SignalFile(const std::filesystem::path& path, std::span<const Index> lengths) {
  for (const Index length : lengths) {
    begins_.push_back(begins_.back() + static_cast<std::size_t>(length));
  }
  values_.resize(begins_.back());
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values_.size() * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(values_.data()), bytes)) {
    throw IoError(fmt::format("{}: holds no {} bytes", path.string(), bytes));
  }
}

std::span<const float> SignalFile::clip(std::size_t i) const {
  return {values_.data() + begins_[i], begins_[i + 1] - begins_[i]};
}

}  // namespace serenade::bench
