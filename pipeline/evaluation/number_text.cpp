#include "pipeline/evaluation/number_text.h"

#include <fmt/format.h>

#include <cmath>

#include "pipeline/metrics/columns.h"

namespace serenade {

std::string percent(double share, int digits) {
  return std::isfinite(share) ? fixed(100 * share, digits) : "n/a";
}

std::string whole_percent(Index count, Index of) {
  if (count == 0) return "0";
  const std::string text = percent(static_cast<double>(count) / static_cast<double>(of), 0);
  return text == "0" ? "<1" : text;
}

std::string thousands(Index count) {
  std::string digits = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "n/a";
  if (seconds < 9.995) return fixed(seconds, 2) + " s";
  if (seconds < 59.95) return fixed(seconds, 1) + " s";
  const auto whole = static_cast<Index>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", thousands(whole / 3600), whole % 3600 / 60);
}

std::string counted(Index count, const std::string& singular, const std::string& plural) {
  return fmt::format("{} {}", thousands(count), count == 1 ? singular : plural);
}

}  // namespace serenade
