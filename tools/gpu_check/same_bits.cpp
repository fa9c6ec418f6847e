// What must be the same bits wherever and whenever a GPU computes it, and which no emulation can
// say: libraries choose their ways by sizes and places.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/dsp/istft.h"
#include "kernels/dsp/stft.h"
#include "kernels/nn/backend.h"
#include "tools/gpu_check/check.h"
#include "tools/gpu_check/generated.h"

namespace serenade::gpu_check {
namespace {

/// A clip among copies of itself: its frames come to lie at every place of cuFFT's runs, in batches
/// of many sizes.
Json frame_position(const std::filesystem::path&) {
  const std::vector<Index> counts =
      emulated ? std::vector<Index>{2, 5} : std::vector<Index>{2, 3, 5, 8, 31, 64, 333, 2000};
  Index compared = 0;
  for (const int n_fft : {256, 512, 2048, 4096}) {
    const StftPlan plan({.n_fft = n_fft, .hop_length = n_fft / 4});
    const Index length = 2 * n_fft + 17;
    Ragged one;
    one.append(length);
    const Index frames = frames_of(one, n_fft / 4).total();
    const std::vector<float> clip = draw(length, static_cast<std::uint32_t>(n_fft));
    Context context(Device::cuda);
    // Transformed, and transformed back.
    const auto transformed = [&](Index count) {
      std::vector<float> all;
      Ragged samples;
      for (Index i = 0; i < count; ++i) {
        all.insert(all.end(), clip.begin(), clip.end());
        samples.append(length);
      }
      const Array<float> signal = to_device(context, all, Shape{samples.total()});
      Array<float> spectrum(Shape{count * frames, plan.bins(), 2}, Device::cuda);
      stft(context, plan, signal.view(), samples, spectrum.view());
      Array<float> back(signal.shape(), Device::cuda);
      istft(context, plan, Tensor<const float>(spectrum.view()), frames_of(samples, n_fft / 4),
            samples, back.view());
      return std::pair(to_host(context, Tensor<const float>(spectrum.view())),
                       to_host(context, Tensor<const float>(back.view())));
    };
    const auto expect_alike = [&](const std::vector<float>& together,
                                  const std::vector<float>& alone, std::string_view what) {
      for (std::size_t at = 0; at < together.size(); at += alone.size(), ++compared) {
        if (std::memcmp(together.data() + at, alone.data(), alone.size() * sizeof(float)) == 0) {
          continue;
        }
        throw Failed(fmt::format(
            "n_fft {}: the {} of clip {} of {} has other bits than alone: where a frame "
            "lies in a run of cuFFT matters",
            n_fft, what, at / alone.size(), together.size() / alone.size()));
      }
    };
    const auto alone = transformed(1);
    for (const Index count : counts) {
      const auto together = transformed(count);
      expect_alike(together.first, alone.first, "spectrum");
      expect_alike(together.second, alone.second, "inverse transform");
    }
  }
  return {{"clips compared", compared / 2}};
}

class Ear : public Observer {
 public:
  void warn(std::string_view line) override { warnings += std::string(line) + "; "; }
  std::string warnings;
};

std::string weights_of(Member& member) {
  std::string bits;
  for (const auto& [name, value] : copy_weights(member.network())) {
    bits.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return bits;
}

/// Eight members at a time, each of which captures its steps while the others allocate, plan and
/// capture theirs: none is disturbed, and all have the bits that they have alone.
Json members_captured(const std::filesystem::path&) {
  constexpr int count = 8, times = emulated ? 2 : 20;
  const Generated generated;
  const DataSet data = generated.data();
  const Fold fold = generated.fold();
  Ear ear;
  std::vector<std::string> alone;
  for (Member& one : members(data, fold, count, 2)) {
    Context context(Device::cuda);
    Trainer(context, data, ear).train({&one, 1});
    alone.push_back(weights_of(one));
  }
  for (int time = 1; time <= times; ++time) {
    std::vector<Member> together = members(data, fold, count, 2);
    Context context(Device::cuda, count);
    Trainer(context, data, ear).train(together);
    for (std::size_t i = 0; i < together.size(); ++i) {
      if (weights_of(together[i]) == alone[i]) continue;
      throw Failed(
          fmt::format("time {}: member {} of {} has other weights than alone", time, i + 1, count));
    }
    if (!ear.warnings.empty()) throw Failed(fmt::format("time {}: {}", time, ear.warnings));
  }
  return {{"members", count}, {"times", times}};
}

}  // namespace

std::vector<Check> same_bits_checks() {
  return {{"fft_frame_position", 2, frame_position},
          {"members_captured_together", 4, members_captured}};
}

}  // namespace serenade::gpu_check
