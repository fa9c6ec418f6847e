#pragma once

#include <mutex>

namespace serenade::cuda {

/// Held while a graph is captured and by whatever may wait for the whole GPU: making and unmaking
/// libraries' handles and plans, memory. Such a wait in one thread ends another thread's capture
/// with an error, whatever the capture's mode.
inline std::recursive_mutex& whole_device() {
  static std::recursive_mutex mutex;
  return mutex;
}

}  // namespace serenade::cuda
