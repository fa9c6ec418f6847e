#pragma once

#include <array>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// What multiplies matrices and convolves on a GPU.
enum class Backend { library, plain };
constexpr auto enum_names(Backend) { return std::to_array<std::string_view>({"library", "plain"}); }

/// Means nothing on the CPU, whose kernels are its own.
struct BackendOptions {
  Backend backend = Backend::library;
  bool tf32 = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("backend", self.backend, Range{},
          "what multiplies matrices and convolves on a GPU: library (cuBLASLt, cuDNN), which is "
          "faster, or plain, this program's own kernels, by which the libraries are judged. "
          "Predictions, which hang on nothing but the clip, are always plain, and so is the CPU");
    visit("tf32", self.tf32, Range{},
          "the libraries may round factors to 10 bits of mantissa (TF32) for a GPU's tensor cores; "
          "sums stay float32");
  }
  friend bool operator==(const BackendOptions&, const BackendOptions&) = default;
};

/// Of all operations of the context from now on; until then it has the defaults.
void use_backend(Context&, const BackendOptions&);
BackendOptions backend_of(Context&);

/// While it lives, the context has these. Libraries choose their ways by the size of the batch, so
/// that a row's last bits hang on it: what must not hang on it is computed by own kernels.
class UseBackend {
 public:
  UseBackend(Context& context, const BackendOptions& options)
      : context_(context), before_(backend_of(context)) {
    use_backend(context, options);
  }
  ~UseBackend() { use_backend(context_, before_); }
  UseBackend(const UseBackend&) = delete;
  UseBackend& operator=(const UseBackend&) = delete;

 private:
  Context& context_;
  BackendOptions before_;
};

namespace cuda {
void use_backend(Session&, const BackendOptions&);
const BackendOptions& backend(Session&);
}  // namespace cuda

}  // namespace serenade
