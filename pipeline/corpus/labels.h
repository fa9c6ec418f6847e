#pragma once

#include <string_view>

#include "pipeline/corpus/listing.h"

namespace serenade {

/// Carries out corpus.labels on a listing: each label becomes what the map says, once (in {a: b, b:
/// c} an a becomes b), and recordings whose label becomes nothing are left out with a note. The
/// field `emotion` keeps what the name said.
///
/// Throws ConfigError where a key is none of the corpus's labels (naming the nearest) or a label
/// becomes an empty word, DataError where nothing is left.
void map_labels(Listing& listing, const LabelMap& labels, std::string_view corpus);

}  // namespace serenade
