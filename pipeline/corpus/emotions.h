#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// The words that every reader maps its emotion codes to, so that a label means the same in all
/// corpora, in the order of class numbers.
inline constexpr auto emotions = std::to_array<std::string_view>(
    {"neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised", "bored"});

/// Labels in the order of class numbers: those of `emotions` in its order, then all others (of a
/// manifest, or renamed) in the order of their bytes.
std::vector<std::string> in_class_order(std::set<std::string> labels);

}  // namespace serenade
