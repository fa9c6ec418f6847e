#pragma once

#include <string_view>

#include "pipeline/features/cache.h"

namespace serenade {

/// Of the file in a cache folder that shows all shards as one. Serenade itself never reads it.
inline constexpr std::string_view index_name = "index.h5";

/// Writes CACHE/<key>/index.h5 for h5py and other readers of HDF5:
///   features [frames, dims] float32, virtual: the rows of all shards, in the order of their
///            numbers, found by names relative to index.h5; NaN where a shard is missing
///   clips    [clips] compound: content (32 hexadecimal digits), frame_offset and frames (rows of
///            `features`), samples, sample_rate, shard, error
///   columns  [dims] names, options: text
/// The bytes are a function of the shards. Nothing is written where no shard holds rows. Throws
/// IoError.
void write_index(const FeatureCache& cache);

}  // namespace serenade
