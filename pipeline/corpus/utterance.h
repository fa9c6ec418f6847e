#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/support/content_hash.h"

namespace serenade {

/// One recording of a data set, as its reader understood it.
struct Utterance {
  std::string id;  ///< unique in the corpus and independent of folders: "03-01-06-01-02-01-12"
  std::filesystem::path path;
  ContentHash content;  ///< of the file's bytes
  std::string speaker;  ///< unique in the corpus: "12"
  std::string label;    ///< "fearful"
  /// What else the name or manifest says, by the field's name: intensity, statement, repetition,
  /// channel, modality, sex ...
  std::map<std::string, std::string> fields;
};

/// A recording that a corpus has and cannot use, or has under another id as well.
struct LeftOut {
  enum class Cause {
    unreadable,
    copy,       ///< of one that is among the utterances
    unlabelled  ///< its emotion is not told, or by no name that the reader knows
  };
  std::string id;
  std::filesystem::path path;
  std::string reason;  ///< begins with the path, or names it
  Cause cause = Cause::unreadable;
};

/// A data set: utterances in ascending order of id, so that nothing downstream can depend on the
/// order in which a folder was listed.
struct Corpus {
  std::string name;  ///< "ravdess"
  std::vector<Utterance> utterances;
  std::vector<std::string> labels;  ///< in the order of class numbers
  std::vector<std::string> notes;   ///< what was skipped or merged and why, a line each
  std::vector<LeftOut> left_out{};  ///< recordings that are not among the utterances

  /// Byte-identical recordings count as different ones and may land on both sides of a split
  /// (corpus.duplicates: allow).
  bool duplicates_apart = false;

  /// Class number of an utterance: the place of its label in `labels`. Throws DataError for none.
  int class_of(const Utterance& utterance) const;
};

}  // namespace serenade
