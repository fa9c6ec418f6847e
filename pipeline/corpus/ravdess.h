#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/corpus/recording.h"

namespace serenade {

/// RAVDESS (Livingstone and Russo 2018, PLoS ONE 13(5) e0196391), the emotions in the order of
/// their codes, 01 to 08: the order of class numbers.
inline constexpr auto ravdess_emotions = std::to_array<std::string_view>(
    {"neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"});

/// The seven fields of a RAVDESS file name.
struct RavdessName {
  int modality;    ///< 1 audio-video, 2 video-only, 3 audio-only
  int channel;     ///< 1 speech, 2 song
  int emotion;     ///< 1 to 8
  int intensity;   ///< 1 normal, 2 strong
  int statement;   ///< 1 "Kids are talking by the door", 2 "Dogs are sitting by the door"
  int repetition;  ///< 1, 2
  int actor;       ///< odd: male, even: female; 1 to 24 in the release
};

/// Reads "03-01-06-01-02-01-12" (a file name without its extension); nothing for any other text.
/// Actors up to 99 are taken, for sets that go on where RAVDESS ends.
std::optional<RavdessName> parse_ravdess_name(std::string_view stem);

/// modality, channel, emotion, intensity, statement, repetition, actor, sex and language, as words.
std::map<std::string, std::string> ravdess_fields(const RavdessName& name);

/// The name as a recording; `folder`, the name of the file's folder, says nothing here.
std::optional<Recording> read_ravdess_name(std::string_view folder, std::string_view stem);

inline constexpr std::string_view ravdess_name_help =
    "03-01-06-01-02-01-12.wav: modality (01-03), channel (01-02), emotion (01-08), intensity "
    "(01-02), statement (01-02), repetition (01-02), actor";

}  // namespace serenade
