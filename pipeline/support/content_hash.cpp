#include "pipeline/support/content_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

ContentHash from(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::string to_string(ContentHash hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

ContentHash parse_content_hash(std::string_view text) {
  ContentHash hash;
  const auto half = [&](std::size_t at, std::uint64_t& word) {
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + 16, word, 16);
    return error == std::errc() && end == begin + 16;
  };
  if (text.size() != 32 || !half(0, hash.high) || !half(16, hash.low)) {
    throw DataError(
        fmt::format("'{}' is not a content hash (32 hexadecimal digits)", text.substr(0, 40)));
  }
  return hash;
}

ContentHash hash_bytes(std::span<const std::byte> bytes) {
  return from(XXH3_128bits(bytes.data(), bytes.size()));
}

ContentHash hash_text(std::string_view text) {
  return from(XXH3_128bits(text.data(), text.size()));
}

ContentHash hash_file(const std::filesystem::path& path) {
  expect_regular_file(path);
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw IoError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  XXH3_128bits_reset(state.get());
  std::vector<std::byte> block(std::size_t{1} << 18U);
  for (;;) {
    const std::size_t got = std::fread(block.data(), 1, block.size(), file.get());
    XXH3_128bits_update(state.get(), block.data(), got);
    if (got < block.size()) break;
  }
  if (std::ferror(file.get()) != 0) {
    throw IoError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  return from(XXH3_128bits_digest(state.get()));
}

}  // namespace serenade
