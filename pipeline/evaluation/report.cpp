#include "pipeline/evaluation/report.h"

#include <fmt/format.h>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/learning_curves.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/page.h"
#include "pipeline/evaluation/report_sections.h"

namespace serenade {
namespace {

/// "ravdess_cnn", or "ravdess_cnn on emodb" where another corpus was scored.
std::string title_of(const ReportData& data) {
  return data.tested_on.empty() ? data.title : data.title + " on " + data.tested_on;
}

/// "ravdess, 1,200 clips of 20 speakers · seed 7 · 2025-03-01 14:05 UTC"
std::string meta_line(const ReportData& data) {
  std::string line;
  const auto add = [&](const std::string& part) {
    if (part.empty()) return;
    if (!line.empty()) line += " · ";
    line += escaped(part);
  };
  const CorpusSummary& corpus = data.corpus;
  if (corpus.clips > 0) {
    std::string text = fmt::format("{}, {}", corpus.name, counted(corpus.clips, "clip", "clips"));
    if (corpus.speakers > 0) text += " of " + counted(corpus.speakers, "speaker", "speakers");
    add(text);
  }
  if (!data.seeds.empty()) {
    add(fmt::format("{} {}", data.seeds.size() == 1 ? "seed" : "seeds",
                    fmt::join(data.seeds, ", ")));
  }
  add(data.date);
  return line;
}

}  // namespace

std::string report_html(const ReportData& data) {
  std::string html = page_heading(title_of(data), meta_line(data));
  html += headline_html(data);
  html += protocol_html(data);
  html += comparison_html(data);
  html += leakage_html(data);
  html += folds_html(data);
  html += confusion_html(data);
  html += classes_html(data);
  html += groups_html(data);
  html += mistakes_html(data);
  html += calibration_html(data);
  html += learning_curves_html(data.curves);
  html += corpus_html(data);
  html += model_html(data);
  html += timing_html(data);
  html += config_html(data);
  html += environment_html(data);
  return page_html(title_of(data), html);
}

}  // namespace serenade
