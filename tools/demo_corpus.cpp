/// demo-corpus: synthetic emotional speech for machines without a data set. espeak-ng speaks two
/// sentences in many voices; an emotion is a way to set pitch, range, rate and level, and each clip
/// is moved away from it by a seeded amount and gets noise, so that repetitions differ and emotions
/// overlap. What a recogniser scores on it shows that the pipeline works, and nothing about people.

#include <espeak-ng/speak_lib.h>
#include <fmt/format.h>
#include <sndfile.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

// Another number here makes another corpus: raise the version with it.
constexpr int version = 1;

/// How something is said: espeak-ng's pitch and range (0 to 100), words a minute, and the peak.
struct Delivery {
  double pitch;
  double range;
  double rate;
  double level;  ///< dB of full scale
};

// In the order of RAVDESS's codes: neutral, calm, happy, sad, angry, fearful, disgust, surprised.
constexpr std::array<Delivery, 8> emotions{{{45, 40, 165, -17},
                                            {38, 28, 142, -20},
                                            {62, 72, 185, -13},
                                            {33, 15, 122, -22},
                                            {56, 55, 205, -8},
                                            {74, 35, 218, -15},
                                            {36, 60, 138, -13},
                                            {80, 90, 172, -10}}};
constexpr double strong = 1.3;  ///< how much farther from neutral strong intensity is

// Standard deviations: of a speaker's habits, and of a clip around them.
constexpr Delivery speaker_spread{3, 4, 6, 1.5};
constexpr Delivery clip_spread{4, 7, 7, 1.6};
constexpr double noise_below_peak = 38;  ///< dB, mean and
constexpr double noise_spread = 4;       ///< standard deviation
constexpr double longest_pause = 0.3;    ///< seconds before and after the words, drawn evenly

constexpr auto sentences =
    std::to_array<const char*>({"Kids are talking by the door.", "Dogs are sitting by the door."});

// espeak-ng's variants: odd actors male, even ones female, as in RAVDESS.
constexpr auto voices = std::to_array<std::string_view>(
    {"m1",     "f1",      "m2",   "f2",    "m3",      "f3",    "m4",      "f4",
     "m5",     "f5",      "m7",   "Annie", "adam",    "linda", "david",   "steph",
     "edward", "belinda", "iven", "anika", "michael", "aunty", "gustave", "grandma"});

struct Name {
  int emotion, intensity, statement, repetition, actor;

  std::string text() const {
    return fmt::format("03-01-{:02}-{:02}-{:02}-{:02}-{:02}", emotion, intensity, statement,
                       repetition, actor);
  }
};

std::vector<Name> names(int actors) {
  std::vector<Name> all;
  for (int actor = 1; actor <= actors; ++actor) {
    for (int emotion = 1; emotion <= 8; ++emotion) {
      for (int intensity = 1; intensity <= (emotion == 1 ? 1 : 2); ++intensity) {
        for (int statement = 1; statement <= 2; ++statement) {
          for (int repetition = 1; repetition <= 2; ++repetition) {
            all.push_back({emotion, intensity, statement, repetition, actor});
          }
        }
      }
    }
  }
  return all;
}

/// Random numbers of one clip or speaker.
class Draws {
 public:
  Draws(std::uint64_t seed, std::string_view who) : random_(seed) {
    const ContentHash hash = hash_text(who);
    who_ = {static_cast<std::uint32_t>(hash.low), static_cast<std::uint32_t>(hash.high)};
  }

  double even() {
    const auto words = random_({next_++, who_[0], who_[1], purpose_of(Purpose::demo_corpus)});
    return uniform(words[0]);
  }
  /// Mean 0, deviation 1, never beyond 6: the sum of twelve even draws, which needs no library
  /// function and so is the same everywhere.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += even();
    return sum;
  }
  Delivery moved(const Delivery& from, const Delivery& spread) {
    Delivery to = from;
    to.pitch += spread.pitch * normal();
    to.range += spread.range * normal();
    to.rate += spread.rate * normal();
    to.level += spread.level * normal();
    return to;
  }

 private:
  Philox random_;
  std::array<std::uint32_t, 2> who_{};
  std::uint32_t next_ = 0;
};

Delivery delivery_of(const Name& name, std::uint64_t seed, Draws& clip) {
  const Delivery& neutral = emotions.front();
  Delivery d = emotions.at(static_cast<std::size_t>(name.emotion - 1));
  if (name.intensity == 2) {
    d = {neutral.pitch + strong * (d.pitch - neutral.pitch),
         neutral.range + strong * (d.range - neutral.range),
         neutral.rate + strong * (d.rate - neutral.rate),
         neutral.level + strong * (d.level - neutral.level)};
  }
  Draws speaker(seed, fmt::format("actor {:02}", name.actor));
  return clip.moved(speaker.moved(d, speaker_spread), clip_spread);
}

