#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace serenade::test {

/// Trees of sounds in the shapes of known data sets, with the oddities that their circulated copies
/// have. Each clip is a noisy sine of its own whose frequency is the emotion's. All return the
/// paths written.

/// wav/03a01Fa.wav: 2 speakers, 2 texts, 7 emotions, versions a and b (56 clips, 16 kHz); one in
/// stereo, one with a chunk of text before its sound.
std::vector<std::filesystem::path> write_emodb_tree(const std::filesystem::path& folder);

/// OAF_back_angry.wav in folders of mixed case (OAF_angry, YAF_Fear, OAF_Pleasant_surprise, ...): 2
/// speakers, 4 words, 7 emotions (56 clips, 24,414 Hz); one of 96 kHz, two AIFF files named .wav,
/// and OA_bite_neutral.wav.
std::vector<std::filesystem::path> write_tess_tree(const std::filesystem::path& folder);

/// AudioWAV/1001_DFA_ANG_XX.wav: 3 speakers, 2 sentences, 6 emotions, LO and HI (72 clips, 16 kHz);
/// one level is X instead of XX.
std::vector<std::filesystem::path> write_crema_d_tree(const std::filesystem::path& folder);

/// DC/a01.wav: 4 speakers, 7 emotions, 3 sentences (84 clips, 44.1 kHz); speaker KL as KL_a01.wav,
/// all in one folder.
std::vector<std::filesystem::path> write_savee_tree(const std::filesystem::path& folder);

/// Puts a LIST chunk before the sound of a WAV file, whose sound then begins elsewhere than at byte
/// 44.
void insert_text_chunk(const std::filesystem::path& wav);

}  // namespace serenade::test
