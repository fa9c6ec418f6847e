#pragma once

#include <string>

#include "kernels/device/error.h"

namespace serenade::test {

/// What the error says that `work` throws; "no error" where it throws none. Errors of another kind
/// than `Kind` are not caught, and fail the test.
template <class Kind = Error, class Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const Kind& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace serenade::test
