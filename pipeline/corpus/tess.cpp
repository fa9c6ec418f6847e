#include "pipeline/corpus/tess.h"

#include <fmt/format.h>

#include "pipeline/corpus/name_parts.h"

namespace serenade {

std::optional<TessName> parse_tess_name(std::string_view stem) {
  constexpr std::size_t longest_word = 32;
  const auto parts = parts_of<3>(stem, '_');
  if (!parts) return std::nullopt;
  const std::string speaker_code = in_upper_case((*parts)[0]);
  const auto speaker = place_of(speaker_code == "OA" ? "OAF" : speaker_code, tess_speakers);
  const std::string word = in_lower_case((*parts)[1]);
  const auto emotion = place_of(in_lower_case((*parts)[2]), tess_codes);
  const bool is_word = !word.empty() && word.size() <= longest_word &&
                       std::all_of(word.begin(), word.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || c == '-' || c == '\'';
                       });
  if (!speaker || !is_word || !emotion) return std::nullopt;
  return TessName{*speaker, word, *emotion};
}

std::string to_string(const TessName& name) {
  return fmt::format("{}_{}_{}", tess_speakers.at(name.speaker), name.word,
                     tess_codes.at(name.emotion));
}

std::optional<Recording> read_tess_name(std::string_view, std::string_view stem) {
  const auto name = parse_tess_name(stem);
  if (!name) return std::nullopt;
  const std::string emotion(tess_emotions.at(name->emotion));
  return Recording{to_string(*name),
                   std::string(tess_speakers.at(name->speaker)),
                   emotion,
                   {{"emotion", emotion},
                    {"statement", name->word},
                    {"age", name->speaker == 0 ? "older" : "younger"},
                    {"sex", "female"},
                    {"language", "english"}}};
}

}  // namespace serenade
