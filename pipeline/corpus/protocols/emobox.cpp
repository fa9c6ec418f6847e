#include "pipeline/corpus/protocols/actors.h"

namespace serenade {

Split emobox_split(const SplitTask& task) {
  const std::vector<ActorFold> folds{{{1, 11, 20, 21}}, {{4, 10, 12, 14}}, {{8, 9, 19, 23}},
                                     {{3, 5, 7, 24}},   {{2, 15, 16, 18}}, {{6, 13, 17, 22}}};
  return split_by_actors(task, folds);
}

}  // namespace serenade
