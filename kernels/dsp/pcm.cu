#include "kernels/device/launch.cuh"
#include "kernels/dsp/pcm.h"

namespace serenade::cuda {
namespace {

/// One sample; `from` is its first byte. int24 is read byte by byte: it lies anywhere.
__device__ float sample_value(const unsigned char* from, SampleFormat format) {
  switch (format) {
    case SampleFormat::int16:
      return static_cast<float>(*reinterpret_cast<const std::int16_t*>(from)) * 0x1p-15F;
    case SampleFormat::int24: {
      const std::uint32_t upper = static_cast<std::uint32_t>(from[0]) << 8U |
                                  static_cast<std::uint32_t>(from[1]) << 16U |
                                  static_cast<std::uint32_t>(from[2]) << 24U;
      return static_cast<float>(static_cast<std::int32_t>(upper)) * 0x1p-31F;
    }
    case SampleFormat::int32:
      return static_cast<float>(*reinterpret_cast<const std::int32_t*>(from)) * 0x1p-31F;
    default:
      return *reinterpret_cast<const float*>(from);
  }
}

/// One thread a frame, neighbours side by side. Clips of a batch may be stored in different ways,
/// threads of a warp seldom are of two clips. 2 to 4 bytes read a channel, 4 written a frame: what
/// a sample costs on its way from the host (2 bytes) is forty times as much.
__global__ __launch_bounds__(most_threads) void mono_kernel(const unsigned char* stored,
                                                            const StoredClip* clips,
                                                            const Index* frames, int count,
                                                            Index size, float* mono) {
  const Index i = global_index();
  if (i >= size) return;
  const int at = clip_of(frames, count, i);
  const StoredClip clip = clips[at];
  const int bytes = clip.format == SampleFormat::int16   ? 2
                    : clip.format == SampleFormat::int24 ? 3
                                                         : 4;
  const unsigned char* from = stored + clip.begin + (i - frames[at]) * clip.channels * bytes;
  float sum = sample_value(from, clip.format);
  for (int c = 1; c < clip.channels; ++c) sum += sample_value(from + c * bytes, clip.format);
  mono[i] = clip.channels == 1 ? sum : sum / static_cast<float>(clip.channels);
}

}  // namespace

void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono) {
  Session& session = context.session();
  auto& table = session.keep<Array<StoredClip>>(
      "stored clips", [] { return new Array<StoredClip>(Shape{0}, Device::cuda); });
  table.resize({frames.clips()});
  if (!clips.empty()) {
    // The kernels of an earlier batch come first on the stream.
    auto& to_send = session.keep<SendBuffer>("stored clips to send",
                                             [] { return new SendBuffer(Device::cuda); });
    to_send.begin(clips.size_bytes());
    to_send.send(session, std::as_bytes(clips), table.data());
    to_send.end(session);
  }
  launch<mono_kernel>(session, one_thread_each(session, frames.total()),
                      reinterpret_cast<const unsigned char*>(stored.data()),
                      static_cast<const StoredClip*>(table.data()), session.offsets(frames),
                      static_cast<int>(frames.clips()), frames.total(), mono.data());
}

}  // namespace serenade::cuda
