#include "pipeline/corpus/savee.h"

#include <fmt/format.h>

#include "pipeline/corpus/name_parts.h"

namespace serenade {

std::optional<SaveeName> parse_savee_name(std::string_view name) {
  constexpr std::size_t shortest_name = 6;  // DC_a01
  if (name.size() < shortest_name || (name[2] != '_' && name[2] != '/')) return std::nullopt;
  const auto speaker = place_of(in_upper_case(name.substr(0, 2)), savee_speakers);
  const std::string_view code = name.substr(3, name.size() - 5);
  const std::string_view digits = name.substr(name.size() - 2);
  // The whole of what stands before the digits must be a code, so "sa" cannot be taken for "s".
  const auto emotion = place_of(in_lower_case(code), savee_codes);
  const auto sentence = number_of(digits);
  if (!speaker || !emotion || !sentence) return std::nullopt;
  const int last = savee_codes.at(*emotion) == "n" ? 30 : 15;
  if (*sentence < 1 || *sentence > last) return std::nullopt;
  return SaveeName{*speaker, *emotion, *sentence};
}

std::string to_string(const SaveeName& name) {
  return fmt::format("{}_{}{:02}", savee_speakers.at(name.speaker), savee_codes.at(name.emotion),
                     name.sentence);
}

std::optional<Recording> read_savee_name(std::string_view folder, std::string_view stem) {
  auto name = parse_savee_name(stem);
  if (!name) name = parse_savee_name(std::string(folder) + '/' + std::string(stem));
  if (!name) return std::nullopt;
  const std::string emotion(savee_emotions.at(name->emotion));
  return Recording{
      to_string(*name),
      std::string(savee_speakers.at(name->speaker)),
      emotion,
      {{"emotion", emotion},
       {"statement", fmt::format("{}{:02}", savee_codes.at(name->emotion), name->sentence)},
       {"sex", "male"},
       {"language", "english"}}};
}

}  // namespace serenade
