#pragma once

#include <cudnn_graph.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/emulation/cudnn_graph.h"

/// Descriptors of the stand-in for cuDNN, and what they say.
namespace emulation {

struct Descriptor;
using Reference = std::shared_ptr<const Descriptor>;

struct Attribute {
  cudnnBackendAttributeType_t type{};
  std::int64_t count = 0;
  std::vector<std::byte> bytes;
  std::vector<Reference> references;  // of CUDNN_TYPE_BACKEND_DESCRIPTOR
};

struct Descriptor {
  cudnnBackendDescriptorType_t type{};
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes;

  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return {};
    std::vector<T> all(static_cast<std::size_t>(found->second.count));
    std::memcpy(all.data(), found->second.bytes.data(), found->second.bytes.size());
    return all;
  }
  template <class T>
  T value(cudnnBackendAttributeName_t name, T otherwise) const {
    const std::vector<T> all = values<T>(name);
    return all.empty() ? otherwise : all.front();
  }
  Reference reference(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() || found->second.references.empty()
               ? nullptr
               : found->second.references.front();
  }
  template <class T>
  void keep(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type_of,
            const std::vector<T>& all) {
    Attribute& attribute = attributes[name];
    attribute.type = type_of;
    attribute.count = static_cast<std::int64_t>(all.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(all.data());
    attribute.bytes.assign(bytes, bytes + all.size() * sizeof(T));
  }
  void refer(cudnnBackendAttributeName_t name, std::vector<Reference> references) {
    Attribute& attribute = attributes[name];
    attribute.type = CUDNN_TYPE_BACKEND_DESCRIPTOR;
    attribute.count = static_cast<std::int64_t>(references.size());
    attribute.references = std::move(references);
  }
};

/// What a finalized tensor descriptor says.
GraphTensor tensor_of(const Descriptor& descriptor);
/// What the operation of a convolution says. False where a part is missing or is not what this
/// stand-in knows.
bool call_of(const Descriptor& operation, ConvolutionCall& call);
/// What a whole graph says: a convolution, or one whose virtual result a bias is added to. False
/// for any other.
bool graph_of(const Descriptor& graph, ConvolutionCall& call);

}  // namespace emulation
