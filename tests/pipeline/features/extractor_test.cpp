#include "pipeline/features/extractor.h"
#include "pipeline/features/feature_function.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "kernels/dsp/frames.h"
#include "pipeline/config/yaml.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

/// A batch of the golden signals named.
struct Signals {
  explicit Signals(const std::vector<std::string>& names) {
    const test::Golden golden("librosa.h5");
    for (const std::string& name : names) add(golden[name + "/samples"].floats());
  }
  void add(const std::vector<float>& samples) {
    signal.insert(signal.end(), samples.begin(), samples.end());
    extents.append(static_cast<Index>(samples.size()));
  }
  Tensor<const float> view() const {
    return {signal.data(), Shape{static_cast<Index>(signal.size())}};
  }
  std::vector<float> signal;
  Ragged extents;
};

std::vector<std::string> all_signals() { return test::Golden("librosa.h5").groups(); }

Array<float> extract(const FeatureExtractor& extractor, const Signals& signals, int threads = 1) {
  Context context(threads);
  Array<float> out(Shape{extractor.rows_of(signals.extents).total(), extractor.dims()});
  extractor.extract(context, signals.view(), signals.extents, out.view());
  return out;
}

FeatureSpec everything() {
  FeatureSpec spec;
  spec.extract = {MfccFeature{},     MelFeature{},     ChromaFeature{},
                  ContrastFeature{}, TonnetzFeature{}, ZeroCrossingRateFeature{},
                  RmsFeature{},      DeltaFeature{},   Delta2Feature{}};
  for (const Feature& further :
       {Feature(SpectralCentroidFeature{}), Feature(SpectralBandwidthFeature{}),
        Feature(SpectralRolloffFeature{}), Feature(SpectralFlatnessFeature{}),
        Feature(SpectralFluxFeature{}), Feature(PcenFeature{}), Feature(YinFeature{}),
        Feature(PyinFeature{}), Feature(CqtFeature{}), Feature(ChromaCqtFeature{}),
        Feature(ChromaCensFeature{}),
        Feature(OfPart(ZeroCrossingRateFeature{}, SoundPart::harmonic)),
        Feature(OfPart(RmsFeature{}, SoundPart::percussive))}) {
    spec.extract.push_back(further);
  }
  return spec;
}

FeatureSpec only(const Feature& feature) {
  FeatureSpec spec;
  spec.extract = {feature};
  return spec;
}

FeatureSpec parsed(const std::string& yaml) {
  FeatureSpec spec;
  from_config(ConfigNode::parse(yaml, "test"), spec);
  return spec;
}

TEST(FeatureExtractor, NamesItsColumns) {
  FeatureSpec spec;
  spec.extract = {RmsFeature{}, ContrastFeature{{.n_bands = 2}}, DeltaFeature{{.of = "rms"}}};
  const FeatureExtractor frames(spec);
  EXPECT_FALSE(frames.per_clip());
  EXPECT_THAT(frames.column_names(),
              testing::ElementsAre("rms", "spectral_contrast_0", "spectral_contrast_1",
                                   "spectral_contrast_2", "delta_rms"));
  EXPECT_EQ(frames.dims(), 5);
  spec.extract = {PyinFeature{}};
  EXPECT_THAT(FeatureExtractor(spec).column_names(),
              testing::ElementsAre("pyin_f0", "pyin_voiced", "pyin_voiced_probability"));
  spec.extract = {RmsFeature{}, ZeroCrossingRateFeature{}};
  spec.statistics = {"mean", "p10"};
  const FeatureExtractor clips(spec);
  EXPECT_TRUE(clips.per_clip());
  EXPECT_THAT(clips.column_names(), testing::ElementsAre("rms_mean", "zero_crossing_rate_mean",
                                                         "rms_p10", "zero_crossing_rate_p10"));
  EXPECT_EQ(clips.rows_of(Ragged(std::vector<Index>{600, 5, 100})).total(), 3);
  EXPECT_EQ(frames.rows_of(Ragged(std::vector<Index>{600, 5})).total(), 3);
}

