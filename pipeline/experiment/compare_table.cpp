// A comparison of runs, as text, CSV and JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/device/options.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/experiment/compare.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

constexpr std::size_t longest_name = 34;

/// "+3.1" of a difference of 0.031.
std::string signed_percent(double difference) {
  return (difference > 0 ? "+" : "") + percent(difference);
}

std::string interval_text(const Interval& interval) {
  if (!std::isfinite(interval.low)) return "no interval";
  return fmt::format("{} to {}", signed_percent(interval.low), signed_percent(interval.high));
}

/// "0.031", "< 0.0001".
std::string p_text(double p) { return p < 0.0001 ? "< 0.0001" : fixed(p, 4); }

std::string name_of(const ComparedRun& run) {
  const std::string name = one_line(run.path);
  // The end of a path says more than its beginning.
  const std::size_t width = text_width(name);
  if (width <= longest_name || width != name.size()) {
    return std::string(shortened(name, longest_name));
  }
  return "..." + name.substr(name.size() - longest_name + 3);
}

std::string number(double value) { return std::isfinite(value) ? shortest(value) : ""; }

}  // namespace

std::string comparison_text(const Comparison& comparison) {
  std::string text =
      fmt::format("{} compared\n\n", counted(comparison.clips, "test clip", "test clips"));
  std::size_t width = 0;
  for (const ComparedRun& run : comparison.runs) width = std::max(width, text_width(name_of(run)));
  text += fmt::format("{}  {:>8}  {:>5}  {}\n", left_aligned("per cent", width), "accuracy", "UAR",
                      "protocol");
  for (const ComparedRun& run : comparison.runs) {
    text +=
        fmt::format("{}  {:>8}  {:>5}  {}{}\n", left_aligned(name_of(run), width),
                    percent(run.scores.accuracy), percent(run.scores.uar), one_line(run.protocol),
                    run.seeds > 1 ? fmt::format(", ensemble of {} seeds", run.seeds) : "");
  }
  text += fmt::format("\nagainst {}, in points:\n", name_of(comparison.runs.front()));
  for (const ComparedRun& run : comparison.runs) {
    if (!run.differences) continue;
    const ScoreDifferences& differences = *run.differences;
    text += fmt::format("  {}\n    accuracy  {:>5}  ({})\n    UAR       {:>5}  ({})\n",
                        name_of(run), signed_percent(differences.accuracy),
                        interval_text(differences.intervals.accuracy),
                        signed_percent(differences.uar), interval_text(differences.intervals.uar));
    const McNemar& test = *run.mcnemar;
    text += fmt::format(
        "    McNemar   p {} ({}; only the first right: {}, only this one: {})\n", p_text(test.p),
        test.exact ? "exact" : fmt::format("chi-square {}", fixed(test.statistic, 2)),
        thousands(test.first_only), thousands(test.second_only));
  }
  const Index clusters = comparison.runs.back().differences->intervals.clusters;
  const bool speakers = comparison.resampled == Resampled::speakers;
  text += fmt::format(
      "\nIn brackets: {} % paired bootstrap intervals, {} resamples of {}.{}\n",
      shortest(100 * comparison.bootstrap.confidence), thousands(comparison.bootstrap.resamples),
      speakers ? counted(clusters, "speaker", "speakers") : counted(clusters, "clip", "clips"),
      speakers
          ? " McNemar's test takes clips\nfor independent, which those of one speaker are not: "
            "its p is rather too small."
          : "");
  if (comparison.runs.size() > 2) {
    text += "Each is tested by itself: of many runs some differ by chance (p is not corrected).\n";
  }
  for (const std::string& note : comparison.notes) text += "note: " + one_line(note) + "\n";
  return text;
}

std::string comparison_csv(const Comparison& comparison) {
  std::string csv =
      "run,protocol,seeds,clips,accuracy,uar,accuracy_difference,accuracy_low,accuracy_high,"
      "uar_difference,uar_low,uar_high,first_only,second_only,mcnemar,statistic,p\n";
  for (const ComparedRun& run : comparison.runs) {
    csv += fmt::format("{},{},{},{},{},{}", csv_field(run.path), csv_field(run.protocol), run.seeds,
                       comparison.clips, number(run.scores.accuracy), number(run.scores.uar));
    if (!run.differences) {
      csv += ",,,,,,,,,,,\n";
      continue;
    }
    const ScoreDifferences& of = *run.differences;
    const McNemar& test = *run.mcnemar;
    csv += fmt::format(",{},{},{},{},{},{},{},{},{},{},{}\n", number(of.accuracy),
                       number(of.intervals.accuracy.low), number(of.intervals.accuracy.high),
                       number(of.uar), number(of.intervals.uar.low), number(of.intervals.uar.high),
                       test.first_only, test.second_only, test.exact ? "exact" : "chi-square",
                       number(test.statistic), number(test.p));
  }
  return csv;
}

std::string comparison_json(const Comparison& comparison) {
  using nlohmann::ordered_json;
  const auto known = [](double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
  };
  const auto difference = [&](double value, const Interval& interval) {
    return ordered_json{
        {"difference", known(value)},
        {"interval", ordered_json::array({known(interval.low), known(interval.high)})}};
  };
  ordered_json json;
  json["format"] = 1;
  json["clips"] = comparison.clips;
  json["resampled"] = comparison.resampled == Resampled::speakers ? "speakers" : "clips";
  json["resamples"] = comparison.bootstrap.resamples;
  json["confidence"] = comparison.bootstrap.confidence;
  json["notes"] = comparison.notes;
  json["runs"] = ordered_json::array();
  for (const ComparedRun& run : comparison.runs) {
    ordered_json one = {{"run", run.path},
                        {"protocol", run.protocol},
                        {"seeds", run.seeds},
                        {"test_clips", run.test_clips},
                        {"accuracy", run.scores.accuracy},
                        {"uar", run.scores.uar},
                        {"against_first", nullptr}};
    if (run.differences) {
      const McNemar& test = *run.mcnemar;
      one["against_first"] = {
          {"accuracy", difference(run.differences->accuracy, run.differences->intervals.accuracy)},
          {"uar", difference(run.differences->uar, run.differences->intervals.uar)},
          {"mcnemar",
           {{"first_only", test.first_only},
            {"second_only", test.second_only},
            {"test", test.exact ? "exact" : "chi-square"},
            {"statistic", test.statistic},
            {"p", test.p}}}};
    }
    json["runs"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
