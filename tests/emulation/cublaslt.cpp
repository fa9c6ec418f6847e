// Stands in for cuBLASLt: the functions and attributes that the project uses, float32 matrices with
// the layouts that are declared. What it is free to choose it chooses as is worst for who asks:
// sums in place where they are allowed, sums that are split and want working memory, wide loads.
#include <cublasLt.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"

struct cublasLtContext {};

namespace emulation {
namespace {

struct Descriptor : cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const float* bias = nullptr;
};

struct Layout : cublasLtMatrixLayoutOpaque_t {
  cublasLtOrder_t order = CUBLASLT_ORDER_COL;
  std::uint64_t rows = 0, columns = 0;
  std::int64_t stride = 0;  ///< ld
  std::int32_t batch = 1;
  std::int64_t batch_stride = 0;

  bool by_columns() const { return order == CUBLASLT_ORDER_COL; }
  /// Of what lies end to end, and of how many of them.
  std::uint64_t inner() const { return by_columns() ? rows : columns; }
  std::uint64_t outer() const { return by_columns() ? columns : rows; }
  bool is_right() const {
    return rows > 0 && columns > 0 && batch > 0 && stride >= static_cast<std::int64_t>(inner()) &&
           (by_columns() || order == CUBLASLT_ORDER_ROW);
  }
  std::int64_t at(std::uint64_t row, std::uint64_t column) const {
    const auto i = static_cast<std::int64_t>(row), k = static_cast<std::int64_t>(column);
    return by_columns() ? i + k * stride : i * stride + k;
  }
  std::size_t bytes() const {
    return sizeof(float) *
           static_cast<std::size_t>((batch - 1) * batch_stride + at(rows - 1, columns - 1) + 1);
  }
};

struct Preference : cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace = 0;
  std::uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D
  std::uint64_t implementations = ~std::uint64_t{0};
};

/// What an algorithm is, in the words of cublasLtMatmulAlgo_t: good for one problem.
struct Algorithm {
  std::uint64_t scheme, workspace, alignment, rows, columns, depth;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

struct Problem {
  Descriptor descriptor;
  Layout a, b, c, d;