// Every feature of a clip, from its samples to its columns, against librosa.
TEST(FeatureExtractor, AgreesWithLibrosaEndToEnd) {
  const test::Golden golden("librosa.h5");
  const FeatureExtractor extractor(everything());
  for (const std::string& name : all_signals()) {
    const Signals signals({name});
    const Array<float> found = extract(extractor, signals);
    const auto at = [&](const std::string& what, double tolerance) {
      const test::GoldenArray wanted = golden[std::string(name).append("/").append(what)];
      const Index dims = wanted.shape[1];
      const std::string label = what.starts_with("delta") ? what + "_mfcc" : what;
      const std::vector<std::string> columns = extractor.column_names();
      const auto first = std::find_if(columns.begin(), columns.end(), [&](const auto& column) {
        return column == label || column == label + "_0";
      });
      ASSERT_NE(first, columns.end()) << label;
      std::vector<float> part;
      for (Index row = 0; row < wanted.shape[0]; ++row) {
        const float* from = found.data() + row * extractor.dims() + (first - columns.begin());
        part.insert(part.end(), from, from + dims);
      }
      const auto d = test::deviation(part, wanted.values);
      EXPECT_LE(d.largest, tolerance) << name << " " << what << ": " << to_string(d);
    };
    double loudest = 0;
    for (const double x : golden[name + "/mel"].values) loudest = std::max(loudest, x);
    at("mfcc", 2e-3);
    at("mel", 5e-7 * loudest);
    at("zero_crossing_rate", 0);
    at("rms", 2e-7);
    at("delta", 1e-3);  // twice what it is the slope of, over a step of a frame
    at("delta2", 1e-3);
    if (name == "impulse") continue;  // its tuning is that of rounding errors: golden_test.cpp
    at("chroma_stft", 2e-6);
    at("tonnetz", 2e-6);
    // Where bands hold nothing but rounding errors (a chord, resampled 8 kHz) contrast is judged
    // where its valley is above the floor, in golden_test.cpp; these signals have none such.
    if (name == "chirp" || name == "square" || name == "fewer_than_9_frames" ||
        name == "shorter_than_n_fft" || name == "silence") {
      at("spectral_contrast", 1e-3);
    }
  }
}

// Kernels are judged closely in shelf_golden_test.cpp: here, that each gets what it is computed
// from.
TEST(FeatureExtractor, AgreesWithLibrosaOnTheFurtherFeatures) {
  const test::Golden golden("librosa_shelf.h5");
  for (const std::string name : {"spectral_centroid", "spectral_bandwidth", "spectral_flatness",
                                 "spectral_flux", "pcen", "pyin"}) {
    for (const bool company : {false, true}) {
      const std::string item = name == "pcen" ? "{pcen: {n_mels: 40}}" : name;
      FeatureSpec spec;
      from_config(ConfigNode::parse("extract: [" + item + (company ? ", mel" : "") + "]", "test"),
                  spec);
      const FeatureExtractor extractor(spec);
      const Array<float> rows = extract(extractor, Signals({"sentence"}));
      const test::GoldenArray wanted = golden["sentence/" + name];
      std::vector<float> found;
      for (Index t = 0; t < wanted.shape[0]; ++t) {
        const float* from = rows.data() + t * extractor.dims();
        found.insert(found.end(), from, from + wanted.shape[1]);
      }
      const auto d = test::deviation(found, wanted.values);
      EXPECT_LE(d.normalized_square, 1e-9) << name << ": " << to_string(d);
    }
  }
}

// Kernels are judged closely in tonal_golden_test.cpp: here, that the chain
// from the signal to the columns is librosa's.
TEST(FeatureExtractor, AgreesWithLibrosaOnConstantQ) {
  const auto compare = [](const std::string& yaml, const std::string& name, double tolerance) {
    const test::GoldenArray wanted = test::Golden("librosa_tonal.h5")["sentence/" + name];
    const Array<float> found = extract(FeatureExtractor(parsed(yaml)), Signals({"sentence"}));
    ASSERT_EQ(found.size(), static_cast<Index>(wanted.values.size())) << yaml;
    const auto d = test::deviation(found.span(), wanted.values);
    EXPECT_LE(d.largest, tolerance) << yaml << ": " << to_string(d);
  };
  compare("extract: [cqt]", "cqt", 1e-5);
  compare("extract: [chroma_cqt]", "chroma_cqt", 1e-5);
  compare("extract: [chroma_cens]", "chroma_cens", 1e-5);
  compare("extract: [{tonnetz: {chroma: cqt}}]", "tonnetz", 1e-5);
  compare("extract: [{tonnetz: {chroma: cqt, part: harmonic}}]", "harmonic_tonnetz", 1e-4);
}

