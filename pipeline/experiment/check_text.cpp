#include <fmt/format.h>

#include <algorithm>

#include "pipeline/evaluation/number_text.h"
#include "pipeline/experiment/check.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

constexpr std::size_t most_findings = 20;  ///< shown of a kind
constexpr std::size_t most_groups = 40;    ///< rows of a table
constexpr std::size_t most_folds = 12;

/// Rows of cells under a heading, each column as wide as its widest cell; the first is words.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], text_width(row[i]));
      }
    }
    std::string text;
    for (const auto& row : rows_) {
      text += "  " + left_aligned(row.front(), widths.front());
      for (std::size_t i = 1; i < row.size(); ++i) text += "  " + right_aligned(row[i], widths[i]);
      text += "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string and_more(std::size_t all, std::size_t shown, std::string_view indent) {
  if (all <= shown) return "";
  return fmt::format("{}and {} more (--json lists all)\n", indent, all - shown);
}

std::string findings_text(const CheckReport& report) {
  std::size_t width = 0;
  for (const auto& kind : report.kinds) width = std::max(width, text_width(kind.title));
  std::string text;
  for (const auto& kind : report.kinds) {
    text += fmt::format("  {}  {:>5}  ({})\n", left_aligned(kind.title, width),
                        kind.findings.size(), kind.definition);
    const std::size_t shown = std::min(kind.findings.size(), most_findings);
    for (std::size_t i = 0; i < shown; ++i) {
      const Finding& finding = kind.findings[i];
      // Reasons that come from elsewhere name the file themselves.
      const std::string path = finding.path.string();
      const bool named = finding.detail.starts_with(path);
      text += fmt::format("      {}: {}{}\n", one_line(finding.id), one_line(finding.detail),
                          named ? "" : fmt::format(", {}", one_line(path)));
    }
    text += and_more(kind.findings.size(), shown, "      ");
  }
  return text;
}

std::string groups_text(const std::vector<CheckedGroup>& groups, const std::string& what,
                        const std::string& others) {
  Table table({what, "clips", others, "sound"});
  const std::size_t shown = std::min(groups.size(), most_groups);
  for (std::size_t i = 0; i < shown; ++i) {
    const CheckedGroup& group = groups[i];
    table.add({one_line(group.name), thousands(group.clips), thousands(group.others),
               duration_text(group.seconds)});
  }
  return table.text() + and_more(groups.size(), shown, "  ");
}

std::string durations_text(const DurationTable& table) {
  const auto seconds = [](double value) { return fmt::format("{:.2f}", value); };
  Table durations({"clip length, s", "shortest", "5 %", "median", "mean", "95 %", "longest"});
  durations.add({"", seconds(table.shortest), seconds(table.low), seconds(table.median),
                 seconds(table.mean), seconds(table.high), seconds(table.longest)});
  return durations.text();
}

std::string leakage_text(const CheckReport& report) {
  const auto& folds = report.leakage->folds;
  Table table({"fold", "test clips", "same speaker", "same utterance", "same bytes"});
  const auto add = [&](const std::string& name, const Leakage& leakage) {
    const auto cell = [&](Index count) {
      return fmt::format("{} ({} %)", thousands(count), whole_percent(count, leakage.test_clips));
    };
    table.add({name, thousands(leakage.test_clips), cell(leakage.same_speaker),
               cell(leakage.same_utterance), cell(leakage.same_content)});
  };
  const std::size_t shown = std::min(folds.size(), most_folds);
  for (std::size_t i = 0; i < shown; ++i) add(folds[i].fold, folds[i].leakage);
  if (folds.size() > 1) add("all", report.leakage->overall);
  std::string text = table.text() + and_more(folds.size(), shown, "  ");
  if (report.leakage->overall.statement_unknown > 0) {
    text += fmt::format("  what is said in {} of the test clips is not known\n",
                        thousands(report.leakage->overall.statement_unknown));
  }
  return text;
}

}  // namespace

std::string check_text(const CheckReport& report) {
  std::string text;
  if (!report.kinds.empty()) {
    text += fmt::format("{}: {} of {}, {} of sound, in {}\n\nFindings\n", one_line(report.corpus),
                        counted(report.clips, "clip", "clips"),
                        counted(static_cast<Index>(report.speakers.size()), "speaker", "speakers"),
                        duration_text(report.seconds), one_line(report.path));
    text += findings_text(report);
    text += "\n" + groups_text(report.classes, "class", "speakers");
    text += "\n" + groups_text(report.speakers, "speaker", "classes");
    text += "\n" + durations_text(report.durations);
  }
  if (report.leakage) {
    text += fmt::format(
        "\nTest clips that have something in common with training or validation clips, by "
        "split.protocol {} with seed {}\n",
        report.protocol, report.seed);
    text += leakage_text(report);
  }
  if (!report.notes.empty()) text += "\n";
  for (const auto& note : report.notes) text += fmt::format("note: {}\n", one_line(note));
  if (!text.empty()) text += "\n";
  if (report.problems.empty()) return text + "Nothing here would stop a run.\n";
  for (const auto& problem : report.problems) {
    text += fmt::format("would stop a run: {}\n", one_line(problem));
  }
  return text;
}

}  // namespace serenade
