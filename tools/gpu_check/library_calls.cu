// float64 where cuFFT transforms. Two of the functions keep numbers in local memory, CUDA's own.
#include "tools/gpu_check/library_calls.h"

#include <cufft.h>

#include <cmath>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/device/launch.cuh"

namespace serenade::gpu_check {
namespace {

using cuda::launch;

/// One thread a number.
__global__ __launch_bounds__(cuda::most_threads) void function_kernel(int function, const float* x,
                                                                      Index size, float* y) {
  const Index i = cuda::global_index();
  if (i >= size) return;
  switch (static_cast<Function>(function)) {
    case Function::exponential:
      y[i] = expf(x[i]);
      break;
    case Function::logarithm:
      y[i] = logf(x[i]);
      break;
    case Function::logarithm_10:
      y[i] = log10f(x[i]);
      break;
    case Function::sine:
      y[i] = sinf(x[i]);
      break;
    case Function::cosine:
      y[i] = cosf(x[i]);
      break;
  }
}

void check_fft(cufftResult result, const char* what) {
  if (result != CUFFT_SUCCESS) {
    throw DeviceError(std::string("cuFFT: ") + what + ": error " + std::to_string(result));
  }
}

/// Rows of numbers, or of bins, through a plan of this type: CUFFT_D2Z or CUFFT_Z2D.
std::vector<double> transformed(Context& context, cufftType type, int points, int batch,
                                const std::vector<double>& values) {
  const Shape rows{batch, points};
  const Shape spectra{batch, points / 2 + 1, 2};
  const bool forward = type == CUFFT_D2Z;
  const int bins = points / 2 + 1;
  Array<double> in(forward ? rows : spectra, context.device());
  Array<double> out(forward ? spectra : rows, context.device());
  copy(context, Tensor<const double>(values.data(), in.shape()), in.view());
  cufftHandle plan = 0;
  check_fft(cufftCreate(&plan), "making a plan");
  std::size_t work = 0;
  check_fft(cufftMakePlanMany(plan, 1, &points, nullptr, 1, forward ? points : bins, nullptr, 1,
                              forward ? bins : points, type, batch, &work),
            "planning");
  check_fft(cufftSetStream(plan, context.session().stream()), "choosing the stream");
  check_fft(forward
                ? cufftExecD2Z(plan, in.data(), reinterpret_cast<cufftDoubleComplex*>(out.data()))
                : cufftExecZ2D(plan, reinterpret_cast<cufftDoubleComplex*>(in.data()), out.data()),
            "transforming");
  std::vector<double> found(static_cast<std::size_t>(out.size()));
  copy(context, Tensor<const double>(out.view()), Tensor<double>(found.data(), out.shape()));
  check_fft(cufftDestroy(plan), "giving the plan back");
  return found;
}

}  // namespace

std::vector<float> elementary(Context& context, Function function, const std::vector<float>& x) {
  const Shape shape{static_cast<Index>(x.size())};
  Array<float> in(shape, context.device()), out(shape, context.device());
  copy(context, Tensor<const float>(x.data(), shape), in.view());
  launch<function_kernel>(context.session(), cuda::one_thread_each(context.session(), shape[0]),
                          static_cast<int>(function), in.data(), shape[0], out.data());
  std::vector<float> y(x.size());
  copy(context, Tensor<const float>(out.view()), Tensor<float>(y.data(), shape));
  return y;
}

std::vector<double> transforms(Context& context, int points, int batch,
                               const std::vector<double>& rows) {
  return transformed(context, CUFFT_D2Z, points, batch, rows);
}

std::vector<double> inverse_transforms(Context& context, int points, int batch,
                                       const std::vector<double>& bins) {
  return transformed(context, CUFFT_Z2D, points, batch, bins);
}

}  // namespace serenade::gpu_check
