#include "pipeline/experiment/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/find_files.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/ensemble.h"
#include "pipeline/experiment/file_speakers.h"
#include "pipeline/features/cache.h"
#include "pipeline/features/clip_batches.h"
#include "pipeline/features/extractor.h"
#include "pipeline/model/model_file.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/scaler.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Files decoded and predicted at a time: enough to keep all threads busy, few enough to hold.
constexpr std::size_t block_files = 64;

std::string on_one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Features of one file, of every kind that the networks hear, or why there are none.
struct Decoded {
  std::vector<Array<float>> features;
  std::string error;

  std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& one : features) bytes += static_cast<std::size_t>(one.size()) * sizeof(float);
    return bytes;
  }
};

/// Turns files into features; handed out to whoever decodes one, as making a context on a GPU is
/// not for nothing.
class Decoders {
 public:
  Decoders(std::span<const FeatureFunction> functions, std::size_t device_bytes)
      : functions_(functions), device_bytes_(device_bytes / functions.size()) {}

  Decoded decode(const fs::path& file) {
    std::unique_ptr<Decoder> mine = take();
    Decoded decoded;
    for (const auto& batches : mine->batches) {
      if (decoded.error.empty()) decode_features(*batches, file, decoded);
    }
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(mine));
    return decoded;
  }

 private:
  struct Decoder {
    Decoder(std::span<const FeatureFunction> functions, std::size_t device_bytes)
        : context(functions.front().device, 1) {
      for (const FeatureFunction& function : functions) {
        batches.push_back(std::make_unique<ClipBatches>(context, function, device_bytes));
      }
    }
    Context context;
    std::vector<std::unique_ptr<ClipBatches>> batches;  // of each kind of features
  };

  std::unique_ptr<Decoder> take() {
    std::unique_ptr<Decoder> mine;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        mine = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!mine) return std::make_unique<Decoder>(functions_, device_bytes_);
    use_on_this_thread(mine->context);
    return mine;
  }

  static void decode_features(ClipBatches& batches, const fs::path& file, Decoded& decoded) {
    try {
      batches.add(0, file);
      batches.finish();
      ClipResult result = std::move(batches.take().front());
      if (result.error) std::rethrow_exception(result.error);
      decoded.features.push_back(std::move(result.rows));
    } catch (const DeviceError&) {  // nor would another file fare better
      throw;
    } catch (const Error& error) {
      decoded.error = error.what();
      if (decoded.error.find(file.string()) == std::string::npos) {
        decoded.error.insert(0, file.string() + ": ");
      }
    } catch (const std::bad_alloc&) {
      decoded.error = fmt::format("{}: takes more memory than there is", file.string());
    }
  }

  std::span<const FeatureFunction> functions_;
  const std::size_t device_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Decoder>> free_;
};

/// Features that are kept from the first hearing of files that are heard twice.
constexpr std::size_t most_kept_bytes = std::size_t{1} << 28U;

/// What must be known of all files before the first can be predicted by its speaker.
struct Heard {
  std::vector<SpeakerScalers> speakers;  ///< by kind of features
  std::map<std::size_t, Decoded> kept;   ///< by the file's number; the others are decoded again
};

bool is_finite(const Moments& moments) {
  const auto finite = [](double value) { return std::isfinite(value); };
  return std::ranges::all_of(moments.mean, finite) && std::ranges::all_of(moments.squares, finite);
}

Heard hear(Context& context, Decoders& decoders, const std::vector<fs::path>& files,
           const std::vector<std::string>& speakers, std::size_t kinds, Observer& observer) {
  Heard heard;
  std::vector<std::map<std::string, std::vector<Moments>>> moments(kinds);
  std::size_t bytes = 0;
  observer.begin("hear speakers", static_cast<Index>(files.size()), "files");
  for (std::size_t begin = 0; begin < files.size(); begin += block_files) {
    const std::size_t count = std::min(block_files, files.size() - begin);
    std::vector<Decoded> decoded(count);
    std::vector<std::vector<Moments>> of(count);
    context.parallel(static_cast<Index>(count), [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      decoded[at] = decoders.decode(files[begin + at]);
      for (const auto& features : decoded[at].features) {
        of[at].push_back(moments_of(features.view()));
      }
    });
    for (std::size_t i = 0; i < count; ++i) {
      // Numbers that are none would spoil the speaker's other clips as well.
      const bool usable = decoded[i].error.empty() && std::ranges::all_of(of[i], is_finite);
      for (std::size_t kind = 0; usable && kind < kinds; ++kind) {
        moments[kind][speakers[begin + i]].push_back(std::move(of[i][kind]));
      }
      bytes += decoded[i].bytes();
      if (bytes <= most_kept_bytes) heard.kept.emplace(begin + i, std::move(decoded[i]));
    }
    observer.advance(static_cast<Index>(begin + count));
  }
  observer.end();
  for (auto& of_kind : moments) {
    SpeakerScalers& scalers = heard.speakers.emplace_back();
    for (auto& [speaker, clips] : of_kind) scalers.emplace(speaker, scaler_of(std::move(clips)));
  }
  return heard;
}

}  // namespace

struct Predictor::Models {
  Ensemble networks;
  std::vector<FeatureExtractor> extractors;  ///< of each kind of features
  Device features;                           ///< where they are computed
  std::size_t device_memory;
  std::vector<std::string> warnings;  ///< about features that are not the models'

