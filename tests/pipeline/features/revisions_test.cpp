// Caches are keyed by the revision of each operation, so output that changes while its revision
// does not would be mixed with older output. tests/golden/revisions.json holds, for each operation,
// a hash of its output on fixed input, and the revision it belongs to. This covers -march=haswell
// and the C library of Debian 12, by whose cos, exp and log2 tables are made.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/convolve.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/gaussian_noise.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/istft.h"
#include "kernels/dsp/kaldi.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/normalise.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/pcm.h"
#include "kernels/dsp/phase_vocoder.h"
#include "kernels/dsp/pyin.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/trim.h"
#include "kernels/dsp/tuning.h"
#include "kernels/dsp/zero_crossing.h"
#include "pipeline/audio/signals.h"
#include "pipeline/augmentation/waveform.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/files.h"
#include "tests/support/golden.h"
#include "tests/support/load_mono.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/vector_paths.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;

/// One array of every golden signal, end to end.
struct Input {
  Array<float> values;
  Ragged extents;
};

Input input(const std::string& file, const std::string& what) {
  const test::Golden golden(file);
  std::vector<float> all;
  Input result;
  Index dims = 0;
  for (const std::string& signal : golden.groups()) {
    const test::GoldenArray array = golden[fmt::format("{}/{}", signal, what)];
    dims = array.shape.size() == 2 ? array.shape[1] : 0;
    result.extents.append(array.shape[0]);
    const std::vector<float> values = array.floats();
    all.insert(all.end(), values.begin(), values.end());
  }
  const Index rows = result.extents.total();
  result.values.resize(dims > 0 ? Shape{rows, dims} : Shape{rows});
  std::copy(all.begin(), all.end(), result.values.data());
  return result;
}

struct Output {
  int revision;
  Array<float> values;
};

template <class Compute>
Output output(int revision, Shape shape, const Compute& compute) {
  Output result{revision, Array<float>(shape)};
  compute(result.values.view());
  return result;
}

/// What load_mono makes of recordings with two and three channels, whole and in part, resampled
/// down, up and not at all; lengths that leave a rest at the end. Also Debian 12's libsoxr.
Output loaded() {
  const test::TemporaryFolder folder;
  std::vector<float> all;
  for (const int channels : {2, 3}) {
    const auto path = folder / fmt::format("{}.wav", channels);
    test::write_sound(path, test::noisy_sine(Index{4099} * channels, 431, 44100, 17), 44100,
                      channels);
    for (const int rate : {16000, 44100, 48000}) {
      for (const DecodeOptions& part : {DecodeOptions{}, DecodeOptions{0.01, 0.0333}}) {
        const std::vector<float> signal = test::load_mono(path, rate, part);
        all.insert(all.end(), signal.begin(), signal.end());
      }
    }
  }
  Output result{audio_revision, Array<float>({static_cast<Index>(all.size())})};
  std::copy(all.begin(), all.end(), result.values.data());
  return result;
}

/// Copies of the signals by a recipe of one operation, each by an amount of its own.
Output copied(const Input& signal, int revision, std::optional<Amount> CopyRecipe::*operation,
              Amount amount) {
  Context context;
  CopyMaker maker{{}, 1, 2, static_cast<int>(sample_rate)};
  maker.recipe.*operation = amount;
  std::vector<ContentHash> contents(static_cast<std::size_t>(signal.extents.clips()));
  for (std::size_t i = 0; i < contents.size(); ++i) contents[i] = {i, i};
  Signals originals{context.lend({signal.extents.total()}), signal.extents};
  std::copy_n(signal.values.data(), signal.extents.total(), originals.view().data());
  const Signals copies = maker(context, std::move(originals), contents);
  return output(revision, Shape{copies.samples.total()}, [&](Tensor<float> out) {
    std::copy_n(copies.view().data(), out.size(), out.data());
  });
}

