#include "pipeline/features/clip_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/dsp/soxr.h"
#include "pipeline/support/stopwatch.h"

namespace serenade {
namespace {

/// So many bytes of what clips are stored as are enough for a batch.
constexpr std::size_t most_stored = std::size_t{256} << 20U;
/// What a slot keeps for the next batch: one long recording does not hold memory for good.
constexpr std::size_t most_kept = std::size_t{96} << 20U;

std::string too_large(std::size_t needed, std::size_t allowed) {
  return fmt::format(
      "its features take {} MiB of the GPU's memory, and each thread may use {} MiB: raise "
      "--device-memory, take fewer --threads or --device cpu",
      (needed >> 20U) + 1, allowed >> 20U);
}

/// Sounds of one rate next to each other, as they are resampled in one go; else as they came.
void sort_by_rate(std::vector<StoredSound>& sounds, std::vector<ClipResult>& clips) {
  const auto rate = [&](std::size_t i) { return sounds[i].sample_rate; };
  std::vector<std::size_t> order(sounds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rate(a) < rate(b); });
  std::vector<StoredSound> sorted_sounds;
  std::vector<ClipResult> sorted_clips;
  for (const std::size_t i : order) {
    sorted_sounds.push_back(sounds[i]);
    sorted_clips.push_back(std::move(clips[i]));
  }
  sounds = std::move(sorted_sounds);
  clips = std::move(sorted_clips);
}

}  // namespace

std::size_t bytes_a_thread(Device device, std::size_t all, int threads) {
  if constexpr (has_cuda) {
    if (device == Device::cuda && all == 0) all = cuda::usable_device().memory / 2;
  }
  if (all == 0) return std::numeric_limits<std::size_t>::max();
  return all / 4 * 3 / static_cast<std::size_t>(threads);
}

ClipBatches::ClipBatches(Context& context, const FeatureFunction& function,
                         std::size_t device_bytes)
    : context_(context),
      function_(function),
      device_bytes_(device_bytes),
      slots_{Slot(context.device()), Slot(context.device())} {}

ClipBatches::~ClipBatches() {
  try {
    context_.synchronize();
  } catch (const DeviceError&) {  // which has been thrown already
  }
}

std::size_t ClipBatches::bytes_of(const Slot& slot) const {
  if (!function_.device_bytes) return 0;
  Ragged samples;
  Index frames = 0;
  for (const StoredSound& sound : slot.sounds) {
    frames += sound.frames;
    samples.append(resampled_length(sound.frames, sound.sample_rate, function_.sample_rate));
  }
  // What is stored and its mean over the channels, lent with up to an eighth more.
  const std::size_t before = slot.stored.size() + static_cast<std::size_t>(frames) * sizeof(float);
  return before / 8 * 9 + function_.device_bytes(samples);
}

void ClipBatches::add(std::size_t place, const std::filesystem::path& path, ContentHash content) {
  Slot& slot = ready();
  const Stopwatch watch;
  const std::size_t before = slot.stored.size();
  slot.sounds.push_back(load_stored(path, function_.sample_rate, function_.decode, slot.stored));
  ClipResult& clip = slot.clips.emplace_back();
  clip.place = place;
  clip.content = content;
  clip.seconds.decode = watch.seconds();

  if (bytes_of(slot) > device_bytes_) {
    Slot alone(Device::cpu);
    move_last(slot, alone);
    slot.stored.resize(before);
    const std::size_t needed = bytes_of(alone);
    if (needed > device_bytes_) throw IoError(too_large(needed, device_bytes_));
    begin_filled();
    move_last(alone, ready());
  }
  if (static_cast<Index>(filling().sounds.size()) >= function_.clips_at_once ||
      filling().stored.size() >= most_stored) {
    begin_filled();
  }
}

ClipBatches::Slot& ClipBatches::ready() {
  Slot& slot = filling();
  if (slot.in_flight) collect(slot);
  if (slot.sounds.empty()) {
    slot.stored.shrink(most_kept);
    slot.rows.shrink(most_kept);
  }
  return slot;
}

void ClipBatches::move_last(Slot& from, Slot& to) {
  StoredSound sound = from.sounds.back();
  const auto begin = static_cast<std::size_t>(sound.clip.begin);
  const std::size_t bytes = from.stored.size() - begin;
  to.stored.resize(bytes);
  std::memcpy(to.stored.data(), from.stored.data() + begin, bytes);
  sound.clip.begin = 0;
  to.sounds.push_back(sound);
  to.clips.push_back(std::move(from.clips.back()));
  from.sounds.pop_back();
  from.clips.pop_back();
}

void ClipBatches::finish() {
  if (!filling().in_flight && !filling().sounds.empty()) begin_filled();
  for (Slot& slot : slots_) {
    if (slot.in_flight) collect(slot);
  }
}

std::vector<ClipResult> ClipBatches::take() { return std::exchange(results_, {}); }