TEST(FeatureExtractor, ComputesFeaturesOfPartsBesideThoseOfTheWhole) {
  const Signals batch({"sentence", "chord", "chirp"});
  const auto columns = [&](const std::string& yaml) {
    return FeatureExtractor(parsed(yaml)).column_names();
  };
  EXPECT_THAT(columns("extract: [rms, {rms: {part: harmonic}}, {delta: {of: "
                      "harmonic_rms}}]"),
              testing::ElementsAre("rms", "harmonic_rms", "delta_harmonic_rms"));
  // Each alone has the bits that it has in company.
  const Array<float> together =
      extract(FeatureExtractor(parsed("extract: [{rms: {part: percussive}}, "
                                      "rms, {rms: {part: harmonic}}]")),
              batch);
  Index column = 0;
  for (const char* alone : {"extract: [{rms: {part: percussive}}]", "extract: [rms]",
                            "extract: [{rms: {part: harmonic}}]"}) {
    const Array<float> one = extract(FeatureExtractor(parsed(alone)), batch);
    for (Index row = 0; row < one.size(); ++row) {
      ASSERT_EQ(together[3 * row + column], one[row]) << alone << ", row " << row;
    }
    ++column;
  }
  // A chord lasts: what is left of it is nearly all of it, and of its beats
  // nearly nothing.
  const Array<float> chord =
      extract(FeatureExtractor(parsed("{extract: [rms, {rms: {part: "
                                      "harmonic}}, {rms: {part: percussive}}], "
                                      "statistics: [mean]}")),
              Signals({"chord"}));
  EXPECT_GT(chord[1], 0.9F * chord[0]);
  EXPECT_LT(chord[2], 0.2F * chord[0]);
}

TEST(FeatureExtractor, SpellsTorchaudiosAndKaldisPresets) {
  const auto compare = [](const std::string& yaml, const test::GoldenArray& wanted,
                          double tolerance) {
    const Array<float> found = extract(FeatureExtractor(parsed(yaml)), Signals({"sentence"}));
    ASSERT_EQ(found.size(), static_cast<Index>(wanted.values.size())) << yaml;
    const auto d = test::deviation(found.span(), wanted.values);
    EXPECT_LE(d.largest, tolerance) << yaml << ": " << to_string(d);
  };
  compare(
      "{n_fft: 1024, hop_length: 256, pad_mode: reflect, extract: [{mfcc: {htk: true, "
      "mel_norm: none}}]}",
      test::Golden("torchaudio.h5")["sentence/mfcc"], 1e-2);
  compare("{sample_rate: 16000, hop_length: 160, extract: [kaldi_fbank]}",
          test::Golden("kaldi.h5")["sentence/fbank"], 1e-3);
  compare("{sample_rate: 16000, hop_length: 160, extract: [kaldi_mfcc]}",
          test::Golden("kaldi.h5")["sentence/mfcc"], 1e-3);
}

TEST(FeatureExtractor, GivesKaldisFeaturesTheirOwnFrames) {
  const FeatureExtractor snipped(parsed(
      "{sample_rate: 16000, hop_length: 160, extract: [kaldi_fbank, kaldi_mfcc, {delta: {of: "
      "kaldi_fbank}}]}"));
  EXPECT_EQ(snipped.rows_of(Ragged(std::vector<Index>{400, 720})).total(), 1 + 3);
  EXPECT_EQ(snipped.dims(), 80 + 13 + 80);
  Signals signals({"sentence"});
  signals.add(std::vector<float>(399, 0.1F));
  try {
    extract(snipped, signals);
    FAIL() << "a clip without a frame has no features";
  } catch (const ClipError& error) {
    EXPECT_EQ(error.clip(), 1);
    EXPECT_THAT(error.what(), testing::HasSubstr("399 samples, too few for a frame"));
  }
  const FeatureExtractor mirrored(parsed(
      "{sample_rate: 16000, hop_length: 160, extract: [{kaldi_fbank: {snip_edges: false}}]}"));
  EXPECT_EQ(extract(mirrored, signals).shape()[0], mirrored.rows_of(signals.extents).total());
  EXPECT_EQ(mirrored.rows_of(Ragged(std::vector<Index>{399})).total(), 2);
  Signals tiny({});
  tiny.add(std::vector<float>(79, 0.1F));
  try {
    extract(mirrored, tiny);
    FAIL() << "half a hop is no frame";
  } catch (const ClipError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the first takes 80 of a hop_length of 160"));
  }
}

TEST(FeatureExtractor, SaysWhoseTransformIsWrong) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      const FeatureExtractor made(parsed(text));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of("{n_fft: 1000, extract: [mfcc]}"),
              testing::StartsWith("test:1: n_fft is 1000"));
  EXPECT_THAT(error_of("{hpss: {n_fft: 1000, hop_length: 250}, extract: [mfcc]}"),
              testing::StartsWith("test:1: hpss: n_fft is 1000"));
  EXPECT_THAT(error_of("{hpss: {hop_length: 1025}, extract: [mfcc]}"),
              testing::StartsWith("test:1: hpss: hop_length is 1025"));
}

