#include "pipeline/features/feature_function.h"

#include <gmock/gmock.h>

namespace serenade {
namespace {

TEST(FeatureFunction, SaysWhatIsComputedOnTheCpuBesideAGpu) {
  FeatureSpec spec;
  spec.extract = {MfccFeature{}, PyinFeature{}, YinFeature{}};
  const FeatureExtractor some(spec);
  EXPECT_THAT(feature_function(some, Device::cuda).notes,
              testing::ElementsAre("computed on the CPU, having no version for a GPU: pyin, yin"));
  EXPECT_THAT(feature_function(some, Device::cpu).notes, testing::IsEmpty());
  spec.extract = {MfccFeature{}, PcenFeature{}, SpectralFluxFeature{}};
  const FeatureExtractor none(spec);
  EXPECT_THAT(feature_function(none, Device::cuda).notes, testing::IsEmpty());
}

}  // namespace
}  // namespace serenade
