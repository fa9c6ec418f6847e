#include "kernels/dsp/fft_runs.cuh"

#include <string>

#include "kernels/device/error.h"
#include "kernels/device/exclusive.h"

namespace serenade::cuda {
namespace {

void check_fft(cufftResult result, const std::string& what) {
  if (result == CUFFT_SUCCESS) return;
  // What the runtime knows of it: cuFFT says of most failures that they are one of execution.
  const cudaError_t cause = cudaGetLastError();
  throw DeviceError("cuFFT: " + what + ": error " + std::to_string(result) +
                    (result == CUFFT_ALLOC_FAILED ? ", the GPU's memory is used up" : "") +
                    (cause == cudaSuccess ? "" : ": " + std::string(cudaGetErrorString(cause))));
}

/// A plan for runs of rows, on the session's stream. type: CUFFT_D2Z or CUFFT_Z2D.
struct RunPlan {
  RunPlan(const Session& session, int points, cufftType type) {
    const std::lock_guard alone(whole_device());
    check_fft(cufftCreate(&plan), "making a plan");
    try {
      make(session, points, type);
    } catch (...) {
      cufftDestroy(plan);
      throw;
    }
  }
  ~RunPlan() {
    const std::lock_guard alone(whole_device());
    cufftDestroy(plan);
  }
  RunPlan(const RunPlan&) = delete;
  RunPlan& operator=(const RunPlan&) = delete;

  cufftHandle plan = 0;

 private:
  void make(const Session& session, int points, cufftType type) {
    std::size_t work_size = 0;
    int size = points;
    const int bins = points / 2 + 1;
    const bool forward = type == CUFFT_D2Z;
    check_fft(cufftMakePlanMany(plan, 1, &size, nullptr, 1, forward ? points : bins, nullptr, 1,
                                forward ? bins : points, type,
                                static_cast<int>(rows_of_run(points)), &work_size),
              "planning transforms of " + std::to_string(points) + " points");
    check_fft(cufftSetStream(plan, session.stream()), "choosing the stream");
  }
};

cufftHandle plan_of(Session& session, int points, cufftType type) {
  const std::string name = type == CUFFT_D2Z ? "fft " : "inverse fft ";
  return session
      .keep<RunPlan>(name + std::to_string(points),
                     [&] { return std::make_shared<RunPlan>(session, points, type); })
      .plan;
}

}  // namespace

void fft_run(Session& session, int points, double* rows, cufftDoubleComplex* spectra) {
  check_fft(cufftExecD2Z(plan_of(session, points, CUFFT_D2Z), rows, spectra), "transforming");
}

void inverse_fft_run(Session& session, int points, cufftDoubleComplex* spectra, double* rows) {
  check_fft(cufftExecZ2D(plan_of(session, points, CUFFT_Z2D), spectra, rows), "transforming back");
}

}  // namespace serenade::cuda
