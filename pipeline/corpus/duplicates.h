#pragma once

#include <string>
#include <vector>

#include "pipeline/corpus/corpus.h"
#include "pipeline/corpus/utterance.h"

namespace serenade {

/// Makes ids unique and carries out `policy` on byte-identical recordings. `utterances` may be in
/// any order; after it they are in ascending order of id, notes tell what was done, and left_out
/// has what Duplicates::first took out.
///
/// Throws DataError naming the files where one id has two contents, one content has two labels or
/// (in one corpus) two speakers; for Duplicates::together, where recordings of two corpora are the
/// same, as speakers are not; and, for Duplicates::error, where there are duplicates at all.
void resolve_duplicates(std::vector<Utterance>& utterances, Duplicates policy,
                        std::vector<std::string>& notes, std::vector<LeftOut>& left_out);

}  // namespace serenade