void ClipBatches::begin_filled() {
  Slot& slot = filling();
  filling_ = 1 - filling_;
  sort_by_rate(slot.sounds, slot.clips);
  if (begin(slot)) return;
  if (slot.sounds.size() == 1) return give_up(slot);
  // Each alone, so that only those fail that have to.
  const std::vector<StoredSound> sounds = std::exchange(slot.sounds, {});
  std::vector<ClipResult> clips = std::exchange(slot.clips, {});
  for (std::size_t i = 0; i < sounds.size(); ++i) {
    slot.sounds = {sounds[i]};
    slot.clips.clear();
    slot.clips.push_back(std::move(clips[i]));
    if (!begin(slot)) {
      give_up(slot);
    } else if (slot.in_flight) {
      collect(slot);
    }
  }
}

void ClipBatches::give_up(Slot& slot) {
  results_.push_back(std::move(slot.clips.front()));
  slot.sounds.clear();
  slot.clips.clear();
}

bool ClipBatches::begin(Slot& slot) {
  slot.clips.front().error = nullptr;
  try {
    enqueue(slot);
  } catch (const DeviceError&) {
    throw;
  } catch (...) {
    // Nothing may still read what the slot holds when it is filled again.
    context_.synchronize();
    slot.clips.front().error = std::current_exception();
    return false;
  }
  if (context_.device() == Device::cpu) collect(slot);
  return true;
}

Signals ClipBatches::copies(Slot& slot) {
  const bool on_cpu = context_.device() == Device::cpu;
  Context& context = on_cpu ? context_ : host_;
  std::vector<ContentHash> contents;
  for (const ClipResult& clip : slot.clips) contents.push_back(clip.content);
  ClipSeconds& seconds = slot.clips.front().seconds;
  const Stopwatch resampling;
  const Tensor<const std::byte> stored(slot.stored.data(),
                                       {static_cast<Index>(slot.stored.size())});
  Signals originals = signals_of(context, slot.sounds, stored, function_.sample_rate);
  seconds.resample += resampling.seconds();
  const Stopwatch watch;
  Signals made = function_.copy(context, std::move(originals), contents);
  seconds.copies += watch.seconds();
  if (on_cpu) return made;
  Signals there{context_.lend({made.samples.total()}), made.samples};
  copy(context_, std::as_const(made).view(), there.view());
  return there;
}

Signals ClipBatches::signals(Slot& slot) {
  if (function_.copy) return copies(slot);
  const bool on_cpu = context_.device() == Device::cpu;
  const Shape bytes{static_cast<Index>(slot.stored.size())};
  Tensor<const std::byte> stored(slot.stored.data(), bytes);
  Lent uploaded;
  if (!on_cpu) {
    uploaded = context_.lend({(bytes[0] + 3) / 4});
    const Tensor<std::byte> to(reinterpret_cast<std::byte*>(uploaded.view().data()), bytes,
                               context_.device());
    enqueue_copy(context_, stored, to);
    stored = to;
  }
  ClipSeconds& seconds = slot.clips.front().seconds;
  const Stopwatch resampling;
  Signals all = signals_of(context_, slot.sounds, stored, function_.sample_rate);
  (on_cpu ? seconds.resample : seconds.features) += resampling.seconds();
  return all;
}

void ClipBatches::enqueue(Slot& slot) {
  const bool on_cpu = context_.device() == Device::cpu;
  Signals heard = signals(slot);
  const Stopwatch watch;
  if (function_.condition) heard = function_.condition(context_, std::move(heard));
  slot.rows_of_clip = Ragged();
  for (Index i = 0; i < heard.samples.clips(); ++i) {
    const Index samples = heard.samples.length(i);
    slot.clips[static_cast<std::size_t>(i)].samples = samples;
    slot.rows_of_clip.append(function_.rows(samples));
  }
  const Shape shape{slot.rows_of_clip.total(), function_.dims()};
  slot.rows.resize(static_cast<std::size_t>(shape.size()) * sizeof(float));
  const Tensor<float> on_host(slot.rows.as<float>(), shape);
  Lent rows;
  if (!on_cpu) rows = context_.lend(shape);
  function_.extract(context_, std::as_const(heard).view(), heard.samples,
                    on_cpu ? on_host : rows.view());
  if (!on_cpu) enqueue_copy(context_, std::as_const(rows).view(), on_host);
  slot.done.record(context_);
  slot.in_flight = true;
  slot.clips.front().seconds.features += watch.seconds();
}

void ClipBatches::collect(Slot& slot) {
  const Stopwatch watch;
  slot.in_flight = false;
  slot.done.wait();
  slot.clips.front().seconds.features += watch.seconds();
  for (Index i = 0; i < slot.rows_of_clip.clips(); ++i) {
    ClipResult& clip = slot.clips[static_cast<std::size_t>(i)];
    clip.rows.resize({slot.rows_of_clip.length(i), function_.dims()});
    const float* first = slot.rows.as<float>() + slot.rows_of_clip.begin(i) * function_.dims();
    std::copy_n(first, clip.rows.size(), clip.rows.data());
    results_.push_back(std::move(clip));
  }
  slot.sounds.clear();
  slot.clips.clear();
}

}  // namespace serenade
