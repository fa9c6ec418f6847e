#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/corpus/utterance.h"

namespace serenade {

/// Recordings that a split must not tear apart.
struct Group {
  std::string key;                   ///< smallest id of its members: who the group is
  std::string label;                 ///< of all its members
  std::vector<std::size_t> members;  ///< indices into Corpus::utterances, ascending
};

/// Equal for recordings that repeat one another: the same speaker, label and statement and, where
/// they are known, intensity and channel. Nothing where the statement is not known.
std::optional<std::string> repetition_key(const Utterance& utterance);

/// Byte-identical recordings (unless Corpus::duplicates_apart) and, with `twins`, repetitions of
/// one another (repetition_key) are one group; all others stand alone. In ascending order of key.
/// Throws ConfigError for `twins` where a recording's statement is not known.
std::vector<Group> group(const Corpus& corpus, bool twins);

/// A uniform draw that depends on seed, what it is for, and the key, and on nothing else.
std::uint64_t draw(std::uint64_t seed, std::string_view purpose, std::string_view key);

/// Draws a share of the groups, stratified by label: of n members in all, ceil(share * n), divided
/// among labels by largest remainder. Groups are taken whole, in the order of their draws, passing
/// over those that do not fit. What a label misses by is made up for by the next one, so that a
/// label is off by no more than its largest group, and the whole by about one group. Every label
/// keeps a group back; with `both_sides` those that have two or more also give one. At least one
/// group is taken where any label has two. Returns which groups were taken.
std::vector<bool> take_stratified(const std::vector<Group>& groups, double share, bool both_sides,
                                  std::uint64_t seed, std::string_view purpose);

}  // namespace serenade
