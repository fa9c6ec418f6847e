#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kernels/device/options.h"

namespace serenade {

/// Whose file names are understood. `automatic` is the reader that understands most of the files.
enum class Reader { automatic, ravdess, emodb, tess, crema_d, savee };
constexpr auto enum_names(Reader) {
  return std::to_array<std::string_view>({"auto", "ravdess", "emodb", "tess", "crema-d", "savee"});
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
    visit("reader", self.reader, Range{},
          "how file names are read; auto takes the reader that understands most of them");
    visit("channel", self.channel, Range{}, "which RAVDESS clips are used");
    visit("duplicates", self.duplicates, Range{},
          "byte-identical recordings: kept on one side of every split (together), reduced to one "
          "(first), refused (error), or treated as different, which leaks (allow)");
    visit("max_bad", self.max_bad, Range{0, 1},
          "largest share of recordings that may be unreadable; they are left out and named");
    visit("title", self.title, Range{}, "what reports call the corpus; default: its reader's name");
  }
};

}  // namespace serenade
