// Who and what is recognised well: speakers, conditions, and the mistakes to listen to.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/evaluation/calibration_chart.h"
#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_sections.h"
#include "pipeline/metrics/columns.h"

namespace serenade {
namespace {

// Of more values than both columns hold, the lowest and the highest are shown.
constexpr std::size_t most_rows = 20;
constexpr std::size_t one_column = 8;

std::string bar(std::string_view css_class, double share) {
  return fmt::format(R"(<div><span class="{}" style="width:{}%"></span></div>)", css_class,
                     percent(share));
}

std::string group_table(const std::string& field, std::span<const GroupScores> rows) {
  std::string html = fmt::format(
      "<div class=\"scroll\"><table class=\"plain groups\">\n<thead><tr><th scope=\"col\">{}</th>"
      "<th scope=\"col\">clips</th><th scope=\"col\">accuracy</th><th scope=\"col\">UAR</th>"
      "<td class=\"bars\"></td></tr></thead>\n<tbody>\n",
      escaped(field));
  for (const GroupScores& one : rows) {
    html += fmt::format(
        R"(<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td class="bars">{}{}</td></tr>)",
        escaped(one.value), thousands(one.clips), percent(one.accuracy), percent(one.uar),
        bar("accuracy", one.accuracy), bar("uar", one.uar));
    html += "\n";
  }
  return html + "</tbody></table></div>\n";
}

/// Whether a value, such as a sentence, would be broken into many lines beside another table.
bool has_long_values(std::span<const GroupScores> rows) {
  constexpr std::size_t longest = 16;
  return std::any_of(rows.begin(), rows.end(),
                     [](const GroupScores& one) { return text_width(one.value) > longest; });
}

/// Every speaker, in two columns where names are short; of very many the ends of the list.
std::string speakers_table(const Grouping& speakers) {
  std::vector<GroupScores> rows = speakers.values;
  std::string html = "<h3>By speaker</h3>\n";
  if (rows.size() <= one_column && !has_long_values(rows)) {
    return html + "<div class=\"pair\">\n" + group_table(speakers.field, rows) + "</div>\n";
  }
  std::size_t half = (rows.size() + 1) / 2;
  if (rows.size() > 2 * most_rows) {
    std::stable_sort(rows.begin(), rows.end(), [](const GroupScores& a, const GroupScores& b) {
      return a.accuracy < b.accuracy;
    });
    html += fmt::format(
        "<p>Of {} speakers, the {} with the lowest accuracy and the {} with the highest; "
        "metrics.json has all.</p>\n",
        thousands(static_cast<Index>(rows.size())), most_rows, most_rows);
    rows.erase(rows.begin() + most_rows, rows.end() - most_rows);
    half = most_rows;
  }
  if (has_long_values(rows)) return html + group_table(speakers.field, rows);
  const std::span<const GroupScores> all(rows);
  return html + "<div class=\"pair\">\n" + group_table(speakers.field, all.first(half)) +
         group_table(speakers.field, all.subspan(half)) + "</div>\n";
}

/// The path without the corpus' folder, where it is in it.
std::string below(std::string folder, const std::string& path) {
  if (!folder.empty() && !folder.ends_with('/')) folder += '/';
  return path.starts_with(folder) ? path.substr(folder.size()) : path;
}

/// "folder/" soft and "name.wav" in the page's ink, so that a column of them can be read.
std::string file_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return fmt::format(R"({}<span class="folder">{}</span>)", escaped(path.substr(begin)),
                     escaped(path.substr(0, begin)));
}

}  // namespace

std::string groups_html(const ReportData& data) {
  const std::vector<Grouping>& groups = data.evaluation.groups;
  if (groups.empty()) return {};
  std::string html =
      "<section>\n<h2>Speakers and conditions</h2>\n<ul class=\"legend\">"
      "<li><i class=\"swatch accuracy\"></i>accuracy, %</li>"
      "<li><i class=\"swatch uar\"></i>UAR, % (mean recall of the classes in the row)</li></ul>\n";
  if (!data.evaluation.seeds.empty()) {
    html += "<p>A clip is counted once for each seed.</p>\n";
  }
  std::string conditions;
  for (const Grouping& grouping : groups) {
    if (grouping.field == "speaker" && &grouping == &groups.front()) {
      html += speakers_table(grouping);
    } else {
      conditions +=
          fmt::format("<div{}><h3>By {}</h3>\n{}</div>\n",
                      has_long_values(grouping.values) ? " class=\"wide\"" : "",
                      escaped(grouping.field), group_table(grouping.field, grouping.values));
    }
  }
  if (!conditions.empty()) html += "<div class=\"pair conditions\">\n" + conditions + "</div>\n";
  return html + "</section>\n";
}

std::string mistakes_html(const ReportData& data) {
  const std::vector<Mistake>& mistakes = data.evaluation.mistakes;
  if (mistakes.empty()) return {};
  std::string html = fmt::format(
      "<section>\n<h2>Surest mistakes</h2>\n<p>Worth listening to: odd recordings and doubtful "
      "labels gather here. Below a class: the probability that {} gave it.</p>\n"
      "<div class=\"scroll\"><table class=\"plain mistakes\">\n<thead><tr>"
      "<th scope=\"col\">file</th><th scope=\"col\" class=\"words\">true class</th>"
      "<th scope=\"col\" class=\"words\">taken for</th></tr></thead>\n<tbody>\n",
      data.evaluation.seeds.empty() ? "the network" : "the surest of the seeds' networks");
  const auto class_cell = [](const std::string& name, double probability) {
    return fmt::format(R"(<td class="words">{}<span class="interval">{} %</span></td>)",
                       escaped(name), percent(probability));
  };
  for (const Mistake& one : mistakes) {
    html += fmt::format(R"(<tr><th scope="row">{}</th>{}{}</tr>)",
                        file_name(below(data.corpus.path, one.path)),
                        class_cell(one.label, one.probability_of_label),
                        class_cell(one.predicted, one.probability));
    html += "\n";
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string calibration_html(const ReportData& data) {
  const Calibration& calibration = data.evaluation.calibration;
  if (calibration.clips == 0) return {};
  return fmt::format(
      "<section class=\"keep\">\n<h2>Calibration</h2>\n<ul class=\"legend\">"
      "<li><i class=\"swatch reliability\"></i>clips that are right, %</li>"
      "<li><i class=\"swatch expected\"></i>mean confidence, %</li></ul>\n"
      "<div class=\"pair\">\n<figure>\n{}</figure>\n"
      "<div><p>Of clips that the network is 80\u00A0% sure of, 80\u00A0% should be right: each bar "
      "should "
      "end "
      "at the mark across it, the mean confidence of its clips. A bar that ends below its mark is "
      "a "
      "network too sure of itself. The number above a bar is that of its clips.</p>\n"
      "<p>Expected calibration error <b>{} %</b>: the distance from bar to mark, |accuracy − mean "
      "confidence|, averaged over {} bins by their clips (Guo and others 2017).</p></div>\n</div>\n"
      "</section>\n",
      calibration_chart_svg(calibration), percent(calibration.expected_error),
      calibration.bins.size());
}

}  // namespace serenade
