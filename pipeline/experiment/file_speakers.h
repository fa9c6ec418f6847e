#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace serenade {

/// Who speaks in each of these files, by a name of no other meaning. `how` is
///   one     the same speaker in all
///   folder  one speaker in each folder
///   file    another one in each
///   a path  of a CSV file with the columns file (absolute, or relative to the CSV file's folder)
///           and speaker; more columns are passed over
/// Throws DataError where the CSV file is not well formed or says nothing, or two things, of a
/// file, IoError where it cannot be read.
std::vector<std::string> speakers_of(const std::vector<std::filesystem::path>& files,
                                     const std::string& how);

/// What is to be said where nobody told.
inline constexpr const char* speaker_needed =
    "the model standardises each clip by its speaker's other clips, and must be told who speaks: "
    "--speaker one (the same in all files), folder (one in each folder), file (another one in "
    "each, which is weak), or a CSV file with the columns file and speaker";

inline constexpr const char* speaker_help =
    "who speaks in the files; models that standardise by speaker must be told, others do not ask: "
    "one (the same in all), folder "
    "(one in each folder), file (another one in each; weak), or a CSV file with the columns file "
    "and speaker";

}  // namespace serenade
