#include "pipeline/features/clip_workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/support/stopwatch.h"

namespace serenade {
namespace {

/// Adds the seconds from its making to its end to a sum.
class TimedStage {
 public:
  explicit TimedStage(double& sum) : sum_(sum) {}
  ~TimedStage() { sum_ += watch_.seconds(); }
  TimedStage(const TimedStage&) = delete;
  TimedStage& operator=(const TimedStage&) = delete;
  TimedStage(TimedStage&&) = delete;
  TimedStage& operator=(TimedStage&&) = delete;

 private:
  double& sum_;
  Stopwatch watch_;
};

std::size_t bytes_of(const ClipOutcome& outcome) {
  return static_cast<std::size_t>(outcome.rows.rows.size()) * sizeof(float);
}

/// The reason without the file's name: the next reader of this content may have it under another.
std::string without_path(std::string text, const std::string& path) {
  if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
  for (auto at = text.find(path); !path.empty() && at != std::string::npos; at = text.find(path)) {
    text.replace(at, path.size(), "the file");
  }
  if (text.size() <= max_error_length) return text;
  std::size_t end = max_error_length - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // UTF-8
  return text.substr(0, end) + "...";
}

/// What the features of a clip would have taken, where its length was known before memory ran out.
std::string no_memory(const FeatureFunction& function, Index samples) {
  if (samples == 0) return "not enough memory to decode it";
  const Index rows = function.rows(samples);
  return fmt::format(
      "not enough memory: its features are {} x {} numbers ({} MiB), and what they "
      "are computed from comes on top",
      rows, function.dims(),
      rows * function.dims() * static_cast<Index>(sizeof(float)) / (1 << 20));
}

void expect_same_content(const ClipTask& task, StageSeconds& stages) {
  const TimedStage timed(stages.verify);
  if (hash_file(task.path) == task.content) return;
  throw IoError(
      fmt::format("{}: changed while features were extracted; run again (with --verify, should "
                  "this come back)",
                  task.path.string()));
}

void drop_rows(const FeatureFunction& function, ClipOutcome& outcome) {
  outcome.rows.rows = Array<float>(Shape{0, function.dims()});
  outcome.rows.samples = 0;
}

std::string reason(const std::exception& error, const ClipTask& task) {
  const std::string text = without_path(error.what(), task.path.string());
  return text.empty() ? "unknown reason" : text;
}

/// Does some of the work on a clip; what goes wrong becomes part of the outcome.
template <class Work>
void attempt(const FeatureFunction& function, const ClipTask& task, ClipOutcome& outcome,
             const Work& work) {
  try {
    work();
  } catch (const DeviceError&) {  // nor would another clip fare better
    throw;
  } catch (const DataError& error) {
    drop_rows(function, outcome);
    outcome.rows.error = reason(error, task);
  } catch (const Error& error) {  // no property of the content: tried again next time
    drop_rows(function, outcome);
    outcome.io_error = reason(error, task);
  } catch (const std::bad_alloc&) {
    outcome.io_error = no_memory(function, outcome.rows.samples);
    drop_rows(function, outcome);
  }
}

void take_over(std::vector<ClipResult> results, const FeatureFunction& function,
               std::span<const ClipTask> tasks, std::span<ClipOutcome> outcomes) {
  for (ClipResult& result : results) {
    ClipOutcome& outcome = outcomes[result.place];
    outcome.stages.decode += result.seconds.decode;
    outcome.stages.resample += result.seconds.resample;
    outcome.stages.copies += result.seconds.copies;
    outcome.stages.features += result.seconds.features;
    outcome.rows.samples = result.samples;
    outcome.rows.rows = std::move(result.rows);
    if (!result.error) continue;
    attempt(function, tasks[result.place], outcome, [&] { std::rethrow_exception(result.error); });
  }
}

}  // namespace

std::vector<ClipOutcome> extract_clips(ClipBatches& batches, const FeatureFunction& function,
                                       std::span<const ClipTask> tasks) {
  std::vector<ClipOutcome> outcomes(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    outcomes[i].rows.content = tasks[i].content;
    outcomes[i].rows.sample_rate = function.sample_rate;
    drop_rows(function, outcomes[i]);
    attempt(function, tasks[i], outcomes[i],
            [&] { batches.add(i, tasks[i].path, tasks[i].content); });
  }
  batches.finish();
  take_over(batches.take(), function, tasks, outcomes);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    // After the reading: whatever was read, the name of its content is right.
    if (!outcomes[i].io_error.empty()) continue;
    attempt(function, tasks[i], outcomes[i],
            [&] { expect_same_content(tasks[i], outcomes[i].stages); });
  }
  return outcomes;
}

