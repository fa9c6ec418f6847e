#include "kernels/device/vector_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/device/error.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

using testing::HasSubstr;
using Paths = std::vector<VectorPath>;

template <class Kind>
std::string refusal(const std::string& name, const Paths& supported) {
  try {
    choose_vector_path(name, supported);
  } catch (const Kind& error) {
    return error.what();
  }
  return "";
}

TEST(VectorPath, IsTheFastestUnlessAsked) {
  const Paths old{VectorPath::scalar, VectorPath::avx2};
  EXPECT_EQ(choose_vector_path("", old), VectorPath::avx2);
  EXPECT_EQ(choose_vector_path("scalar", old), VectorPath::scalar);
  EXPECT_EQ(choose_vector_path("", {VectorPath::scalar}), VectorPath::scalar);
}

TEST(VectorPath, RefusalsSayWhatIsThere) {
  EXPECT_THAT(refusal<ConfigError>("avx", {VectorPath::scalar}),
              HasSubstr("SERENADE_VECTORS is 'avx' but must be scalar, avx2 or avx512"));
  EXPECT_THAT(refusal<DeviceError>("avx512", {VectorPath::scalar, VectorPath::avx2}),
              HasSubstr("this processor has only scalar, avx2"));
}

TEST(VectorPath, EveryProcessorHasTheScalarOne) {
  const Paths here = supported_vector_paths();
  ASSERT_FALSE(here.empty());
  EXPECT_EQ(here.front(), VectorPath::scalar);
  for (const VectorPath path : {VectorPath::avx2, VectorPath::avx512}) {
    if (test::is_supported(path)) continue;
    EXPECT_THROW(use_vector_path(path), DeviceError);
  }
}

class EveryPath : public test::OnVectorPath<VectorPath> {};

TEST_P(EveryPath, IsUsedWhenAsked) { EXPECT_EQ(vector_path(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(VectorPath, EveryPath, test::every_vector_path, test::PathName());

}  // namespace
}  // namespace serenade
