// What test clips have in common with the clips that were learned from.
#include <fmt/format.h>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_sections.h"

namespace serenade {
namespace {

std::string row(const LeakageRow& fold, std::string_view name) {
  std::string html = fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td>)", escaped(name),
                                 thousands(fold.test_clips));
  for (const Index count : {fold.same_speaker, fold.same_utterance, fold.same_content}) {
    html += fmt::format("<td>{} ({}\u00A0%)</td>", thousands(count),
                        escaped(whole_percent(count, fold.test_clips)));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string leakage_html(const ReportData& data) {
  if (data.leakage.empty()) return {};
  const LeakageRow all = data.overall_leakage();
  std::string html =
      "<section>\n<h2>Leakage</h2>\n<p>Test clips that have something in common with a clip of the "
      "training or validation part: the speaker; the utterance (speaker, emotion, sentence, "
      "intensity: a repetition); the bytes (a copy). The more of them, the less the scores say of "
      "new recordings.";
  if (all.statement_unknown > 0) {
    html += fmt::format(" What is said in {} is not known, so their repetitions are not counted.",
                        counted(all.statement_unknown, "test clip", "test clips"));
  }
  html += fmt::format(
      "</p>\n<div class=\"scroll\"><table class=\"plain leakage\">\n<thead><tr><th "
      "scope=\"col\">{}</th>"
      "<th scope=\"col\">test clips</th><th scope=\"col\">same speaker</th>"
      "<th scope=\"col\">same utterance</th><th scope=\"col\">same bytes</th></tr></thead>\n"
      "<tbody>\n",
      data.leakage.size() > 1 ? "fold" : "part");
  if (data.leakage.size() > 1) {
    for (const LeakageRow& fold : data.leakage) html += row(fold, fold.fold);
    html += "</tbody>\n<tfoot>\n" + row(all, "all folds") + "</tfoot>";
  } else {
    html += row(all, "test part") + "</tbody>";
  }
  return html + "</table></div>\n</section>\n";
}

}  // namespace serenade
