#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"

namespace serenade::cuda {

/// A test of what the emulated GPU has to find; it leaves the GPU as new.
class PlantedFault : public ::testing::Test {
 protected:
  void SetUp() override { emulation::take_faults(); }
  void TearDown() override {
    emulation::use_order(emulation::Order::forward);
    emulation::use_stream_seed(1);
    emulation::take_faults();
    emulation::machine() = {};
  }

  /// What came out of `out`, or what the emulated GPU had to say.
  std::vector<float> values(const Array<float>& from) {
    Array<float> here(from.shape());
    copy(context_, from.view(), here.view());
    return {here.span().begin(), here.span().end()};
  }
  Array<float> uploaded(float first, Index count) {
    Array<float> here(Shape{count});
    for (Index i = 0; i < count; ++i) here[i] = first + static_cast<float>(i);
    Array<float> there(Shape{count}, Device::cuda);
    copy(context_, std::as_const(here).view(), there.view());
    return there;
  }
  std::string complaint() {
    try {
      context_.synchronize();
    } catch (const DeviceError& error) {
      return error.what();
    }
    return {};
  }

  Context context_{Device::cuda};
  Session& session_ = context_.session();
};

}  // namespace serenade::cuda
