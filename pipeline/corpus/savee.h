#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/corpus/recording.h"

namespace serenade {

/// SAVEE (Haq and Jackson 2009, "Speaker-dependent audio-visual emotion recognition", AVSP): the
/// emotions in the order of savee_codes.
inline constexpr auto savee_emotions = std::to_array<std::string_view>(
    {"neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised"});
inline constexpr auto savee_codes =
    std::to_array<std::string_view>({"n", "h", "sa", "a", "f", "d", "su"});
/// The four speakers, all male.
inline constexpr auto savee_speakers = std::to_array<std::string_view>({"DC", "JE", "JK", "KL"});

/// The fields of a SAVEE file name.
struct SaveeName {
  std::size_t speaker;  ///< place in savee_speakers
  std::size_t emotion;  ///< place in savee_emotions
  int sentence;         ///< 1 to 15, neutral 1 to 30; each emotion has sentences of its own
};

/// Reads "DC_a01" or "DC/a01" (file names without their extension) in any case; nothing for any
/// other text.
std::optional<SaveeName> parse_savee_name(std::string_view name);
/// "DC_a01".
std::string to_string(const SaveeName& name);

/// The name as a recording: of the stem "DC_a01", or of the stem "a01" in the folder "DC".
std::optional<Recording> read_savee_name(std::string_view folder, std::string_view stem);

inline constexpr std::string_view savee_name_help =
    "DC_a01.wav or DC/a01.wav: speaker (DC, JE, JK, KL), emotion (a, d, f, h, n, sa, su), sentence "
    "(01 to 15, neutral to 30)";

}  // namespace serenade
