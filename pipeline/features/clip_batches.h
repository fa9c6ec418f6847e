#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <vector>

#include "kernels/device/transfer.h"
#include "pipeline/features/feature_function.h"

namespace serenade {

/// Where the time of a clip goes, in seconds of the clock. On a GPU `features` holds what it was
/// waited for, the work of a whole batch with its first clip.
struct ClipSeconds {
  double decode = 0;
  double resample = 0;  ///< mean of the channels and sample rate
  double copies = 0;    ///< making copies of it
  double features = 0;
};

/// Features of a recording, or why there are none.
struct ClipResult {
  std::size_t place = 0;     ///< what add() was told
  ContentHash content;       ///< as well
  Array<float> rows;         ///< [rows, dims], on the CPU
  Index samples = 0;         ///< of the signal they were computed from, after conditioning
  std::exception_ptr error;  ///< where computing failed
  ClipSeconds seconds;
};

/// What each of so many threads may use of a device's memory for a batch, where all together may
/// use `all` bytes, or of a GPU half where that is 0. A quarter is left for what contexts keep of
/// batches of other sizes. No bound on the CPU.
std::size_t bytes_a_thread(Device device, std::size_t all, int threads);

/// The way from recordings to features: what the cache holds and what a prediction hears. Clips are
/// computed function.clips_at_once in a call on the context's device, fewer where memory does not
/// suffice, and while a GPU works on one batch the next is decoded. A clip's rows have the bits
/// that it has alone. One caller at a time; memory is kept from batch to batch.
class ClipBatches {
 public:
  /// Batches may use `device_bytes` of the device's memory.
  ClipBatches(Context& context, const FeatureFunction& function, std::size_t device_bytes);

  /// Waits for the device, which may still read what the batches hold.
  ~ClipBatches();
  ClipBatches(const ClipBatches&) = delete;
  ClipBatches& operator=(const ClipBatches&) = delete;
  ClipBatches(ClipBatches&&) = delete;
  ClipBatches& operator=(ClipBatches&&) = delete;

  /// Decodes a clip and may compute it and others. Throws as load_stored does, IoError where the
  /// clip alone would take more than device_bytes, DeviceError; the other clips stay.
  /// The content is who the clip is to what makes copies.
  void add(std::size_t place, const std::filesystem::path& path, ContentHash content = {});
  /// Waits for all clips that were added. Throws DeviceError.
  void finish();
  /// The results that are there, each once, in no particular order.
  std::vector<ClipResult> take();

 private:
  /// A batch: what it is made of on the host, and where its rows come back.
  struct Slot {
    explicit Slot(Device device) : stored(device), rows(device), done(device) {}
    HostBytes stored, rows;
    std::vector<StoredSound> sounds;
    std::vector<ClipResult> clips;  // as far as they are known
    Ragged rows_of_clip;
    Event done;
    bool in_flight = false;
  };

  std::size_t bytes_of(const Slot& slot) const;
  /// Moves the clip that was added last to an empty slot.
  static void move_last(Slot& from, Slot& to);
  Slot& filling() { return slots_[filling_]; }
  /// The slot that is filled, once what it held is collected.
  Slot& ready();
  /// Begins the batch that is filled; the other slot is filled next.
  void begin_filled();
  /// Computes a slot's clips, or on a GPU enqueues that. False where this failed for one of them:
  /// the first holds the error.
  bool begin(Slot& slot);
  void enqueue(Slot& slot);
  /// The signals that features are computed of, on the context's device.
  Signals signals(Slot& slot);
  Signals copies(Slot& slot);
  void collect(Slot& slot);
  /// Of a slot's one clip, which holds its error.
  void give_up(Slot& slot);

  Context& context_;
  const FeatureFunction& function_;
  const std::size_t device_bytes_;
  Context host_{1};  // where copies are made for another device
  std::array<Slot, 2> slots_;
  std::size_t filling_ = 0;
  std::vector<ClipResult> results_;
};

}  // namespace serenade
