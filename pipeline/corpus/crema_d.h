#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/corpus/recording.h"

namespace serenade {

/// CREMA-D (Cao et al. 2014, IEEE Transactions on Affective Computing 5(4), 377-390): the emotions
/// in the order of crema_d_codes.
inline constexpr auto crema_d_emotions =
    std::to_array<std::string_view>({"neutral", "happy", "sad", "angry", "fearful", "disgust"});
inline constexpr auto crema_d_codes =
    std::to_array<std::string_view>({"NEU", "HAP", "SAD", "ANG", "FEA", "DIS"});
inline constexpr auto crema_d_sentences = std::to_array<std::string_view>(
    {"IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"});
/// Low, medium, high, unspecified.
inline constexpr auto crema_d_levels = std::to_array<std::string_view>({"LO", "MD", "HI", "XX"});

/// The fields of a CREMA-D file name.
struct CremaDName {
  int speaker;           ///< 1001 to 1091 in the release; up to 1999 is taken
  std::size_t sentence;  ///< place in crema_d_sentences
  std::size_t emotion;   ///< place in crema_d_emotions
  std::size_t level;     ///< place in crema_d_levels
};

/// Reads "1001_DFA_ANG_XX" (a file name without its extension); nothing for any other text. The
/// release has one name with a single X (1040_ITH_SAD_X), which is read as XX.
std::optional<CremaDName> parse_crema_d_name(std::string_view stem);
std::string to_string(const CremaDName& name);

/// The name as a recording; `folder`, the name of the file's folder, says nothing here.
std::optional<Recording> read_crema_d_name(std::string_view folder, std::string_view stem);

inline constexpr std::string_view crema_d_name_help =
    "1001_DFA_ANG_XX.wav: speaker (1001 on), sentence (DFA, IEO, ...), emotion (ANG, DIS, FEA, "
    "HAP, NEU, SAD), level (LO, MD, HI, XX)";

}  // namespace serenade
