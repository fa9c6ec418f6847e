#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/corpus/corpus_options.h"
#include "pipeline/corpus/utterance.h"

namespace serenade {

/// The recordings of a data set before anybody has looked at their bytes.
struct Listing {
  Reader reader = Reader::automatic;           ///< that understood them; never automatic
  std::span<const std::string_view> emotions;  ///< all labels that this reader can give
  std::vector<Utterance> utterances;           ///< without content hashes
  std::vector<std::string> notes;              ///< what was passed over and why, a line each
};

/// Finds the recordings below options.path and reads their names.
///
/// Throws ConfigError where the path is not set, IoError where it is no readable folder, DataError
/// where nothing is found, and, for Reader::automatic, where no reader or more than one understands
/// most of the files (listing what each understood).
Listing list_recordings(const CorpusOptions& options);

}  // namespace serenade
