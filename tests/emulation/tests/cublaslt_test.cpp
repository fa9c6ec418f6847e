#include <cublasLt.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/device/session.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/cublaslt.h"
#include "kernels/nn/dense.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/target.h"
#include "tests/kernels/nn/on_device.h"

namespace serenade::test {
namespace {

/// Numbers on the GPU, so many before which nobody looks.
class OnGpu {
 public:
  OnGpu(Context& context, Numbers numbers, Index before = 0)
      : array_(Shape{before + static_cast<Index>(numbers.size())}, Device::cuda), before_(before) {
    Numbers all(static_cast<std::size_t>(before), 99.0F);
    all.insert(all.end(), numbers.begin(), numbers.end());
    copy(context, Tensor<const float>(all.data(), array_.shape()), array_.view());
  }
  float* data() { return array_.data() + before_; }
  Numbers read(Context& context) const {
    Numbers all(static_cast<std::size_t>(array_.size()));
    copy(context, array_.view(), Tensor<float>(all.data(), array_.shape()));
    return {all.begin() + before_, all.end()};
  }

 private:
  Array<float> array_;
  Index before_;
};

/// [5, 24] times [24, 7], plus a bias.
class CublasLt : public testing::Test {
 protected:
  static constexpr Index rows = 5, columns = 7, depth = 24;
  struct Layout {
    Index a_stride, b_stride, c_stride;
    bool a_transposed = false, b_transposed = false;
    Index before = 0, before_bias = 0;  ///< numbers before each matrix, so that it is less aligned
    bool tf32 = false;
  };

  void TearDown() override { EXPECT_EQ(emulation::take_faults(), ""); }

  /// The factor of these extents, row-major as the stride says; what lies between rows is 1000.
  static Numbers laid_out(const Numbers& factor, Index height, Index width, Index stride,
                          bool transposed) {
    const Index lines = transposed ? width : height, length = transposed ? height : width;
    Numbers all(static_cast<std::size_t>((lines - 1) * stride + length), 1000.0F);
    for (Index i = 0; i < height; ++i) {
      for (Index k = 0; k < width; ++k) {
        const Index at = transposed ? k * stride + i : i * stride + k;
        if (at < static_cast<Index>(all.size())) {
          all[static_cast<std::size_t>(at)] = factor[static_cast<std::size_t>(i * width + k)];
        }
      }
    }
    return all;
  }

  /// The largest difference from the definition, over what rounding to float32 may come to; and
  /// whether all between the rows of c is as it was. `told` strides are what the library hears.
  double error_of(const Layout& laid, const Layout& told) {
    OnGpu a(gpu_, laid_out(a_, rows, depth, laid.a_stride, laid.a_transposed), laid.before);
    OnGpu b(gpu_, laid_out(b_, depth, columns, laid.b_stride, laid.b_transposed), laid.before);
    OnGpu bias(gpu_, bias_, laid.before_bias);
    OnGpu c(gpu_, Numbers(static_cast<std::size_t>((rows - 1) * laid.c_stride + columns), 7.0F),
            laid.before);
    cuda::cublaslt::multiply(gpu_.session(),
                             {.rows = rows,
                              .columns = columns,
                              .depth = depth,
                              .a = {a.data(), told.a_stride, told.a_transposed},
                              .b = {b.data(), told.b_stride, told.b_transposed},
                              .bias = bias.data(),
                              .c = c.data(),
                              .c_stride = told.c_stride},
                             told.tf32);
    const Numbers found = c.read(gpu_);
    double largest = 0;
    for (Index i = 0; i < static_cast<Index>(found.size()); ++i) {
      const Index row = i / laid.c_stride, column = i % laid.c_stride;
      const auto value = static_cast<double>(found[static_cast<std::size_t>(i)]);
      if (column >= columns) {
        EXPECT_EQ(value, 7.0) << "between rows";
        continue;
      }
      double sum = double{bias_[static_cast<std::size_t>(column)]};
      double size = std::abs(sum);
      for (Index k = 0; k < depth; ++k) {
        const double term = double{a_[static_cast<std::size_t>(row * depth + k)]} *
                            double{b_[static_cast<std::size_t>(k * columns + column)]};
        sum += term;
        size += std::abs(term);
      }
      // Half a unit of the last place of the largest sum on the way, for each step of it.
      largest = std::max(largest, std::abs(value - sum) / (size * 0x1p-24 * (depth + 2)));
    }
    return largest;
  }
  double error_of(const Layout& layout) { return error_of(layout, layout); }