TEST(FeatureExtractor, KnowsWhatHasNoVersionForAGpu) {
  EXPECT_THAT(
      FeatureExtractor(parsed("extract: [pyin, rms, {delta: {of: pyin}}, yin]")).without_cuda(),
      testing::ElementsAre("pyin", "yin"));
  EXPECT_THAT(FeatureExtractor(parsed("extract: [{mfcc: {part: harmonic}}, "
                                      "{tonnetz: {chroma: cqt}}, chroma_cqt, chroma_cens]"))
                  .without_cuda(),
              testing::ElementsAre("chroma_cens"));
  EXPECT_THAT(
      FeatureExtractor(parsed("extract: [mfcc, pcen, tonnetz, spectral_flux, cqt]")).without_cuda(),
      testing::IsEmpty());
}

TEST(FeatureExtractor, TakesOtherFrames) {
  FeatureSpec spec = only(MfccFeature{{.n_mfcc = 13}, {}});
  spec.n_fft = 1024;
  spec.hop_length = 256;
  const test::GoldenArray wanted = test::Golden("librosa.h5")["sentence/mfcc_13"];
  const Array<float> found = extract(FeatureExtractor(spec), Signals({"sentence"}));
  const auto d = test::deviation(found.span(), wanted.values);
  EXPECT_LE(d.largest, 2e-3) << to_string(d);
}

bool same_bits(const float* a, const float* b, Index count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(float)) == 0;
}

// Any subset in any order: each item's columns are those it has alone.
TEST(FeatureExtractor, GivesEachFeatureTheSameBitsInAnyCompany) {
  const Signals signals({"sentence", "fewer_than_9_frames"});
  std::vector<Feature> features = everything().extract;
  features.emplace_back(DeltaFeature{{.of = "tonnetz", .width = 5}});
  std::mt19937 random(1);
  for (int trial = 0; trial < 6; ++trial) {
    std::shuffle(features.begin(), features.end(), random);
    FeatureSpec spec;
    spec.extract.assign(features.begin(), features.begin() + 3 + trial);
    const FeatureExtractor together(spec);
    const Array<float> all = extract(together, signals);
    Index column = 0;
    for (const Feature& feature : spec.extract) {
      const FeatureExtractor alone(only(feature));
      const Array<float> own = extract(alone, signals);
      for (Index row = 0; row < own.shape()[0]; ++row) {
        ASSERT_TRUE(same_bits(all.data() + row * together.dims() + column,
                              own.data() + row * alone.dims(), alone.dims()))
            << name_of(feature) << " row " << row;
      }
      column += alone.dims();
    }
    EXPECT_EQ(column, together.dims());
  }
}

TEST(FeatureExtractor, GivesAClipTheSameBitsInAnyBatchPlaceAndThreads) {
  const std::vector<std::string> names = all_signals();
  for (const bool statistics : {false, true}) {
    FeatureSpec spec = everything();
    if (statistics) spec.statistics = {"mean", "std", "min", "max", "median", "p10"};
    const FeatureExtractor extractor(spec);
    std::vector<std::string> reversed(names.rbegin(), names.rend());
    const Signals batch(names);
    const Signals other(reversed);
    const Array<float> a = extract(extractor, batch, 1);
    const Array<float> b = extract(extractor, other, 3);
    const Ragged rows_a = extractor.rows_of(batch.extents);
    const Ragged rows_b = extractor.rows_of(other.extents);
    for (Index i = 0; i < rows_a.clips(); ++i) {
      const Array<float> alone = extract(extractor, Signals({names[static_cast<std::size_t>(i)]}));
      const Index in_b = rows_b.begin(rows_b.clips() - 1 - i);
      ASSERT_EQ(alone.size(), rows_a.length(i) * extractor.dims());
      EXPECT_TRUE(
          same_bits(alone.data(), a.data() + rows_a.begin(i) * extractor.dims(), alone.size()))
          << names[static_cast<std::size_t>(i)];
      EXPECT_TRUE(same_bits(alone.data(), b.data() + in_b * extractor.dims(), alone.size()))
          << names[static_cast<std::size_t>(i)];
    }
  }
}

