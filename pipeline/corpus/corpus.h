#pragma once

#include <string_view>

#include "kernels/device/context.h"
#include "pipeline/corpus/corpus_options.h"
#include "pipeline/corpus/utterance.h"
#include "pipeline/support/file_memo.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Finds the recordings below options.path, reads their names and hashes their bytes (on the
/// context's threads; the observer hears the progress, the notes are in the result). The result
/// does not depend on the order in which folders are listed, nor, but for `path`, on their names.
///
/// Several files with the same id and the same bytes (mirrors of a data set under two folders) are
/// duplicates; the second gets the id "ID#2". Files that cannot be read or are empty are left out
/// with a note.
///
/// Throws ConfigError for options out of range or a path that is not set, IoError where path is no
/// readable folder, DataError where no recording is found (saying what was) or it is not clear
/// whose names they have, where one id has two contents or one content two labels or speakers
/// (naming both files), where duplicates are refused and where more than max_bad of the files
/// cannot be read.
///
/// Files that `memo` knows in the state they are in are not read.
Corpus read_corpus(Context& context, const CorpusOptions& options, Observer& observer,
                   FileMemo* memo = nullptr);

/// Throws DataError when more than max_bad of `total` recordings are bad; `what` says how:
/// "cannot be decoded". For later stages to hold the same rule.
void expect_few_bad(std::size_t bad, std::size_t total, double max_bad, std::string_view what);

}  // namespace serenade
