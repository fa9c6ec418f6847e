#include "tools/bench/feature_tools/floors.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/dsp/soxr.h"
#include "pipeline/audio/decode.h"

namespace serenade::bench {
namespace {

using nlohmann::json;

SignalFile signals_of(const json& order) {
  return {order.at("signals").get<std::string>(), order.at("lengths").get<std::vector<Index>>()};
}

Job decode_floor(const json& order) {
  const auto paths = order.at("paths").get<std::vector<std::string>>();
  const int threads = order.at("threads");
  auto memory = std::make_shared<std::vector<std::vector<short>>>(threads);
  return {threads, paths.size(), [paths, memory](int thread, std::size_t clip) {
            SF_INFO info{};
            SNDFILE* file = sf_open(paths[clip].c_str(), SFM_READ, &info);
            if (file == nullptr) throw IoError(paths[clip] + ": cannot be opened");
            auto& to = (*memory)[static_cast<std::size_t>(thread)];
            to.resize(static_cast<std::size_t>(info.frames * info.channels));
            const sf_count_t frames = sf_readf_short(file, to.data(), info.frames);
            sf_close(file);
            if (frames != info.frames) throw IoError(paths[clip] + ": ends early");
          }};
}

/// Of recordings decoded and averaged before.
Job resample_floor(const json& order) {
  struct Recording {
    std::vector<float> mono;
    int rate;
  };
  struct State {
    std::vector<Recording> recordings;
    std::vector<std::map<int, Soxr<float>>> soxr;  // of each thread and rate
    std::vector<std::vector<float>> out;
  };
  const int to_rate = order.at("sample_rate");
  const int threads = order.at("threads");
  auto state = std::make_shared<State>();
  state->soxr.resize(static_cast<std::size_t>(threads));
  state->out.resize(static_cast<std::size_t>(threads));
  for (const auto& path : order.at("paths")) {
    const Clip clip = decode(path.get<std::string>());
    Recording recording{std::vector<float>(static_cast<std::size_t>(clip.frames())),
                        clip.sample_rate};
    for (std::size_t i = 0; i < clip.samples.size(); ++i) {
      recording.mono[i / static_cast<std::size_t>(clip.channels)] +=
          clip.samples[i] / static_cast<float>(clip.channels);
    }
    for (auto& soxr : state->soxr) {
      if (clip.sample_rate != to_rate)
        soxr.try_emplace(clip.sample_rate, clip.sample_rate, to_rate);
    }
    state->recordings.push_back(std::move(recording));
  }
  return {threads, state->recordings.size(), [state, to_rate](int thread, std::size_t clip) {
            const Recording& recording = state->recordings[clip];
            if (recording.rate == to_rate) return;
            auto& out = state->out[static_cast<std::size_t>(thread)];
            out.resize(static_cast<std::size_t>(resampled_length(
                static_cast<Index>(recording.mono.size()), recording.rate, to_rate)));
            state->soxr[static_cast<std::size_t>(thread)].at(recording.rate)(recording.mono, out);
          }};
}

/// The part of FFTW's single precision interface that is used, of FFTW or of what stands in for it.
struct FftLibrary {
  using Plan = void*;
  using MakePlan = Plan (*)(int rank, const int* n, int howmany, float* in, const int* inembed,
                            int istride, int idist, float* out, const int* onembed, int ostride,
                            int odist, unsigned flags);
  using Execute = void (*)(Plan, float* in, float* out);
  static constexpr unsigned measure = 0;

  explicit FftLibrary(const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw IoError(dlerror());
    make_plan = reinterpret_cast<MakePlan>(dlsym(library, "fftwf_plan_many_dft_r2c"));
    execute = reinterpret_cast<Execute>(dlsym(library, "fftwf_execute_dft_r2c"));
    if (make_plan == nullptr || execute == nullptr) {
      throw IoError(path + ": has not FFTW's single precision interface");
    }
  }
  MakePlan make_plan = nullptr;
  Execute execute = nullptr;
};

using Aligned = Array<float>;

/// Frames are where they lie in the signal, no window: transforms and nothing else. In blocks of 16
/// frames, each of which begins at a multiple of 64 bytes as the arrays do that plans are made
/// with.
Job fft_floor(const json& order) {
  constexpr int block = 16;
  struct State {
    explicit State(const std::string& path) : library(path) {}
    FftLibrary library;
    FftLibrary::Plan many = nullptr;
    FftLibrary::Plan one = nullptr;
    std::vector<Aligned> padded;
    std::vector<Index> frames;
    std::vector<Aligned> out;  // of each thread
  };
  const int n = order.at("n_fft"), hop = order.at("hop_length"), threads = order.at("threads");
  if (hop % 16 != 0) throw ConfigError("the frames of this floor begin at multiples of 64 bytes");
  const int bins = n / 2 + 1;
  auto state = std::make_shared<State>(order.at("library").get<std::string>());
  Aligned in({Index{block} * hop + n}), out({Index{2} * block * bins});
  std::fill_n(in.data(), in.size(), 0.0F);
  const auto plan = [&](int howmany) {
    return state->library.make_plan(1, &n, howmany, in.data(), nullptr, 1, hop, out.data(), nullptr,
                                    1, bins, FftLibrary::measure);
  };
  state->many = plan(block);
  state->one = plan(1);
  if (state->many == nullptr || state->one == nullptr) throw IoError("the library makes no plan");
  const SignalFile signals = signals_of(order);
  for (std::size_t i = 0; i < signals.clips(); ++i) {
    const auto clip = signals.clip(i);
    Aligned& padded = state->padded.emplace_back(Shape{static_cast<Index>(clip.size()) + n});
    std::fill_n(padded.data(), padded.size(), 0.0F);
    std::copy(clip.begin(), clip.end(), padded.data() + n / 2);
    state->frames.push_back(1 + static_cast<Index>(clip.size()) / hop);
  }
  for (int thread = 0; thread < threads; ++thread) state->out.emplace_back(out.shape());
  return {threads, signals.clips(), [state, hop](int thread, std::size_t clip) {
            float* x = state->padded[clip].data();
            float* y = state->out[static_cast<std::size_t>(thread)].data();
            const Index frames = state->frames[clip];
            Index frame = 0;
            for (; frame + block <= frames; frame += block) {
              state->library.execute(state->many, x + frame * hop, y);
            }
            for (; frame < frames; ++frame) {
              state->library.execute(state->one, x + frame * hop, y);
            }
          }};
}

Job copy_floor(const json& order) {
  const int threads = order.at("threads");
  auto signals = std::make_shared<const SignalFile>(signals_of(order));
  auto memory = std::make_shared<std::vector<std::vector<float>>>(threads);
  return {threads, signals->clips(), [signals, memory](int thread, std::size_t clip) {
            const auto from = signals->clip(clip);
            auto& to = (*memory)[static_cast<std::size_t>(thread)];
            to.resize(std::max(to.size(), from.size()));
            std::memcpy(to.data(), from.data(), from.size_bytes());
          }};
}

}  // namespace

Job floor_job(const json& order) {
  const std::string name = order.at("floor");
  if (name == "decode") return decode_floor(order);
  if (name == "resample") return resample_floor(order);
  if (name == "fft") return fft_floor(order);
  if (name == "copy") return copy_floor(order);
  throw ConfigError(fmt::format("no floor is called '{}'", name));
}

}  // namespace serenade::bench
