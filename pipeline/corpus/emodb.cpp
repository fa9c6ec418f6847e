#include "pipeline/corpus/emodb.h"

#include <fmt/format.h>

#include "pipeline/corpus/name_parts.h"

namespace serenade {
namespace {

/// As the release's page lists them; nothing for other speakers.
std::optional<std::string> sex_of(int speaker) {
  switch (speaker) {
    case 3:
    case 10:
    case 11:
    case 12:
    case 15:
      return "male";
    case 8:
    case 9:
    case 13:
    case 14:
    case 16:
      return "female";
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<EmodbName> parse_emodb_name(std::string_view stem) {
  constexpr std::size_t length = 7;
  if (stem.size() != length) return std::nullopt;
  const auto speaker = number_of(stem.substr(0, 2));
  const std::string_view text = stem.substr(2, 3);
  const auto sentence = number_of(text.substr(1));
  const auto emotion = place_of(stem.substr(5, 1), emodb_codes);
  const char version = stem[6];
  if (!speaker || *speaker == 0 || !sentence || *sentence == 0 || !emotion) return std::nullopt;
  if ((text[0] != 'a' && text[0] != 'b') || version < 'a' || version > 'z') return std::nullopt;
  return EmodbName{*speaker, std::string(text), *emotion, version};
}

std::string to_string(const EmodbName& name) {
  return fmt::format("{:02}{}{}{}", name.speaker, name.text, emodb_codes.at(name.emotion),
                     name.version);
}

std::optional<Recording> read_emodb_name(std::string_view, std::string_view stem) {
  const auto name = parse_emodb_name(stem);
  if (!name) return std::nullopt;
  const std::string emotion(emodb_emotions.at(name->emotion));
  Recording recording{to_string(*name),
                      fmt::format("{:02}", name->speaker),
                      emotion,
                      {{"emotion", emotion},
                       {"statement", name->text},
                       {"repetition", std::string(1, name->version)},
                       {"language", "german"}}};
  if (const auto sex = sex_of(name->speaker)) recording.fields["sex"] = *sex;
  return recording;
}

}  // namespace serenade
