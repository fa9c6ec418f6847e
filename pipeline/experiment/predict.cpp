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
#include <system_error>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/find_files.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/ensemble.h"
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

/// Features of one file or why there are none.
struct Decoded {
  Array<float> features;
  std::string error;
};

/// Turns files into features; handed out to whoever decodes one, as making a context on a GPU is
/// not for nothing.
class Decoders {
 public:
  Decoders(const FeatureFunction& function, std::size_t device_bytes)
      : function_(function), device_bytes_(device_bytes) {}

  Decoded decode(const fs::path& file) {
    std::unique_ptr<Decoder> mine = take();
    Decoded decoded = decode_features(mine->batches, file);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(mine));
    return decoded;
  }

 private:
  struct Decoder {
    Decoder(const FeatureFunction& function, std::size_t device_bytes)
        : context(function.device, 1), batches(context, function, device_bytes) {}
    Context context;
    ClipBatches batches;
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
    if (!mine) return std::make_unique<Decoder>(function_, device_bytes_);
    use_on_this_thread(mine->context);
    return mine;
  }

  static Decoded decode_features(ClipBatches& batches, const fs::path& file) {
    Decoded decoded;
    try {
      batches.add(0, file);
      batches.finish();
      ClipResult result = std::move(batches.take().front());
      if (result.error) std::rethrow_exception(result.error);
      decoded.features = std::move(result.rows);
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
    return decoded;
  }

  const FeatureFunction& function_;
  const std::size_t device_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Decoder>> free_;
};

/// Features that are kept from the first hearing of files that are heard twice.
constexpr std::size_t most_kept_bytes = std::size_t{1} << 28U;

/// What must be known of all files before the first can be predicted by its speaker.
struct Heard {
  SpeakerScalers speakers;
  std::map<std::size_t, Decoded> kept;  ///< by the file's number; the others are decoded again
};

bool is_finite(const Moments& moments) {
  const auto finite = [](double value) { return std::isfinite(value); };
  return std::ranges::all_of(moments.mean, finite) && std::ranges::all_of(moments.squares, finite);
}

Heard hear(Context& context, Decoders& decoders, const std::vector<fs::path>& files,
           const std::vector<std::string>& speakers, Observer& observer) {
  Heard heard;
  std::map<std::string, std::vector<Moments>> moments;
  std::size_t bytes = 0;
  observer.begin("hear speakers", static_cast<Index>(files.size()), "files");
  for (std::size_t begin = 0; begin < files.size(); begin += block_files) {
    const std::size_t count = std::min(block_files, files.size() - begin);
    std::vector<Decoded> decoded(count);
    std::vector<Moments> of(count);
    context.parallel(static_cast<Index>(count), [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      decoded[at] = decoders.decode(files[begin + at]);
      if (decoded[at].error.empty()) of[at] = moments_of(decoded[at].features.view());
    });
    for (std::size_t i = 0; i < count; ++i) {
      // Numbers that are none would spoil the speaker's other clips as well.
      if (decoded[i].error.empty() && is_finite(of[i])) {
        moments[speakers[begin + i]].push_back(std::move(of[i]));
      }
      bytes += static_cast<std::size_t>(decoded[i].features.size()) * sizeof(float);
      if (bytes <= most_kept_bytes) heard.kept.emplace(begin + i, std::move(decoded[i]));
    }
    observer.advance(static_cast<Index>(begin + count));
  }
  observer.end();
  for (auto& [speaker, clips] : moments) {
    heard.speakers.emplace(speaker, scaler_of(std::move(clips)));
  }
  return heard;
}

}  // namespace

struct Predictor::Models {
  Ensemble networks;
  FeatureExtractor extractor;
  Device features;  ///< where they are computed
  std::size_t device_memory;
  std::string warning;  ///< about the features; empty where they are the model's
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
  const ModelDescription& description = networks.description();
  FeatureExtractor extractor(features_of(description, run));
  const std::string key = cache_key_text(feature_function(extractor, features));
  const std::string warning =
      key == description.feature_key
          ? ""
          : fmt::format(
                "{}: was trained on features of other versions, so that predictions may "
                "differ from its evaluation. Then: {}; now: {}",
                run.string(), on_one_line(description.feature_key), on_one_line(key));
  models_ = std::make_unique<Models>(
      Models{std::move(networks), std::move(extractor), features, device_memory, warning});
}

Predictor::~Predictor() = default;

const std::vector<std::string>& Predictor::labels() const {
  return models_->networks.description().labels;
}

std::size_t Predictor::models() const { return models_->networks.size(); }

bool Predictor::by_speaker() const { return models_->networks.by_speaker(); }

void Predictor::predict(Context& context, const std::vector<fs::path>& files, Observer& observer,
                        const std::function<void(const FilePrediction&)>& on_result,
                        const std::vector<std::string>& speakers) {
  if (by_speaker() && speakers.size() != files.size()) {
    throw DataError(
        "the model standardises each clip by its speaker's other clips, and must be told who "
        "speaks: --speaker one (the same in all files), folder (one in each folder), file (another "
        "one in each, which is weak), or a CSV file with the columns file and speaker");
  }
  if (!models_->warning.empty()) observer.warn(models_->warning);
  const FeatureFunction function = feature_function(models_->extractor, models_->features);
  Decoders decoders(function,
                    bytes_a_thread(models_->features, models_->device_memory, context.threads()));
  Heard heard;
  if (by_speaker()) heard = hear(context, decoders, files, speakers, observer);
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

    std::vector<Tensor<const float>> features;
    std::vector<const StandardScaler*> scalers;
    for (std::size_t i = 0; i < count; ++i) {
      if (!decoded[i].error.empty()) continue;
      features.push_back(decoded[i].features.view());
      if (!by_speaker()) continue;
      const auto scaler = heard.speakers.find(speakers[begin + i]);
      scalers.push_back(scaler == heard.speakers.end() ? nullptr : &scaler->second);
    }
    const Array<float> mean = models_->networks.predict(context, features, scalers);

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
