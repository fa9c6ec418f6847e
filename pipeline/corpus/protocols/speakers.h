#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "pipeline/corpus/protocols/protocol.h"

namespace serenade {

/// Speakers by name, in order of name.
using Speakers = std::set<std::string>;

/// A fold of whole speakers: who is in neither part is trained on.
struct SpeakerFold {
  std::string name;
  Speakers test;
  Speakers validation;  ///< where empty and split.validation is not 0, drawn from the others
};

/// Speakers that training and validation need: two, or one without split.validation.
std::size_t needed_beside_test(const SplitOptions& options);

/// Everyone in the corpus. Throws DataError unless there are enough for a part each (two, or three
/// with split.validation); `who` names them in the message: "actors".
Speakers present_speakers(const SplitTask& task, std::string_view who = "speakers");

/// Whole speakers out of `training`: the nearest number to split.validation of them, at least one
/// and not all. A speaker's draw depends on seed, purpose and name alone.
Speakers draw_validation_speakers(const SplitTask& task, const Speakers& training,
                                  const std::string& purpose);

/// Divides the corpus by `fold`. With split.validation 0 nobody is held out.
/// Throws DataError where the test speakers leave too few for the other parts.
Fold fold_of_speakers(const SplitTask& task, const Speakers& present, const SpeakerFold& fold,
                      std::string_view who = "speakers");

}  // namespace serenade
