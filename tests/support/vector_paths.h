#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kernels/device/options.h"
#include "kernels/device/vector_path.h"

namespace serenade::test {

/// Every path there is, for tests that take one as a parameter.
inline const auto every_vector_path =
    testing::Values(VectorPath::scalar, VectorPath::avx2, VectorPath::avx512);

inline bool is_supported(VectorPath path) {
  const auto here = supported_vector_paths();
  return std::find(here.begin(), here.end(), path) != here.end();
}

/// Tests whose parameter is a path run on it, or are skipped with a word where the processor lacks
/// it. `path_of` finds it in a parameter that holds more.
template <class Parameter>
class OnVectorPath : public testing::TestWithParam<Parameter> {
 protected:
  static VectorPath path_of(VectorPath path) { return path; }
  template <class... Rest>
  static VectorPath path_of(const std::tuple<VectorPath, Rest...>& parameter) {
    return std::get<0>(parameter);
  }

  void SetUp() override {
    before_ = vector_path();
    const VectorPath path = path_of(this->GetParam());
    if (!is_supported(path)) {
      GTEST_SKIP() << "this processor has no path " << enum_name(path) << ", only "
                   << to_string(supported_vector_paths());
    }
    use_vector_path(path);
  }
  void TearDown() override { use_vector_path(before_); }

 private:
  VectorPath before_{};
};

/// "avx2", and "avx2_mel" where a row of a table with a name goes with it.
struct PathName {
  std::string operator()(const testing::TestParamInfo<VectorPath>& test) const {
    return std::string(enum_name(test.param));
  }
  template <class Row>
  std::string operator()(const testing::TestParamInfo<std::tuple<VectorPath, Row>>& test) const {
    return std::string(enum_name(std::get<0>(test.param))) + "_" + std::get<1>(test.param).name;
  }
};

}  // namespace serenade::test
