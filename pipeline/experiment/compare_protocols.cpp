// One network under several protocols: the page and its table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipeline/evaluation/protocols_page.h"
#include "pipeline/experiment/compare.h"
#include "pipeline/experiment/run_config.h"
#include "pipeline/experiment/run_results.h"

namespace serenade {
namespace {

/// The sections of an experiment as text.
struct Sections {
  std::vector<std::pair<std::string, std::string>> texts;
  template <class T>
  void operator()(std::string_view name, const T& value, Range, std::string_view) {
    texts.emplace_back(name, option_text(value));
  }
};

/// Sections in which two runs differ that should differ in their split alone.
std::vector<std::string> differing_sections(const ExperimentConfig& a, const ExperimentConfig& b) {
  Sections of_a, of_b;
  ExperimentConfig one = a, other = b;
  // Where recordings lie and what a run is called is no difference.
  for (ExperimentConfig* config : {&one, &other}) {
    config->name.clear();
    config->corpus.path.clear();
    config->corpus.title.clear();
    config->split = {};
    config->evaluation = {};
  }
  ExperimentConfig::fields(one, of_a);
  ExperimentConfig::fields(other, of_b);
  std::vector<std::string> differing;
  for (std::size_t i = 0; i < of_a.texts.size(); ++i) {
    if (of_a.texts[i] != of_b.texts[i]) differing.push_back(of_a.texts[i].first);
  }
  return differing;
}

}  // namespace

ProtocolComparison compare_protocols(const std::vector<std::filesystem::path>& folders) {
  if (folders.empty()) throw DataError("no runs to compare");
  std::vector<ProtocolScores> all;
  std::vector<std::string> notes;
  const ExperimentConfig first = config_of(RunFolder(folders.front()));
  for (const auto& folder : folders) {
    all.push_back(read_results(folder).scores);
    const auto differing = differing_sections(first, config_of(RunFolder(folder)));
    if (differing.empty()) continue;
    notes.push_back(fmt::format(
        "{} and {} differ in more than their split ({}), so that these are not scores of "
        "one network by protocol alone",
        folders.front().string(), folder.string(), fmt::join(differing, ", ")));
  }
  return {protocols_html(all, notes), protocols_text(all, notes)};
}

}  // namespace serenade
