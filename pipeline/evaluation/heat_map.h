#pragma once

#include <span>
#include <string>

#include "pipeline/metrics/confusion.h"

namespace serenade {

/// Steps of the heat map's colour scale; step 0 is a cell without clips, step k holds shares
/// of the row of more than (k - 1) / 10 and up to k / 10.
constexpr int heat_steps = 10;
int heat_step(Index count, Index support);

/// The confusion matrix as an HTML table: true class down, predicted class across, per cent of the
/// row large and clips small in each cell, coloured by share of the row.
std::string heat_map_html(const ConfusionMatrix& confusion, std::span<const std::string> labels);

/// "Most often confused: sad taken for calm (21 %, 10 clips), ...": the most frequent confusions by
/// share of the true class, at most `count` of them.
std::string common_confusions_html(const ConfusionMatrix& confusion,
                                   std::span<const std::string> labels, std::size_t count);

}  // namespace serenade
