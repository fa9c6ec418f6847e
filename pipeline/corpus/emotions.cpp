#include "pipeline/corpus/emotions.h"

namespace serenade {

std::vector<std::string> in_class_order(std::set<std::string> labels) {
  std::vector<std::string> ordered;
  for (const auto emotion : emotions) {
    if (const auto found = labels.find(std::string(emotion)); found != labels.end()) {
      ordered.push_back(*found);
      labels.erase(found);
    }
  }
  ordered.insert(ordered.end(), labels.begin(), labels.end());
  return ordered;
}

}  // namespace serenade