void add_copies(const Input& signal, std::map<std::string, Output>& all) {
  Context context;
  const StftPlan plan;
  const Ragged frames = frames_of(signal.extents, 512);
  Array<float> spectrum({frames.total(), plan.bins(), 2});
  stft(context, plan, signal.values.view(), signal.extents, spectrum.view());
  const std::vector<double> rates(static_cast<std::size_t>(frames.clips()), 1.3);
  Index stretched = 0;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    stretched += stretched_frames(frames.length(clip), 1.3);
  }
  all.emplace(
      "phase_vocoder",
      output(phase_vocoder_revision, Shape{stretched, plan.bins(), 2}, [&](Tensor<float> out) {
        phase_vocoder(context, std::as_const(spectrum).view(), frames, 512, rates, out);
      }));
  all.emplace("istft", output(istft_revision, signal.values.shape(), [&](Tensor<float> out) {
                istft(context, plan, std::as_const(spectrum).view(), frames, signal.extents, out);
              }));
  all.emplace("convolve", output(convolve_revision, signal.values.shape(), [&](Tensor<float> out) {
                const auto x = std::as_const(signal.values).view();
                convolve(context, x, x.rows(0, 5000), out);
              }));
  all.emplace("gaussian_noise", output(gaussian_noise_revision, {10001}, [&](Tensor<float> out) {
                cpu::gaussian_noise(context, 1, 2, out);
              }));
  const auto add = [&](const char* name, int revision, auto operation, Amount amount) {
    all.emplace(name, copied(signal, revision, operation, amount));
  };
  add("speed", speed_revision, &CopyRecipe::speed, {0.9, 1.1});
  add("time_stretch", time_stretch_revision, &CopyRecipe::time_stretch, {0.9, 1.1});
  add("pitch_shift", pitch_shift_revision, &CopyRecipe::pitch_shift, {-2, 2});
  add("reverb", reverb_revision, &CopyRecipe::reverb, {0.1, 0.3});
  add("gain", gain_revision, &CopyRecipe::gain, {-6, 6});
  add("time_shift", time_shift_revision, &CopyRecipe::time_shift, {-0.2, 0.2});
  add("noise", noise_revision, &CopyRecipe::noise, {10, 30});
}

