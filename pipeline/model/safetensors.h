#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>

#include "kernels/device/tensor.h"

namespace serenade {

/// A tensor of a safetensors file; the alternative is its dtype: F32, F64 or I64.
using StoredTensor = std::variant<Array<float>, Array<double>, Array<std::int64_t>>;

/// What a safetensors file holds (github.com/huggingface/safetensors, "Format"): an unsigned 64-bit
/// little-endian length, that many bytes of JSON, the tensors' bytes end to end without holes.
struct Safetensors {
  std::map<std::string, std::string> metadata;  ///< the header's `__metadata__`
  std::map<std::string, StoredTensor> tensors;
};

/// Longest header read or written, bytes.
inline constexpr std::size_t max_safetensors_header = std::size_t{1} << 20U;

/// Reads a file that may come from anywhere: the header's length, every name, dtype, shape and
/// offset is checked against the file's size before a tensor is allocated. Tensors of other dtypes
/// than F32, F64, I64 or of more than four dimensions are refused, as are holes, overlaps, names
/// that stand twice and bytes that no tensor claims. Throws DataError naming the file and what is
/// wrong, IoError where it cannot be read.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes atomically. The bytes are a function of the contents alone; the header is padded with
/// spaces to a multiple of 8 and 8-byte types come first, so that every tensor is aligned. Throws
/// IoError naming the file; DataError where the header would be longer than the reader takes, where
/// a text is not UTF-8 or a name is `__metadata__`.
void write_safetensors(const std::filesystem::path& path, const Safetensors& contents);

const Shape& shape_of(const StoredTensor& tensor);
/// "F32", "F64" or "I64".
std::string_view dtype_name(const StoredTensor& tensor);

}  // namespace serenade
