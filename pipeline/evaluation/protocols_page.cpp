#include "pipeline/evaluation/protocols_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/evaluation/bar_chart.h"
#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/page.h"
#include "pipeline/evaluation/result_text.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

/// What a protocol is to someone who knows none: who is heard in training.
std::string heard_before(const ProtocolScores& one) {
  std::string_view name = one.protocol.name;
  if (one.protocol.speaker_independent) return "voices never heard";
  if (name.ends_with(speaker_norm_suffix)) name.remove_suffix(speaker_norm_suffix.size());
  if (name == "random") return "same voices, same sentences";
  if (name == "random-grouped") return "same voices, takes kept together";
  return "as listed";
}

std::string bar_name(const ProtocolScores& one) {
  return one.protocol.name + "\n" + heard_before(one);
}

std::string networks_text(const ProtocolScores& one) {
  std::string text;
  if (one.seeds > 1) text = fmt::format("{} seeds", one.seeds);
  if (one.folds > 1) text += fmt::format("{}{} folds", text.empty() ? "" : " of ", one.folds);
  return text.empty() ? "one network" : text;
}

std::string score_cell(const ShownScore& score) {
  const std::string interval = percent_interval(score.interval);
  if (interval.empty()) return fmt::format("<td>{}</td>", percent(score.mean));
  return fmt::format(R"(<td>{}<span class="interval">{}</span></td>)", percent(score.mean),
                     interval);
}

std::string share_cell(const std::optional<double>& share) {
  return fmt::format("<td>{}</td>", share ? percent(*share, 0) : "");
}

std::string table(std::span<const ProtocolScores> all) {
  const bool ensembles = std::any_of(all.begin(), all.end(), [](const ProtocolScores& one) {
    return one.ensemble_accuracy.has_value();
  });
  std::string html =
      "<section class=\"keep\">\n<h2>In numbers</h2>\n<div class=\"scroll\">"
      "<table class=\"plain\">\n<thead><tr><th scope=\"col\">protocol</th>"
      "<th scope=\"col\">accuracy, %</th><th scope=\"col\">UAR, %</th>";
  if (ensembles) {
    html += "<th scope=\"col\">ensemble, accuracy</th><th scope=\"col\">ensemble, UAR</th>";
  }
  html +=
      "<th scope=\"col\">test clips</th><th scope=\"col\">speaker heard, %</th>"
      "<th scope=\"col\">another take heard, %</th><th scope=\"col\" class=\"words\">mean over</th>"
      "</tr></thead>\n<tbody>\n";
  for (const ProtocolScores& one : all) {
    html += fmt::format(R"(<tr><th scope="row">{}</th>)", escaped(one.protocol.name)) +
            score_cell(one.accuracy) + score_cell(one.uar);
    if (ensembles) {
      html += one.ensemble_accuracy ? score_cell(*one.ensemble_accuracy) : "<td></td>";
      html += one.ensemble_uar ? score_cell(*one.ensemble_uar) : "<td></td>";
    }
    html += fmt::format("<td>{}</td>", thousands(one.clips)) + share_cell(one.same_speaker) +
            share_cell(one.same_utterance) +
            fmt::format("<td class=\"words\">{}</td></tr>\n", networks_text(one));
  }
  html +=
      "</tbody></table></div>\n<p class=\"caption\">Accuracy: the share of test clips that are "
      "right. UAR: the mean recall of the classes. Heard: in training, the speaker of a test "
      "clip, or another take of its sentence by the same speaker with the same emotion.";
  if (ensembles) {
    html += " Ensemble: the probabilities of the seeds' networks averaged, each clip scored once.";
  }
  return html + "</p>\n</section>\n";
}

std::string interval_caption(std::span<const ProtocolScores> all) {
  const bool speakers = std::any_of(
      all.begin(), all.end(), [](const ProtocolScores& one) { return one.resampled_speakers; });
  return fmt::format(
      "Accuracy of one model on test clips, the mean over its folds and seeds. Lines: {} % "
      "bootstrap "
      "intervals of all test clips together, drawn over {}.",
      shortest(100 * all.front().confidence),
      speakers ? "whole speakers where their voices were never heard, else over clips" : "clips");
}

