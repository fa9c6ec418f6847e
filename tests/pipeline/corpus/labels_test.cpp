#include "pipeline/corpus/labels.h"

#include <gmock/gmock.h>

#include "kernels/device/error.h"
#include "pipeline/corpus/ravdess.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Listing listing_of(const std::vector<std::string>& labels) {
  Listing listing{Reader::ravdess, ravdess_emotions, {}, {}};
  for (const auto& label : labels) {
    listing.utterances.push_back({label, label + ".wav", {}, "1", label, {{"emotion", label}}});
  }
  return listing;
}

std::vector<std::string> mapped(const LabelMap& map) {
  Listing listing = listing_of({"calm", "neutral", "sad", "surprised"});
  map_labels(listing, map, "mine");
  std::vector<std::string> labels;
  for (const auto& utterance : listing.utterances) {
    EXPECT_EQ(utterance.fields.at("emotion"), utterance.id);
    labels.push_back(utterance.label);
  }
  return labels;
}

std::string complaint(const LabelMap& map) {
  return test::error_of([&] { mapped(map); });
}

TEST(Labels, AreMergedRenamedAndDropped) {
  EXPECT_THAT(mapped({}), ElementsAre("calm", "neutral", "sad", "surprised"));
  EXPECT_THAT(mapped({{"calm", "neutral"}, {"sad", "blue"}, {"surprised", std::nullopt}}),
              ElementsAre("neutral", "neutral", "blue"));
  // Once: a chain is not followed, two labels can change places.
  EXPECT_THAT(mapped({{"calm", "sad"}, {"sad", "calm"}}),
              ElementsAre("sad", "neutral", "calm", "surprised"));
  // Labels that the data set may have and this part of it has not.
  EXPECT_THAT(mapped({{"disgust", std::nullopt}, {"angry", "sad"}}),
              ElementsAre("calm", "neutral", "sad", "surprised"));
}

TEST(Labels, WhatIsDroppedIsNoted) {
  Listing listing = listing_of({"calm", "sad", "calm"});
  map_labels(listing, {{"calm", std::nullopt}}, "mine");
  EXPECT_THAT(listing.notes,
              ElementsAre(HasSubstr("2 files of 'calm' are left out (corpus.labels)")));
  map_labels(listing, {{"sad", "low"}}, "mine");
  EXPECT_EQ(listing.notes.size(), 1U);
}

TEST(Labels, UnknownOnesNameTheNearest) {
  EXPECT_THAT(complaint({{"clam", "neutral"}}),
              AllOf(HasSubstr("corpus.labels: 'clam' is no emotion of mine"),
                    HasSubstr("neutral, calm, happy"), HasSubstr("(did you mean 'calm'?)")));
  EXPECT_THAT(complaint({{"calm", ""}}), HasSubstr("empty word"));
  EXPECT_THAT(complaint({{"calm", std::nullopt},
                         {"neutral", std::nullopt},
                         {"sad", std::nullopt},
                         {"surprised", std::nullopt}}),
              HasSubstr("leaves no recording of mine"));
}

}  // namespace
}  // namespace serenade
