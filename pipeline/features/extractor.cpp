#include "pipeline/features/extractor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/place.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/zero_crossing.h"
#include "pipeline/audio/usable.h"

namespace serenade {
namespace {

PowerToDbOptions decibels(const std::optional<double>& top_db) {
  PowerToDbOptions options;
  options.top_db = top_db;
  return options;
}

/// The tables that features are computed with, each made once and kept by its options' text.
struct Tables {
  explicit Tables(const FeatureSpec& spec)
      : stft(StftOptions{.n_fft = spec.n_fft, .hop_length = spec.hop_length}),
        sample_rate(spec.sample_rate),
        n_fft(spec.n_fft) {}

  void add(const MelOptions& options) {
    mel.try_emplace(canonical_text(options), options, sample_rate, n_fft);
  }
  void add(const ChromaOptions& options) {
    chroma.try_emplace(canonical_text(options), options, sample_rate, n_fft);
  }
  void add(const SpectralContrastOptions& options) {
    contrast.try_emplace(canonical_text(options), options, sample_rate, n_fft);
  }
  void add_dct(const MfccFeature& options) {
    if (options.n_mfcc > options.n_mels) {
      throw ConfigError(fmt::format("n_mfcc is {} but there are only {} mel bands (n_mels)",
                                    options.n_mfcc, options.n_mels));
    }
    dct.try_emplace({options.n_mels, options.n_mfcc}, options.n_mels, options.n_mfcc);
  }

  StftPlan stft;
  double sample_rate;
  int n_fft;
  std::map<std::string, MelBank> mel;
  std::map<std::string, ChromaBank> chroma;
  std::map<std::string, ContrastBands> contrast;
  std::map<std::pair<int, int>, DctBasis> dct;
};

ChromaOptions chroma_of(const TonnetzFeature& tonnetz) { return {.tuning = tonnetz.tuning}; }

void add_tables(const MfccFeature& feature, Tables& tables) {
  tables.add(static_cast<const MelOptions&>(feature));
  tables.add_dct(feature);
}
void add_tables(const MelFeature& feature, Tables& tables) {
  tables.add(static_cast<const MelOptions&>(feature));
}
void add_tables(const ChromaFeature& feature, Tables& tables) {
  tables.add(static_cast<const ChromaOptions&>(feature));
}
void add_tables(const ContrastFeature& feature, Tables& tables) {
  tables.add(static_cast<const SpectralContrastOptions&>(feature));
}
void add_tables(const TonnetzFeature& feature, Tables& tables) { tables.add(chroma_of(feature)); }
void add_tables(const ZeroCrossingRateFeature&, Tables&) {}
void add_tables(const RmsFeature&, Tables&) {}

Index dims_of(const MfccFeature& feature) { return feature.n_mfcc; }
Index dims_of(const MelFeature& feature) { return feature.n_mels; }
Index dims_of(const ChromaFeature& feature) { return feature.n_chroma; }
Index dims_of(const ContrastFeature& feature) { return feature.n_bands + 1; }
Index dims_of(const TonnetzFeature&) { return 6; }
Index dims_of(const ZeroCrossingRateFeature&) { return 1; }
Index dims_of(const RmsFeature&) { return 1; }

/// What is known of one batch so far. Every matrix has a row a frame, is computed when first asked
/// for, and kept by a text that says what it is.
class Batch {
 public:
  Batch(Context& context, const Tables& tables, Tensor<const float> signal, const Ragged& samples)
      : context_(context),
        tables_(tables),
        signal_(signal),
        samples_(samples),
        frames_(frames_of(samples, tables.stft.options().hop_length)) {}

  const Ragged& frames() const { return frames_; }

