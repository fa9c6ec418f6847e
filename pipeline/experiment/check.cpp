#include "pipeline/experiment/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <numeric>
#include <set>
#include <utility>

#include "pipeline/audio/decode.h"
#include "pipeline/audio/levels.h"
#include "pipeline/audio/resample.h"
#include "pipeline/augmentation/copies.h"
#include "pipeline/corpus/corpus.h"
#include "pipeline/corpus/duplicates.h"

namespace serenade {
namespace {

/// What decoding one content found out.
struct Sound {
  std::string error;  ///< why there is nothing else
  int sample_rate = 0;
  int channels = 0;
  Index frames = 0;
  Levels levels;

  double seconds() const { return error.empty() ? static_cast<double>(frames) / sample_rate : 0; }
};
using Sounds = std::map<ContentHash, Sound>;

Sound listen(const std::filesystem::path& path, const DecodeOptions& options) {
  Sound sound;
  try {
    const Clip clip = decode(path, options);
    sound.sample_rate = clip.sample_rate;
    sound.channels = clip.channels;
    sound.frames = clip.frames();
    sound.levels = measure_levels(clip);
  } catch (const Error& error) {
    sound.error = error.what();
  } catch (const std::bad_alloc&) {
    sound.error = path.string() + ": not enough memory";
  }
  return sound;
}

/// Decodes every content once.
Sounds listen_to_all(const Corpus& corpus, const DecodeOptions& options, Context& context,
                     Observer& observer) {
  Sounds sounds;
  std::vector<std::pair<const Utterance*, Sound*>> tasks;
  for (const auto& utterance : corpus.utterances) {
    const auto [place, is_new] = sounds.try_emplace(utterance.content);
    if (is_new) tasks.emplace_back(&utterance, &place->second);
  }
  constexpr std::size_t round = 64;  // files between two reports of progress
  observer.begin("decode", static_cast<Index>(tasks.size()), "files");
  double seconds = 0;
  for (std::size_t begin = 0; begin < tasks.size(); begin += round) {
    const std::size_t end = std::min(begin + round, tasks.size());
    context.parallel(static_cast<Index>(end - begin), [&](Index i) {
      const auto& [utterance, sound] = tasks[begin + static_cast<std::size_t>(i)];
      *sound = listen(utterance->path, options);
    });
    for (std::size_t i = begin; i < end; ++i) seconds += tasks[i].second->seconds();
    observer.advance(static_cast<Index>(end), seconds);
  }
  observer.end();
  return sounds;
}

/// The most frequent of some numbers, the larger of equals; 0 for none.
int most_frequent(const std::map<int, Index>& counts) {
  int best = 0;
  Index most = 0;
  for (const auto& [value, count] : counts) {
    if (count >= most) {
      best = value;
      most = count;
    }
  }
  return best;
}

/// Fills a report, step by step.
class Check {
 public:
  Check(const ExperimentConfig& config, Context& context, Observer& observer)
      : config_(config), context_(context), observer_(observer) {
    report_.path = reported_path(config.corpus);
    report_.protocol = protocol_name(config);
    report_.seed = config.seed;
  }

  CheckReport run() {
    if (!read()) return std::move(report_);
    sounds_ = listen_to_all(corpus_, {config_.features.offset, config_.features.duration}, context_,
                            observer_);
    find_unreadable();
    find_levels();
    find_formats();
    find_duplicates();
    find_unlabelled();
    count();
    divide();
    return std::move(report_);
  }

 private:
  /// The rules that would end the reading are held afterwards, so that everything can be listed.
  bool read() {
    CorpusOptions options = config_.corpus;
    options.max_bad = 1;
    if (options.duplicates == Duplicates::error) options.duplicates = Duplicates::together;
    try {
      corpus_ = read_corpus(context_, options, observer_);
    } catch (const ConfigError&) {
      throw;
    } catch (const Error& error) {
      report_.problems.emplace_back(error.what());
      return false;
    }
    report_.corpus = reported_name(corpus_, config_.corpus);
    report_.notes = corpus_.notes;
    return true;
  }

  FindingKind& add_kind(std::string_view name, const std::string& title,
                        const std::string& definition) {
    return report_.kinds.emplace_back(FindingKind{name, title, definition});
  }
  void list_left_out(LeftOut::Cause cause, FindingKind& kind) const {
    for (const auto& clip : corpus_.left_out) {
      if (clip.cause == cause) kind.findings.push_back({clip.id, clip.path, clip.reason});
    }
  }
  template <class Call>
  void hold(const Call& rule) {
    try {
      rule();
    } catch (const Error& error) {
      report_.problems.emplace_back(error.what());
    }
  }
  const Sound& sound_of(const Utterance& utterance) const { return sounds_.at(utterance.content); }
  template <class Visit>
  void each_sound(const Visit& visit) const {
    for (const auto& utterance : corpus_.utterances) {
      const Sound& sound = sound_of(utterance);
      if (sound.error.empty()) visit(utterance, sound);
    }
  }

