#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// The candidate nearest to `word` by edit distance, when near enough to be meant.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);
/// " (did you mean 'epochs'?)" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace serenade
