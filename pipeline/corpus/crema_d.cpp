#include "pipeline/corpus/crema_d.h"

#include <fmt/format.h>

#include "pipeline/corpus/name_parts.h"

namespace serenade {
namespace {

constexpr int first_speaker = 1001;
constexpr int last_released_speaker = 1091;
constexpr int last_speaker = 1999;

// In the order of crema_d_sentences and crema_d_levels.
constexpr auto statements = std::to_array<std::string_view>(
    {"It's eleven o'clock", "That is exactly what happened", "I'm on my way to the meeting",
     "I wonder what this is about", "The airplane is almost full", "Maybe tomorrow it will be cold",
     "I would like a new alarm clock", "I think I have a doctor's appointment",
     "Don't forget a jacket", "I think I've seen this before", "The surface is slick",
     "We'll stop in a couple of minutes"});
constexpr auto intensities =
    std::to_array<std::string_view>({"low", "medium", "high", "unspecified"});
static_assert(statements.size() == crema_d_sentences.size());
static_assert(intensities.size() == crema_d_levels.size());

// VideoDemographics.csv of the release: 43 of the 91 speakers, less 1000.
constexpr auto female = std::to_array<int>(
    {2,  3,  4,  6,  7,  8,  9,  10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47,
     49, 52, 53, 54, 55, 56, 58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91});

}  // namespace

std::optional<CremaDName> parse_crema_d_name(std::string_view stem) {
  const auto parts = parts_of<4>(stem, '_');
  if (!parts) return std::nullopt;
  const auto speaker = number_of((*parts)[0]);
  const auto sentence = place_of((*parts)[1], crema_d_sentences);
  const auto emotion = place_of((*parts)[2], crema_d_codes);
  const auto level = place_of((*parts)[3] == "X" ? "XX" : (*parts)[3], crema_d_levels);
  if (!speaker || (*parts)[0].size() != 4 || *speaker < first_speaker || *speaker > last_speaker ||
      !sentence || !emotion || !level) {
    return std::nullopt;
  }
  return CremaDName{*speaker, *sentence, *emotion, *level};
}

std::string to_string(const CremaDName& name) {
  return fmt::format("{}_{}_{}_{}", name.speaker, crema_d_sentences.at(name.sentence),
                     crema_d_codes.at(name.emotion), crema_d_levels.at(name.level));
}

std::optional<Recording> read_crema_d_name(std::string_view, std::string_view stem) {
  const auto name = parse_crema_d_name(stem);
  if (!name) return std::nullopt;
  const std::string emotion(crema_d_emotions.at(name->emotion));
  Recording recording{to_string(*name),
                      std::to_string(name->speaker),
                      emotion,
                      {{"emotion", emotion},
                       {"statement", std::string(statements.at(name->sentence))},
                       {"intensity", std::string(intensities.at(name->level))},
                       {"language", "english"}}};
  if (name->speaker <= last_released_speaker) {
    const bool is_female = std::binary_search(female.begin(), female.end(), name->speaker - 1000);
    recording.fields["sex"] = is_female ? "female" : "male";
  }
  return recording;
}

}  // namespace serenade