  void find_unreadable() {
    FindingKind unreadable{"unreadable", "unreadable", "cannot be opened, decoded or used"};
    FindingKind empty{"empty", "empty", "0 bytes"};
    for (const auto& clip : corpus_.left_out) {
      if (clip.cause != LeftOut::Cause::unreadable) continue;
      std::error_code unknown;
      const bool is_empty = std::filesystem::file_size(clip.path, unknown) == 0 && !unknown;
      (is_empty ? empty : unreadable).findings.push_back({clip.id, clip.path, clip.reason});
    }
    std::size_t undecoded = 0;
    for (const auto& utterance : corpus_.utterances) {
      const Sound& sound = sound_of(utterance);
      if (sound.error.empty()) continue;
      ++undecoded;
      unreadable.findings.push_back({utterance.id, utterance.path, sound.error});
    }
    const std::size_t decodable = corpus_.utterances.size();
    report_.kinds.push_back(std::move(unreadable));
    report_.kinds.push_back(std::move(empty));
    hold_few_unreadable();
    hold(
        [&] { expect_few_bad(undecoded, decodable, config_.corpus.max_bad, "cannot be decoded"); });
  }

  /// As a run counts: each corpus by itself, with the copies that are left out of it.
  void hold_few_unreadable() {
    const bool several = !config_.corpus.more.empty();
    std::map<std::string, std::size_t> recordings;
    for (const auto& utterance : corpus_.utterances) ++recordings[utterance.fields.at("corpus")];
    for (const auto& [corpus, usable] : recordings) {
      std::size_t total = usable, bad = 0;
      for (const auto& clip : corpus_.left_out) {
        if (clip.cause == LeftOut::Cause::unlabelled) continue;
        if (several && !clip.id.starts_with(corpus + '/')) continue;
        ++total;
        if (clip.cause == LeftOut::Cause::unreadable) ++bad;
      }
      const std::string what =
          several ? fmt::format("of {} cannot be read", corpus) : "cannot be read";
      hold([&] { expect_few_bad(bad, total, config_.corpus.max_bad, what); });
    }
  }

  void find_levels() {
    auto silent =
        FindingKind{"silent", "silent",
                    fmt::format("no sample reaches {:g} of full scale (-60 dB)", silence_peak)};
    auto clipped = FindingKind{
        "clipped", "clipped",
        fmt::format("{} or more samples in a row at {:g} of full scale or above, of one sign",
                    clipped_run, full_scale)};
    const auto& features = config_.features;
    auto too_short =
        FindingKind{"too_short", "too short",
                    fmt::format("under {} samples at {} Hz: not one whole frame (features.n_fft)",
                                features.n_fft, features.sample_rate)};
    each_sound([&](const Utterance& utterance, const Sound& sound) {
      const Levels& levels = sound.levels;
      if (levels.peak < silence_peak) {
        silent.findings.push_back(
            {utterance.id, utterance.path,
             levels.peak == 0 ? std::string("all zero") : fmt::format("peak {:.2g}", levels.peak)});
      }
      if (levels.clipped_share > 0) {
        clipped.findings.push_back(
            {utterance.id, utterance.path,
             fmt::format("{:.3g} % of its samples", 100 * levels.clipped_share)});
      }
      if (resampled_length(sound.frames, sound.sample_rate, features.sample_rate) <
          features.n_fft) {
        too_short.findings.push_back(
            {utterance.id, utterance.path, fmt::format("{:.3f} s", sound.seconds())});
      }
    });
    for (auto* kind : {&silent, &clipped, &too_short}) report_.kinds.push_back(std::move(*kind));
  }

  void find_formats() {
    std::map<int, Index> rates;
    std::map<int, Index> channels;
    each_sound([&](const Utterance&, const Sound& sound) {
      ++rates[sound.sample_rate];
      ++channels[sound.channels];
    });
    const int rate = most_frequent(rates);
    const int channel = most_frequent(channels);
    auto odd_rate =
        FindingKind{"odd_rate", "odd sample rate", fmt::format("most have {} Hz", rate)};
    auto odd_channels =
        FindingKind{"odd_channels", "odd channels",
                    fmt::format("most have {} channel{}", channel, channel == 1 ? "" : "s")};
    each_sound([&](const Utterance& utterance, const Sound& sound) {
      if (sound.sample_rate != rate) {
        odd_rate.findings.push_back(
            {utterance.id, utterance.path, fmt::format("{} Hz", sound.sample_rate)});
      }
      if (sound.channels != channel) {
        odd_channels.findings.push_back(
            {utterance.id, utterance.path, fmt::format("{} channels", sound.channels)});
      }
    });
    report_.kinds.push_back(std::move(odd_rate));
    report_.kinds.push_back(std::move(odd_channels));
  }

