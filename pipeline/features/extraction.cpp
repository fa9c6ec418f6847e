#include "pipeline/features/extraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "kernels/device/error.h"
#include "kernels/device/memory.h"
#include "kernels/device/thread_pool.h"
#include "pipeline/corpus/corpus.h"
#include "pipeline/features/clip_workers.h"
#include "pipeline/features/index_file.h"
#include "pipeline/features/planning.h"
#include "pipeline/support/files.h"
#include "pipeline/support/stopwatch.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

void add(StageSeconds& sum, const StageSeconds& more) {
  sum.verify += more.verify;
  sum.decode += more.decode;
  sum.resample += more.resample;
  sum.copies += more.copies;
  sum.features += more.features;
}

/// Reasons by content of clips that could not be read this time.
using ReadErrors = std::map<ContentHash, std::string>;

/// Writes one shard; a clip that could not be read is left out, so that it is missing next time.
void save(FeatureCache& cache, int number, std::vector<ClipOutcome> outcomes,
          ReadErrors& read_errors, ExtractionReport& report) {
  const Stopwatch watch;
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
  report.stages.write += watch.seconds();
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

/// Writes only what differs: another process may be reading it.
void write_key(const FeatureCache& cache) {
  const fs::path path = cache.folder() / key_name;
  try {
    if (read_file(path, cache.key_text().size()) == cache.key_text()) return;
  } catch (const IoError&) {  // absent or damaged
  }
  write_file_atomically(path, cache.key_text());
}

/// One process's part in filling a cache folder.
class Filling {
 public:
  Filling(FeatureCache& cache, const FeatureFunction& function, const Contents& contents,
          const ExtractionOptions& options, Observer& observer, ExtractionReport& report)
      : cache_(cache),
        function_(function),
        contents_(contents),
        options_(options),
        observer_(observer),
        report_(report),
        locks_(cache.folder() / cache_lock::file) {}

  /// Returns when every content is in the cache or among the errors.
  void run() {
    for (bool first = true;; first = false) {
      const auto shards = plan(first);
      if (shards.empty()) return;
      extract(shards);
      // Once more: another process may have left clips out, or planned others by the same numbers.
    }
  }

  /// Makes index.h5 fit the shards, and leaves no unfinished files.
  void finish() {
    const auto planning = plan_alone();
    cache_.refresh(observer_);
    clean(cache_, locks_);
    write_index(cache_);
  }

  const ReadErrors& read_errors() const { return read_errors_; }

 private:
  struct Claimed {
    PlannedShard shard;
    LockFile::Held lock;
  };

  LockFile::Held plan_alone() {
    if (auto held = locks_.try_lock(cache_lock::planning)) return std::move(*held);
    observer_.note(fmt::format("{}: another process is planning what to extract; waiting for it",
                               cache_.folder().string()));
    return locks_.wait(cache_lock::planning);
  }

  std::vector<PlannedShard> plan(bool first) {
    const auto planning = plan_alone();
    cache_.refresh(observer_);  // others may have been here since it was opened
    clean(cache_, locks_);
    std::set<ContentHash> missing;
    for (const auto& [clip, path] : contents_) {
      if (!cache_.contains(clip) && !read_errors_.contains(clip)) missing.insert(clip);
    }
    if (first) report_.from_cache = report_.contents - static_cast<Index>(missing.size());
    if (missing.empty()) return {};
    write_key(cache_);
    std::error_code ignored;
    fs::remove(cache_.folder() / index_name, ignored);  // it will not fit any more
    return shards_to_write(cache_, contents_, std::move(missing), function_, options_.shards,
                           report_.threads, observer_);
  }

  void extract(const std::vector<PlannedShard>& shards) {
    open_.assign(shards.begin(), shards.end());
    Index total = 0;
    for (const auto& shard : shards) total += static_cast<Index>(shard.clips.size());
    found_ = 0;
    observer_.begin("extract", total, "clips");
    ClipWorkers workers(function_, report_.threads, 2 * options_.shards.bytes,
                        bytes_a_thread(function_.device, options_.device_memory, report_.threads));
    progress_ = {};
    for (;;) {
      claim(workers);
      if (claimed_.empty() && open_.empty()) break;
      if (claimed_.empty()) {
        await_others(workers);
        continue;
      }
      do {
        progress_ = workers.wait(progress_);
        observer_.advance(found_ + progress_.done, progress_.audio_seconds);
        claim(workers);
      } while (!progress_.batch_done);
      auto outcomes = workers.take();
      std::size_t bytes = 0;
      for (const auto& outcome : outcomes) {
        bytes += static_cast<std::size_t>(outcome.rows.rows.size()) * sizeof(float);
      }
      save(cache_, claimed_.front().shard.number, std::move(outcomes), read_errors_, report_);
      workers.release(bytes);
      claimed_.pop_front();
      nothing_to_claim_ = false;
    }
    observer_.end();
  }

  /// Claims shards until the threads have enough to do, or all that is left is claimed by others.
  void claim(ClipWorkers& workers) {
    const auto enough = static_cast<std::size_t>(report_.threads * function_.clips_at_once);
    for (auto next = open_.begin();
         next != open_.end() && !nothing_to_claim_ && workers.waiting() < enough;) {
      auto lock = locks_.try_lock(cache_lock::shard(next->number));
      if (!lock) {
        ++next;
        continue;
      }
      take_up({std::move(*next), std::move(*lock)}, workers);
      next = open_.erase(next);
    }
    nothing_to_claim_ = workers.waiting() < enough;
  }

  void await_others(ClipWorkers& workers) {
    Index clips = 0;
    for (const auto& shard : open_) clips += static_cast<Index>(shard.clips.size());
    if (!told_) {
      observer_.note(fmt::format(
          "the remaining {} clips are being extracted by another process; waiting for it", clips));
    }
    told_ = true;
    auto lock = locks_.wait(cache_lock::shard(open_.front().number));
    Claimed next{std::move(open_.front()), std::move(lock)};
    open_.pop_front();
    take_up(std::move(next), workers);
    nothing_to_claim_ = false;
    observer_.advance(found_ + progress_.done, progress_.audio_seconds);
  }

  /// Has a claimed shard extracted, unless its file is there by now.
  void take_up(Claimed claimed, ClipWorkers& workers) {
    const PlannedShard& shard = claimed.shard;
    if (opens(shard)) {
      found_ += static_cast<Index>(shard.clips.size());
      return;
    }
    std::vector<ClipTask> tasks;
    for (const auto& clip : shard.clips) {
      const fs::path& path = contents_.at(clip);
      const ClipSize size = expected_size(clip, path, function_);
      tasks.push_back({clip, path, size.bytes, size.seconds});
    }
    workers.add(std::move(tasks));
    claimed_.push_back(std::move(claimed));
  }

  /// Opens a shard that another process has finished.
  bool opens(const PlannedShard& shard) {
    if (!fs::exists(cache_.folder() / shard_name(shard.number))) return false;
    const auto count = [&] {
      return std::count_if(shard.clips.begin(), shard.clips.end(),
                           [&](const auto& clip) { return cache_.contains(clip); });
    };
    const Index before = count();
    try {
      cache_.add_shard(shard.number);
    } catch (const DataError&) {
      return false;  // damaged: written anew
    }
    report_.by_others += count() - before;
    return true;
  }

  FeatureCache& cache_;
  const FeatureFunction& function_;
  const Contents& contents_;
  const ExtractionOptions& options_;
  Observer& observer_;
  ExtractionReport& report_;
  LockFile locks_;
  std::deque<PlannedShard> open_;  // neither finished nor claimed by this process
  std::deque<Claimed> claimed_;    // in the order in which the workers have them
  ReadErrors read_errors_;
  ClipWorkers::Progress progress_;
  Index found_ = 0;                // clips of shards that others finished
  bool nothing_to_claim_ = false;  // until a shard is done
  bool told_ = false;
};

}  // namespace

