#pragma once

#include <cstdint>
#include <vector>

#include "kernels/dsp/stft.h"

/// The real transform behind the STFT's CPU twin.
///
/// One lane is one frame, so nothing is ever shuffled. Two neighbouring samples are taken as one
/// complex number; the complex transform of n_fft / 2 points runs in place, decimated in frequency
/// with radices 8 and 4, and leaves its frequencies in digit-reversed order; a last pass picks them
/// up by a table and untangles them into the spectrum of the real signal. The window is folded into
/// the first pass, together with the untangling's factor 1/2. After the first pass each of its
/// parts is finished before the next is begun: a part fits into the first-level cache.
///
/// It computes in float64 and rounds once at the end, as librosa does. In float32 its error is a
/// share of the frame's loudest bin, which the mel bands and the valleys of spectral contrast
/// between partials show: 8e-5 of a band 80 dB below the loudest, 1.4 dB of a valley in speech.
namespace serenade::cpu {

class FftPlan {
 public:
  explicit FftPlan(const StftOptions& options);
  /// The same with another window, of at most n_fft numbers; beyond it are zeros. Without a hop
  /// each frame is laid out by itself: sample s of 16 frames is row s of a tile.
  FftPlan(const std::vector<double>& window, int n_fft, int hop_length);
  FftPlan(const std::vector<double>& window, int n_fft) : FftPlan(window, n_fft, n_fft) {}

  int n_fft() const { return n_fft_; }
  Index points() const { return n_fft_ / 2; }
  Index bins() const { return n_fft_ / 2 + 1; }

  /// Consecutive frames share most of their samples. A tile's signal is laid out once as blocks
  /// [block_rows, block_lanes] of hop_length samples side by side: sample s of the tile's 16 frames
  /// are 16 neighbours from sample_offset()[s] on.
  Index block_rows() const { return block_rows_; }
  Index block_lanes() const { return block_lanes_; }
  /// Blocks that hold samples of the tile's frames; the lanes beyond are padding.
  Index blocks() const { return blocks_; }
  const std::int32_t* sample_offset() const { return sample_offset_.data(); }

  /// One pass: blocks of `length` points by butterflies of `radix`, then multiplied by twiddles
  /// [length / radix, radix - 1, 2] (cosine, -sine); none where length is radix.
  struct Pass {
    Index radix;
    Index length;
    std::vector<double> twiddles;
  };
  const std::vector<Pass>& passes() const { return passes_; }
  /// [n_fft], half the window
  const double* window() const { return window_.data(); }
  /// [points / 2, 2]: e^(-2 pi i f / n_fft)
  const double* untangling() const { return untangling_.data(); }
  /// Where the in-place transform leaves frequency f of `points()`.
  const std::int32_t* position() const { return position_.data(); }

  /// Scratch that a tile needs: the floats of `blocks` below, and the doubles of the transform.
  Index block_size() const { return block_rows_ * block_lanes_; }
  Index work_size() const { return 2 * points() * most_frames; }

  /// Frames that are transformed at a time on the widest path.
  static constexpr Index most_frames = 8;

 private:
  int n_fft_;
  Index block_rows_, blocks_, block_lanes_;
  std::vector<std::int32_t> sample_offset_;
  std::vector<Pass> passes_;
  std::vector<double> window_;
  std::vector<double> untangling_;
  std::vector<std::int32_t> position_;
};

/// Lays out the signal of up to 16 frames, the first of which begins `start` samples into a clip of
/// `length` samples at x (start may be negative; beyond the clip is what pad_mode says).
void load_frames(const FftPlan& plan, int hop_length, const float* x, Index length, Index start,
                 float* blocks, PadMode pad_mode = PadMode::constant);

/// blocks -> power [bins, lanes]; work: work_size() doubles. All 64-byte aligned.
void fft_power_tile(const FftPlan& plan, const float* blocks, double* work, float* power);

/// blocks -> spectrum [bins * 2, lanes], real and imaginary rows in turn.
void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum);
/// Of bins [first, last) only; the other rows stay as they are.
void fft_spectrum_tile(const FftPlan& plan, const float* blocks, double* work, Index first,
                       Index last, float* spectrum);

/// The whole spectrum, magnitude [bins, lanes] of what was rounded, and power as fft_power_tile
/// gives it where it is not null.
void fft_magnitude_tile(const FftPlan& plan, const float* blocks, double* work, float* spectrum,
                        float* magnitude, float* power);

/// spectrum [bins * 2, lanes] -> samples [n_fft, lanes]: the inverse transform times the window, of
/// the spectrum times mask [bins, lanes] where that is not null.
void fft_inverse_tile(const FftPlan& plan, const float* spectrum, const float* mask, double* work,
                      float* samples);

}  // namespace serenade::cpu