/// espeak-ng, which has one state a process.
class Synthesizer {
 public:
  Synthesizer() {
    rate_ = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, nullptr, espeakINITIALIZE_DONT_EXIT);
    if (rate_ <= 0) {
      throw IoError("espeak-ng cannot start; is the package espeak-ng-data installed?");
    }
    espeak_SetSynthCallback(receive);
    espeak_VOICE kind{};
    kind.languages = "variant";
    for (const espeak_VOICE** voice = espeak_ListVoices(&kind); *voice != nullptr; ++voice) {
      const std::string_view identifier((*voice)->identifier);
      variants_.emplace(identifier.substr(identifier.rfind('/') + 1));
    }
  }
  ~Synthesizer() { espeak_Terminate(); }
  Synthesizer(const Synthesizer&) = delete;
  Synthesizer& operator=(const Synthesizer&) = delete;

  int sample_rate() const { return rate_; }

  std::vector<short> say(const std::string& text, std::string_view variant, const Delivery& how) {
    // espeak-ng takes an unknown variant without a word and speaks in its usual voice.
    if (!variants_.contains(std::string(variant))) {
      throw IoError(
          fmt::format("espeak-ng has no voice variant '{}'; is espeak-ng-data whole?", variant));
    }
    expect(espeak_SetVoiceByName(fmt::format("en-us+{}", variant).c_str()), "set a voice");
    set(espeakPITCH, how.pitch, 0, 100);
    set(espeakRANGE, how.range, 0, 100);
    set(espeakRATE, how.rate, espeakRATE_MINIMUM, espeakRATE_MAXIMUM);
    set(espeakVOLUME, 80, 0, 100);
    std::vector<short> samples;
    expect(espeak_Synth(text.c_str(), text.size() + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8,
                        nullptr, &samples),
           "speak");
    expect(espeak_Synchronize(), "finish");
    if (samples.empty()) throw IoError("espeak-ng gave no sound");
    return samples;
  }

 private:
  static int receive(short* wave, int count, espeak_EVENT* events) {
    if (wave == nullptr || count <= 0) return 0;
    auto& samples = *static_cast<std::vector<short>*>(events->user_data);
    samples.insert(samples.end(), wave, wave + count);
    return 0;
  }
  static void expect(espeak_ERROR error, std::string_view doing) {
    if (error != EE_OK) {
      throw IoError(fmt::format("espeak-ng cannot {} (error {})", doing, static_cast<int>(error)));
    }
  }
  static void set(espeak_PARAMETER parameter, double value, double low, double high) {
    const auto number = static_cast<int>(std::lround(std::clamp(value, low, high)));
    expect(espeak_SetParameter(parameter, number, 0), "set a parameter");
  }

  int rate_ = 0;
  std::set<std::string> variants_;
};

/// The words at their level between pauses, with noise.
std::vector<short> recording(const std::vector<short>& words, const Delivery& how, int sample_rate,
                             Draws& draws) {
  double peak = 1;
  for (const short sample : words) peak = std::max(peak, std::abs(static_cast<double>(sample)));
  constexpr double full_scale = 32767;
  const double level = full_scale * std::pow(10, std::min(how.level, -1.0) / 20);
  const double below = noise_below_peak + noise_spread * draws.normal();
  const double noise = level * std::pow(10, -below / 20);
  const auto before = static_cast<std::size_t>(draws.even() * longest_pause * sample_rate);
  const auto after = static_cast<std::size_t>(draws.even() * longest_pause * sample_rate);
  std::vector<short> samples(before + words.size() + after);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const bool spoken = i >= before && i - before < words.size();
    double value = noise * (2 * draws.even() - 1);
    if (spoken) value += level / peak * words[i - before];
    samples[i] = static_cast<short>(std::lround(std::clamp(value, -full_scale - 1, full_scale)));
  }
  return samples;
}

void write_wav(const fs::path& path, const std::vector<short>& samples, int sample_rate,
               bool stereo) {
  std::vector<short> frames;
  for (const short sample : samples) frames.insert(frames.end(), stereo ? 2 : 1, sample);
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = stereo ? 2 : 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr) throw IoError(path.string() + ": " + sf_strerror(nullptr));
  const auto count = static_cast<sf_count_t>(frames.size());
  const bool whole = sf_write_short(file, frames.data(), count) == count;
  if (sf_close(file) != 0 || !whole) throw IoError(path.string() + ": cannot write");
}

