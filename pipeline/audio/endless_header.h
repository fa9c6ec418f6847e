#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace serenade {

/// Why libsndfile (1.2) must not be given this file: the place in its header that it would read
/// again and again without an end. Nothing for all other files, sound or not; whether they are
/// sound is libsndfile's to say.
///
/// Follows the chunks of a RIFF, RIFX or RF64 file from the first to the last, those behind the
/// sound too, as libsndfile's reader does. It trusts sizes that reach past the end (the sound's of
/// a recorder that was cut off or that writes to a pipe, a last chunk's without its pad byte), and
/// so does this; it goes back, for good, only where the size of an item of a LIST is so large that
/// its 32-bit sum with what was read before wraps around, and where the 64-bit size of RF64's sound
/// is negative. Wave64 (negative sizes) and 8SVX (sizes of 2 GiB or more) are refused as a whole:
/// few have ever kept speech in them. AIFF's reader ends at every size beyond the file's.
std::optional<std::string> endless_header(const std::filesystem::path& path);

}  // namespace serenade
