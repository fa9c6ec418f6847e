#pragma once

#include <string>
#include <string_view>

#include "kernels/device/context.h"
#include "pipeline/corpus/corpus_options.h"
#include "pipeline/corpus/utterance.h"
#include "pipeline/support/file_memo.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Finds the recordings of a corpus, or of several, reads their names or manifests, changes labels
/// as options.labels says and hashes their bytes (on the context's threads; the observer hears the
/// progress, the notes are in the result). The result does not depend on the order in which folders
/// are listed, nor, but for `path`, on their names. The field `corpus` of every utterance is its
/// corpus's title or reader; of several corpora, ids and speakers begin with it ("emodb/03"), and
/// Corpus::name joins all ("ravdess + emodb").
///
/// Several files with the same id and the same bytes (mirrors of a data set under two folders) are
/// duplicates; the second gets the id "ID#2". Files that cannot be read or are empty are left out
/// with a note, as are recordings whose emotion is not told (Corpus::left_out); so are folders that
/// cannot be listed, and each counts as one unreadable file.
///
/// Throws ConfigError for options out of range, a path that is not set, a key of `labels` that is
/// no label and two corpora of one name, IoError where path is no readable folder or manifest,
/// DataError where no recording is found (saying what was), it is not clear whose names they have
/// or a manifest is not well formed, where one id has two contents or one content two labels or
/// speakers (naming both files), where duplicates are refused and where more than max_bad of a
/// corpus's files cannot be read.
///
/// Files that `memo` knows in the state they are in are not read.
Corpus read_corpus(Context& context, const CorpusOptions& options, Observer& observer,
                   FileMemo* memo = nullptr);

/// What reports call a corpus: corpus.title, where one data set has it, else Corpus::name.
std::string reported_name(const Corpus& corpus, const CorpusOptions& options);
/// Where reports say it lies: the paths of all data sets, "a, b".
std::string reported_path(const CorpusOptions& options);
/// Throws DataError where all recordings have one label, with which nothing can be trained. Such a
/// corpus can be scored.
void expect_two_labels(const Corpus& corpus);

/// Throws DataError when more than max_bad of `total` recordings are bad; `what` says how:
/// "cannot be decoded". For later stages to hold the same rule.
void expect_few_bad(std::size_t bad, std::size_t total, double max_bad, std::string_view what);

}  // namespace serenade
