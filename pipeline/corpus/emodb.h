#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/corpus/recording.h"

namespace serenade {

/// EMO-DB (Burkhardt et al. 2005, "A database of German emotional speech", Interspeech): the
/// emotions in the order of emodb_codes.
inline constexpr auto emodb_emotions = std::to_array<std::string_view>(
    {"neutral", "happy", "sad", "angry", "fearful", "disgust", "bored"});
/// Neutral, Freude, Trauer, Wut, Angst, Ekel, Langeweile.
inline constexpr auto emodb_codes =
    std::to_array<std::string_view>({"N", "F", "T", "W", "A", "E", "L"});

/// The fields of an EMO-DB file name.
struct EmodbName {
  int speaker;          ///< two digits; 03 and 08 to 16 in the release
  std::string text;     ///< a01 to b10: which of ten sentences
  std::size_t emotion;  ///< place in emodb_emotions
  char version;         ///< a, b, ...: repetitions
};

/// Reads "03a01Fa" (a file name without its extension); nothing for any other text.
std::optional<EmodbName> parse_emodb_name(std::string_view stem);
std::string to_string(const EmodbName& name);

/// The name as a recording; `folder`, the name of the file's folder, says nothing here.
std::optional<Recording> read_emodb_name(std::string_view folder, std::string_view stem);

inline constexpr std::string_view emodb_name_help =
    "03a01Fa.wav: speaker (two digits), text (a01 to b10), emotion (W, L, E, A, F, T, N), version";

}  // namespace serenade
