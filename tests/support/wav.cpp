#include "tests/support/wav.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <cmath>
#include <numbers>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"

namespace serenade::test {

void write_sound(const std::filesystem::path& path, const std::vector<float>& samples,
                 int sample_rate, int channels, int format) {
  std::filesystem::create_directories(path.parent_path());
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = channels;
  info.format = format == 0 ? SF_FORMAT_WAV | SF_FORMAT_PCM_16 : format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr) throw IoError(path.string() + ": " + sf_strerror(nullptr));
  const auto frames = static_cast<sf_count_t>(samples.size()) / channels;
  const sf_count_t wrote = sf_writef_float(file, samples.data(), frames);
  if (sf_close(file) != 0 || wrote != frames) throw IoError("cannot write " + path.string());
}

std::vector<float> noisy_sine(Index samples, double frequency, int sample_rate,
                              std::uint64_t seed) {
  const Philox random(seed);
  std::vector<float> signal(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < signal.size(); ++i) {
    const auto word = random({static_cast<std::uint32_t>(i), 0, 0, purpose_of(Purpose::test)})[0];
    const double phase = 2 * std::numbers::pi * frequency * static_cast<double>(i) / sample_rate;
    signal[i] = static_cast<float>(0.3 * std::sin(phase)) + 0.05F * (2 * uniform(word) - 1);
  }
  return signal;
}

std::vector<std::filesystem::path> write_ravdess_tree(const std::filesystem::path& folder,
                                                      const RavdessTree& tree) {
  std::vector<std::filesystem::path> paths;
  const auto samples = static_cast<Index>(tree.seconds * tree.sample_rate);
  const auto write = [&](int channel, int emotion, int intensity, int statement, int repetition,
                         int actor) {
    const auto path = folder / fmt::format("Actor_{:02}", actor) /
                      fmt::format("03-{:02}-{:02}-{:02}-{:02}-{:02}-{:02}{}", channel, emotion,
                                  intensity, statement, repetition, actor, tree.extension);
    write_sound(
        path, noisy_sine(samples, 200.0 * emotion + 10.0 * actor, tree.sample_rate, paths.size()),
        tree.sample_rate, 1, tree.extension == ".flac" ? SF_FORMAT_FLAC | SF_FORMAT_PCM_16 : 0);
    paths.push_back(path);
  };
  for (int actor = 1; actor <= tree.actors; ++actor) {
    for (int channel = 1; channel <= (tree.song ? 2 : 1); ++channel) {
      for (int emotion = 1; emotion <= (channel == 1 ? 8 : 6); ++emotion) {
        for (int intensity = 1; intensity <= (emotion == 1 ? 1 : 2); ++intensity) {
          for (int statement = 1; statement <= tree.statements; ++statement) {
            for (int repetition = 1; repetition <= tree.repetitions; ++repetition) {
              write(channel, emotion, intensity, statement, repetition, actor);
            }
          }
        }
      }
    }
  }
  return paths;
}

}  // namespace serenade::test
