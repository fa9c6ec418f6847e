#pragma once

#include <span>
#include <vector>

#include "pipeline/corpus/protocols/protocol.h"

namespace serenade {

/// A published fold of RAVDESS, by the numbers of its actors; who is in neither list is trained on.
struct ActorFold {
  std::vector<int> test;
  std::vector<int> validation{};  ///< empty: drawn as for other folds of speakers
};

/// Carries out a published division of RAVDESS on the actors that are there, and says in the notes
/// which are not: a fold without test actors is left out; where none of a fold's validation actors
/// is there, others are drawn. Actors beyond those of the release are trained on.
/// Throws ConfigError for another corpus and DataError where too few actors are there.
Split split_by_actors(const SplitTask& task, std::span<const ActorFold> folds);

}  // namespace serenade