ClipWorkers::ClipWorkers(const FeatureFunction& function, int threads, std::size_t max_bytes,
                         std::size_t device_bytes)
    : function_(function), max_bytes_(max_bytes), device_bytes_(device_bytes) {
  for (int i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
      break;  // the system gives no more of them
    }
  }
}

ClipWorkers::~ClipWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  may_begin_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ClipWorkers::add(std::vector<ClipTask> batch) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = batch.size();
  waiting_ += count;
  batches_.push_back({std::move(batch), std::vector<ClipOutcome>(count), count});
  may_begin_.notify_all();
}

std::size_t ClipWorkers::waiting() {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void ClipWorkers::work() {
  try {
    Context context(function_.device, 1);
    ClipBatches batches(context, function_, device_bytes_);
    std::unique_lock lock(mutex_);
    for (;;) {
      // All that is read of next_batch_ is read again after every wait.
      may_begin_.wait(lock, [this] {
        while (next_batch_ < batches_.size() && next_task_ == batches_[next_batch_].tasks.size()) {
          ++next_batch_;
          next_task_ = 0;
        }
        if (stop_) return true;
        if (next_batch_ == batches_.size()) return false;
        if (next_batch_ <= taken_) return true;
        const auto& task = batches_[next_batch_].tasks[next_task_];
        return bytes_in_memory_ + task.expected_bytes <= max_bytes_;
      });
      if (stop_) return;
      Batch& batch = batches_[next_batch_];
      const std::size_t first = next_task_;
      const std::span<const ClipTask> tasks = draw();

      lock.unlock();
      std::vector<ClipOutcome> outcomes = extract_clips(batches, function_, tasks);
      lock.lock();

      for (std::size_t i = 0; i < tasks.size(); ++i) {
        ClipOutcome& outcome = outcomes[i];
        bytes_in_memory_ -= tasks[i].expected_bytes;
        bytes_in_memory_ += bytes_of(outcome);
        progress_.done += 1;
        progress_.audio_seconds +=
            static_cast<double>(outcome.rows.samples) / function_.sample_rate;
        batch.outcomes[first + i] = std::move(outcome);
      }
      batch.left -= tasks.size();
      may_begin_.notify_one();
      progress_changed_.notify_one();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
    may_begin_.notify_all();
    progress_changed_.notify_one();
  }
}

std::span<const ClipTask> ClipWorkers::draw() {
  // Signals of so many seconds may be in a thread's memory at a time.
  constexpr double most_seconds = 300;
  // Two batches in turns make a round; the wait at the end of a draw is worth some of them.
  constexpr Index rounds = 4;
  const Index most = function_.clips_at_once > 1 ? rounds * function_.clips_at_once : 1;
  const std::vector<ClipTask>& tasks = batches_[next_batch_].tasks;
  const std::size_t first = next_task_;
  double seconds = 0;
  do {
    const ClipTask& task = tasks[next_task_++];
    waiting_ -= 1;
    bytes_in_memory_ += task.expected_bytes;
    seconds += task.expected_seconds;
  } while (next_task_ < tasks.size() && static_cast<Index>(next_task_ - first) < most &&
           seconds + tasks[next_task_].expected_seconds <= most_seconds &&
           bytes_in_memory_ + tasks[next_task_].expected_bytes <= max_bytes_);
  return std::span(tasks).subspan(first, next_task_ - first);
}

ClipWorkers::Progress ClipWorkers::wait(const Progress& known) {
  std::unique_lock lock(mutex_);
  const auto batch_done = [this] { return taken_ < batches_.size() && batches_[taken_].left == 0; };
  progress_changed_.wait(lock,
                         [&] { return failure_ || batch_done() || progress_.done != known.done; });
  if (failure_) std::rethrow_exception(failure_);
  progress_.batch_done = batch_done();
  return progress_;
}

std::vector<ClipOutcome> ClipWorkers::take() {
  const std::lock_guard lock(mutex_);
  std::vector<ClipOutcome> outcomes = std::move(batches_[taken_].outcomes);
  if (next_batch_ == taken_) {
    next_batch_ += 1;
    next_task_ = 0;
  }
  batches_[taken_].tasks = {};
  taken_ += 1;
  may_begin_.notify_all();
  return outcomes;
}

void ClipWorkers::release(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_in_memory_ -= bytes;
  may_begin_.notify_all();
}

}  // namespace serenade
