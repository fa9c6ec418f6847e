#include "pipeline/features/spec.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>

#include "pipeline/config/yaml.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

using testing::HasSubstr;

FeatureSpec parse(const std::string& yaml) {
  FeatureSpec spec;
  from_config(ConfigNode::parse(yaml, "test.yaml"), spec);
  return spec;
}

std::string complaint_about(const std::string& yaml) {
  return test::error_of<ConfigError>([&] { parse(yaml); });
}

TEST(FeatureSpec, ReadsNamesAndOptionsInOrder) {
  const FeatureSpec spec = parse(R"(
sample_rate: 16000
n_fft: 1024
hop_length: 256
extract:
  - rms
  - mfcc: {n_mfcc: 13}
  - delta: {of: mfcc}
  - mel: {n_mels: 64, db: true}
statistics: [mean, std]
duration: 3
)");
  EXPECT_EQ(spec.sample_rate, 16000);
  EXPECT_EQ(spec.n_fft, 1024);
  ASSERT_EQ(spec.extract.size(), 4U);
  EXPECT_EQ(name_of(spec.extract[0]), "rms");
  EXPECT_EQ(std::get<OfPart<MfccFeature>>(spec.extract[1]).n_mfcc, 13);
  EXPECT_EQ(std::get<OfPart<MfccFeature>>(spec.extract[1]).n_mels, 128);
  EXPECT_EQ(std::get<DeltaFeature>(spec.extract[2]).of, "mfcc");
  EXPECT_TRUE(std::get<OfPart<MelFeature>>(spec.extract[3]).db);
  EXPECT_EQ(spec.statistics, (std::vector<std::string>{"mean", "std"}));
  EXPECT_EQ(spec.duration, 3.0);
}

TEST(FeatureSpec, CachesOfOtherOptionsKeepTheirKeys) {
  const FeatureSpec plain = parse("extract: [rms]");
  // As the first version wrote it: caches that are there stay in use.
  EXPECT_EQ(cache_text(plain),
            "{sample_rate: 22050, n_fft: 2048, hop_length: 512, extract: [{rms: {}}], statistics: "
            "[], offset: 0, duration: null}\nderivatives of: []\nrevisions: {rms: 1}\n");
  EXPECT_EQ(cache_text(parse("{extract: [rms], trim: null, normalise: none}")), cache_text(plain));
  // Options of features that came later, at their defaults.
  EXPECT_EQ(
      cache_text(parse("extract: [{mfcc: {htk: false, lifter: 0}}, {mel: {mel_norm: slaney}}, "
                       "{delta: {of: mel}}]")),
      "{sample_rate: 22050, n_fft: 2048, hop_length: 512, extract: [{mfcc: {n_mfcc: 40, "
      "n_mels: 128, fmin: 0, fmax: null, top_db: 80}}, {mel: {n_mels: 128, fmin: 0, fmax: "
      "null, db: false, top_db: 80}}, {delta: {of: \"mel\", width: 9}}], statistics: [], "
      "offset: 0, duration: null}\nderivatives of: [{mel: {n_mels: 128, fmin: 0, fmax: null, "
      "db: false, top_db: 80}}]\nrevisions: {dct: 1, delta: 1, mel: 1, power_to_db: 1, stft: "
      "2}\n");
  EXPECT_THAT(cache_text(parse("extract: [{mfcc: {lifter: 22, htk: true}}]")),
              HasSubstr("{n_mfcc: 40, lifter: 22, n_mels: 128, fmin: 0, fmax: null, htk: true, "
                        "top_db: 80}"));
  EXPECT_THAT(cache_text(parse("{extract: [mel], pad_mode: reflect}")),
              HasSubstr("duration: null, pad_mode: reflect}"));
  EXPECT_THAT(cache_text(parse("{extract: [zero_crossing_rate], trim: {top_db: 30}}")),
              testing::AllOf(HasSubstr("trim: {top_db: 30, frame_length: 2048, hop_length: 512}"),
                             HasSubstr("rms: 1, trim: 1, zero_crossing_rate: 1")));
  EXPECT_THAT(cache_text(parse("{extract: [rms], normalise: peak}")),
              testing::AllOf(HasSubstr(", normalise: peak}"), HasSubstr("{normalise: 1, rms: 1}")));
}