  void find_duplicates() {
    FindingKind& kind = add_kind("duplicates", "duplicates", "byte-identical to another recording");
    std::map<ContentHash, const Utterance*> first;
    for (const auto& utterance : corpus_.utterances) {
      const auto [seen, is_new] = first.emplace(utterance.content, &utterance);
      if (is_new) continue;
      kind.findings.push_back(
          {utterance.id, utterance.path,
           fmt::format("is {} as well ({})", seen->second->id, seen->second->path.string())});
    }
    list_left_out(LeftOut::Cause::copy, kind);
    if (config_.corpus.duplicates == Duplicates::error) {
      auto copy = corpus_.utterances;
      std::vector<std::string> notes;
      std::vector<LeftOut> left_out;
      hold([&] { resolve_duplicates(copy, Duplicates::error, notes, left_out); });
    }
  }

  void find_unlabelled() {
    list_left_out(LeftOut::Cause::unlabelled,
                  add_kind("unlabelled", "without a class", "label missing or unknown"));
    hold([&] { expect_two_labels(corpus_); });
  }

  void count() {
    // From here on as a run goes on: without what cannot be decoded.
    std::erase_if(corpus_.utterances, [&](const Utterance& utterance) {
      const Sound& sound = sound_of(utterance);
      if (sound.error.empty()) return false;
      corpus_.left_out.push_back({utterance.id, utterance.path, sound.error});
      return true;
    });
    report_.clips = static_cast<Index>(corpus_.utterances.size());
    std::map<std::string, CheckedGroup> classes;
    std::map<std::string, CheckedGroup> speakers;
    std::map<std::string, std::set<std::string>> speakers_of;
    std::map<std::string, std::set<std::string>> classes_of;
    std::vector<double> seconds;
    for (const auto& label : corpus_.labels) classes[label].name = label;
    each_sound([&](const Utterance& utterance, const Sound& sound) {
      seconds.push_back(sound.seconds());
      const auto add = [&](CheckedGroup& group, const std::string& name) {
        group.name = name;
        group.clips += 1;
        group.seconds += sound.seconds();
      };
      add(classes[utterance.label], utterance.label);
      add(speakers[utterance.speaker], utterance.speaker);
      speakers_of[utterance.label].insert(utterance.speaker);
      classes_of[utterance.speaker].insert(utterance.label);
    });
    const auto take = [](std::map<std::string, CheckedGroup>& groups, const std::string& name,
                         const std::set<std::string>& others) {
      CheckedGroup group = groups.at(name);
      group.others = static_cast<Index>(others.size());
      groups.erase(name);
      return group;
    };
    for (const auto& label : corpus_.labels) {
      report_.classes.push_back(take(classes, label, speakers_of[label]));
    }
    while (!speakers.empty()) {
      const std::string name = speakers.begin()->first;
      report_.speakers.push_back(take(speakers, name, classes_of[name]));
    }
    measure_durations(std::move(seconds));
  }

  void measure_durations(std::vector<double> seconds) {
    if (seconds.empty()) return;
    std::sort(seconds.begin(), seconds.end());
    report_.seconds = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    // The nearest clip: a quantile that some clip has.
    const auto at = [&](double share) {
      const double place = share * static_cast<double>(seconds.size() - 1);
      return seconds[static_cast<std::size_t>(std::lround(place))];
    };
    report_.durations = {seconds.front(), at(0.05),
                         at(0.5),         report_.seconds / static_cast<double>(seconds.size()),
                         at(0.95),        seconds.back()};
  }

  void divide() {
    hold([&] {
      const Split split = make_split(corpus_, config_.split, config_.seed);
      report_.notes.insert(report_.notes.end(), split.notes.begin(), split.notes.end());
      report_.leakage = measure_leakage(corpus_, split);
      hold_copies(split);
    });
  }

  /// What a run would refuse of copies, as it can be told without making them.
  void hold_copies(const Split& split) {
    if (config_.augmentation.copies.empty()) return;
    std::vector<TrainingRows> parts;
    for (const Fold& fold : split.folds) parts.push_back(fold.training());
    const TrainingCopies copies(corpus_.utterances.size(), config_.augmentation.copies, parts);
    for (const Fold& fold : split.folds) {
      const AugmentedRows learned(fold.training(), copies);
      expect_copies_unheard(corpus_, fold, learned.rows(), copies);
    }
  }

  const ExperimentConfig& config_;
  Context& context_;
  Observer& observer_;
  CheckReport report_;
  Corpus corpus_;
  Sounds sounds_;
};

}  // namespace

CheckReport check_experiment(const ExperimentConfig& config, Context& context, Observer& observer) {
  return Check(config, context, observer).run();
}

}  // namespace serenade
