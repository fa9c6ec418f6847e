#pragma once

#include <cstdlib>

namespace serenade::test {

/// The folder of the real recordings, SERENADE_RAVDESS; null where it is unset or empty, and tests
/// that want it are skipped.
inline const char* ravdess_folder() {
  const char* folder = std::getenv("SERENADE_RAVDESS");
  return folder == nullptr || *folder == '\0' ? nullptr : folder;
}

}  // namespace serenade::test
