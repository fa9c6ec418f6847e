#pragma once

#include <cudnn_graph.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// cuDNN's backend (graph) API behind small types. Included by .cu files and tests only, where
/// cuDNN is found; needs no GPU and no Session. What the attributes mean: NVIDIA's cuDNN backend
/// API.
namespace serenade::cuda::cudnn {

/// Throws DeviceError "cuDNN: <what>: <the status>: <the condition that failed>" unless it went
/// well.
void check(cudnnStatus_t status, std::string_view what);

/// How cuDNN is told the type of an attribute's values. A descriptor is a void*, so that pointers
/// to data need a word of their own (set_pointers).
template <cudnnBackendAttributeType_t type_value>
struct AttributeTypeIs {
  static constexpr cudnnBackendAttributeType_t value = type_value;
};
template <class T>
struct AttributeType;
template <>
struct AttributeType<cudnnHandle_t> : AttributeTypeIs<CUDNN_TYPE_HANDLE> {};
template <>
struct AttributeType<cudnnDataType_t> : AttributeTypeIs<CUDNN_TYPE_DATA_TYPE> {};
template <>
struct AttributeType<bool> : AttributeTypeIs<CUDNN_TYPE_BOOLEAN> {};
template <>
struct AttributeType<std::int64_t> : AttributeTypeIs<CUDNN_TYPE_INT64> {};
template <>
struct AttributeType<float> : AttributeTypeIs<CUDNN_TYPE_FLOAT> {};
template <>
struct AttributeType<char> : AttributeTypeIs<CUDNN_TYPE_CHAR> {};
template <>
struct AttributeType<cudnnConvolutionMode_t> : AttributeTypeIs<CUDNN_TYPE_CONVOLUTION_MODE> {};
template <>
struct AttributeType<cudnnBackendHeurMode_t> : AttributeTypeIs<CUDNN_TYPE_HEUR_MODE> {};
template <>
struct AttributeType<cudnnBackendKnobType_t> : AttributeTypeIs<CUDNN_TYPE_KNOB_TYPE> {};
template <>
struct AttributeType<cudnnBackendNumericalNote_t> : AttributeTypeIs<CUDNN_TYPE_NUMERICAL_NOTE> {};
template <>
struct AttributeType<cudnnBackendBehaviorNote_t> : AttributeTypeIs<CUDNN_TYPE_BEHAVIOR_NOTE> {};
template <>
struct AttributeType<cudnnPointwiseMode_t> : AttributeTypeIs<CUDNN_TYPE_POINTWISE_MODE> {};
template <>
struct AttributeType<cudnnBackendDescriptor_t> : AttributeTypeIs<CUDNN_TYPE_BACKEND_DESCRIPTOR> {};

/// Owns one descriptor. Attributes are set, then it is finalized; from then on it can be read and
/// referred to. Throws DeviceError for what cuDNN refuses.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  template <class T>
  void set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    set(name, AttributeType<T>::value, static_cast<std::int64_t>(values.size()), values.data());
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set(name, AttributeType<T>::value, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, AttributeType<cudnnBackendDescriptor_t>::value, 1, &value.descriptor_);
  }
  void set_pointers(cudnnBackendAttributeName_t name, std::span<void* const> values) {
    set(name, CUDNN_TYPE_VOID_PTR, static_cast<std::int64_t>(values.size()), values.data());
  }
  void finalize(std::string_view what);

  /// The attribute's values, at most `most`.
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, std::int64_t most) const {
    std::vector<T> found(static_cast<std::size_t>(most));
    found.resize(read(name, AttributeType<T>::value, most, found.data()));
    return found;
  }
  template <class T>
  T value(cudnnBackendAttributeName_t name) const {
    T found{};
    read(name, AttributeType<T>::value, 1, &found);
    return found;
  }
  /// What the attribute refers to, at most `most` descriptors of the given type.
  std::vector<Descriptor> descriptors(cudnnBackendAttributeName_t name,
                                      cudnnBackendDescriptorType_t type, std::int64_t most) const;

  cudnnBackendDescriptor_t get() const { return descriptor_; }

 private:
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values);
  std::size_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                   std::int64_t most, void* values) const;

  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

}  // namespace serenade::cuda::cudnn
