#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/corpus/groups.h"
#include "pipeline/corpus/protocols/protocol.h"

namespace serenade {

/// Where a clip is in a fold.
enum class Part : unsigned char { none, training, validation, test };

/// "training", "validation", "test"; "" for none.
std::string_view part_name(Part part);
/// The reverse, for the three that have a name.
std::optional<Part> parse_part(std::string_view name);

/// A fold from the part of each clip, in the order of the corpus.
Fold make_fold(std::string name, const std::vector<Part>& parts);

/// Moves the members of the groups that were taken to `part`.
void mark(const std::vector<Group>& groups, const std::vector<bool>& taken, Part part,
          std::vector<Part>& parts);

/// Moves options.validation of the clips of these groups, all of them training clips, to
/// validation: whole groups, classes stratified. Throws DataError where that leaves none.
void draw_validation_clips(const SplitTask& task, const std::vector<Group>& training,
                           std::string_view purpose, std::vector<Part>& parts);

}  // namespace serenade
