#include "kernels/nn/cudnn.h"

#include <algorithm>
#include <array>

#include "kernels/device/error.h"

namespace serenade::cuda::cudnn {

void check(cudnnStatus_t status, std::string_view what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 1024> condition{};
  cudnnGetLastErrorString(condition.data(), condition.size());
  std::string text = "cuDNN: " + std::string(what) + ": " + cudnnGetErrorString(status);
  if (condition.front() != '\0') text += ": " + std::string(condition.data());
  throw DeviceError(text);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check(cudnnBackendCreateDescriptor(type, &descriptor_), "making a descriptor");
}

Descriptor::~Descriptor() {
  if (descriptor_ != nullptr) cudnnBackendDestroyDescriptor(descriptor_);
}

void Descriptor::finalize(std::string_view what) { check(cudnnBackendFinalize(descriptor_), what); }

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     std::int64_t count, const void* values) {
  check(cudnnBackendSetAttribute(descriptor_, name, type, count, values),
        "setting attribute " + std::to_string(name));
}

std::size_t Descriptor::read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                             std::int64_t most, void* values) const {
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(descriptor_, name, type, most, &count, values),
        "reading attribute " + std::to_string(name));
  // The count is of all there are, more than were asked for.
  return static_cast<std::size_t>(std::clamp<std::int64_t>(count, 0, most));
}

std::vector<Descriptor> Descriptor::descriptors(cudnnBackendAttributeName_t name,
                                                cudnnBackendDescriptorType_t type,
                                                std::int64_t most) const {
  // cuDNN fills in descriptors that the caller has made.
  std::vector<Descriptor> made;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < most; ++i) handles.push_back(made.emplace_back(type).descriptor_);
  made.erase(made.begin() +
                 static_cast<std::ptrdiff_t>(read(
                     name, AttributeType<cudnnBackendDescriptor_t>::value, most, handles.data())),
             made.end());
  return made;
}

}  // namespace serenade::cuda::cudnn