std::map<std::string, Output> outputs() {
  Context context;
  const Input signal = input("librosa.h5", "samples");
  const Input mels = input("librosa.h5", "mel");
  const Input log_mels = input("librosa.h5", "log_mel");
  const Input mfccs = input("librosa.h5", "mfcc");
  const Input chromas = input("librosa.h5", "chroma_stft");
  const Input magnitudes = input("librosa_stft.h5", "magnitude");
  Array<float> power(magnitudes.values.shape());
  for (Index i = 0; i < power.size(); ++i) {
    power[i] = magnitudes.values[i] * magnitudes.values[i];
  }
  const Index frames = frames_of(signal.extents, 512).total();
  const Index rows = magnitudes.extents.total();

  const StftPlan plan;
  const MelBank mel_bank({}, sample_rate, 2048);
  const DctBasis basis(128, 40);
  const ChromaBank chroma_bank({}, sample_rate, 2048);
  const ContrastBands bands({}, sample_rate, 2048);
  const StatisticsOptions kinds{.statistics = {"mean", "std", "min", "max", "median", "p10"}};

  std::map<std::string, Output> all;
  const auto add = [&](const char* name, int revision, Shape shape, const auto& compute) {
    all.emplace(name, output(revision, shape, compute));
  };
  all.emplace("audio", loaded());
  const Index samples = signal.extents.total();
  const auto bank = ResampleBank::measure(22050, 16000).value();
  const Ragged slower = resampled(signal.extents, 22050, 16000);
  add("resample", resample_revision, Shape{slower.total()}, [&](Tensor<float> out) {
    resample(context, bank, signal.values.view(), signal.extents, out);
  });
  add("to_mono", to_mono_revision, Shape{samples}, [&](Tensor<float> out) {
    const auto bytes = std::as_bytes(signal.values.span());
    // Floats taken for two channels of integers: as good as any.
    to_mono(context, std::array{StoredClip{0, 2, SampleFormat::int16}},
            {bytes.data(), {static_cast<Index>(bytes.size())}}, Ragged(std::array{samples}), out);
  });
  add("stft", stft_revision, Shape{frames, plan.bins()}, [&](Tensor<float> out) {
    stft_power(context, plan, signal.values.view(), signal.extents, out);
    magnitude(context, out, out);
  });
  add("mel", mel_revision, Shape{rows, 128},
      [&](Tensor<float> out) { mel_power(context, power.view(), mel_bank, out); });
  add("power_to_db", power_to_db_revision, mels.values.shape(),
      [&](Tensor<float> out) { power_to_db(context, mels.values.view(), mels.extents, {}, out); });
  add("dct", dct_revision, Shape{frames, 40},
      [&](Tensor<float> out) { dct(context, log_mels.values.view(), basis, out); });
  add("tuning", tuning_revision, Shape{magnitudes.extents.clips()}, [&](Tensor<float> out) {
    estimate_tuning(context, power.view(), magnitudes.extents, sample_rate, 12, out);
  });
  add("chroma", chroma_revision, Shape{rows, 12}, [&](Tensor<float> out) {
    chroma_stft(context, power.view(), magnitudes.extents, chroma_bank, out);
  });
  add("spectral_contrast", spectral_contrast_revision, Shape{rows, 7}, [&](Tensor<float> out) {
    spectral_contrast(context, magnitudes.values.view(), magnitudes.extents, bands, out);
  });
  add("spectral_shape", spectral_shape_revision, Shape{6 * rows, 1}, [&](Tensor<float> out) {
    const auto part = [&](Index i) { return out.rows(i * rows, (i + 1) * rows); };
    SpectralShape wanted{part(0), part(1), part(2), part(3), part(4)};
    spectral_shape(context, magnitudes.values.view(), magnitudes.extents, sample_rate, wanted);
    SpectralShape cubes{.bandwidth = part(5), .bandwidth_options = {.p = 3}};
    spectral_shape(context, magnitudes.values.view(), magnitudes.extents, sample_rate, cubes);
  });
  add("pcen", pcen_revision, mels.values.shape(), [&](Tensor<float> out) {
    pcen(context, mels.values.view(), mels.extents, sample_rate, 512, {}, out);
  });
  add("yin", yin_revision, Shape{frames, 1}, [&](Tensor<float> out) {
    yin(context, YinPlan({}, sample_rate, {}), {}, signal.values.view(), signal.extents, out);
  });
  add("pyin", pyin_revision, Shape{frames, 3}, [&](Tensor<float> out) {
    pyin(context, PyinPlan({}, sample_rate, {}), signal.values.view(), signal.extents, out);
  });
  const KaldiPlan cepstra(KaldiMfccOptions{}, 16000, 160);
  const KaldiPlan fbank(KaldiFbankOptions{}, 16000, 160);
  const Index kaldi_rows = fbank.frames_of(signal.extents).total();
  add("kaldi", kaldi_revision, Shape{kaldi_rows * (80 + 13)}, [&](Tensor<float> out) {
    kaldi_features(context, fbank, signal.values.view(), signal.extents,
                   out.rows(0, 80 * kaldi_rows).reshape({kaldi_rows, 80}));
    kaldi_features(context, cepstra, signal.values.view(), signal.extents,
                   out.rows(80 * kaldi_rows, 93 * kaldi_rows).reshape({kaldi_rows, 13}));
  });
  add("hpss", hpss_revision, Shape{3 * rows, 1025}, [&](Tensor<float> out) {
    const auto part = [&](Index i) { return out.rows(i * rows, (i + 1) * rows); };
    hpss(context, magnitudes.values.view(), magnitudes.extents, {}, {part(0), part(1)});
    hpss(context, magnitudes.values.view(), magnitudes.extents,
         {.harmonic_margin = 2, .power = 1.5}, {part(2), {}});
  });
  const ChromaCqtOptions classes;
  const CqtPlan constant_q(transform_of(classes), sample_rate, 512);
  Array<float> notes({frames, constant_q.bins()});
  add("cqt", cqt_revision, notes.shape(), [&](Tensor<float> out) {
    cqt(context, constant_q, signal.values.view(), signal.extents, out);
    std::copy_n(out.data(), out.size(), notes.data());
  });
  add("chroma_cqt", chroma_cqt_revision, Shape{3 * frames, 12}, [&](Tensor<float> out) {
    const auto part = [&](Index i) { return out.rows(i * frames, (i + 1) * frames); };
    fold_octaves(context, std::as_const(notes).view(), classes, part(0));
    divide_by_largest(context, part(0), part(1));
    chroma_cens(context, part(0), frames_of(signal.extents, 512), 41, part(2));
  });
  add("tonnetz", tonnetz_revision, Shape{frames, 6},
      [&](Tensor<float> out) { tonnetz(context, chromas.values.view(), out); });
  add("zero_crossing_rate", zero_crossing_rate_revision, Shape{frames, 1}, [&](Tensor<float> out) {
    zero_crossing_rate(context, signal.values.view(), signal.extents, {}, out);
  });
  add("rms", rms_revision, Shape{frames, 1},
      [&](Tensor<float> out) { rms(context, signal.values.view(), signal.extents, {}, out); });
  const Input pauses = input("librosa_trim.h5", "samples");
  add("trim", trim_revision, Shape{pauses.extents.clips(), 2}, [&](Tensor<float> out) {
    const auto kept = trim(context, pauses.values.view(), pauses.extents, {.top_db = 30});
    for (std::size_t i = 0; i < kept.size(); ++i) {
      out.data()[2 * i] = static_cast<float>(kept[i].begin);
      out.data()[2 * i + 1] = static_cast<float>(kept[i].end);
    }
  });
  add("normalise", normalise_revision, Shape{2 * samples}, [&](Tensor<float> out) {
    normalise(context, signal.values.view(), signal.extents, Normalise::peak, out.rows(0, samples));
    normalise(context, signal.values.view(), signal.extents, Normalise::rms,
              out.rows(samples, 2 * samples));
  });
  add("delta", delta_revision, Shape{2 * frames, 40}, [&](Tensor<float> out) {
    delta(context, mfccs.values.view(), mfccs.extents, {}, out.rows(0, frames));
    delta(context, mfccs.values.view(), mfccs.extents, {.order = 2}, out.rows(frames, 2 * frames));
  });
  add("statistics", statistics_revision, Shape{mfccs.extents.clips(), 40 * 6},
      [&](Tensor<float> out) {
        statistics(context, mfccs.values.view(), mfccs.extents, kinds, out);
      });
  add_copies(signal, all);
  return all;
}

