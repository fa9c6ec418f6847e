#include "pipeline/evaluation/groups.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace serenade {
namespace {

/// The clip's value; empty where it has none.
using ValueOf = std::function<std::string(const ClipPrediction&)>;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 19 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// 2 before 10 before "a".
struct NaturalOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    const bool numbers = is_number(a) && is_number(b);
    if (numbers && std::stoll(a) != std::stoll(b)) return std::stoll(a) < std::stoll(b);
    if (is_number(a) != is_number(b)) return is_number(a);
    return a < b;
  }
};

/// Whether each value of one belongs to one value of the other, in the clips that are counted: two
/// names of the same.
bool says_the_same(std::span<const ClipPrediction> predictions, const ValueOf& a,
                   const ValueOf& b) {
  std::map<std::string, std::string> there;
  std::map<std::string, std::string> back;
  return std::all_of(predictions.begin(), predictions.end(), [&](const ClipPrediction& clip) {
    const std::string x = a(clip);
    if (x.empty() || clip.label.empty()) return true;
    const std::string y = b(clip);
    return there.emplace(x, y).first->second == y && back.emplace(y, x).first->second == x;
  });
}

Grouping grouping(std::span<const std::string> labels, std::span<const ClipPrediction> predictions,
                  const std::string& field, const ValueOf& value_of) {
  std::map<std::string, ConfusionMatrix, NaturalOrder> matrices;
  for (const ClipPrediction& clip : predictions) {
    const std::string value = value_of(clip);
    if (value.empty() || clip.label.empty()) continue;
    matrices.try_emplace(value, static_cast<Index>(labels.size()))
        .first->second.add(class_number(labels, clip.label, clip),
                           class_number(labels, clip.predicted, clip));
  }
  Grouping result{field, {}};
  for (const auto& [value, confusion] : matrices) {
    const Scores scores = scores_of(confusion);
    result.values.push_back({value, scores.clips, scores.accuracy, scores.uar});
  }
  return result;
}

}  // namespace

std::vector<Grouping> scores_by_group(std::span<const std::string> labels,
                                      std::span<const ClipPrediction> predictions) {
  const ValueOf speaker = [](const ClipPrediction& clip) { return clip.speaker; };
  const ValueOf label = [](const ClipPrediction& clip) { return clip.label; };
  std::vector<Grouping> groupings{grouping(labels, predictions, "speaker", speaker)};

  std::map<std::string, std::set<std::string>> values;
  for (const ClipPrediction& clip : predictions) {
    if (clip.label.empty()) continue;
    for (const auto& [field, value] : clip.fields) {
      std::set<std::string>& known = values[field];
      if (!value.empty() && known.size() <= most_group_values) known.insert(value);
    }
  }
  for (const auto& [field, known] : values) {
    if (known.size() < 2 || known.size() > most_group_values) continue;
    const ValueOf value_of = [&name = field](const ClipPrediction& clip) {
      const auto found = clip.fields.find(name);
      return found == clip.fields.end() ? std::string() : found->second;
    };
    if (says_the_same(predictions, value_of, speaker)) continue;
    if (says_the_same(predictions, value_of, label)) continue;
    groupings.push_back(grouping(labels, predictions, field, value_of));
  }
  std::erase_if(groupings, [](const Grouping& one) { return one.values.size() < 2; });
  return groupings;
}

}  // namespace serenade
