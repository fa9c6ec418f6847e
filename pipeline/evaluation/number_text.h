#pragma once

#include <string>

#include "kernels/device/tensor.h"

namespace serenade {

/// A share from 0 to 1 in per cent, without the sign: 0.703 is "70.3"; "n/a" when not finite.
std::string percent(double share, int digits = 1);
/// `count` of `of` in whole per cent: "0" only for none, "<1" for a few of very many.
std::string whole_percent(Index count, Index of);
/// 12345 is "12,345".
std::string thousands(Index count);
/// "0.42 s", "42.1 s", "3 min 12 s", "2 h 05 min"; "n/a" when negative or not finite.
std::string duration_text(double seconds);
/// "1 clip", "1,200 clips".
std::string counted(Index count, const std::string& singular, const std::string& plural);

}  // namespace serenade
