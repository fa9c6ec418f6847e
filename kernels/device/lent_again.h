#pragma once

#include <cstddef>

namespace serenade::cuda {

class Session;

/// For tests: called with memory that a context is about to lend once more. Its contents are
/// unspecified, and a test can make that show.
inline void (*lent_again)(Session& session, void* memory, std::size_t bytes) = nullptr;

}  // namespace serenade::cuda
