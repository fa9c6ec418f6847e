// What went in: corpus, network, time, configuration, versions.
#include <fmt/format.h>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_sections.h"

namespace serenade {
namespace {

std::string number_cell(const std::vector<Index>& counts, std::size_t k) {
  return fmt::format("<td>{}</td>", k < counts.size() ? thousands(counts[k]) : "");
}

std::string heading(std::string_view text) {
  return fmt::format(R"(<th scope="col">{}</th>)", text);
}

}  // namespace

std::string corpus_html(const ReportData& data) {
  const CorpusSummary& corpus = data.corpus;
  if (corpus.clips == 0) return {};
  const bool parts = corpus.folds.size() == 1;
  std::string html = "<section>\n<h2>Corpus</h2>\n<p>";
  html += fmt::format("{}: {}", escaped(corpus.name), counted(corpus.clips, "clip", "clips"));
  if (corpus.speakers > 0) html += " of " + counted(corpus.speakers, "speaker", "speakers");
  if (corpus.audio_seconds > 0) html += ", " + duration_text(corpus.audio_seconds) + " of audio";
  html += ".";
  if (!data.features.empty()) html += " Features: " + escaped(data.features) + ".";
  html += fmt::format("</p>\n<div class=\"scroll\"><table class=\"plain{}\">\n<thead><tr>",
                      parts ? "" : " compact");
  html += heading("class") + heading("clips");
  if (!corpus.speakers_per_class.empty()) html += heading("speakers");
  if (parts) html += heading("training") + heading("validation") + heading("test");
  html += "</tr></thead>\n<tbody>\n";
  const auto& labels = data.evaluation.labels;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    html += fmt::format(R"(<tr><th scope="row">{}</th>)", escaped(labels[k]));
    html += number_cell(corpus.clips_per_class, k);
    if (!corpus.speakers_per_class.empty()) html += number_cell(corpus.speakers_per_class, k);
    if (parts) {
      const FoldCorpus& fold = corpus.folds.front();
      for (const auto* part : {&fold.training, &fold.validation, &fold.test}) {
        html += number_cell(*part, k);
      }
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string model_html(const ReportData& data) {
  if (data.layers.empty()) return {};
  Index parameters = 0;
  std::string rows;
  for (const LayerRow& layer : data.layers) {
    parameters += layer.parameters;
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="words">{}</td><td>{}</td><td>{}</td></tr>)",
        escaped(layer.name), escaped(layer.options), escaped(layer.output),
        thousands(layer.parameters));
    rows += "\n";
  }
  std::string html = "<section>\n<h2>Model</h2>\n<p>";
  html += counted(parameters, "parameter", "parameters");
  if (!data.model_input.empty()) html += fmt::format("; input {}", escaped(data.model_input));
  html +=
      ".</p>\n<div class=\"scroll\"><table class=\"plain layers\">\n<thead><tr>" + heading("layer");
  html += R"(<th scope="col" class="words">options</th>)" + heading("output");
  html += heading("parameters") + "</tr></thead>\n<tbody>\n";
  return html + rows + "</tbody></table></div>\n</section>\n";
}

std::string timing_html(const ReportData& data) {
  if (data.timings.empty()) return {};
  double total = 0;
  std::string rows;
  for (const TimingRow& row : data.timings) {
    total += row.seconds;
    rows += fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td><td class="words">{}</td></tr>)",
                        escaped(row.stage), duration_text(row.seconds), escaped(row.detail));
    rows += "\n";
  }
  std::string html = "<section>\n<h2>Time</h2>\n<div class=\"scroll\"><table class=\"plain\">\n";
  html += "<thead><tr>" + heading("stage") + heading("time");
  html += "<th scope=\"col\" class=\"words\">detail</th></tr></thead>\n<tbody>\n" + rows;
  html += fmt::format(
      "</tbody>\n<tfoot><tr><th scope=\"row\">total</th><td>{}</td><td></td></tr></tfoot>",
      duration_text(total));
  return html + "</table></div>\n</section>\n";
}

std::string config_html(const ReportData& data) {
  if (data.config_yaml.empty()) return {};
  std::string html = "<section>\n<h2>Configuration</h2>\n";
  if (!data.config_name.empty()) {
    html += fmt::format("<p>Every key of <code>{}</code> as it was used.</p>\n",
                        escaped(data.config_name));
  }
  if (!data.command.empty()) html += fmt::format("<p><code>{}</code></p>\n", escaped(data.command));
  return html + "<pre>" + escaped(data.config_yaml) + "</pre>\n</section>\n";
}

std::string environment_html(const ReportData& data) {
  if (data.environment.empty()) return {};
  std::string html = "<section>\n<h2>Environment</h2>\n<dl class=\"facts\">\n";
  for (const auto& [name, value] : data.environment) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  }
  return html + "</dl>\n</section>\n";
}

}  // namespace serenade
