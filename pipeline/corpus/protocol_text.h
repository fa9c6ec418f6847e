#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// What a protocol is, in two sentences for someone who never heard of it: how the clips were
/// divided, and for whom the scores speak therefore. `test_size` is the share that is tested where
/// clips are drawn. Throws ConfigError for a name that has no text.
std::string protocol_text(std::string_view protocol, double test_size);

}  // namespace serenade
