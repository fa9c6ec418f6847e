#include "pipeline/features/extractor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/dsp/place.h"
#include "kernels/dsp/statistics.h"
#include "pipeline/audio/usable.h"
#include "pipeline/features/feature_batch.h"
#include "pipeline/features/parts.h"

namespace serenade {
namespace {

void refuse_empty(const Ragged& samples) {
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    if (samples.length(clip) == 0) throw ClipError(clip, "the clip has no samples");
  }
}

/// Throws ClipError for the first clip that holds something other than sound.
void refuse_unusable(Context& context, Tensor<const float> signal, const Ragged& samples) {
  refuse_empty(samples);
  std::vector<std::optional<Index>> bad(static_cast<std::size_t>(samples.clips()));
  context.parallel(samples.clips(), [&](Index clip) {
    bad[static_cast<std::size_t>(clip)] =
        first_unusable({signal.data() + samples.begin(clip), signal.data() + samples.end(clip)});
  });
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    const auto at = bad[static_cast<std::size_t>(clip)];
    if (!at) continue;
    throw ClipError(clip, fmt::format("sample {} of the clip is {}", *at,
                                      unusable_text(signal.data()[samples.begin(clip) + *at])));
  }
}

/// Throws ClipError for the first clip that is too short for a frame.
void refuse_frameless(const Ragged& samples, const Ragged& frames,
                      const std::optional<KaldiFrames>& kaldi, Index hop_length) {
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    if (frames.length(clip) > 0) continue;
    throw ClipError(
        clip, fmt::format("the clip has {} samples, too few for a frame; {}", samples.length(clip),
                          kaldi && kaldi->snip_edges
                              ? "snip_edges: false makes frames of shorter clips, too"
                              : fmt::format("the first takes {} of a hop_length of {}",
                                            hop_length - hop_length / 2, hop_length)));
  }
}

/// What an operation says of its options behind the feature's name; some begin with the same name.
std::string without_name(std::string_view message, std::string_view name) {
  const std::string prefix = fmt::format("{}: ", name);
  if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  return std::string(message);
}

/// What a constant-Q transform takes and gives back: the signal at half the rate and at a quarter;
/// for tuning magnitudes, and heights and steps of peaks.
Index numbers_of_cqt(const CqtPlan& plan, const Ragged& samples) {
  if (plan.options().tuning) return samples.total();
  const StftOptions of_tuning;
  const Index frames = frames_of(samples, of_tuning.hop_length).total();
  return samples.total() + 3 * frames * (1 + of_tuning.n_fft / 2);
}

/// What separate() takes and gives back for so many parts: the spectrum, its magnitudes and their
/// two medians, a mask for each part, and the frames of one of them as they are transformed back.
Index numbers_of_parts(const StftPlan& plan, const Ragged& samples, Index parts) {
  if (parts == 0) return 0;
  const StftOptions& options = plan.options();
  const Index frames = frames_of(samples, options.hop_length).total();
  return frames * ((5 + parts) * plan.bins() + options.n_fft);
}

}  // namespace

struct FeatureExtractor::Plan {
  /// One item of the list: some columns of the result.
  struct Item {
    std::string label;
    SoundPart part;
    Feature base;
    std::optional<DeltaOptions> derivative;
    Index dims = 0;
  };

  explicit Plan(const FeatureSpec& features)
      : spec(features), no_feature(spec), separation(separation_of(spec)) {
    if (spec.extract.empty()) throw ConfigError("extract: the list of features is empty");
    check_ranges(spec);
    std::set<std::string> labels;
    for (std::size_t i = 0; i < spec.extract.size(); ++i) {
      const Feature& feature = spec.extract[i];
      try {
        std::visit([&](const auto& options) { add(options); }, feature);
      } catch (const ConfigError& error) {
        throw FeatureError(i, fmt::format("{}: {}", label_of(feature),
                                          without_name(error.what(), name_of(feature))));
      }
      if (!labels.insert(items.back().label).second) {
        throw FeatureError(i, fmt::format("{} stands twice", items.back().label));
      }
      frame_dims += items.back().dims;
    }
    if (!spec.statistics.empty()) check(statistics_options());
    for (auto& [part, of_part] : tables) {
      of_part.kaldi_frames = kaldi_frames;
      parts.insert(part);
    }
  }

