#include "pipeline/features/extraction.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/corpus.h"
#include "pipeline/features/clip_workers.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Different contents, each with the path of the first utterance that has it, in order of hashes.
using Contents = std::map<ContentHash, fs::path>;

/// Keeps other processes from filling the same folder; gone with the process, however it ends.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) {
    const fs::path path = folder / "lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw IoError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    const int reason = errno;
    ::close(fd_);
    throw IoError(reason == EWOULDBLOCK
                      ? fmt::format("{}: another process is extracting into this folder; run again "
                                    "when it is done",
                                    folder.string())
                      : fmt::format("{}: {}", path.string(), std::strerror(reason)));
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock(FolderLock&&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int fd_;
};

/// Removes what a killed process left behind and what cannot be trusted.
void clean(const FeatureCache& cache) {
  std::error_code ignored;  // what cannot be removed is replaced or in nobody's way
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(cache.folder())) {
    if (entry.path().filename().string().find(".tmp-") != std::string::npos) {
      leftovers.push_back(entry.path());
    }
  }
  for (const auto& path : leftovers) fs::remove(path, ignored);
  for (const auto& file : cache.damaged()) fs::remove(file.path, ignored);
}

bool all_known(const PlannedShard& shard, const Contents& contents) {
  return std::all_of(shard.clips.begin(), shard.clips.end(),
                     [&](const ContentHash& clip) { return contents.contains(clip); });
}

/// What is in every plan's way: numbers that are used up.
struct Numbers {
  int plan = 0;
  int shard = 0;
};

Numbers free_numbers(const fs::path& folder, const std::vector<Plan>& plans) {
  Numbers next;
  for (const auto& plan : plans) {
    next.plan = std::max(next.plan, plan.number + 1);
    if (!plan.shards.empty()) next.shard = std::max(next.shard, plan.shards.back().number + 1);
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto number = shard_number(entry.path().filename().string());
    if (number) next.shard = std::max(next.shard, *number + 1);
  }
  return next;
}

using Sizes = std::map<ContentHash, ClipSize>;

/// How much each missing clip needs, by headers, read on all threads.
Sizes measure(const FeatureCache& cache, const Contents& contents, const FeatureFunction& function,
              int threads) {
  std::vector<const Contents::value_type*> missing;
  for (const auto& clip : contents) {
    if (!cache.contains(clip.first)) missing.push_back(&clip);
  }
  std::vector<ClipSize> sizes(missing.size());
  Context context(threads);
  context.parallel(static_cast<Index>(missing.size()), [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    const auto& [content, path] = *missing[at];
    // A header may promise anything; decode() ends there too.
    const double longest = static_cast<double>(max_decoded_samples) / function.sample_rate;
    const double seconds = std::min(stated_seconds(path, function.decode), longest);
    const auto samples = static_cast<Index>(seconds * function.sample_rate) + 1;
    const Index numbers = seconds > 0 ? function.rows(samples) * function.dims() : 0;
    sizes[at] = {content, seconds, static_cast<std::size_t>(numbers) * sizeof(float)};
  });
  Sizes by_content;
  for (const auto& size : sizes) by_content[size.content] = size;
  return by_content;
}

/// Unfinished shards of earlier plans that can be finished with these recordings, then new ones.
std::vector<PlannedShard> shards_to_write(const FeatureCache& cache, const Contents& contents,
                                          const Sizes& sizes, const ShardLimits& limits,
                                          Observer& observer) {
  std::set<ContentHash> missing;
  for (const auto& [clip, size] : sizes) missing.insert(clip);
  const auto plans = read_plans(cache.folder(), [&](const fs::path& path, const std::string& why) {
    observer.warn(
        fmt::format("{}: removed, as it is damaged ({}); the clips of its unfinished "
                    "shards are planned anew",
                    path.string(), why));
    std::error_code ignored;
    fs::remove(path, ignored);
  });
  std::vector<PlannedShard> shards;
  std::set<int> numbers;
  for (const auto& plan : plans) {
    for (const auto& shard : plan.shards) {
      const bool wanted = std::any_of(shard.clips.begin(), shard.clips.end(),
                                      [&](const auto& clip) { return missing.contains(clip); });
      if (!wanted || cache.has_shard(shard.number) || !all_known(shard, contents) ||
          !numbers.insert(shard.number).second) {
        continue;
      }
      for (const auto& clip : shard.clips) missing.erase(clip);
      shards.push_back(shard);
    }
  }
  if (missing.empty()) return shards;
  std::vector<ClipSize> unplanned;
  unplanned.reserve(missing.size());
  for (const auto& clip : missing) unplanned.push_back(sizes.at(clip));
  const Numbers next = free_numbers(cache.folder(), plans);
  const Plan plan{next.plan, cut_into_shards(unplanned, next.shard, limits)};
  write_plan(cache.folder(), plan);
  shards.insert(shards.end(), plan.shards.begin(), plan.shards.end());
  return shards;
}