ExtractionReport extract_features(FeatureCache& cache, const FeatureFunction& function,
                                  std::span<const Utterance> utterances,
                                  const ExtractionOptions& options, Observer& observer) {
  const Stopwatch watch;
  ExtractionReport report;
  report.folder = cache.folder();
  report.threads = options.threads > 0 ? options.threads : available_cores();
  report.utterances = static_cast<Index>(utterances.size());
  Contents contents;
  for (const auto& utterance : utterances) contents.try_emplace(utterance.content, utterance.path);
  report.contents = static_cast<Index>(contents.size());
  report.from_cache = std::count_if(contents.begin(), contents.end(),
                                    [&](const auto& clip) { return cache.contains(clip.first); });

  ReadErrors read_errors;
  const bool complete = report.from_cache == report.contents;
  if (!complete) make_folders(cache.folder());
  if (!complete || cache.has_unfinished() || !fs::exists(cache.folder() / index_name)) {
    std::optional<Filling> filling;
    try {
      filling.emplace(cache, function, contents, options, observer, report);
      if (!complete) filling->run();
      read_errors = filling->read_errors();
    } catch (const IoError&) {
      if (!complete) throw;
    }
    try {
      if (filling) filling->finish();
    } catch (const IoError& error) {
      // A complete cache may be on a disk that cannot be written.
      if (!complete) observer.warn(fmt::format("{}, which is for other programs", error.what()));
    }
  }
  report.bad = bad_clips(cache, utterances, read_errors);
  report.seconds = watch.seconds();
  if (!report.bad.empty()) {
    expect_few_bad(report.bad.size(), utterances.size(), options.max_bad,
                   fmt::format("have no features ({})", describe(report.bad)));
  }
  return report;
}

}  // namespace serenade