  Tensor<const float> of(const MfccFeature& feature) {
    return once(option_text(Feature(feature)), feature.n_mfcc, [&](Tensor<float> out) {
      dct(context_, log_mel(feature, feature.top_db),
          tables_.dct.at({feature.n_mels, feature.n_mfcc}), out);
    });
  }
  Tensor<const float> of(const MelFeature& feature) {
    return feature.db ? log_mel(feature, feature.top_db) : mel(feature);
  }
  Tensor<const float> of(const ChromaFeature& feature) { return chroma(feature); }
  Tensor<const float> of(const ContrastFeature& feature) {
    const SpectralContrastOptions& options = feature;
    return once(option_text(Feature(feature)), dims_of(feature), [&](Tensor<float> out) {
      spectral_contrast(context_, magnitudes(), frames_,
                        tables_.contrast.at(canonical_text(options)), out);
    });
  }
  Tensor<const float> of(const TonnetzFeature& feature) {
    return once(option_text(Feature(feature)), dims_of(feature),
                [&](Tensor<float> out) { tonnetz(context_, chroma(chroma_of(feature)), out); });
  }
  Tensor<const float> of(const ZeroCrossingRateFeature&) {
    return once("zero_crossing_rate", 1, [&](Tensor<float> out) {
      zero_crossing_rate(context_, signal_, samples_, signal_frames(), out);
    });
  }
  Tensor<const float> of(const RmsFeature&) {
    return once("rms", 1,
                [&](Tensor<float> out) { rms(context_, signal_, samples_, signal_frames(), out); });
  }
  Tensor<const float> of(const Feature& base, const DeltaOptions& options) {
    const Tensor<const float> values = of_base(base);
    return once(option_text(base) + canonical_text(options), values.extent(1),
                [&](Tensor<float> out) { delta(context_, values, frames_, options, out); });
  }
  Tensor<const float> of_base(const Feature& base) {
    return std::visit(
        [&](const auto& feature) -> Tensor<const float> {
          if constexpr (requires { feature.of; }) {
            throw ConfigError("a derivative of a derivative");
          } else {
            return of(feature);
          }
        },
        base);
  }

 private:
  template <class Compute>
  Tensor<const float> once(const std::string& what, Index dims, const Compute& compute) {
    if (const auto known = matrices_.find(what); known != matrices_.end()) {
      return std::as_const(known->second).view();
    }
    Lent matrix = context_.lend({frames_.total(), dims});
    compute(matrix.view());
    return std::as_const(matrices_.emplace(what, std::move(matrix)).first->second).view();
  }

  FrameOptions signal_frames() const {
    return {.frame_length = tables_.n_fft, .hop_length = tables_.stft.options().hop_length};
  }
  Tensor<const float> power() {
    return once("power", tables_.stft.bins(), [&](Tensor<float> out) {
      stft_power(context_, tables_.stft, signal_, samples_, out);
    });
  }
  Tensor<const float> magnitudes() {
    return once("magnitude", tables_.stft.bins(),
                [&](Tensor<float> out) { magnitude(context_, power(), out); });
  }
  Tensor<const float> mel(const MelOptions& options) {
    const std::string key = canonical_text(options);
    return once("mel" + key, options.n_mels,
                [&](Tensor<float> out) { mel_power(context_, power(), tables_.mel.at(key), out); });
  }
  Tensor<const float> log_mel(const MelOptions& options, const std::optional<double>& top_db) {
    const PowerToDbOptions db = decibels(top_db);
    return once("log_mel" + canonical_text(options) + canonical_text(db), options.n_mels,
                [&](Tensor<float> out) { power_to_db(context_, mel(options), frames_, db, out); });
  }
  Tensor<const float> chroma(const ChromaOptions& options) {
    const std::string key = canonical_text(options);
    return once("chroma" + key, options.n_chroma, [&](Tensor<float> out) {
      chroma_stft(context_, power(), frames_, tables_.chroma.at(key), out);
    });
  }

