#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>

#include "kernels/device/options.h"
#include "kernels/device/vector_path.h"

namespace serenade {

/// Lists of tests name a path instead of printing its bytes.
inline void PrintTo(VectorPath path, std::ostream* out) { *out << enum_name(path); }

}  // namespace serenade

namespace serenade::test {

/// Every path there is, for tests that take one as a parameter.
inline const auto every_vector_path =
    testing::Values(VectorPath::scalar, VectorPath::avx2, VectorPath::avx512);

inline bool is_supported(VectorPath path) {
  const auto here = supported_vector_paths();
  return std::find(here.begin(), here.end(), path) != here.end();
}

inline std::string lacking(VectorPath path) {
  return "this processor has no path " + std::string(enum_name(path)) + ", only " +
         to_string(supported_vector_paths());
}

/// The path in use is this one as long as the object lives.
class UseVectorPath {
 public:
  explicit UseVectorPath(VectorPath path) : before_(vector_path()) { use_vector_path(path); }
  ~UseVectorPath() { use_vector_path(before_); }
  UseVectorPath(const UseVectorPath&) = delete;
  UseVectorPath& operator=(const UseVectorPath&) = delete;

 private:
  VectorPath before_;
};

/// Tests whose parameter is a path, or begins with one, run on it, or are skipped with a word where
/// the processor lacks it.
template <class Parameter>
class OnVectorPath : public testing::TestWithParam<Parameter> {
 protected:
  void SetUp() override {
    const VectorPath path = path_of(this->GetParam());
    if (!is_supported(path)) GTEST_SKIP() << lacking(path);
    used_.emplace(path);
  }

 private:
  static VectorPath path_of(VectorPath path) { return path; }
  template <class... Rest>
  static VectorPath path_of(const std::tuple<VectorPath, Rest...>& parameter) {
    return std::get<0>(parameter);
  }
  std::optional<UseVectorPath> used_;
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