class Revisions : public test::OnVectorPath<VectorPath> {};

TEST_P(Revisions, ChangeWheneverTheOutputOfAnOperationDoes) {
  const auto path = test::golden_folder() / "revisions.json";
  const auto stored = nlohmann::json::parse(read_file(path, std::size_t{1} << 20U));
  std::string lines;
  bool changed = stored.size() != outputs().size();
  for (const auto& [name, out] : outputs()) {
    const std::string hash = to_string(hash_bytes(std::as_bytes(out.values.span())));
    lines += fmt::format("{}  \"{}\": {{\"revision\": {}, \"output\": \"{}\"}}",
                         lines.empty() ? "" : ",\n", name, out.revision, hash);
    const auto known = stored.find(name);
    const bool same_revision = known != stored.end() && (*known)["revision"] == out.revision;
    const bool same_output = known != stored.end() && (*known)["output"] == hash;
    if (same_revision && same_output) continue;
    changed = true;
    EXPECT_FALSE(same_revision) << "the output of " << name << " changed: raise " << name
                                << "_revision beside its contract, so that caches filled with the "
                                   "old output are not used";
  }
  EXPECT_FALSE(changed) << "then let " << path << " hold\n{\n" << lines << "\n}";
}

INSTANTIATE_TEST_SUITE_P(VectorPath, Revisions, test::every_vector_path, test::PathName());

}  // namespace
}  // namespace serenade