std::vector<std::vector<ClipTask>> tasks_of(const std::vector<PlannedShard>& shards,
                                            const Contents& contents, const Sizes& sizes) {
  std::vector<std::vector<ClipTask>> batches;
  for (const auto& shard : shards) {
    auto& batch = batches.emplace_back();
    for (const auto& clip : shard.clips) {
      const auto size = sizes.find(clip);  // absent where another shard has the clip as well
      batch.push_back({clip, contents.at(clip), size == sizes.end() ? 0 : size->second.bytes});
    }
  }
  return batches;
}

void add(StageSeconds& sum, const StageSeconds& more) {
  sum.verify += more.verify;
  sum.decode += more.decode;
  sum.resample += more.resample;
  sum.features += more.features;
}

/// Reasons by content of clips that could not be read this time.
using ReadErrors = std::map<ContentHash, std::string>;

/// Writes one shard; a clip that could not be read is left out, so that it is missing next time.
void save(FeatureCache& cache, int number, std::vector<ClipOutcome> outcomes,
          ReadErrors& read_errors, ExtractionReport& report) {
  const auto begin = Clock::now();
  std::vector<ClipRows> rows;
  for (auto& outcome : outcomes) {
    add(report.stages, outcome.stages);
    if (outcome.io_error.empty()) {
      report.audio_seconds += static_cast<double>(outcome.rows.samples) / outcome.rows.sample_rate;
      rows.push_back(std::move(outcome.rows));
    } else {
      read_errors[outcome.rows.content] = outcome.io_error;
    }
  }
  if (!rows.empty()) {
    report.bytes += write_shard(cache.folder(), number, cache.format(), rows);
    cache.add_shard(number);
    report.shards += 1;
    report.extracted += static_cast<Index>(rows.size());
  }
  report.stages.write += seconds_since(begin);
}

std::vector<BadClip> bad_clips(const FeatureCache& cache, std::span<const Utterance> utterances,
                               const ReadErrors& read_errors) {
  std::vector<BadClip> bad;
  for (const auto& utterance : utterances) {
    std::string reason;
    if (const auto found = read_errors.find(utterance.content); found != read_errors.end()) {
      reason = found->second;
    } else {
      reason = cache.error_of(utterance.content);
    }
    if (!reason.empty()) bad.push_back({utterance.id, utterance.path, reason});
  }
  return bad;
}

std::string describe(const std::vector<BadClip>& bad) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(bad.size(), most); ++i) {
    text += fmt::format("{}{}: {}", i == 0 ? "" : "; ", bad[i].path.string(), bad[i].reason);
  }
  if (bad.size() > most) text += fmt::format("; and {} more", bad.size() - most);
  return text;
}

}  // namespace

ExtractionReport extract_features(FeatureCache& cache, const FeatureFunction& function,
                                  std::span<const Utterance> utterances,
                                  const ExtractionOptions& options, Observer& observer) {
  const auto begin = Clock::now();
  ExtractionReport report;
  report.threads = options.threads > 0
                       ? options.threads
                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  report.utterances = static_cast<Index>(utterances.size());
  Contents contents;
  for (const auto& utterance : utterances) contents.try_emplace(utterance.content, utterance.path);
  report.contents = static_cast<Index>(contents.size());
  const auto count_cached = [&] {
    report.from_cache = std::count_if(contents.begin(), contents.end(),
                                      [&](const auto& clip) { return cache.contains(clip.first); });
  };
  count_cached();

  ReadErrors read_errors;
  if (report.from_cache < report.contents) {
    make_folders(cache.folder());
    const FolderLock lock(cache.folder());
    cache.refresh(observer);  // another process may have been here since it was opened
    count_cached();
    clean(cache);
    write_file_atomically(cache.folder() / "key.txt", cache.key_text());
    const Sizes sizes = measure(cache, contents, function, report.threads);
    const auto shards = shards_to_write(cache, contents, sizes, options.shards, observer);
    auto batches = tasks_of(shards, contents, sizes);
    Index total = 0;
    for (const auto& batch : batches) total += static_cast<Index>(batch.size());

    observer.begin("extract", total, "clips");
    ClipWorkers workers(function, std::move(batches), report.threads, 2 * options.shards.bytes);
    ClipWorkers::Progress progress;
    for (const auto& shard : shards) {
      do {
        progress = workers.wait(progress);
        observer.advance(progress.done, progress.audio_seconds);
      } while (!progress.batch_done);
      auto outcomes = workers.take();
      std::size_t bytes = 0;
      for (const auto& outcome : outcomes) {
        bytes += static_cast<std::size_t>(outcome.rows.rows.size()) * sizeof(float);
      }
      save(cache, shard.number, std::move(outcomes), read_errors, report);
      workers.release(bytes);
    }
    observer.end();
  }
  report.bad = bad_clips(cache, utterances, read_errors);
  report.seconds = seconds_since(begin);
  if (!report.bad.empty()) {
    expect_few_bad(report.bad.size(), utterances.size(), options.max_bad,
                   fmt::format("have no features ({})", describe(report.bad)));
  }
  return report;
}

}  // namespace serenade
