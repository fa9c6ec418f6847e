#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace serenade {

/// What the header of a WAV or AIFF file promises, beside what the file holds.
struct StatedLength {
  std::uint64_t stated_bytes;   ///< of sound, by the header
  std::uint64_t present_bytes;  ///< from the first sound byte to the end of the file
  std::uint64_t frame_bytes;    ///< of one frame (of one block in compressed formats), 1 if unknown
};

/// Reads the chunks of a RIFF, RIFX, RF64 or FORM (AIFF, AIFC) file up to its sound; nothing for
/// other files, for broken ones, and where the header holds a placeholder because it was written to
/// a pipe. libsndfile shortens what a truncated file states without a word, hence this.
/// Definitions: Microsoft/IBM Multimedia Programming Interface 1.0 (RIFF), EBU Tech 3306 (RF64),
/// Apple AIFF 1.3.
std::optional<StatedLength> stated_length(const std::filesystem::path& path);

}  // namespace serenade
