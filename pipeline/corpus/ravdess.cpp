#include "pipeline/corpus/ravdess.h"

#include <fmt/format.h>

#include <utility>

namespace serenade {
namespace {

constexpr auto modalities =
    std::to_array<std::string_view>({"audio-video", "video-only", "audio-only"});
constexpr auto channels = std::to_array<std::string_view>({"speech", "song"});
constexpr auto intensities = std::to_array<std::string_view>({"normal", "strong"});
constexpr auto statements = std::to_array<std::string_view>(
    {"Kids are talking by the door", "Dogs are sitting by the door"});

template <std::size_t N>
std::string word(const std::array<std::string_view, N>& words, int code) {
  return std::string(words.at(static_cast<std::size_t>(code - 1)));
}

}  // namespace

std::optional<RavdessName> parse_ravdess_name(std::string_view stem) {
  constexpr auto highest = std::to_array<int>({3, 2, 8, 2, 2, 2, 99});
  constexpr std::size_t length = 3 * highest.size() - 1;
  if (stem.size() != length) return std::nullopt;
  std::array<int, highest.size()> codes{};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const char tens = stem[3 * i];
    const char ones = stem[3 * i + 1];
    if (i > 0 && stem[3 * i - 1] != '-') return std::nullopt;
    if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return std::nullopt;
    codes[i] = 10 * (tens - '0') + (ones - '0');
    if (codes[i] < 1 || codes[i] > highest[i]) return std::nullopt;
  }
  return RavdessName{codes[0], codes[1], codes[2], codes[3], codes[4], codes[5], codes[6]};
}

std::map<std::string, std::string> ravdess_fields(const RavdessName& name) {
  return {{"modality", word(modalities, name.modality)},
          {"channel", word(channels, name.channel)},
          {"emotion", word(ravdess_emotions, name.emotion)},
          {"intensity", word(intensities, name.intensity)},
          {"statement", word(statements, name.statement)},
          {"repetition", std::to_string(name.repetition)},
          {"actor", fmt::format("{:02}", name.actor)},
          {"sex", name.actor % 2 == 1 ? "male" : "female"},
          {"language", "english"}};
}

std::optional<Recording> read_ravdess_name(std::string_view, std::string_view stem) {
  const auto name = parse_ravdess_name(stem);
  if (!name) return std::nullopt;
  auto fields = ravdess_fields(*name);
  return Recording{std::string(stem), fields.at("actor"), fields.at("emotion"), std::move(fields)};
}

}  // namespace serenade