  Context gpu_{Device::cuda};
  Numbers a_ = numbers_of_stream(rows * depth, 1);
  Numbers b_ = numbers_of_stream(depth * columns, 2);
  Numbers bias_ = numbers_of_stream(columns, 3);
};

TEST_F(CublasLt, MultipliesMatricesOfAnyStrideAndTranspose) {
  EXPECT_LE(error_of({depth, columns, columns}), 1);
  EXPECT_LE(error_of({depth + 4, columns + 1, columns + 3}), 1);
  EXPECT_LE(error_of({rows, columns, columns, true, false}), 1);
  EXPECT_LE(error_of({depth, depth, columns, false, true}), 1);
  EXPECT_LE(error_of({rows + 3, depth + 8, columns + 1, true, true}), 1);
}

TEST_F(CublasLt, MultipliesMatricesThatAreHardlyAligned) {
  for (const Index before : {1, 2, 4, 32}) {
    EXPECT_LE(error_of({depth, 8, 8, false, false, before, 0}), 1) << before;
    EXPECT_LE(error_of({depth, 8, 8, false, false, 0, before}), 1) << before;
  }
}

TEST_F(CublasLt, KeepsFloat32UnlessToldOtherwise) {
  Layout rounding{depth, columns, columns};
  rounding.tf32 = true;
  const double error = error_of(rounding);
  EXPECT_GT(error, 4);
  // Each factor is off by half a unit of 11 bits, a product by two of them.
  EXPECT_LE(error, 2 * 0x1p-11 / (0x1p-24 * (depth + 2)));
}

TEST_F(CublasLt, WrongStrideIsSeen) {
  const Layout right{depth, columns, columns};
  EXPECT_GT(error_of({depth + 1, columns, columns}, right), 1000);
  EXPECT_GT(error_of({depth, columns + 1, columns}, right), 1000);
  // Beyond the end of the buffer.
  EXPECT_THROW(error_of(right, {depth + 1, columns, columns}), DeviceError);
  EXPECT_THROW(error_of(right, {depth, columns, columns + 1}), DeviceError);
  EXPECT_NE(emulation::take_faults().find("a matrix is larger than its buffer"), std::string::npos);
  // Less than a row.
  EXPECT_THROW(error_of(right, {depth - 1, columns, columns}), DeviceError);
}

TEST_F(CublasLt, LeavesToOwnKernelsWhatItHasNoAlgorithmFor) {
  const auto product = [&] {
    OnGpu x(gpu_, a_), weights(gpu_, b_), bias(gpu_, bias_);
    OnGpu y(gpu_, Numbers(static_cast<std::size_t>(rows * columns)));
    const auto view = [](OnGpu& of, Shape shape) {
      return Tensor<float>(of.data(), shape, Device::cuda);
    };
    dense(gpu_, view(x, {rows, depth}), view(weights, {depth, columns}), view(bias, {columns}),
          view(y, {rows, columns}));
    return y.read(gpu_);
  };
  use_backend(gpu_, {.backend = Backend::plain});
  const Numbers plain = product();
  use_backend(gpu_, {.backend = Backend::library});
  emulation::machine().multiplies = false;
  EXPECT_EQ(product(), plain);
  EXPECT_EQ(product(), plain);
  emulation::machine() = {};
}

TEST_F(CublasLt, SaysWhatWasAskedWhereItFails) {
  try {
    error_of({depth, columns, columns}, {depth, columns - 1, columns});
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "cuBLASLt: looking for an algorithm for a product of [5, 24] and [24, 7]: an unsupported "
        "value or parameter was passed to the function");
  }
}

/// The library's own functions, as a caller who makes mistakes may call them: [4, 16] times
/// [16, 4], in columns.
class CublasLtStandIn : public testing::Test {
 protected:
  static constexpr std::uint64_t side = 4, depth = 16;
  // Two sums for each number.
  static constexpr std::size_t wanted = 2 * side * side * sizeof(float);

  void SetUp() override {
    cublasLtCreate(&handle_);
    cublasLtMatmulDescCreate(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatrixLayoutCreate(&a_, CUDA_R_32F, side, depth, side);
    cublasLtMatrixLayoutCreate(&b_, CUDA_R_32F, depth, side, depth);
    cublasLtMatrixLayoutCreate(&d_, CUDA_R_32F, side, side, side);
    cublasLtMatmulPreferenceCreate(&preference_);
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{1} << 20U);
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
           std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  }
  void TearDown() override {
    cublasLtMatmulPreferenceDestroy(preference_);
    for (cublasLtMatrixLayout_t layout : {a_, b_, d_}) cublasLtMatrixLayoutDestroy(layout);
    cublasLtMatmulDescDestroy(product_);
    cublasLtDestroy(handle_);
  }