fs::path path_of(const fs::path& folder, const Name& name) {
  return folder / fmt::format("Actor_{:02}", name.actor) / (name.text() + ".wav");
}

struct Contents {
  std::size_t distinct;
  ContentHash fingerprint;
};

/// Of all clips, in the order of names. Throws IoError where one is missing.
Contents contents_of(const fs::path& folder, const std::vector<Name>& all) {
  std::set<ContentHash> hashes;
  std::string text;
  for (const auto& name : all) {
    const ContentHash hash = hash_file(path_of(folder, name));
    hashes.insert(hash);
    text += name.text() + ' ' + to_string(hash) + '\n';
  }
  return {hashes.size(), hash_text(text)};
}

void make_clips(const fs::path& folder, const std::vector<Name>& all, std::uint64_t seed) {
  Synthesizer synthesizer;
  for (const auto& name : all) {
    Draws draws(seed, name.text());
    const Delivery how = delivery_of(name, seed, draws);
    const auto words = synthesizer.say(sentences.at(static_cast<std::size_t>(name.statement - 1)),
                                       voices.at(static_cast<std::size_t>(name.actor - 1)), how);
    const fs::path path = path_of(folder, name);
    fs::create_directories(path.parent_path());
    // The real set has a few stereo clips of two equal channels; so has this one.
    const bool stereo = name.text() == "03-01-02-01-01-02-01";
    write_wav(path, recording(words, how, synthesizer.sample_rate(), draws),
              synthesizer.sample_rate(), stereo);
  }
}

std::string generate(fs::path folder, int actors, std::uint64_t seed) {
  if (!folder.has_filename()) folder = folder.parent_path();  // "corpora/demo/"
  const auto all = names(actors);
  const std::string options = fmt::format(
      "Synthetic speech by espeak-ng {}, made by demo-corpus.\nversion: {}\nactors: {}\nseed: "
      "{}\nclips: {}\n",
      espeak_Info(nullptr), version, actors, seed, all.size());
  const fs::path manifest = folder / "demo-corpus.txt";
  constexpr std::size_t longest_manifest = 4096;
  if (fs::exists(manifest)) {
    const std::string made = read_file(manifest, longest_manifest);
    if (!made.starts_with(options)) {
      throw ConfigError(fmt::format(
          "{} was made with other options or by another version; delete it, or name another folder",
          folder.string()));
    }
    const std::string fingerprint = to_string(contents_of(folder, all).fingerprint);
    if (made != options + "fingerprint: " + fingerprint + '\n') {
      throw DataError(fmt::format("{} does not hold what was made; delete it and make it again",
                                  folder.string()));
    }
    return fmt::format("{} has its {} clips already", folder.string(), all.size());
  }
  if (fs::exists(folder) && !fs::is_empty(folder)) {
    throw ConfigError(
        fmt::format("{} is not empty and was not made by this program", folder.string()));
  }

  // Made beside its place and renamed when whole, so that there is all of it or nothing.
  fs::path part = folder;
  part += ".part";
  fs::remove_all(part);
  fs::create_directories(part);
  make_clips(part, all, seed);
  const Contents contents = contents_of(part, all);
  if (contents.distinct != all.size()) {
    throw DataError(fmt::format("only {} of {} clips differ; choose another seed",
                                contents.distinct, all.size()));
  }
  write_file_atomically(part / manifest.filename(),
                        options + "fingerprint: " + to_string(contents.fingerprint) + '\n');
  fs::rename(part, folder);
  return fmt::format("{} holds {} clips of {} voices", folder.string(), all.size(), actors);
}

}  // namespace
}  // namespace serenade

int main(int argc, char** argv) {
  CLI::App app("Makes a RAVDESS-shaped corpus of synthetic speech, the same for the same seed.");
  std::string folder;
  int actors = 12;
  std::uint64_t seed = 1;
  app.add_option("folder", folder, "where the corpus goes; left alone if it is there")->required();
  app.add_option("--actors", actors, "voices, 60 clips each")
      ->check(CLI::Range(1, static_cast<int>(serenade::voices.size())))
      ->capture_default_str();
  app.add_option("--seed", seed, "of the differences between clips")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    constexpr int wrong_use = 2;
    return app.exit(error) == 0 ? 0 : wrong_use;
  }
  try {
    std::puts(("demo-corpus: " + serenade::generate(folder, actors, seed)).c_str());
  } catch (const std::exception& error) {
    std::fputs(fmt::format("demo-corpus: {}\n", error.what()).c_str(), stderr);
    return 1;
  }
  return 0;
}
