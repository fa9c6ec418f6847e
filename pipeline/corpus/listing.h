#pragma once

#include <filesystem>
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
  std::span<const std::string_view> emotions;  ///< all that its names can say; none for csv
  std::vector<Utterance> utterances;           ///< without content hashes
  std::vector<std::string> notes;              ///< what was passed over and why, a line each
  std::vector<LeftOut> unlabelled{};           ///< recordings whose emotion is not told
  std::vector<std::filesystem::path> closed_folders{};  ///< that could not be listed
};

/// Finds the recordings below source.path and reads their names, or reads the manifest that
/// source.path is. For Reader::automatic a folder's own manifest.csv counts by its lines.
///
/// Throws ConfigError where the path is not set, IoError where it is neither a readable folder nor
/// a manifest, DataError where nothing is found or a manifest is not well formed, and, for
/// Reader::automatic, where no reader or more than one understands most of the files (listing what
/// each understood).
Listing list_recordings(const CorpusSource& source);

}  // namespace serenade