TEST(FeatureSpec, KnowsThePartOfTheSoundByItsLabel) {
  const FeatureSpec spec = parse(
      "{extract: [mfcc, {mfcc: {n_mfcc: 20, part: "
      "harmonic}}, {delta: {of: harmonic_mfcc}}], "
      "hpss: {harmonic_margin: 2}}");
  EXPECT_EQ(label_of(spec.extract[1]), "harmonic_mfcc");
  EXPECT_EQ(part_of(spec.extract[0]), SoundPart::whole);
  const Feature base = base_of(spec, "harmonic_mfcc");
  EXPECT_EQ(std::get<OfPart<MfccFeature>>(base).n_mfcc, 20);
  EXPECT_EQ(part_of(base_of(spec, "percussive_rms")), SoundPart::percussive);
  EXPECT_EQ(part_of(base_of(spec, "rms")), SoundPart::whole);
  EXPECT_THROW(base_of(spec, "harmonic_noise"), ConfigError);
  EXPECT_THAT(cache_text(spec),
              testing::AllOf(HasSubstr("part: harmonic"), HasSubstr("hpss: {n_fft: 2048, "),
                             HasSubstr("harmonic_margin: 2"), HasSubstr("hpss: 1, istft: 1")));
  // Where no part is asked for, caches know nothing of it.
  EXPECT_EQ(cache_text(parse("{extract: [rms], hpss: {power: 1}}")),
            cache_text(parse("extract: [rms]")));
  EXPECT_THAT(cache_text(parse("{extract: [{delta: {of: harmonic_rms}}], hpss: {power: 1}}")),
              HasSubstr("power: 1"));
  EXPECT_THROW(parse("{extract: [rms], hpss: {hop_length: 1025}}"), ConfigError);
  EXPECT_THROW(parse("extract: [{rms: {part: melodic}}]"), ConfigError);
}

TEST(FeatureSpec, ChecksHowSilenceIsTrimmed) {
  EXPECT_EQ(parse("trim: {}").trim->top_db, 60);
  EXPECT_THAT(complaint_about("trim: {top_db: 0}"), HasSubstr("trim.top_db"));
  EXPECT_THAT(complaint_about("trim: {frame_length: 1025}"), HasSubstr("must be even"));
  EXPECT_THAT(complaint_about("normalise: loud"), HasSubstr("none, peak, rms"));
}

TEST(FeatureSpec, ReadsBackWhatItPrints) {
  FeatureSpec spec;
  spec.extract = all_features();
  // Kaldi's frames are others: they stand in a list of their own, below.
  const auto is_kaldi = [](const Feature& feature) {
    return name_of(feature).starts_with("kaldi");
  };
  std::vector<Feature> kaldi;
  std::copy_if(spec.extract.begin(), spec.extract.end(), std::back_inserter(kaldi), is_kaldi);
  ASSERT_EQ(kaldi.size(), 2U);
  std::erase_if(spec.extract, is_kaldi);
  spec.pad_mode = PadMode::reflect;
  spec.statistics = {"mean", "p97.5"};
  spec.offset = 0.5;
  spec.trim = TrimOptions{.top_db = 25.5};
  spec.normalise = Normalise::rms;
  const std::string text = canonical_text(spec);
  EXPECT_EQ(canonical_text(parse(text)), text);
  EXPECT_EQ(canonical_text(parse(to_yaml(text))), text);
  EXPECT_EQ(canonical_text(parse("{}")), canonical_text(FeatureSpec{}));
  spec.extract = kaldi;
  EXPECT_EQ(canonical_text(parse(canonical_text(spec))), canonical_text(spec));
}

TEST(FeatureSpec, NamesWhatIsWrongAndWhere) {
  EXPECT_THAT(complaint_about("extract:\n  - rms\n  - mfc\n"),
              testing::AllOf(HasSubstr("test.yaml:3"), HasSubstr("'mfc' is no feature"),
                             HasSubstr("did you mean 'mfcc'?")));
  EXPECT_THAT(complaint_about("extract:\n  - mfcc: {n_mfc: 3}\n"),
              testing::AllOf(HasSubstr("test.yaml:2"), HasSubstr("did you mean 'n_mfcc'?")));
  EXPECT_THAT(complaint_about("extract: [{rms: {width: 3}}]"), HasSubstr("width: unknown key"));
  EXPECT_THAT(complaint_about("extract: [{mfcc: {n_mfcc: 0}}]"), HasSubstr("out of range"));
  EXPECT_THAT(complaint_about("extract: [{chroma_stft: {tuning: 3}}]"), HasSubstr("out of range"));
  EXPECT_THAT(complaint_about("hop_length: 65537"), HasSubstr("test.yaml:1: hop_length"));
  EXPECT_THAT(complaint_about("hop_length: 65537"), HasSubstr("65536"));
  EXPECT_THAT(complaint_about("hop_lenght: 3"), HasSubstr("did you mean 'hop_length'?"));
}

