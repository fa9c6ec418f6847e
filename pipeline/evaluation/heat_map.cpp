#include "pipeline/evaluation/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/metrics/columns.h"

namespace serenade {
namespace {

constexpr std::size_t longest_upright = 9;  // letters of a column heading that fit lying

std::string cell(Index count, Index support, bool diagonal) {
  const int step = heat_step(count, support);
  const std::string classes = fmt::format("heat{}{}", step, diagonal ? " right" : "");
  if (count == 0)
    return fmt::format(R"(<td class="{}"><span class="share">0</span></td>)", classes);
  return fmt::format(
      R"(<td class="{}"><span class="share">{}</span><span class="count">{}</span></td>)", classes,
      escaped(whole_percent(count, support)), thousands(count));
}

std::string scale() {
  std::string html = R"(<p class="scale" aria-hidden="true"><span>0 %</span>)";
  for (int step = 1; step <= heat_steps; ++step) {
    html += fmt::format(R"(<i class="heat{}"></i>)", step);
  }
  return html + "<span>100 % of the true class</span></p>\n";
}

}  // namespace

int heat_step(Index count, Index support) {
  if (count <= 0 || support <= 0) return 0;
  // In integers: 3 of 10 is step 3 and not, by a rounding error, step 4.
  return static_cast<int>(
      std::min<Index>((count * heat_steps + support - 1) / support, heat_steps));
}

std::string heat_map_html(const ConfusionMatrix& confusion, std::span<const std::string> labels) {
  const Index classes = confusion.classes();
  std::size_t longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, text_width(label));
  const bool upright = longest > longest_upright || labels.size() > 10;

  std::string html =
      fmt::format(R"(<div class="scroll"><table class="heat{}" style="--classes:{}">)",
                  upright ? " tall" : "", classes);
  html += "\n<thead><tr><td class=\"corner\">true \\ predicted</td>";
  for (const std::string& label : labels) {
    html += fmt::format(R"(<th scope="col" title="{0}"><span>{0}</span></th>)", escaped(label));
  }
  html += "<td class=\"corner end\">clips</td></tr></thead>\n<tbody>\n";
  for (Index i = 0; i < classes; ++i) {
    const std::string name = escaped(labels[static_cast<std::size_t>(i)]);
    const Index support = confusion.support(i);
    html += fmt::format(R"(<tr><th scope="row" title="{0}">{0}</th>)", name);
    for (Index j = 0; j < classes; ++j) html += cell(confusion(i, j), support, i == j);
    html += fmt::format("<td class=\"end\">{}</td></tr>\n", thousands(support));
  }
  return html + "</tbody></table></div>\n" + scale();
}

std::string common_confusions_html(const ConfusionMatrix& confusion,
                                   std::span<const std::string> labels, std::size_t count) {
  struct Confusion {
    Index truth, predicted;
    double share;
  };
  std::vector<Confusion> all;
  for (Index i = 0; i < confusion.classes(); ++i) {
    for (Index j = 0; j < confusion.classes(); ++j) {
      if (i == j || confusion(i, j) == 0) continue;
      all.push_back(
          {i, j, static_cast<double>(confusion(i, j)) / static_cast<double>(confusion.support(i))});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Confusion& a, const Confusion& b) { return a.share > b.share; });
  all.resize(std::min(all.size(), count));
  if (all.empty()) return "<p>No clip was taken for another class.</p>\n";
  std::string html = "<p>Most often confused:";
  for (std::size_t k = 0; k < all.size(); ++k) {
    html += fmt::format("{} {} taken for {} ({}\u00A0%, {})", k == 0 ? "" : ",",
                        escaped(labels[static_cast<std::size_t>(all[k].truth)]),
                        escaped(labels[static_cast<std::size_t>(all[k].predicted)]),
                        percent(all[k].share, 0),
                        counted(confusion(all[k].truth, all[k].predicted), "clip", "clips"));
  }
  return html + ".</p>\n";
}

}  // namespace serenade
