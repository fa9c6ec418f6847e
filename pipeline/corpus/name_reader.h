#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "pipeline/corpus/corpus_options.h"
#include "pipeline/corpus/recording.h"

namespace serenade {

/// A data set whose file names say what was recorded.
struct NameReader {
  Reader reader;
  std::string_view title;                      ///< "RAVDESS"
  std::span<const std::string_view> emotions;  ///< all labels it can give
  std::string_view help;                       ///< what a name looks like
  /// Reads the name of the file's folder and the file's own without its extension; nothing where
  /// they are not of this data set. Total: any text may come.
  std::optional<Recording> (*read)(std::string_view folder, std::string_view stem);
};

/// All of them, a line each; `corpus.reader: auto` chooses among these.
std::span<const NameReader> name_readers();

}  // namespace serenade
