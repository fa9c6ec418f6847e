#pragma once

#include <complex>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The core signal operations on one clip as their definitions say, in float64 and plain loops.
/// A matrix is rows of one frame each.
namespace serenade::reference {

using Matrix = std::vector<std::vector<double>>;
using Signal = std::vector<double>;

/// [frames][1 + n_fft/2]; Hann window, centred, zeros around the clip.
std::vector<std::vector<std::complex<double>>> stft(const Signal& signal, int n_fft,
                                                    int hop_length);
Matrix stft_power(const Signal& signal, int n_fft, int hop_length);

/// [n_mels][1 + n_fft/2]; Slaney scale and area normalisation.
Matrix mel_filters(double sample_rate, int n_fft, int n_mels, double fmin, double fmax);

/// Each row times each filter: [rows][filters].
Matrix apply(const Matrix& filters, const Matrix& rows);

Matrix power_to_db(const Matrix& power, double amin, double ref, std::optional<double> top_db);

/// Orthonormal DCT-II of each row, first n coefficients.
Matrix dct(const Matrix& rows, int n);

/// Least-squares polynomial of degree `order` through each window of `width` rows by the normal
/// equations, differentiated `order` times where asked: at its middle, and near the ends of the
/// clip at the row itself. Fewer rows than `width`: end rows repeated.
Matrix delta(const Matrix& rows, int width, int order);

Matrix zero_crossing_rate(const Signal& signal, int frame_length, int hop_length);
Matrix rms(const Signal& signal, int frame_length, int hop_length);

/// First sample and the one after the last of what librosa.effects.trim keeps: frames whose rms is
/// more than -top_db of the loudest, no rms counting as lower than 1e-5.
std::pair<std::ptrdiff_t, std::ptrdiff_t> trim(const Signal& signal, double top_db,
                                               int frame_length, int hop_length);

/// One row: names as in StatisticsOptions, all columns of the first, then of the second, ...
Matrix statistics(const Matrix& rows, const std::vector<std::string>& names);

}  // namespace serenade::reference
