#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/corpus/leakage.h"
#include "pipeline/experiment/config.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// One recording that something is to be said of.
struct Finding {
  std::string id;
  std::filesystem::path path;
  std::string detail;  ///< "2 channels", "is empty (0 bytes)"
};

/// All findings of a kind; kinds without any are listed as well.
struct FindingKind {
  std::string_view name;   ///< "odd_channels", for programs
  std::string title;       ///< "odd channels"
  std::string definition;  ///< "most have 1"
  std::vector<Finding> findings{};
};

/// A row of a table: a class or a speaker.
struct CheckedGroup {
  std::string name;
  Index clips = 0;
  Index others = 0;    ///< speakers of a class, classes of a speaker
  double seconds = 0;  ///< of sound
};

/// Lengths of the clips, in seconds.
struct DurationTable {
  double shortest = 0, low = 0, median = 0, mean = 0, high = 0,
         longest = 0;  ///< low, high: 5, 95 %
};

/// What `serenade check` says of an experiment.
struct CheckReport {
  std::string corpus;  ///< name; of several, as in "ravdess + emodb"
  std::string path;
  Index clips = 0;
  double seconds = 0;
  std::vector<FindingKind> kinds;
  std::vector<CheckedGroup> classes, speakers;
  DurationTable durations;
  std::string protocol;
  std::uint64_t seed = 0;
  std::optional<SplitLeakage> leakage;  ///< unset where no split can be made
  std::vector<std::string> notes;       ///< of the corpus and of the split
  std::vector<std::string> problems;    ///< what a run would stop at, a line each
};

/// Looks at everything an experiment takes in before anything is computed: reads the corpus,
/// decodes every recording (the part of it that features are computed from) on the context's
/// threads, and makes the split. Writes nothing, the feature cache included.
///
/// What would stop a run is a problem of the report: a corpus that read_corpus refuses (then
/// nothing else is known), more unreadable recordings than corpus.max_bad, duplicates where
/// corpus.duplicates is error, one label alone, a split that cannot be made. What a run
/// lives with (single unreadable, silent, clipped or short recordings, odd formats, copies, those
/// without a class, which it leaves out) are findings.
///
/// Throws ConfigError where corpus.path is not set.
CheckReport check_experiment(const ExperimentConfig& config, Context& context, Observer& observer);

/// The report as tables for a terminal; of long lists the first lines.
std::string check_text(const CheckReport& report);

/// The whole report as JSON.
std::string check_json(const CheckReport& report);

}  // namespace serenade