  std::vector<FeatureFunction> functions() const {
    std::vector<FeatureFunction> all;
    all.reserve(extractors.size());
    for (const FeatureExtractor& one : extractors) all.push_back(feature_function(one, features));
    return all;
  }
};

namespace {

FeatureSpec features_of(const ModelDescription& description, const fs::path& run) {
  try {
    FeatureSpec spec = parse_experiment(description.configuration, "its configuration").features;
    if (cache_text(spec) == description.features) return spec;
    throw DataError(
        "it was trained on features that are computed differently here; train it again");
  } catch (const Error& error) {
    throw DataError(fmt::format("{}: cannot be used by this version of the program: {}",
                                run.string(), error.what()));
  }
}

}  // namespace

Predictor::Predictor(const fs::path& run, Device features, std::size_t device_memory) {
  Ensemble networks(run);
  std::vector<FeatureExtractor> extractors;
  std::vector<std::string> warnings;
  for (const Ensemble::Kind& kind : networks.kinds()) {
    const ModelDescription& description = kind.description;
    extractors.emplace_back(features_of(description, kind.run));
    const std::string key = cache_key_text(feature_function(extractors.back(), features));
    if (key == description.feature_key) continue;
    warnings.push_back(
        fmt::format("{}: was trained on features of other versions, so that predictions may "
                    "differ from its evaluation. Then: {}; now: {}",
                    kind.run.string(), on_one_line(description.feature_key), on_one_line(key)));
  }
  models_ = std::make_unique<Models>(Models{std::move(networks), std::move(extractors), features,
                                            device_memory, std::move(warnings)});
}

Predictor::~Predictor() = default;

const std::vector<std::string>& Predictor::labels() const { return models_->networks.labels(); }

std::size_t Predictor::models() const { return models_->networks.size(); }

bool Predictor::by_speaker() const { return models_->networks.by_speaker(); }

void Predictor::predict(Context& context, const std::vector<fs::path>& files, Observer& observer,
                        const std::function<void(const FilePrediction&)>& on_result,
                        const std::vector<std::string>& speakers) {
  if (by_speaker() && speakers.size() != files.size()) {
    throw DataError(speaker_needed);
  }
  for (const std::string& warning : models_->warnings) observer.warn(warning);
  const std::vector<FeatureFunction> functions = models_->functions();
  const std::size_t kinds = functions.size();
  std::set<std::string> notes;
  for (const FeatureFunction& function : functions) {
    notes.insert(function.notes.begin(), function.notes.end());
  }
  for (const std::string& note : notes) observer.note(note);
  Decoders decoders(functions,
                    bytes_a_thread(models_->features, models_->device_memory, context.threads()));
  Heard heard;
  if (by_speaker()) heard = hear(context, decoders, files, speakers, kinds, observer);
  observer.begin("predict", static_cast<Index>(files.size()), "files");
  for (std::size_t begin = 0; begin < files.size(); begin += block_files) {
    const std::size_t count = std::min(block_files, files.size() - begin);
    std::vector<Decoded> decoded(count);
    context.parallel(static_cast<Index>(count), [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      const auto kept = heard.kept.find(begin + at);
      decoded[at] =
          kept != heard.kept.end() ? std::move(kept->second) : decoders.decode(files[begin + at]);
    });

    std::vector<ClipFeatures> clips(kinds);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t kind = 0; decoded[i].error.empty() && kind < kinds; ++kind) {
        clips[kind].rows.push_back(std::as_const(decoded[i].features[kind]).view());
        if (!by_speaker()) continue;
        const auto scaler = heard.speakers[kind].find(speakers[begin + i]);
        const bool known = scaler != heard.speakers[kind].end();
        clips[kind].speakers.push_back(known ? &scaler->second : nullptr);
      }
    }
    const Array<float> mean = models_->networks.predict(context, clips);

    Index row = 0;
    for (std::size_t i = 0; i < count; ++i) {
      FilePrediction result;
      result.clip.path = files[begin + i].string();
      result.clip.id = files[begin + i].stem().string();
      result.error = decoded[i].error;
      if (result.error.empty()) {
        const auto probabilities = mean.view().row(row++).span();
        result.clip.probabilities.assign(probabilities.begin(), probabilities.end());
        result.clip.predicted = labels()[static_cast<std::size_t>(most_likely(probabilities))];
        if (!is_answer(probabilities)) {
          result.error = fmt::format("{}: {}", files[begin + i].string(), no_answer);
        }
      }
      on_result(result);
    }
    observer.advance(static_cast<Index>(begin + count));
  }
  observer.end();
}

Recordings find_recordings(const std::vector<std::string>& paths) {
  Recordings recordings;
  for (const std::string& path : paths) {
    std::error_code unknown;  // what cannot be looked at cannot be predicted, which will be said
    if (!fs::is_directory(path, unknown)) {
      recordings.files.emplace_back(path);
      continue;
    }
    try {
      FoundFiles found = find_files(path);
      for (const fs::path& closed : found.closed_folders) {
        recordings.errors.push_back(fmt::format("{}: cannot be listed", closed.string()));
      }
      for (const fs::path& odd : found.odd) {
        if (fs::is_directory(odd, unknown)) continue;
        recordings.errors.push_back(fmt::format("{}: is not a file", odd.string()));
      }
      std::move(found.sounds.begin(), found.sounds.end(), std::back_inserter(recordings.files));
    } catch (const IoError& error) {
      recordings.errors.emplace_back(error.what());
    }
  }
  return recordings;
}

}  // namespace serenade
