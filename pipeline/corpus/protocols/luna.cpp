#include "pipeline/corpus/protocols/actors.h"

namespace serenade {

Split luna_split(const SplitTask& task) {
  const std::vector<ActorFold> folds{{{2, 5, 14, 15, 16}, {3, 6}},
                                     {{3, 6, 7, 13, 18}, {10, 11}},
                                     {{10, 11, 12, 19, 20}, {8, 17}},
                                     {{8, 17, 21, 23, 24}, {1, 14}},
                                     {{1, 4, 9, 22}, {2, 5}}};
  return split_by_actors(task, folds);
}

}  // namespace serenade
