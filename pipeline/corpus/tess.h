#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/corpus/recording.h"

namespace serenade {

/// TESS (Pichora-Fuller and Dupuis 2020, Toronto emotional speech set, doi 10.5683/SP2/E8H2MF): the
/// emotions in the order of tess_codes.
inline constexpr auto tess_emotions = std::to_array<std::string_view>(
    {"neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised"});
/// ps: pleasant surprise.
inline constexpr auto tess_codes =
    std::to_array<std::string_view>({"neutral", "happy", "sad", "angry", "fear", "disgust", "ps"});
/// The older and the younger actress.
inline constexpr auto tess_speakers = std::to_array<std::string_view>({"OAF", "YAF"});

/// The fields of a TESS file name.
struct TessName {
  std::size_t speaker;  ///< place in tess_speakers
  std::string word;     ///< in lower case: "Say the word ..."
  std::size_t emotion;  ///< place in tess_emotions
};

/// Reads "OAF_back_angry" (a file name without its extension) in any case; nothing for any other
/// text. The misspelt "OA_bite_neutral" of circulated copies is of speaker OAF.
std::optional<TessName> parse_tess_name(std::string_view stem);
std::string to_string(const TessName& name);

/// The name as a recording. The folder (OAF_angry, OAF_Fear, YAF_pleasant_surprised, ...) repeats
/// what the name says and is not looked at.
std::optional<Recording> read_tess_name(std::string_view folder, std::string_view stem);

inline constexpr std::string_view tess_name_help =
    "OAF_back_angry.wav: speaker (OAF, YAF), word, emotion (angry, disgust, fear, happy, neutral, "
    "ps, sad)";

}  // namespace serenade
