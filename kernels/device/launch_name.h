#pragma once

#include <string_view>

namespace serenade::cuda {

/// The kernel that this thread launches or launched last, for messages.
inline thread_local std::string_view launch_name;

}  // namespace serenade::cuda