  Context& context_;
  const Tables& tables_;
  Tensor<const float> signal_;
  const Ragged& samples_;
  Ragged frames_;
  std::map<std::string, Lent> matrices_;
};

/// Throws ClipError for the first clip that holds something other than sound.
void refuse_unusable(Context& context, Tensor<const float> signal, const Ragged& samples) {
  std::vector<std::optional<Index>> bad(static_cast<std::size_t>(samples.clips()));
  context.parallel(samples.clips(), [&](Index clip) {
    bad[static_cast<std::size_t>(clip)] =
        first_unusable({signal.data() + samples.begin(clip), signal.data() + samples.end(clip)});
  });
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    if (samples.length(clip) == 0) throw ClipError(clip, "the clip has no samples");
    const auto at = bad[static_cast<std::size_t>(clip)];
    if (!at) continue;
    throw ClipError(clip, fmt::format("sample {} of the clip is {}", *at,
                                      unusable_text(signal.data()[samples.begin(clip) + *at])));
  }
}

}  // namespace

struct FeatureExtractor::Plan {
  /// One item of the list: some columns of the result.
  struct Item {
    std::string label;
    Feature base;
    std::optional<DeltaOptions> derivative;
    Index dims = 0;
  };

  explicit Plan(const FeatureSpec& features) : spec(features), tables(features) {
    if (spec.extract.empty()) throw ConfigError("extract: the list of features is empty");
    check_ranges(spec);
    std::set<std::string> labels;
    for (const Feature& feature : spec.extract) {
      try {
        std::visit([&](const auto& options) { add(options); }, feature);
      } catch (const ConfigError& error) {
        throw ConfigError(fmt::format("extract: {}: {}", name_of(feature), error.what()));
      }
      if (!labels.insert(items.back().label).second) {
        throw ConfigError(fmt::format("extract: {} stands twice", items.back().label));
      }
      frame_dims += items.back().dims;
    }
    if (!spec.statistics.empty()) check(statistics_options());
  }

  StatisticsOptions statistics_options() const { return {.statistics = spec.statistics}; }

  template <class Options>
  void add(const Options& options) {
    check_ranges(options);
    if constexpr (requires { options.of; }) {
      add_derivative(options);
    } else {
      add_tables(options, tables);
      items.push_back({std::string(options.name), options, std::nullopt, dims_of(options)});
    }
  }
  template <class Options>
  void add_derivative(const Options& options) {
    constexpr int order = std::is_same_v<Options, DeltaFeature> ? 1 : 2;
    const DeltaOptions derivative{.width = options.width, .order = order};
    if (options.width % 2 == 0) {
      throw ConfigError(fmt::format("width is {} but must be odd", options.width));
    }
    const Feature base = base_of(spec, options.name, options.of);
    add_base(base);
    items.push_back(
        {fmt::format("{}_{}", options.name, options.of), base, derivative, dims_of_base(base)});
  }
  void add_base(const Feature& base) {
    std::visit(
        [&](const auto& options) {
          if constexpr (!requires { options.of; }) {
            check_ranges(options);
            add_tables(options, tables);
          }
        },
        base);
  }
  static Index dims_of_base(const Feature& base) {
    return std::visit(
        [](const auto& options) -> Index {
          if constexpr (requires { options.of; }) {
            return 0;
          } else {
            return dims_of(options);
          }
        },
        base);
  }

  FeatureSpec spec;
  Tables tables;
  std::vector<Item> items;
  Index frame_dims = 0;
};

FeatureExtractor::FeatureExtractor(const FeatureSpec& spec)
    : plan_(std::make_unique<const Plan>(spec)) {}
FeatureExtractor::~FeatureExtractor() = default;
FeatureExtractor::FeatureExtractor(FeatureExtractor&&) noexcept = default;
FeatureExtractor& FeatureExtractor::operator=(FeatureExtractor&&) noexcept = default;

const FeatureSpec& FeatureExtractor::spec() const { return plan_->spec; }

bool FeatureExtractor::per_clip() const { return !plan_->spec.statistics.empty(); }

Index FeatureExtractor::dims() const {
  const auto repeats = static_cast<Index>(plan_->spec.statistics.size());
  return plan_->frame_dims * (per_clip() ? repeats : 1);
}

