#include "pipeline/features/hdf5.h"

#include <fmt/format.h>

#include <string>

#include "kernels/device/error.h"

namespace serenade::hdf5 {
namespace {

std::mutex& mutex() {
  static std::mutex one;
  return one;
}

/// Keeps the description of the innermost error, where the reason stands.
herr_t keep_first(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

Lock::Lock() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

void fail(const std::filesystem::path& file, std::string_view doing) {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  throw IoError(fmt::format("{}: cannot {}: {}", file.string(), doing,
                            reason.empty() ? "HDF5 gives no reason" : "HDF5 says " + reason));
}

}  // namespace serenade::hdf5