TEST(FeatureSpec, RefusesWhatContradictsItself) {
  EXPECT_THAT(complaint_about("extract: []"), HasSubstr("the list of features is empty"));
  EXPECT_THAT(complaint_about("extract: [rms, rms]"), HasSubstr("rms stands twice"));
  EXPECT_THAT(complaint_about("extract: [{mfcc: {n_mfcc: 40, n_mels: 20}}]"),
              HasSubstr("n_mfcc is 40 but there are only 20 mel bands"));
  EXPECT_THAT(complaint_about("{sample_rate: 8000, extract: [spectral_contrast]}"),
              HasSubstr("half the sample rate is 4000 Hz"));
  EXPECT_THAT(complaint_about("extract: [{mel: {fmax: 12000}}]"), HasSubstr("fmax"));
  EXPECT_THAT(complaint_about("extract: [{delta: {of: mfc}}]"), HasSubstr("did you mean 'mfcc'?"));
  EXPECT_THAT(complaint_about("extract: [{delta: {of: delta}}]"),
              HasSubstr("the second by delta2"));
  EXPECT_THAT(
      complaint_about("extract:\n  - rms\n  - yin: {fmin: 500, fmax: 400, part: harmonic}\n"),
      HasSubstr("test.yaml:3: extract.1: harmonic_yin: "));
  EXPECT_THAT(complaint_about("extract: [{delta: {of: harmonic_pyn}}]"),
              HasSubstr("did you mean 'harmonic_pyin'?"));
  EXPECT_THAT(complaint_about("extract: [{delta: {of: pyin_f0}}]"),
              HasSubstr("derivatives are of all columns of one: of: pyin"));
  EXPECT_THAT(complaint_about("{sample_rate: 8000, extract: [cqt]}"),
              HasSubstr("extract.0: cqt: the highest filter"));
  EXPECT_THAT(complaint_about("extract: [{delta: {width: 4}}]"), HasSubstr("must be odd"));
  EXPECT_THAT(complaint_about("statistics: [mean, medain]"), HasSubstr("medain"));
  EXPECT_THAT(complaint_about("n_fft: 1000"), HasSubstr("power of two"));
  EXPECT_THAT(complaint_about("extract: [rms, kaldi_fbank]"),
              HasSubstr("kaldi_fbank: its frames are others than those of rms"));
  EXPECT_THAT(complaint_about("{sample_rate: 16000, extract: [kaldi_mfcc, {kaldi_fbank: "
                              "{frame_length: 20}}]}"),
              HasSubstr("one frame_length and snip_edges"));
  EXPECT_THAT(complaint_about("{n_fft: 256, extract: [pyin]}"),
              HasSubstr("does not fit into a frame of 256"));
  // Options set in code, where no YAML reader has looked at ranges.
  FeatureSpec spec;
  spec.extract = {ChromaFeature{{.n_chroma = 12, .tuning = 7.0}}};
  EXPECT_THROW(check(spec), ConfigError);
  spec.extract = {TonnetzFeature{.tuning = -7.0}};
  EXPECT_THROW(check(spec), ConfigError);
}

TEST(FeatureSpec, TellsEverythingThatNumbersDependOnApart) {
  const std::string plain = cache_text(parse("extract: [mfcc]"));
  EXPECT_EQ(plain, cache_text(parse("extract: [{mfcc: {n_mfcc: 40}}]")));
  for (const char* other :
       {"extract: [mel]", "extract: [{mfcc: {n_mfcc: 41}}]", "extract: [{mfcc: {top_db: null}}]",
        "extract: [mfcc, rms]", "hop_length: 256", "n_fft: 1024", "sample_rate: 16000",
        "statistics: [mean]", "offset: 0.5", "duration: 3", "pad_mode: reflect",
        "extract: [{mfcc: {htk: true}}]", "extract: [{mfcc: {dct_type: 3}}]",
        "extract: [{mfcc: {part: harmonic}}]", "extract: [{mfcc: {part: percussive}}]"}) {
    EXPECT_NE(plain, cache_text(parse(other))) << other;
  }
  EXPECT_NE(cache_text(parse("extract: [mfcc, rms]")), cache_text(parse("extract: [rms, mfcc]")));
  EXPECT_THAT(plain, HasSubstr("revisions: {dct: "));
  EXPECT_THAT(plain, HasSubstr("stft: "));
  EXPECT_THAT(plain, testing::Not(HasSubstr("tuning: ")));
  EXPECT_THAT(cache_text(parse("extract: [{delta: {of: tonnetz}}]")),
              testing::AllOf(HasSubstr("tuning: 1"), HasSubstr("derivatives of: [{tonnetz: ")));
}

}  // namespace
}  // namespace serenade
