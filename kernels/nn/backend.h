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
          "faster, or plain, this program's own kernels, by which the libraries are judged; on the "
          "CPU all is its own");
    visit("tf32", self.tf32, Range{},
          "the libraries may round factors to 10 bits of mantissa (TF32) for a GPU's tensor cores; "
          "sums stay float32");
  }
  friend bool operator==(const BackendOptions&, const BackendOptions&) = default;
};

/// Of all operations of the context from now on; until then it has the defaults.
void use_backend(Context&, const BackendOptions&);

namespace cuda {
void use_backend(Session&, const BackendOptions&);
const BackendOptions& backend(Session&);
}  // namespace cuda

}  // namespace serenade