  static StftPlan separation_of(const FeatureSpec& spec) {
    try {
      StftPlan plan({.n_fft = spec.hpss.n_fft, .hop_length = spec.hpss.hop_length});
      if (spec.hpss.hop_length <= spec.hpss.n_fft / 2) return plan;
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("hpss: {}", error.what()));
    }
    throw ConfigError(fmt::format("hpss: hop_length is {} but may be at most half of n_fft: {}",
                                  spec.hpss.hop_length, spec.hpss.n_fft / 2));
  }

  StatisticsOptions statistics_options() const { return {.statistics = spec.statistics}; }

  template <class Options>
  void add(const Options& options) {
    check_ranges(options);
    if constexpr (requires { options.of; }) {
      add_derivative(options);
    } else {
      tables_of(options.part).add(options);
      expect_frames(options);
      items.push_back({label_of(options), options.part, options, std::nullopt, dims_of(options)});
    }
  }
  template <class Options>
  void add_derivative(const Options& options) {
    constexpr int order = std::is_same_v<Options, DeltaFeature> ? 1 : 2;
    const DeltaOptions derivative{.width = options.width, .order = order};
    if (options.width % 2 == 0) {
      throw ConfigError(fmt::format("width is {} but must be odd", options.width));
    }
    const Feature base = base_of(spec, options.of);
    add_base(base);
    items.push_back({fmt::format("{}_{}", options.name, options.of), part_of(base), base,
                     derivative, dims_of_base(base)});
  }
  void add_base(const Feature& base) {
    std::visit(
        [&](const auto& options) {
          if constexpr (!requires { options.of; }) {
            check_ranges(options);
            tables_of(options.part).add(options);
            expect_frames(options);
          }
        },
        base);
  }
  FeatureTables& tables_of(SoundPart part) {
    return tables.try_emplace(part, no_feature).first->second;
  }
  /// A row has columns of one frame: all features of a list have the same frames.
  template <class Options>
  void expect_frames(const Options& options) {
    const auto frames = tables_of(options.part).frames_of_feature(options);
    if (items.empty()) kaldi_frames = frames;
    if (frames == kaldi_frames) return;
    throw ConfigError(
        fmt::format("its frames are others than those of {}: Kaldi's features stand in a list of "
                    "their own, with one frame_length and snip_edges",
                    items.front().label));
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

  Ragged frames(const Ragged& samples) const { return tables.begin()->second.frames(samples); }

  /// The whole's spectra are of the transform that its parts are separated with.
  bool shares_transform() const {
    const auto whole = tables.find(SoundPart::whole);
    return whole != tables.end() && tables.size() > 1 && whole->second.together().any() &&
           canonical_text(whole->second.stft.options()) == canonical_text(separation.options());
  }

  FeatureSpec spec;
  /// Made before any feature is looked at, so that n_fft's errors are not said to be a feature's.
  FeatureTables no_feature;
  StftPlan separation;
  std::map<SoundPart, FeatureTables> tables;
  std::set<SoundPart> parts;
  std::optional<KaldiFrames> kaldi_frames;
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
    const auto own = std::visit(
        []<class Options>(const Options&) -> std::span<const std::string_view> {
          if constexpr (requires { Options::columns; }) return Options::columns;
          return {};
        },
        item.base);
    for (Index d = 0; d < item.dims; ++d) {
      if (item.dims == 1) {
        names.push_back(item.label);
      } else if (!own.empty()) {
        names.push_back(fmt::format("{}_{}", item.label, own[static_cast<std::size_t>(d)]));
      } else {
        names.push_back(fmt::format("{}_{}", item.label, d));
      }
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
  const auto add = [&](const Plan::Item& item, const std::map<std::string, MelBank>& banks,
                       const MelOptions& options) {
    const MelBank& bank = banks.at(canonical_text(options));
    if (bank.empty_filters().empty()) return;
    lines.push_back(
        fmt::format("{}: {} of {} mel bands are too narrow to hold a bin and stay empty: use fewer "
                    "n_mels or a larger n_fft",
                    item.label, bank.empty_filters().size(), bank.n_mels()));
  };
  for (const Plan::Item& item : plan_->items) {
    const FeatureTables& tables = plan_->tables.at(item.part);
    std::visit(
        [&]<class Options>(const Options& options) {
          if constexpr (std::is_base_of_v<PcenFeature, Options>) {
            add(item, tables.pcen_mel, options);
          } else if constexpr (std::is_base_of_v<MelOptions, Options>) {
            add(item, tables.mel, options);
          }
        },
        item.base);
  }
  return lines;
}

std::vector<std::string> FeatureExtractor::without_cuda() const {
  std::vector<std::string> names;
  for (const Plan::Item& item : plan_->items) {
    const std::string name(name_of(item.base));
    const auto add = [&](const std::string& what) {
      if (std::find(names.begin(), names.end(), what) == names.end()) names.push_back(what);
    };
    if (!has_cuda_version(item.base)) add(name);
  }
  return names;
}

Ragged FeatureExtractor::rows_of(const Ragged& samples) const {
  Ragged frames = plan_->frames(samples);
  if (!per_clip()) return frames;
  Ragged rows;
  for (Index clip = 0; clip < samples.clips(); ++clip) rows.append(1);
  return rows;
}

std::size_t FeatureExtractor::working_bytes(const Ragged& samples) const {
  // All that a FeatureBatch may hold of a frame: power where it is needed, magnitudes for contrast
  // and shape; for tuning a height and a step for each place that may be a peak; mel for each bank
  // but the first, unless it is needed, and logarithms; for each item what it is and what it is a
  // derivative of; the row.
  Index numbers = plan_->frame_dims;
  Index of_cqt = 0;
  for (const auto& [part, tables] : plan_->tables) {
    const Index bins = tables.stft.bins();
    const bool is_fused = tables.together().bank.has_value();
    if (tables.needs_power() || (!is_fused && tables.needs_magnitude())) numbers += bins;
    if (tables.needs_magnitude()) numbers += bins;
    if (!tables.chroma.empty()) numbers += 2 * bins;
    for (const auto& [options, bank] : tables.mel) numbers += bank.n_mels();
    for (const auto& [options, bank] : tables.pcen_mel) numbers += bank.n_mels();
    if (is_fused && !tables.together().mel) numbers -= tables.together().bank->n_mels;
    for (const auto& [options, plan] : tables.cqt) {
      numbers += plan.bins();
      of_cqt = std::max(of_cqt, numbers_of_cqt(plan, samples));
    }
  }
  for (const Plan::Item& item : plan_->items) {
    numbers += 2 * item.dims;
    if (const auto* mfcc = std::get_if<OfPart<MfccFeature>>(&item.base)) numbers += mfcc->n_mels;
    if (std::holds_alternative<OfPart<TonnetzFeature>>(item.base)) {
      numbers += 2 * ChromaOptions().n_chroma;
    }
    if (const auto* chroma = std::get_if<OfPart<ChromaCqtFeature>>(&item.base)) {
      numbers += chroma->n_chroma;
    }
  }
  const Index frames = plan_->frames(samples).total();
  // The signal, and each part of it.
  const auto signals = static_cast<Index>(plan_->parts.size()) + 1;
  const Index separated =
      static_cast<Index>(plan_->parts.size() - plan_->parts.count(SoundPart::whole));
  const Index all = signals * samples.total() + frames * numbers + of_cqt +
                    numbers_of_parts(plan_->separation, samples, separated) +
                    rows_of(samples).total() * dims();
  // Context::lend gives up to an eighth more.
  return static_cast<std::size_t>(all) * sizeof(float) / 8 * 9;
}

void FeatureExtractor::extract(Context& context, Tensor<const float> signal, const Ragged& samples,
                               Tensor<float> out) const {
  expect_shape("extract", "signal", signal.shape(), Shape{samples.total()});
  expect_shape("extract", "out", out.shape(), Shape{rows_of(samples).total(), dims()});
  if (signal.device() == Device::cpu) {
    refuse_unusable(context, signal, samples);
  } else {
    refuse_empty(samples);
  }
  refuse_frameless(samples, plan_->frames(samples), plan_->kaldi_frames, spec().hop_length);

  const bool elsewhere = context.device() != signal.device();
  Lent uploaded;
  Lent result;
  if (elsewhere) {
    uploaded = context.lend(signal.shape());
    copy(context, signal, uploaded.view());
    signal = std::as_const(uploaded).view();
    result = context.lend(out.shape());
  }
  const Tensor<float> there = elsewhere ? result.view() : out;

  std::optional<SignalParts> parts;
  const auto separated = [&](const Spectra& of_whole) {
    parts.emplace(context, plan_->separation, plan_->spec.hpss, signal, samples, plan_->parts,
                  of_whole);
  };
  std::map<SoundPart, FeatureBatch> batches;
  if (plan_->shares_transform()) {
    batches.try_emplace(SoundPart::whole, context, plan_->tables.at(SoundPart::whole), signal,
                        samples, separated);
  } else {
    separated({});
  }
  for (const auto& [part, tables] : plan_->tables) {
    batches.try_emplace(part, context, tables, (*parts)[part], samples);
  }
  const Ragged frames_of_clips = plan_->frames(samples);
  const Index frames = frames_of_clips.total();
  Lent memory;
  if (per_clip()) memory = context.lend({frames, plan_->frame_dims});
  const Tensor<float> rows = per_clip() ? memory.view() : there;
  Index column = 0;
  for (const Plan::Item& item : plan_->items) {
    FeatureBatch& batch = batches.at(item.part);
    const Tensor<const float> values =
        item.derivative ? batch.of(item.base, *item.derivative) : batch.of(item.base);
    place_columns(context, values, column, rows);
    column += item.dims;
  }
  if (per_clip()) statistics(context, rows, frames_of_clips, plan_->statistics_options(), there);
  if (elsewhere) copy(context, there, out);
}

}  // namespace serenade
