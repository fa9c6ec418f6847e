#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"

namespace serenade {

/// Whose file names are understood. `automatic` is the reader that understands most of the files.
enum class Reader { automatic, ravdess, emodb, tess, crema_d, savee, csv };
constexpr auto enum_names(Reader) {
  return std::to_array<std::string_view>(
      {"auto", "ravdess", "emodb", "tess", "crema-d", "savee", "csv"});
}

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

/// Labels that change when a corpus is read: into another word, or, where there is none, out of it.
using LabelMap = std::map<std::string, std::optional<std::string>>;

/// One data set and how it is read.
struct CorpusSource {
  std::string path{};
  Reader reader = Reader::automatic;
  Channel channel = Channel::speech;
  LabelMap labels{};
  std::string title{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("path", self.path, Range{},
          "folder of the recordings, searched through and through, or a CSV manifest");
    visit("reader", self.reader, Range{},
          "how file names are read; auto takes the reader that understands most of them. csv: a "
          "manifest (a file, or manifest.csv in the folder) with the columns file, speaker, "
          "emotion and any others; its paths start where it lies");
    visit("channel", self.channel, Range{}, "which RAVDESS clips are used");
    visit("labels", self.labels, Range{},
          "emotions to merge, rename or leave out, as in {calm: neutral, surprised: null}");
    visit("title", self.title, Range{}, "what reports call the corpus; default: its reader's name");
  }
};

/// Section `corpus` of an experiment: one data set, or several.
struct CorpusOptions {
  std::string path{};
  Reader reader = Reader::automatic;
  Channel channel = Channel::speech;
  Duplicates duplicates = Duplicates::together;
  double max_bad = 0.05;
  std::string title{};
  LabelMap labels{};
  std::vector<CorpusSource> more{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    CorpusSource::fields(self, visit);
    visit("duplicates", self.duplicates, Range{},
          "byte-identical recordings: kept on one side of every split (together), reduced to one "
          "(first), refused (error), or treated as different, which leaks (allow)");
    visit("max_bad", self.max_bad, Range{0, 1},
          "largest share of recordings that may be unreadable; they are left out and named, and a "
          "folder that cannot be listed counts as one");
    visit("more", self.more, Range{},
          "further corpora, each with path, reader, channel, labels and title; ids and speakers "
          "then begin with their corpus's title, as in emodb/03");
  }

  /// The corpus itself and those in `more`.
  std::vector<CorpusSource> sources() const {
    std::vector<CorpusSource> all{{path, reader, channel, labels, title}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

}  // namespace serenade