TEST(FeatureExtractor, TakesStatisticsOverTheFramesOfEachClip) {
  FeatureSpec spec = only(MfccFeature{});
  spec.statistics = {"mean", "std", "min", "max", "median", "p10", "p97.5"};
  const test::GoldenArray wanted = test::Golden("librosa.h5")["sentence/statistics"];
  const Signals signals({"silence", "sentence"});
  const FeatureExtractor extractor(spec);
  const Array<float> found = extract(extractor, signals);
  const auto d = test::deviation(found.span().subspan(static_cast<std::size_t>(extractor.dims())),
                                 wanted.values);
  EXPECT_LE(d.largest, 2e-3) << to_string(d);
}

bool all_finite(const Array<float>& numbers) {
  const auto all = numbers.span();
  return std::all_of(all.begin(), all.end(), [](float x) { return std::isfinite(x); });
}

TEST(FeatureExtractor, GivesSilenceFiniteNumbers) {
  Signals silent({"silence"});
  silent.add({0.0F});
  silent.add(std::vector<float>(30000, 0.5F));
  FeatureSpec spec = everything();
  for (const bool statistics : {false, true}) {
    if (statistics) spec.statistics = {"mean", "std", "median"};
    EXPECT_TRUE(all_finite(extract(FeatureExtractor(spec), silent)));
  }
}

// A gain of 2 adds 10 log10 4 to log-mel without floors, and changes nothing that is relative.
TEST(FeatureExtractor, FollowsTheGain) {
  Signals plain({"fewer_than_9_frames"});
  Signals louder({});
  std::vector<float> doubled = plain.signal;
  for (float& x : doubled) x *= 2;
  louder.add(doubled);
  FeatureSpec spec;
  MelFeature mel;
  mel.db = true;
  spec.extract = {mel, ChromaFeature{}, TonnetzFeature{}, ZeroCrossingRateFeature{}, RmsFeature{}};
  const FeatureExtractor extractor(spec);
  const Array<float> a = extract(extractor, plain);
  const Array<float> b = extract(extractor, louder);
  for (Index i = 0; i < a.size(); ++i) {
    const Index column = i % extractor.dims();
    const bool is_rms = column + 1 == extractor.dims();
    if (column < 128) {
      EXPECT_NEAR(b[i] - a[i], 6.0206F, 1e-4F);
    } else {
      EXPECT_EQ(b[i], is_rms ? 2 * a[i] : a[i]) << column;
    }
  }
}

TEST(FeatureExtractor, RefusesWhatIsNoSoundAndSaysWhichClip) {
  const FeatureExtractor extractor(only(RmsFeature{}));
  const auto refusal = [&](float value) {
    Signals signals({"shorter_than_n_fft"});
    std::vector<float> bad(1000, 0.1F);
    bad[321] = value;
    signals.add(bad);
    try {
      extract(extractor, signals);
    } catch (const ClipError& error) {
      EXPECT_EQ(error.clip(), 1);
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(refusal(std::nanf("")), "sample 321 of the clip is not a number (NaN)");
  EXPECT_EQ(refusal(-INFINITY), "sample 321 of the clip is infinite");
  EXPECT_EQ(refusal(3e38F), "sample 321 of the clip is 3e+38, too large for a sample");
  EXPECT_EQ(refusal(1e12F), "none");

  Signals signals({"shorter_than_n_fft"});
  signals.add({});
  EXPECT_THROW(extract(extractor, signals), ClipError);
  Context context;
  Array<float> out(Shape{3, 3});
  EXPECT_THROW(extractor.extract(context, signals.view(), signals.extents, out.view()), ShapeError);
}

TEST(FeatureExtractor, StaysFiniteUpToTheLoudestSampleItTakes) {
  Signals signals({});
  signals.add(std::vector<float>(20000, 1e12F));
  FeatureSpec spec = everything();
  spec.n_fft = 16384;
  EXPECT_TRUE(all_finite(extract(FeatureExtractor(spec), signals)));
}

TEST(FeatureExtractor, WarnsOfEmptyMelBands) {
  EXPECT_TRUE(FeatureExtractor(everything()).warnings().empty());
  FeatureSpec spec = only(MelFeature{});
  spec.n_fft = 256;
  EXPECT_THAT(
      FeatureExtractor(spec).warnings(),
      testing::ElementsAre(testing::ContainsRegex("^mel: [0-9]+ of 128 mel bands are too narrow")));
  MfccFeature few;
  few.n_mels = 20;
  few.n_mfcc = 13;
  spec.extract = {PcenFeature{}, few};
  EXPECT_THAT(FeatureExtractor(spec).warnings(),
              testing::ElementsAre(testing::StartsWith("pcen: ")));
  EXPECT_EQ(feature_function(FeatureExtractor(spec)).notes.size(), 1U);
}

}  // namespace
}  // namespace serenade
