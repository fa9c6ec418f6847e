#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace serenade {

/// XXH3-128 of some bytes: who a recording is, whatever its name and place. Not cryptographic.
struct ContentHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const ContentHash&, const ContentHash&) = default;
};

/// 32 lower-case hexadecimal digits, most significant first.
std::string to_string(ContentHash hash);
/// The reverse; throws DataError on anything but 32 hexadecimal digits.
ContentHash parse_content_hash(std::string_view text);

/// Of bytes, and of a text's.
ContentHash hash_bytes(std::span<const std::byte> bytes);
ContentHash hash_text(std::string_view text);
/// Hash of a file's bytes, read in blocks. Throws IoError naming the file.
ContentHash hash_file(const std::filesystem::path& path);

}  // namespace serenade
