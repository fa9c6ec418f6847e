#include "kernels/nn/cublaslt.h"

#include <cublasLt.h>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "kernels/device/error.h"
#include "kernels/device/exclusive.h"
#include "kernels/device/memory.h"
#include "kernels/device/session.h"

// cuBLASLt counts columns first, as Fortran: a row-major matrix is the transpose of what it sees.
// So it is asked for the transpose of the product, b^T a^T, which is made of the same numbers in
// the same places; its rows are then our columns, along which its bias lies as well.
namespace serenade::cuda::cublaslt {
namespace {

void check_lt(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError("cuBLASLt: " + what + ": " + cublasLtGetStatusString(status));
}

/// Owns what the library made.
template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* made) const {
    destroy(made);
  }
};
using Handle = std::unique_ptr<cublasLtContext, Destroy<cublasLtDestroy>>;
using Descriptor = std::unique_ptr<cublasLtMatmulDescOpaque_t, Destroy<cublasLtMatmulDescDestroy>>;
using Layout = std::unique_ptr<cublasLtMatrixLayoutOpaque_t, Destroy<cublasLtMatrixLayoutDestroy>>;
using Preference =
    std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, Destroy<cublasLtMatmulPreferenceDestroy>>;
using Workspace = std::unique_ptr<void, Destroy<deallocate>>;

Layout layout(Index rows, Index columns, Index stride) {
  cublasLtMatrixLayout_t made = nullptr;
  check_lt(cublasLtMatrixLayoutCreate(&made, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                      static_cast<std::uint64_t>(columns), stride),
           "describing a matrix");
  return Layout(made);
}

template <class T>
void set(const Descriptor& descriptor, cublasLtMatmulDescAttributes_t name, const T& value) {
  check_lt(cublasLtMatmulDescSetAttribute(descriptor.get(), name, &value, sizeof(T)),
           "describing a product");
}
template <class T>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t name, const T& value) {
  check_lt(cublasLtMatmulPreferenceSetAttribute(preference.get(), name, &value, sizeof(T)),
           "saying what is preferred");
}

/// The largest power of two that an address is a multiple of, as far as the library cares.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

/// All that an algorithm hangs on.
struct Key {
  explicit Key(const Product& p, bool may_round)
      : rows(p.rows),
        columns(p.columns),
        depth(p.depth),
        a_stride(p.a.stride),
        b_stride(p.b.stride),
        c_stride(p.c_stride),
        a_alignment(alignment_of(p.a.data)),
        b_alignment(alignment_of(p.b.data)),
        c_alignment(alignment_of(p.c)),
        bias_alignment(p.bias != nullptr ? alignment_of(p.bias) : 0),
        a_transposed(p.a.transposed),
        b_transposed(p.b.transposed),
        tf32(may_round) {}
  auto operator<=>(const Key&) const = default;

  Index rows, columns, depth, a_stride, b_stride, c_stride;
  std::uint32_t a_alignment, b_alignment, c_alignment, bias_alignment;
  bool a_transposed, b_transposed, tf32;
};

std::string to_string(const Product& p) {
  return "a product of [" + std::to_string(p.rows) + ", " + std::to_string(p.depth) + "] and [" +
         std::to_string(p.depth) + ", " + std::to_string(p.columns) + "]";
}

/// A product as the library knows it, but for the addresses.
struct Plan {
  Descriptor descriptor;
  Layout left, right, out;  // of b^T, a^T and c^T
  cublasLtMatmulAlgo_t algorithm{};
};

Preference preference_for(const Key& key) {
  cublasLtMatmulPreference_t made = nullptr;
  check_lt(cublasLtMatmulPreferenceCreate(&made), "saying what is preferred");
  Preference preference(made);
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspace_bytes});
  // In place, blocks would add to the output one after another.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                    CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE});
  if (!key.tf32) {
    set(preference, CUBLASLT_MATMUL_PREF_IMPL_MASK,
        std::uint64_t{CUBLASLT_NUMERICAL_IMPL_FLAGS_FMA |
                      CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F |
                      CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F});
  }
  // Otherwise it takes all addresses for multiples of 256.
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.b_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.a_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.c_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.c_alignment);
  return preference;
}

class Library {
 public:
  Library() : workspace_(allocate(workspace_bytes)) {
    const std::lock_guard alone(whole_device());
    cublasLtHandle_t made = nullptr;
    check_lt(cublasLtCreate(&made), "beginning to use it");
    handle_.reset(made);
  }

  bool multiply(Session& session, const Product& product, bool tf32) {
    const Key key(product, tf32);
    auto known = plans_.find(key);
    if (known == plans_.end()) known = plans_.emplace(key, plan(product, key)).first;
    if (!known->second) return false;
    const Plan& plan = *known->second;
    if (product.bias != nullptr) {
      set(plan.descriptor, CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    }
    const float one = 1;
    const float zero = 0;
    check_lt(cublasLtMatmul(handle_.get(), plan.descriptor.get(), &one, product.b.data,
                            plan.left.get(), product.a.data, plan.right.get(), &zero, product.c,
                            plan.out.get(), product.c, plan.out.get(), &plan.algorithm,
                            workspace_.get(), workspace_bytes, session.stream()),
             to_string(product));
    return true;
  }

 private:
  /// Nothing where there is no algorithm.
  std::optional<Plan> plan(const Product& p, const Key& key) {
    const std::lock_guard alone(whole_device());
    cublasLtMatmulDesc_t made = nullptr;
    check_lt(cublasLtMatmulDescCreate(
                 &made, key.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
             "describing a product");
    Plan plan{.descriptor = Descriptor(made),
              .left = p.b.transposed ? layout(p.depth, p.columns, p.b.stride)
                                     : layout(p.columns, p.depth, p.b.stride),
              .right = p.a.transposed ? layout(p.rows, p.depth, p.a.stride)
                                      : layout(p.depth, p.rows, p.a.stride),
              .out = layout(p.columns, p.rows, p.c_stride)};
    const auto as_it_lies = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    set(plan.descriptor, CUBLASLT_MATMUL_DESC_TRANSA, as_it_lies(p.b.transposed));
    set(plan.descriptor, CUBLASLT_MATMUL_DESC_TRANSB, as_it_lies(p.a.transposed));
    if (p.bias != nullptr) {
      set(plan.descriptor, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(plan.descriptor, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);  // its alignment counts
    }
    const Preference preference = preference_for(key);
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t asked = cublasLtMatmulAlgoGetHeuristic(
        handle_.get(), plan.descriptor.get(), plan.left.get(), plan.right.get(), plan.out.get(),
        plan.out.get(), preference.get(), 1, &found, &count);
    if (asked == CUBLAS_STATUS_NOT_SUPPORTED) return std::nullopt;
    check_lt(asked, "looking for an algorithm for " + to_string(p));
    if (count == 0 || found.state != CUBLAS_STATUS_SUCCESS) return std::nullopt;
    plan.algorithm = found.algo;
    return plan;
  }

  Workspace workspace_;
  Handle handle_;
  std::map<Key, std::optional<Plan>> plans_;
};

}  // namespace

bool multiply(Session& session, const Product& product, bool tf32) {
  return session.keep<Library>("cuBLASLt", [] { return std::make_shared<Library>(); })
      .multiply(session, product, tf32);
}

std::string version() {
  const std::size_t number = cublasLtGetVersion();
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

}  // namespace serenade::cuda::cublaslt
