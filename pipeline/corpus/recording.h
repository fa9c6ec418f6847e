#pragma once

#include <map>
#include <string>

namespace serenade {

/// What a file's name says.
struct Recording {
  std::string id;       ///< the name in its canonical spelling: "03-01-06-01-02-01-12"
  std::string speaker;  ///< "12"
  std::string label;    ///< one of `emotions`: "fearful"
  /// By name. `statement` (what was said), `intensity` and `channel` tell which recordings are
  /// repetitions of one another; `repetition`, `sex`, `language` and others where they are known.
  std::map<std::string, std::string> fields;
};

}  // namespace serenade