  bool transposed_a() const { return descriptor.transpose_a == CUBLAS_OP_T; }
  bool transposed_b() const { return descriptor.transpose_b == CUBLAS_OP_T; }
  std::uint64_t depth() const { return transposed_a() ? a.rows : a.columns; }
  bool is_right() const {
    return a.is_right() && b.is_right() && c.is_right() && d.is_right() &&
           (transposed_a() ? a.columns : a.rows) == d.rows &&
           (transposed_b() ? b.rows : b.columns) == d.columns &&
           (transposed_b() ? b.columns : b.rows) == depth() && c.rows == d.rows &&
           c.columns == d.columns && a.batch == d.batch && b.batch == d.batch && c.batch == d.batch;
  }
  std::size_t partial_bytes() const {
    return 2 * sizeof(float) * static_cast<std::size_t>(d.rows * d.columns);
  }
};

/// The known structs behind the library's types.
template <class Known, class Opaque>
const Known& known(const Opaque* opaque) {
  return *static_cast<const Known*>(opaque);
}

Problem problem_of(cublasLtMatmulDesc_t descriptor, cublasLtMatrixLayout_t a,
                   cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  return {known<Descriptor>(descriptor), known<Layout>(a), known<Layout>(b), known<Layout>(c),
          known<Layout>(d)};
}

/// Reads an attribute of the size that the toolkit's header states.
template <class T>
cublasStatus_t take(T& to, const void* from, std::size_t bytes) {
  if (from == nullptr || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, from, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t unknown(const std::string& what) {
  fault("cuBLASLt: the stand-in does not know " + what);
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

/// To 10 bits of mantissa, to the nearest, ties away from 0.
float rounded_to_tf32(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x1000U) & ~0x1FFFU;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

bool is_aligned(const void* data, std::uint64_t alignment) {
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

/// Whether all of a matrix was written; what lies between its columns does not matter.
bool all_written(const Layout& layout, const float* data) {
  for (std::int32_t item = 0; item < layout.batch; ++item) {
    for (std::uint64_t i = 0; i < layout.outer(); ++i) {
      const float* from =
          data + item * layout.batch_stride + static_cast<std::int64_t>(i) * layout.stride;
      if (!was_written(from, layout.inner() * sizeof(float))) return false;
    }
  }
  return true;
}

struct Operands {
  const float* a;
  const float* b;
  const float* c;
  float* d;
  float alpha, beta;
  float* workspace;
};

/// Two halves of the depth are summed apart, in the workspace where the algorithm has one.
void multiply(const Problem& p, const Algorithm& algorithm, const Operands& o) {
  const bool rounds = p.descriptor.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const auto factor = [&](float value) { return rounds ? rounded_to_tf32(value) : value; };
  const bool biased = p.descriptor.epilogue == CUBLASLT_EPILOGUE_BIAS;
  if (!all_written(p.a, o.a) || !all_written(p.b, o.b) || (o.beta != 0 && !all_written(p.c, o.c)) ||
      (biased && !was_written(p.descriptor.bias, p.d.rows * sizeof(float)))) {
    fault("cuBLASLt: reads what nobody has written");
  }
  const auto half = [&](std::int32_t item, std::uint64_t row, std::uint64_t column,
                        std::uint64_t begin, std::uint64_t end) {
    const float* a = o.a + item * p.a.batch_stride;
    const float* b = o.b + item * p.b.batch_stride;
    float sum = 0;
    for (std::uint64_t k = begin; k < end; ++k) {
      sum = std::fma(factor(a[p.transposed_a() ? p.a.at(k, row) : p.a.at(row, k)]),
                     factor(b[p.transposed_b() ? p.b.at(column, k) : p.b.at(k, column)]), sum);
    }
    return sum;
  };
  std::vector<float> own(o.workspace == nullptr ? 2 * p.d.rows * p.d.columns : 0);
  float* partial = o.workspace == nullptr ? own.data() : o.workspace;
  const std::uint64_t middle = p.depth() / 2;
  for (std::int32_t item = 0; item < p.d.batch; ++item) {
    for (std::uint64_t i = 0; i < p.d.rows * p.d.columns; ++i) {
      const std::uint64_t row = i % p.d.rows, column = i / p.d.rows;
      partial[2 * i] = half(item, row, column, 0, middle);
      partial[2 * i + 1] = half(item, row, column, middle, p.depth());
    }
    for (std::uint64_t i = 0; i < p.d.rows * p.d.columns; ++i) {
      const std::uint64_t row = i % p.d.rows, column = i / p.d.rows;
      float value = o.alpha * (partial[2 * i] + partial[2 * i + 1]);
      if (o.beta != 0) value += o.beta * o.c[item * p.c.batch_stride + p.c.at(row, column)];
      if (biased) value += p.descriptor.bias[row];
      float* to = o.d + item * p.d.batch_stride + p.d.at(row, column);
      *to = value;
      watch_written(to, sizeof(float));
    }
  }
  if (o.workspace != nullptr) watch_written(o.workspace, algorithm.workspace);
}

}  // namespace
}  // namespace emulation

using emulation::Algorithm;
using emulation::Descriptor;
using emulation::Layout;
using emulation::Preference;

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (emulation::may_wait_for_all("cublasLtCreate") != cudaSuccess) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  if (emulation::may_wait_for_all("cublasLtDestroy") != cudaSuccess) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
std::size_t cublasLtGetVersion() { return CUBLAS_VERSION; }
const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the requested functionality is not supported";
    default:
      return "unknown error";
  }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if ((compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32) ||
      scale != CUDA_R_32F) {
    return emulation::unknown("this type of computation");
  }
  auto* descriptor = new Descriptor;
  descriptor->compute = compute;
  *made = descriptor;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t descriptor) {
  delete static_cast<Descriptor*>(descriptor);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t of,
                                              cublasLtMatmulDescAttributes_t name,
                                              const void* value, std::size_t bytes) {
  auto& descriptor = *static_cast<Descriptor*>(of);
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return emulation::take(descriptor.transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return emulation::take(descriptor.transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return emulation::take(descriptor.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return emulation::take(descriptor.bias, value, bytes);
    default:
      return emulation::unknown("attribute " + std::to_string(name) + " of a product");
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t stride) {
  if (type != CUDA_R_32F) return emulation::unknown("this type of numbers");
  auto* layout = new Layout;
  layout->rows = rows;
  layout->columns = columns;
  layout->stride = stride;
  *made = layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete static_cast<Layout*>(layout);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t of,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void* value, std::size_t bytes) {
  auto& layout = *static_cast<Layout*>(of);
  switch (name) {
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return emulation::take(layout.order, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return emulation::take(layout.batch, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return emulation::take(layout.batch_stride, value, bytes);
    default:
      return emulation::unknown("attribute " + std::to_string(name) + " of a matrix");
  }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = new Preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete static_cast<Preference*>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t of,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void* value, std::size_t bytes) {
  auto& preference = *static_cast<Preference*>(of);
  switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return emulation::take(preference.workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return emulation::take(preference.schemes, value, bytes);
    case CUBLASLT_MATMUL_PREF_IMPL_MASK:
      return emulation::take(preference.implementations, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return emulation::take(
          preference.alignment[name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    default:
      return emulation::unknown("attribute " + std::to_string(name) + " of a preference");
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t of,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wanted, int most,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* count) {
  *count = 0;
  const emulation::Problem problem = emulation::problem_of(of, a, b, c, d);
  if (handle == nullptr || most < 1 || !problem.is_right()) return CUBLAS_STATUS_INVALID_VALUE;
  const auto& descriptor = problem.descriptor;
  const bool biased = descriptor.epilogue == CUBLASLT_EPILOGUE_BIAS;
  if (!biased && descriptor.epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
    return emulation::unknown("this epilogue");
  }
  if (!emulation::machine().multiplies) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto& preference = emulation::known<Preference>(wanted);
  // Rounding factors takes tensor cores; without, they are refused where the mask refuses them.
  const bool rounds = descriptor.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const std::uint64_t needed =
      CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F |
      (rounds ? CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32
              : CUBLASLT_NUMERICAL_IMPL_FLAGS_FMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F);
  if ((preference.implementations & needed) != needed) return CUBLAS_STATUS_NOT_SUPPORTED;

  bool wide = !biased || emulation::is_aligned(descriptor.bias, 16);
  for (const std::uint32_t alignment : preference.alignment) wide = wide && alignment >= 16;
  for (const Layout* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    wide = wide && layout->stride % 4 == 0;
  }
  constexpr std::uint32_t apart =
      CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
  std::uint64_t scheme = CUBLASLT_REDUCTION_SCHEME_NONE;
  if ((preference.schemes & CUBLASLT_REDUCTION_SCHEME_INPLACE) != 0) {
    scheme = CUBLASLT_REDUCTION_SCHEME_INPLACE;
  } else if ((preference.schemes & apart) != 0 && problem.depth() >= 8 &&
             problem.partial_bytes() <= preference.workspace) {
    scheme = preference.schemes & apart;
  }
  const bool splits =
      scheme != CUBLASLT_REDUCTION_SCHEME_NONE && scheme != CUBLASLT_REDUCTION_SCHEME_INPLACE;
  const Algorithm algorithm{.scheme = scheme,
                            .workspace = splits ? problem.partial_bytes() : 0,
                            .alignment = wide ? std::uint64_t{16} : sizeof(float),
                            .rows = problem.d.rows,
                            .columns = problem.d.columns,
                            .depth = problem.depth()};
  results[0] = {};
  std::memcpy(&results[0].algo, &algorithm, sizeof algorithm);
  results[0].workspaceSize = algorithm.workspace;
  results[0].state = CUBLAS_STATUS_SUCCESS;
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t of, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* chosen,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  const emulation::Problem problem =
      emulation::problem_of(of, a_layout, b_layout, c_layout, d_layout);
  if (handle == nullptr || chosen == nullptr || !problem.is_right()) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  Algorithm algorithm{};
  std::memcpy(&algorithm, chosen, sizeof algorithm);
  if (algorithm.rows != problem.d.rows || algorithm.columns != problem.d.columns ||
      algorithm.depth != problem.depth() || workspace_bytes < algorithm.workspace) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto fail = [](const std::string& what) {
    emulation::fault("cuBLASLt: " + what);
    return CUBLAS_STATUS_INVALID_VALUE;
  };
  if (workspace_bytes > 0 && (!emulation::is_aligned(workspace, 16) ||
                              !emulation::is_device_memory(workspace, workspace_bytes))) {
    return fail("the workspace is not the " + std::to_string(workspace_bytes) +
                " bytes that are said");
  }
  const float factors[2] = {*static_cast<const float*>(alpha), *static_cast<const float*>(beta)};
  const bool biased = problem.descriptor.epilogue == CUBLASLT_EPILOGUE_BIAS;
  const bool reads_c = factors[1] != 0;
  if (!emulation::is_device_memory(a, problem.a.bytes()) ||
      !emulation::is_device_memory(b, problem.b.bytes()) ||
      !emulation::is_device_memory(d, problem.d.bytes()) ||
      (reads_c && !emulation::is_device_memory(c, problem.c.bytes())) ||
      (biased &&
       !emulation::is_device_memory(problem.descriptor.bias, problem.d.rows * sizeof(float)))) {
    return fail("a matrix is larger than its buffer");
  }
  for (const void* data : {a, b, c, static_cast<const void*>(d)}) {
    if (!emulation::is_aligned(data, algorithm.alignment)) {
      return fail("an address is not as aligned as was promised");
    }
  }
  if (biased && !emulation::is_aligned(problem.descriptor.bias, algorithm.alignment)) {
    return fail("the bias is not as aligned as was promised");
  }
  if (algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_INPLACE) {
    emulation::fault("cuBLASLt: sums in place, whose order nobody knows");
  }
  const emulation::Operands operands{
      .a = static_cast<const float*>(a),
      .b = static_cast<const float*>(b),
      .c = static_cast<const float*>(c),
      .d = static_cast<float*>(d),
      .alpha = factors[0],
      .beta = factors[1],
      .workspace = algorithm.workspace > 0 ? static_cast<float*>(workspace) : nullptr};
  const cudaError_t result =
      emulation::enqueue(stream, [=] { emulation::multiply(problem, algorithm, operands); });
  return result == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
