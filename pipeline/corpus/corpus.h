#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "pipeline/corpus/utterance.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Whose file names are understood. `automatic` is the reader that understands most of the files.
enum class Reader { automatic, ravdess };
constexpr auto enum_names(Reader) { return std::to_array<std::string_view>({"auto", "ravdess"}); }

/// What was recorded: RAVDESS has spoken and sung clips.
enum class Channel { speech, song, both };
constexpr auto enum_names(Channel) {
  return std::to_array<std::string_view>({"speech", "song", "both"});
}

/// What happens to byte-identical recordings.
enum class Duplicates {
  together,  ///< all kept, always in the same part of a split
  first,     ///< one of each kept, the smallest id
  error,     ///< refused, with a list
  allow      ///< treated as different recordings: leaks from training into test, and says so
};
constexpr auto enum_names(Duplicates) {
  return std::to_array<std::string_view>({"together", "first", "error", "allow"});
}

/// Section `corpus` of an experiment.
struct CorpusOptions {
  std::string path{};
  Reader reader = Reader::automatic;
  Channel channel = Channel::speech;
  Duplicates duplicates = Duplicates::together;
  double max_bad = 0.05;
  std::string title{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("path", self.path, Range{}, "folder of the recordings, searched through and through");
    visit("reader", self.reader, Range{}, "how file names are read; auto tries all readers");
    visit("channel", self.channel, Range{}, "which RAVDESS clips are used");
    visit("duplicates", self.duplicates, Range{},
          "byte-identical recordings: kept on one side of every split (together), reduced to one "
          "(first), refused (error), or treated as different, which leaks (allow)");
    visit("max_bad", self.max_bad, Range{0, 1},
          "largest share of recordings that may be unreadable; they are left out and named");
    visit("title", self.title, Range{}, "what reports call the corpus; default: its reader's name");
  }
};

/// Finds the recordings below options.path, reads their names and hashes their bytes (on the
/// context's threads; the observer hears the progress, the notes are in the result). The result
/// does not depend on the order in which folders are listed, nor, but for `path`, on their names.
///
/// Several files with the same id and the same bytes (mirrors of a data set under two folders) are
/// duplicates; the second gets the id "ID#2". Files that cannot be read or are empty are left out
/// with a note.
///
/// Throws ConfigError for options out of range or a path that is not set, IoError where path is no
/// readable folder, DataError where no recording is found (saying what was), where one id has two
/// contents or one content two labels or speakers (naming both files), where duplicates are refused
/// and where more than max_bad of the files cannot be read.
Corpus read_corpus(Context& context, const CorpusOptions& options, Observer& observer);

/// Throws DataError when more than max_bad of `total` recordings are bad; `what` says how:
/// "cannot be decoded". For later stages to hold the same rule.
void expect_few_bad(std::size_t bad, std::size_t total, double max_bad, std::string_view what);

}  // namespace serenade