  template <class T>
  void prefer(cublasLtMatmulPreferenceAttributes_t name, T value) {
    EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(preference_, name, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  static void lay_out(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name,
                      T value) {
    EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(layout, name, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }

  cublasLtMatmulHeuristicResult_t algorithm() {
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    EXPECT_EQ(cublasLtMatmulAlgoGetHeuristic(handle_, product_, a_, b_, d_, d_, preference_, 1,
                                             &found, &count),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(count, 1);
    return found;
  }
  cublasStatus_t multiply(const cublasLtMatmulAlgo_t& algorithm, float* a, void* workspace,
                          std::size_t workspace_bytes) {
    const float one = 1, zero = 0;
    return cublasLtMatmul(handle_, product_, &one, a, a_, right_.data(), b_, &zero, out_.data(), d_,
                          out_.data(), d_, &algorithm, workspace, workspace_bytes,
                          gpu_.session().stream());
  }

  Context gpu_{Device::cuda};
  OnGpu left_{gpu_, numbers_of_stream(2 * side * depth, 1)};
  OnGpu right_{gpu_, numbers_of_stream(2 * side * depth, 2)};
  OnGpu out_{gpu_, Numbers(2 * side * side)};
  OnGpu workspace_{gpu_, Numbers(wanted / sizeof(float))};
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

TEST_F(CublasLtStandIn, RefusesAWorkspaceTooSmall) {
  const auto found = algorithm();
  EXPECT_EQ(found.workspaceSize, wanted);
  EXPECT_EQ(multiply(found.algo, left_.data(), workspace_.data(), wanted), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(emulation::take_faults(), "");
  EXPECT_EQ(multiply(found.algo, left_.data(), workspace_.data(), wanted - 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(found.algo, left_.data(), nullptr, 0), CUBLAS_STATUS_INVALID_VALUE);
  // As large as that only in the caller's words.
  EXPECT_EQ(multiply(found.algo, left_.data(), workspace_.data(), 2 * wanted),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(emulation::take_faults(),
            "cuBLASLt: the workspace is not the 256 bytes that are said\n");
}

TEST_F(CublasLtStandIn, SumsInPlaceWhereTheyAreAllowed) {
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_MASK});
  EXPECT_EQ(multiply(algorithm().algo, left_.data(), nullptr, 0), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(emulation::take_faults(), "cuBLASLt: sums in place, whose order nobody knows\n");
}

TEST_F(CublasLtStandIn, TakesAddressesForAlignedUnlessTold) {
  EXPECT_EQ(multiply(algorithm().algo, left_.data() + 1, workspace_.data(), wanted),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(emulation::take_faults(), "cuBLASLt: an address is not as aligned as was promised\n");
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{4});
  EXPECT_EQ(multiply(algorithm().algo, left_.data() + 1, workspace_.data(), wanted),
            CUBLAS_STATUS_SUCCESS);
}

TEST_F(CublasLtStandIn, KnowsAnAlgorithmOfAnotherProduct) {
  const auto found = algorithm();
  cublasLtMatrixLayoutDestroy(a_);
  cublasLtMatrixLayoutDestroy(b_);
  cublasLtMatrixLayoutCreate(&a_, CUDA_R_32F, side, depth / 2, side);
  cublasLtMatrixLayoutCreate(&b_, CUDA_R_32F, depth / 2, side, depth / 2);
  EXPECT_EQ(multiply(found.algo, left_.data(), workspace_.data(), wanted),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLtStandIn, HonoursOrderAndBatches) {
  for (cublasLtMatrixLayout_t layout : {a_, b_, d_}) {
    lay_out(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t{2});
  }
  lay_out(a_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int64_t{side * depth});
  lay_out(b_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int64_t{side * depth});
  lay_out(d_, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int64_t{side * side});
  lay_out(d_, CUBLASLT_MATRIX_LAYOUT_ORDER, CUBLASLT_ORDER_ROW);
  ASSERT_EQ(multiply(algorithm().algo, left_.data(), workspace_.data(), wanted),
            CUBLAS_STATUS_SUCCESS);
  const Numbers a = left_.read(gpu_), b = right_.read(gpu_), d = out_.read(gpu_);
  for (std::size_t item = 0; item < 2; ++item) {
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column < side; ++column) {
        double sum = 0;
        for (std::size_t k = 0; k < depth; ++k) {
          sum += double{a[item * side * depth + k * side + row]} *
                 double{b[item * side * depth + column * depth + k]};
        }
        // Sixteen terms below 1, each rounded to 24 bits.
        EXPECT_NEAR(d[item * side * side + row * side + column], sum, 16 * 16 * 0x1p-25);
      }
    }
  }
}

}  // namespace
}  // namespace serenade::test