std::string meaning(std::span<const ProtocolScores> all) {
  std::string html =
      "<section>\n<h2>What the bars mean</h2>\n"
      "<p class=\"protocol\">The bars are one network, trained in the same way each time. All that "
      "differs is which recordings were kept away from it for the test. A number that is quoted "
      "without its protocol, such as “85 % on RAVDESS”, is nearly always of the kind on the left: "
      "clips drawn at random, so that the network is asked about people whom it has heard, often "
      "saying the very same sentence in the same emotion a second time. What it is worth for a "
      "voice that it never heard, a caller's or a visitor's, is told by protocols that keep whole "
      "speakers out of training.</p>\n<dl class=\"facts\">\n";
  for (const ProtocolScores& one : all) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(one.protocol.name),
                        escaped(one.protocol.description));
  }
  return html + "</dl>\n</section>\n";
}

std::string notes_html(std::span<const std::string> notes) {
  if (notes.empty()) return {};
  std::string html = "<ul class=\"remarks\">\n";
  for (const std::string& note : notes) {
    html += fmt::format("<li class=\"note\"><b>Note</b>{}</li>\n", escaped(note));
  }
  return html + "</ul>\n";
}

/// Each name once: runs of one configuration in several folders have the same.
std::string run_names(std::span<const ProtocolScores> all) {
  std::vector<std::string> names;
  for (const ProtocolScores& one : all) {
    if (std::find(names.begin(), names.end(), one.run) == names.end()) names.push_back(one.run);
  }
  return escaped(fmt::format("{}", fmt::join(names, " · ")));
}

}  // namespace

std::string protocols_html(std::span<const ProtocolScores> all,
                           std::span<const std::string> notes) {
  BarChart chart;
  chart.title = "Accuracy of one network by protocol, per cent";
  chart.axis = "accuracy, %";
  for (const ProtocolScores& one : all) {
    chart.bars.push_back({bar_name(one), one.accuracy.mean, one.accuracy.interval,
                          one.protocol.speaker_independent});
    chart.title += fmt::format("; {}: {}", one.protocol.name, percent(one.accuracy.mean));
  }
  chart.line = all.front().guessing;
  chart.line_name = fmt::format("guessing: {} %", percent(chart.line));
  std::string body = page_heading("One network, by protocol", run_names(all));
  body += fmt::format(
      "<section class=\"keep\">\n<figure>\n{}</figure>\n<p "
      "class=\"caption\">{}</p>\n{}</section>\n",
      bar_chart_svg(chart), interval_caption(all), notes_html(notes));
  return page_html("One network, by protocol", body + meaning(all) + table(all));
}

std::string protocols_text(std::span<const ProtocolScores> all,
                           std::span<const std::string> notes) {
  std::size_t width = 8;
  for (const ProtocolScores& one : all) {
    width = std::max(width, text_width(one_line(one.protocol.name)));
  }
  std::string text = fmt::format("{}  accuracy               UAR                    mean over\n",
                                 left_aligned("protocol", width));
  const auto score = [](const ShownScore& of) {
    const std::string interval = percent_interval(of.interval, "-");
    return fmt::format("{:>8}  {}", percent(of.mean), left_aligned(interval, 11));
  };
  for (const ProtocolScores& one : all) {
    text += fmt::format("{}  {}  {}  {}\n", left_aligned(one_line(one.protocol.name), width),
                        score(one.accuracy), score(one.uar), networks_text(one));
    if (one.ensemble_accuracy && one.ensemble_uar) {
      text += fmt::format("{}  {}  {}\n", left_aligned("  ensemble", width),
                          score(*one.ensemble_accuracy), score(*one.ensemble_uar));
    }
  }
  for (const std::string& note : notes) text += "note: " + one_line(note) + "\n";
  return text;
}

}  // namespace serenade
