#include <memory>
#include <string>
#include <type_traits>

#include "kernels/nn/cudnn.h"
#include "kernels/nn/cudnn_convolution.h"
#include "tools/gpu_check/library_calls.h"

namespace serenade::gpu_check {

std::string cudnn_device_properties() {
  using cuda::cudnn::check;
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle), "beginning");
  const std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, cudnnStatus_t (*)(cudnnHandle_t)>
      owner(handle, cudnnDestroy);
  cuda::cudnn::Descriptor properties(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  properties.set(CUDNN_ATTR_DEVICEPROP_HANDLE, handle);
  properties.finalize("the GPU's properties");
  constexpr std::int64_t most = std::int64_t{1} << 16U;  // bytes; they are some 700
  const std::vector<char> text =
      properties.values<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, most);
  std::string json(text.begin(), text.end());
  json = json.substr(0, json.find('\0'));
  const cuda::cudnn::Target again(json);  // what it writes, it must read: it throws otherwise
  return json;
}

}  // namespace serenade::gpu_check
