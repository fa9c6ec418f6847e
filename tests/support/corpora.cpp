#include "tests/support/corpora.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade::test {
namespace {

namespace fs = std::filesystem;

/// How the clips of a tree are written.
class Writer {
 public:
  Writer(fs::path folder, int sample_rate) : folder_(std::move(folder)), rate_(sample_rate) {}

  void write(const std::string& name, std::size_t emotion, int format = 0, int rate = 0,
             int channels = 1) {
    if (rate == 0) rate = rate_;
    constexpr double seconds = 0.2;
    const auto mono = noisy_sine(static_cast<Index>(seconds * rate),
                                 300.0 + 150.0 * static_cast<double>(emotion), rate, paths.size());
    std::vector<float> frames;
    for (const float sample : mono) frames.insert(frames.end(), channels, sample);
    paths.push_back(folder_ / name);
    write_sound(paths.back(), frames, rate, channels, format);
  }

  std::vector<fs::path> paths;

 private:
  fs::path folder_;
  int rate_;
};

}  // namespace

std::vector<fs::path> write_emodb_tree(const fs::path& folder) {
  Writer writer(folder, 16'000);
  constexpr std::string_view emotions = "NFTWAEL";
  for (const char* speaker : {"03", "08"}) {
    for (const char* text : {"a01", "b10"}) {
      for (std::size_t i = 0; i < emotions.size(); ++i) {
        for (const char version : {'a', 'b'}) {
          const auto name = fmt::format("wav/{}{}{}{}.wav", speaker, text, emotions[i], version);
          writer.write(name, i, 0, 0, name == "wav/03a01Fa.wav" ? 2 : 1);
        }
      }
    }
  }
  insert_text_chunk(folder / "wav/08b10Wb.wav");
  return writer.paths;
}

std::vector<fs::path> write_tess_tree(const fs::path& folder) {
  Writer writer(folder, 24'414);
  constexpr auto codes = std::to_array<std::string_view>(
      {"neutral", "happy", "sad", "angry", "fear", "disgust", "ps"});
  constexpr auto older = std::to_array<std::string_view>(
      {"neutral", "happy", "Sad", "angry", "Fear", "disgust", "Pleasant_surprise"});
  constexpr auto younger = std::to_array<std::string_view>(
      {"neutral", "happy", "sad", "angry", "fear", "disgust", "pleasant_surprised"});
  for (const std::string_view speaker : {"OAF", "YAF"}) {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      for (const std::string_view word : {"back", "bite", "young", "youth"}) {
        const bool is_older = speaker == "OAF";
        const bool misspelt = is_older && i == 0 && word == "bite";
        const auto name =
            fmt::format("{}_{}/{}_{}_{}.wav", speaker, (is_older ? older : younger).at(i),
                        misspelt ? "OA" : speaker, word, codes.at(i));
        const bool is_aiff = !is_older && i == 3 && (word == "back" || word == "bite");
        const bool is_fast = is_older && i == 6 && word == "young";
        writer.write(name, i, is_aiff ? SF_FORMAT_AIFF | SF_FORMAT_PCM_16 : 0,
                     is_fast ? 96'000 : 0);
      }
    }
  }
  return writer.paths;
}

std::vector<fs::path> write_crema_d_tree(const fs::path& folder) {
  Writer writer(folder, 16'000);
  constexpr auto codes =
      std::to_array<std::string_view>({"NEU", "HAP", "SAD", "ANG", "FEA", "DIS"});
  for (const int speaker : {1001, 1002, 1040}) {
    for (const std::string_view sentence : {"DFA", "ITH"}) {
      for (std::size_t i = 0; i < codes.size(); ++i) {
        for (const std::string_view level : {"LO", "XX"}) {
          const bool odd = speaker == 1040 && sentence == "ITH" && i == 2 && level == "XX";
          writer.write(fmt::format("AudioWAV/{}_{}_{}_{}.wav", speaker, sentence, codes.at(i),
                                   odd ? "X" : level),
                       i);
        }
      }
    }
  }
  return writer.paths;
}

std::vector<fs::path> write_savee_tree(const fs::path& folder) {
  Writer writer(folder, 44'100);
  constexpr auto codes = std::to_array<std::string_view>({"n", "h", "sa", "a", "f", "d", "su"});
  for (const std::string_view speaker : {"DC", "JE", "JK", "KL"}) {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      for (int sentence = 1; sentence <= 3; ++sentence) {
        const auto name = fmt::format("{}{:02}.wav", codes.at(i), sentence);
        writer.write(speaker == "KL" ? "flat/KL_" + name : fmt::format("{}/{}", speaker, name), i);
      }
    }
  }
  return writer.paths;
}

void insert_text_chunk(const fs::path& wav) {
  std::string bytes = read_bytes(wav);
  const std::size_t data = bytes.find("data");
  if (!bytes.starts_with("RIFF") || data == std::string::npos) {
    throw std::runtime_error(wav.string() + ": no WAV file");
  }
  const auto little_endian = [](std::size_t number) {
    std::string text;
    for (int i = 0; i < 4; ++i) text += static_cast<char>(number >> (8 * i) & 0xFFU);
    return text;
  };
  std::string chunk("LIST\x1a\0\0\0INFOINAM\x0e\0\0\0a data set's \0", 34);
  bytes.insert(data, chunk);
  bytes.replace(4, 4, little_endian(bytes.size() - 8));
  write_bytes(wav, bytes);
}

}  // namespace serenade::test