std::vector<std::string> FeatureExtractor::column_names() const {
  std::vector<std::string> names;
  for (const Plan::Item& item : plan_->items) {
    for (Index d = 0; d < item.dims; ++d) {
      names.push_back(item.dims == 1 ? item.label : fmt::format("{}_{}", item.label, d));
    }
  }
  if (!per_clip()) return names;
  std::vector<std::string> all;
  for (const std::string& statistic : plan_->spec.statistics) {
    for (const std::string& name : names) all.push_back(fmt::format("{}_{}", name, statistic));
  }
  return all;
}

std::vector<std::string> FeatureExtractor::warnings() const {
  std::vector<std::string> lines;
  for (const auto& [options, bank] : plan_->tables.mel) {
    if (bank.empty_filters().empty()) continue;
    lines.push_back(
        fmt::format("{} of {} mel bands are too narrow to hold a bin and stay empty: "
                    "use fewer n_mels or a larger n_fft",
                    bank.empty_filters().size(), bank.n_mels()));
  }
  return lines;
}

Ragged FeatureExtractor::rows_of(const Ragged& samples) const {
  if (!per_clip()) return frames_of(samples, plan_->spec.hop_length);
  Ragged rows;
  for (Index clip = 0; clip < samples.clips(); ++clip) rows.append(1);
  return rows;
}

std::size_t FeatureExtractor::working_bytes(const Ragged& samples) const {
  // All that a Batch may hold of a frame: power, and magnitudes for contrast; for tuning a height
  // and a step for each place that may be a peak; mel for each bank and its logarithm; for each
  // item what it is and what it is a derivative of; the row.
  const Tables& tables = plan_->tables;
  const Index bins = tables.stft.bins();
  Index numbers = plan_->frame_dims;
  if (!tables.mel.empty() || !tables.chroma.empty() || !tables.contrast.empty()) numbers += bins;
  if (!tables.contrast.empty()) numbers += bins;
  if (!tables.chroma.empty()) numbers += 2 * bins;
  for (const auto& [options, bank] : tables.mel) numbers += bank.n_mels();
  for (const Plan::Item& item : plan_->items) {
    numbers += 2 * item.dims;
    if (const auto* mfcc = std::get_if<MfccFeature>(&item.base)) numbers += mfcc->n_mels;
    if (std::holds_alternative<TonnetzFeature>(item.base)) numbers += ChromaOptions().n_chroma;
  }
  const Index frames = frames_of(samples, plan_->spec.hop_length).total();
  const Index all = samples.total() + frames * numbers + rows_of(samples).total() * dims();
  // Context::lend gives up to an eighth more.
  return static_cast<std::size_t>(all) * sizeof(float) / 8 * 9;
}

void FeatureExtractor::extract(Context& context, Tensor<const float> signal, const Ragged& samples,
                               Tensor<float> out) const {
  expect_shape("extract", "signal", signal.shape(), Shape{samples.total()});
  expect_shape("extract", "out", out.shape(), Shape{rows_of(samples).total(), dims()});
  refuse_unusable(context, signal, samples);

  const bool elsewhere = context.device() != Device::cpu;
  Lent uploaded;
  Lent result;
  if (elsewhere) {
    uploaded = context.lend(signal.shape());
    copy(context, signal, uploaded.view());
    signal = std::as_const(uploaded).view();
    result = context.lend(out.shape());
  }
  const Tensor<float> there = elsewhere ? result.view() : out;

  Batch batch(context, plan_->tables, signal, samples);
  const Index frames = batch.frames().total();
  Lent memory;
  if (per_clip()) memory = context.lend({frames, plan_->frame_dims});
  const Tensor<float> rows = per_clip() ? memory.view() : there;
  Index column = 0;
  for (const Plan::Item& item : plan_->items) {
    const Tensor<const float> values =
        item.derivative ? batch.of(item.base, *item.derivative) : batch.of_base(item.base);
    place_columns(context, values, column, rows);
    column += item.dims;
  }
  if (per_clip()) statistics(context, rows, batch.frames(), plan_->statistics_options(), there);
  if (elsewhere) copy(context, there, out);
}

}  // namespace serenade
