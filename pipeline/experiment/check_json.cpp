#include <nlohmann/json.hpp>

#include "pipeline/experiment/check.h"

namespace serenade {
namespace {

using nlohmann::ordered_json;

ordered_json groups_json(const std::vector<CheckedGroup>& groups, const char* others) {
  ordered_json json = ordered_json::array();
  for (const auto& group : groups) {
    json.push_back({{"name", group.name},
                    {"clips", group.clips},
                    {others, group.others},
                    {"seconds", group.seconds}});
  }
  return json;
}

ordered_json leakage_json(const std::string& fold, const Leakage& leakage) {
  return {{"fold", fold},
          {"test_clips", leakage.test_clips},
          {"same_speaker", leakage.same_speaker},
          {"same_utterance", leakage.same_utterance},
          {"same_content", leakage.same_content},
          {"statement_unknown", leakage.statement_unknown}};
}

}  // namespace

std::string check_json(const CheckReport& report) {
  ordered_json json;
  json["format"] = 1;
  json["ok"] = report.problems.empty();
  json["problems"] = report.problems;
  json["corpus"] = report.corpus;
  json["path"] = report.path;
  json["clips"] = report.clips;
  json["seconds"] = report.seconds;
  json["findings"] = ordered_json::object();
  for (const auto& kind : report.kinds) {
    ordered_json list = ordered_json::array();
    for (const auto& finding : kind.findings) {
      list.push_back(
          {{"id", finding.id}, {"path", finding.path.string()}, {"detail", finding.detail}});
    }
    json["findings"][std::string(kind.name)] = {{"definition", kind.definition},
                                                {"recordings", std::move(list)}};
  }
  json["classes"] = groups_json(report.classes, "speakers");
  json["speakers"] = groups_json(report.speakers, "classes");
  const DurationTable& durations = report.durations;
  json["durations"] = {{"shortest", durations.shortest}, {"p5", durations.low},
                       {"median", durations.median},     {"mean", durations.mean},
                       {"p95", durations.high},          {"longest", durations.longest}};
  json["split"] = {{"protocol", report.protocol}, {"seed", report.seed}};
  json["leakage"] = ordered_json::array();
  if (report.leakage) {
    for (const auto& fold : report.leakage->folds) {
      json["leakage"].push_back(leakage_json(fold.fold, fold.leakage));
    }
    json["leakage_overall"] = leakage_json("", report.leakage->overall);
  }
  json["notes"] = report.notes;
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
