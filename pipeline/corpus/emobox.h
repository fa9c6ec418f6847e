#pragma once

#include <array>

namespace serenade {

/// Test actors of EmoBox's six folds for RAVDESS (Ma et al., Interspeech 2024, arXiv 2406.07162);
/// each fold trains on the other twenty.
inline constexpr std::array<std::array<int, 4>, 6> emobox_test_actors{{{1, 11, 20, 21},
                                                                       {4, 10, 12, 14},
                                                                       {8, 9, 19, 23},
                                                                       {3, 5, 7, 24},
                                                                       {2, 15, 16, 18},
                                                                       {6, 13, 17, 22}}};

}  // namespace serenade
