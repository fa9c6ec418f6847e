#pragma once

#include <string>

#include "tests/reference/spectral.h"

/// Kaldi's filter banks and cepstra, and per-channel energy normalisation, of one clip as their
/// definitions say, in float64 and plain loops.
namespace serenade::reference {

struct Kaldi {
  double sample_rate = 16000;
  int window_length = 400;
  int hop_length = 160;
  bool snip_edges = true;
  double scale = 1;
  bool remove_dc_offset = true;
  double preemphasis = 0.97;
  bool povey = true;  // else Hamming
  double low_freq = 20;
  double high_freq = 8000;
  int num_mel_bins = 80;
};

Matrix kaldi_fbank(const Signal& signal, const Kaldi& options);
/// With the logarithm of the energy for the first coefficient.
Matrix kaldi_mfcc(const Signal& signal, const Kaldi& options, int num_ceps, double lifter);

Matrix pcen(const Matrix& spectrogram, double sample_rate, int hop_length, double gain, double bias,
            double power, double time_constant, double eps, double scale);

}  // namespace serenade::reference
