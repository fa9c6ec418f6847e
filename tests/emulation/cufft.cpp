// Stands in for cuFFT: the functions that the project uses, with the layouts that the plan
// describes, in float64.
#include <cufft.h>

#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <string>
#include <vector>

#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/streams.h"

namespace emulation {
namespace {

using Complex = std::complex<double>;

struct Plan {
  cufftType type = CUFFT_D2Z;
  int n = 0;
  int batch = 0;
  int input_stride = 1, input_distance = 0;
  int output_stride = 1, output_distance = 0;
  cudaStream_t stream = nullptr;
  std::vector<Complex> roots;
};

struct Plans {
  std::mutex mutex;
  std::map<cufftHandle, std::shared_ptr<Plan>> all;
  cufftHandle next = 1;
};
Plans& plans() {
  static Plans known;
  return known;
}

std::shared_ptr<Plan> find(cufftHandle handle) {
  const std::lock_guard lock(plans().mutex);
  const auto found = plans().all.find(handle);
  return found == plans().all.end() ? nullptr : found->second;
}

/// Decimation in frequency, in place, then the order of reversed bits.
void transform(std::vector<Complex>& x, const std::vector<Complex>& roots) {
  const std::size_t n = x.size();
  for (std::size_t length = n; length > 1; length /= 2) {
    const std::size_t half = length / 2;
    for (std::size_t begin = 0; begin < n; begin += length) {
      for (std::size_t i = 0; i < half; ++i) {
        const Complex a = x[begin + i];
        const Complex b = x[begin + i + half];
        x[begin + i] = a + b;
        const Complex d = a - b;
        const Complex w = roots[i * (n / length)];
        x[begin + i + half] = {d.real() * w.real() - d.imag() * w.imag(),
                               d.real() * w.imag() + d.imag() * w.real()};
      }
    }
  }
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1U;
    for (; (j & bit) != 0; bit >>= 1U) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
}

/// Real rows into bins.
void transform_batch(const Plan& plan, const double* input, cufftDoubleComplex* output) {
  const auto n = static_cast<std::size_t>(plan.n);
  const auto bins = n / 2 + 1;
  std::vector<Complex> row(n);
  for (int i = 0; i < plan.batch; ++i) {
    const double* from = input + static_cast<std::ptrdiff_t>(i) * plan.input_distance;
    cufftDoubleComplex* to = output + static_cast<std::ptrdiff_t>(i) * plan.output_distance;
    bool zero = true;
    for (std::size_t k = 0; k < n; ++k) {
      const double value = from[k * static_cast<std::size_t>(plan.input_stride)];
      row[k] = value;
      zero = zero && value == 0;
    }
    if (!zero) transform(row, plan.roots);
    for (std::size_t k = 0; k < bins; ++k) {
      to[k * static_cast<std::size_t>(plan.output_stride)] = {row[k].real(), row[k].imag()};
    }
  }
}

/// Bins into real rows, times n. A row's first and last bin are those of real numbers only where
/// they have no imaginary parts; what cuFFT makes of others is nowhere said. The input is used up.
void inverse_batch(const Plan& plan, cufftDoubleComplex* input, double* output) {
  const auto n = static_cast<std::size_t>(plan.n);
  std::vector<Complex> row(n);
  for (int i = 0; i < plan.batch; ++i) {
    cufftDoubleComplex* from = input + static_cast<std::ptrdiff_t>(i) * plan.input_distance;
    double* to = output + static_cast<std::ptrdiff_t>(i) * plan.output_distance;
    bool zero = true;
    for (std::size_t k = 0; k <= n / 2; ++k) {
      cufftDoubleComplex& value = from[k * static_cast<std::size_t>(plan.input_stride)];
      // The forward transform of the conjugate is the inverse's conjugate, which is real.
      row[k] = {value.x, -value.y};
      if (k > 0) row[n - k] = {value.x, value.y};
      zero = zero && value.x == 0 && value.y == 0;
      value.x = value.y = std::numeric_limits<double>::quiet_NaN();
    }
    if (row[0].imag() != 0 || row[n / 2].imag() != 0) {
      fault("cuFFT: the first or the last bin of a real row has an imaginary part");
    }
    if (!zero) transform(row, plan.roots);
    for (std::size_t k = 0; k < n; ++k) {
      to[k * static_cast<std::size_t>(plan.output_stride)] = row[k].real();
    }
  }
}

/// Numbers that lie between the first and the last of a batch, both included.
struct Spans {
  std::size_t input, output;
};
Spans spans_of(const Plan& plan) {
  const auto span = [&](int count, int stride, int distance) {
    return static_cast<std::size_t>(count - 1) * static_cast<std::size_t>(stride) +
           static_cast<std::size_t>(plan.batch - 1) * static_cast<std::size_t>(distance) + 1;
  };
  const bool forward = plan.type == CUFFT_D2Z;
  const int bins = plan.n / 2 + 1;
  return {span(forward ? plan.n : bins, plan.input_stride, plan.input_distance),
          span(forward ? bins : plan.n, plan.output_stride, plan.output_distance)};
}

/// Enqueues work(plan) of a plan of this type, which reads and writes what the plan says.
template <class In, class Out, class Work>
cufftResult execute(cufftHandle handle, cufftType type, In* input, Out* output, const Work& work) {
  const auto plan = find(handle);
  if (!plan || plan->n == 0) return CUFFT_INVALID_PLAN;
  if (plan->type != type) return CUFFT_INVALID_TYPE;
  const Spans spans = spans_of(*plan);
  const std::size_t reads = sizeof(In) * spans.input;
  const std::size_t writes = sizeof(Out) * spans.output;
  if (!is_device_memory(input, reads) || !is_device_memory(output, writes)) {
    fault("cuFFT: the plan reads " + std::to_string(reads) + " bytes and writes " +
          std::to_string(writes) + ", more than its buffers hold");
    return CUFFT_INVALID_VALUE;
  }
  const cudaError_t result = enqueue(plan->stream, [=] {
    if (!was_written(input, reads)) fault("cuFFT: reads what nobody has written");
    work(*plan, input, output);
    watch_written(output, writes);
  });
  return result == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

}  // namespace
}  // namespace emulation

using emulation::find;
using emulation::Plan;
using emulation::plans;

extern "C" {

cufftResult cufftCreate(cufftHandle* handle) {
  if (emulation::may_wait_for_all("cufftCreate") != cudaSuccess) return CUFFT_SETUP_FAILED;
  const std::lock_guard lock(plans().mutex);
  *handle = plans().next++;
  plans().all[*handle] = std::make_shared<Plan>();
  return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle handle) {
  if (emulation::may_wait_for_all("cufftDestroy") != cudaSuccess) return CUFFT_SETUP_FAILED;
  const std::lock_guard lock(plans().mutex);
  return plans().all.erase(handle) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}

cufftResult cufftMakePlanMany(cufftHandle handle, int rank, int* n, int* inembed, int istride,
                              int idist, int* onembed, int ostride, int odist, cufftType type,
                              int batch, std::size_t* work_size) {
  const auto plan = find(handle);
  if (!plan) return CUFFT_INVALID_PLAN;
  const bool power_of_two = *n > 1 && (*n & (*n - 1)) == 0;
  if (rank != 1 || !power_of_two || batch < 1) return CUFFT_INVALID_VALUE;
  if (type != CUFFT_D2Z && type != CUFFT_Z2D) return CUFFT_INVALID_TYPE;
  const bool forward = type == CUFFT_D2Z;
  const int bins = *n / 2 + 1;
  plan->type = type;
  plan->n = *n;
  plan->batch = batch;
  // Without embeddings cuFFT takes the data to be packed and ignores strides and distances.
  const bool packed_in = inembed == nullptr;
  const bool packed_out = onembed == nullptr;
  plan->input_stride = packed_in ? 1 : istride;
  plan->input_distance = !packed_in ? idist : forward ? *n : bins;
  plan->output_stride = packed_out ? 1 : ostride;
  plan->output_distance = !packed_out ? odist : forward ? bins : *n;
  for (int k = 0; k < *n / 2; ++k) {
    const double angle = -2 * std::numbers::pi * k / *n;
    plan->roots.emplace_back(std::cos(angle), std::sin(angle));
  }
  *work_size = 0;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  const auto plan = find(handle);
  if (!plan) return CUFFT_INVALID_PLAN;
  plan->stream = stream;
  return CUFFT_SUCCESS;
}

cufftResult cufftExecD2Z(cufftHandle handle, cufftDoubleReal* input, cufftDoubleComplex* output) {
  return emulation::execute(handle, CUFFT_D2Z, input, output, emulation::transform_batch);
}

cufftResult cufftExecZ2D(cufftHandle handle, cufftDoubleComplex* input, cufftDoubleReal* output) {
  return emulation::execute(handle, CUFFT_Z2D, input, output, emulation::inverse_batch);
}

cufftResult cufftGetVersion(int* version) {
  *version = CUFFT_VERSION;
  return CUFFT_SUCCESS;
}

}  // extern "C"
