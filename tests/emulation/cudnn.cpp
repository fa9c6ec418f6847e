// Stands in for cuDNN: the functions of its backend API that the project uses. Descriptors keep
// what they are told; a graph of one convolution, with or without a bias added, is validated,
// planned and computed with the layouts that it declares.
#include "tests/emulation/cudnn.h"

#include <cudnn_graph.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulation/accesses.h"
#include "tests/emulation/cudnn_descriptor.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace emulation {
namespace {

struct Library {
  std::mutex mutex;
  std::map<cudnnBackendDescriptor_t, std::shared_ptr<Descriptor>> descriptors;
  std::vector<std::int64_t> engines{tensor_core_engine, drifting_engine, strict_engine,
                                    fallback_engine};
  std::int64_t runs = 0;
};
Library& library() {
  static Library one;
  return one;
}

thread_local std::string last_error;

cudnnStatus_t refuse(cudnnStatus_t status, std::string condition) {
  last_error = std::move(condition);
  return status;
}

std::shared_ptr<Descriptor> find(cudnnBackendDescriptor_t handle) {
  const std::lock_guard lock(library().mutex);
  const auto found = library().descriptors.find(handle);
  return found == library().descriptors.end() ? nullptr : found->second;
}

std::int64_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_INT64:
      return sizeof(std::int64_t);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return sizeof(void*);
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    default:
      return 4;  // float and the enumerations
  }
}

cudnnStatus_t finalize_tensor(const Descriptor& descriptor) {
  const auto extents = descriptor.values<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = descriptor.values<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  const auto type = descriptor.value(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_DOUBLE);
  const auto positive = [](std::int64_t number) { return number > 0; };
  if (extents.size() != 4 || strides.size() != 4) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a tensor has 4 axes here");
  }
  if (!std::ranges::all_of(extents, positive) || !std::ranges::all_of(strides, positive)) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "extents and strides > 0");
  }
  if (type != CUDNN_DATA_FLOAT) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "float32");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_operation(const Descriptor& operation) {
  ConvolutionCall call;
  if (!call_of(operation, call)) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "a convolution with all its parts");
  }
  const std::string condition = call.failed_condition();
  return condition.empty() ? CUDNN_STATUS_SUCCESS : refuse(CUDNN_STATUS_BAD_PARAM, condition);
}

std::vector<cudnnBackendNumericalNote_t> notes_of(std::int64_t engine) {
  if (engine == tensor_core_engine) return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
  if (engine == drifting_engine) return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
  if (engine == fallback_engine) return {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP};
  return {};
}

Reference configuration_of(std::int64_t number, const Reference& graph) {
  auto engine = std::make_shared<Descriptor>();
  engine->type = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
  engine->finalized = true;
  engine->keep(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, std::vector{number});
  engine->keep(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, notes_of(number));
  engine->keep(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
               std::vector<cudnnBackendBehaviorNote_t>{});
  engine->refer(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, {graph});
  auto knob = std::make_shared<Descriptor>();
  knob->type = CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR;
  knob->finalized = true;
  knob->keep(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE,
             std::vector{CUDNN_KNOB_TYPE_TILE_SIZE});
  knob->keep(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, std::vector<std::int64_t>{4});
  auto configuration = std::make_shared<Descriptor>();
  configuration->type = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
  configuration->finalized = true;
  configuration->refer(CUDNN_ATTR_ENGINECFG_ENGINE, {engine});
  configuration->refer(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, {knob});
  return configuration;
}

cudnnStatus_t finalize_heuristics(Descriptor& heuristics) {
  const Reference graph = heuristics.reference(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!graph) return refuse(CUDNN_STATUS_BAD_PARAM, "an operation graph");
  const bool fallback =
      heuristics.value(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_HEUR_MODE_A) == CUDNN_HEUR_MODE_FALLBACK;
  std::vector<Reference> results;
  for (const std::int64_t engine : library().engines) {
    if (fallback && engine != fallback_engine) continue;
    results.push_back(configuration_of(engine, graph));
  }
  heuristics.refer(CUDNN_ATTR_ENGINEHEUR_RESULTS, std::move(results));
  return CUDNN_STATUS_SUCCESS;
}

/// What a finalized plan is made of.
bool plan_of(const Descriptor& plan, ConvolutionCall& call, std::int64_t& engine) {
  const Reference configuration = plan.reference(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  const Reference made =
      configuration ? configuration->reference(CUDNN_ATTR_ENGINECFG_ENGINE) : nullptr;
  const Reference graph = made ? made->reference(CUDNN_ATTR_ENGINE_OPERATION_GRAPH) : nullptr;
  if (!graph || !graph_of(*graph, call)) return false;
  engine = made->value<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, -1);
  return plan.value<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, nullptr) != nullptr;
}

cudnnStatus_t finalize(Descriptor& descriptor) {
  ConvolutionCall call;
  switch (descriptor.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return finalize_tensor(descriptor);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return finalize_operation(descriptor);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      if (descriptor.value<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, nullptr) == nullptr) {
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a handle");
      }
      if (!graph_of(descriptor, call)) {
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "a convolution, or one and a bias");
      }
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return finalize_heuristics(descriptor);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: {
      std::int64_t engine = 0;
      if (!plan_of(descriptor, call, engine)) {
        return refuse(CUDNN_STATUS_BAD_PARAM, "an engine's configuration and a handle");
      }
      const std::int64_t workspace = engine == strict_engine ? 4 * call.x.count() : 0;
      descriptor.keep(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                      std::vector{workspace});
      return CUDNN_STATUS_SUCCESS;
    }
    default:
      return CUDNN_STATUS_SUCCESS;
  }
}

/// The data of one tensor, or null with a fault where its pointer does not fit.
float* data_of(const GraphTensor& tensor, const Descriptor& pack, const char* name) {
  const auto ids = pack.values<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.values<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  const auto found = std::ranges::find(ids, tensor.id) - ids.begin();
  const std::string who = std::string("cuDNN: ") + name;
  if (ids.size() != pointers.size() || found == std::ssize(ids)) {
    fault(who + " has no pointer");
    return nullptr;
  }
  void* data = pointers[static_cast<std::size_t>(found)];
  const auto bytes = static_cast<std::size_t>(tensor.span()) * sizeof(float);
  if (!is_device_memory(data, bytes)) {
    fault(who + " takes " + std::to_string(bytes) + " bytes, more than its buffer holds");
    return nullptr;
  }
  if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(tensor.alignment) != 0) {
    fault(who + " is not aligned to the " + std::to_string(tensor.alignment) +
          " bytes that its descriptor says");
    return nullptr;
  }
  return static_cast<float*>(data);
}

void expect_written(const GraphTensor& tensor, const float* data, const char* name) {
  if (!was_written(data, static_cast<std::size_t>(tensor.span()) * sizeof(float))) {
    fault(std::string("cuDNN: reads ") + name + ", which nobody has written");
  }
}

/// What happens when the stream comes to it.
struct Execution {
  ConvolutionCall call;
  ConvolutionData data;
  Arithmetic arithmetic;
  float* workspace = nullptr;
  std::int64_t workspace_bytes = 0;

  void operator()() const {
    const bool makes_x = call.pass == ConvolutionPass::backward_data;
    const bool makes_w = call.pass == ConvolutionPass::backward_filter;
    const bool makes_y = call.pass == ConvolutionPass::forward;
    if (!makes_x) expect_written(call.x, data.x, "x");
    if (!makes_w) expect_written(call.w, data.w, "w");
    if (!makes_y) expect_written(call.y, data.y, "y");
    if (call.bias) expect_written(*call.bias, data.bias, "the bias");
    // All of it is the engine's own.
    std::fill_n(workspace, workspace_bytes / 4, std::numeric_limits<float>::quiet_NaN());
    compute(call, data, arithmetic);
    const GraphTensor& made = makes_x ? call.x : makes_w ? call.w : call.y;
    watch_written(makes_x   ? data.x
                  : makes_w ? data.w
                            : data.y,
                  static_cast<std::size_t>(made.span()) * sizeof(float));
  }
};

cudnnStatus_t execute(cudnnHandle_t handle, const Descriptor& plan, const Descriptor& pack) {
  Execution run;
  std::int64_t engine = 0;
  if (handle == nullptr || !plan_of(plan, run.call, engine)) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "a handle and a plan");
  }
  run.workspace_bytes = plan.value<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 0);
  run.workspace =
      static_cast<float*>(pack.value<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr));
  if (run.workspace_bytes > 0 &&
      !is_device_memory(run.workspace, static_cast<std::size_t>(run.workspace_bytes))) {
    fault("cuDNN: the plan's workspace takes " + std::to_string(run.workspace_bytes) +
          " bytes, more than its buffer holds");
    return refuse(CUDNN_STATUS_EXECUTION_FAILED, "workspace");
  }
  run.data.x = data_of(run.call.x, pack, "x");
  run.data.w = data_of(run.call.w, pack, "w");
  run.data.y = data_of(run.call.y, pack, "y");
  if (run.call.bias) run.data.bias = data_of(*run.call.bias, pack, "the bias");
  if (run.data.x == nullptr || run.data.w == nullptr || run.data.y == nullptr ||
      (run.call.bias && run.data.bias == nullptr)) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "pointers");
  }
  {
    const std::lock_guard lock(library().mutex);
    ++library().runs;
    run.arithmetic = {engine == tensor_core_engine,
                      engine == drifting_engine && library().runs % 2 == 0};
  }
  return enqueue(handle->stream, run) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                     : CUDNN_STATUS_EXECUTION_FAILED;
}

}  // namespace

void use_cudnn_engines(std::vector<std::int64_t> engines) {
  const std::lock_guard lock(library().mutex);
  library().engines = std::move(engines);
}

void use_all_cudnn_engines() {
  use_cudnn_engines({tensor_core_engine, drifting_engine, strict_engine, fallback_engine});
}

}  // namespace emulation

// As the toolkit's header declares them.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

using emulation::find;
using emulation::library;
using emulation::refuse;

extern "C" {

std::size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (CUDNN_STATUS_CATEGORY(status)) {
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return status == CUDNN_STATUS_SUCCESS ? "CUDNN_STATUS_SUCCESS"
                                            : "CUDNN_STATUS_NOT_INITIALIZED";
  }
}

void cudnnGetLastErrorString(char* message, std::size_t max_size) {
  if (max_size == 0) return;
  const std::size_t length = std::min(emulation::last_error.size(), max_size - 1);
  std::memcpy(message, emulation::last_error.data(), length);
  message[length] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  if (emulation::machine().devices == 0) return refuse(CUDNN_STATUS_NOT_INITIALIZED, "a GPU");
  if (emulation::may_wait_for_all("cudnnCreate") != cudaSuccess) {
    return refuse(CUDNN_STATUS_NOT_INITIALIZED, "that no stream is captured");
  }
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  if (emulation::may_wait_for_all("cudnnDestroy") != cudaSuccess) {
    return refuse(CUDNN_STATUS_NOT_INITIALIZED, "that no stream is captured");
  }
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  auto made = std::make_shared<emulation::Descriptor>();
  made->type = type;
  *descriptor = made.get();
  const std::lock_guard lock(library().mutex);
  library().descriptors[*descriptor] = std::move(made);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  const std::lock_guard lock(library().mutex);
  return library().descriptors.erase(descriptor) == 1 ? CUDNN_STATUS_SUCCESS
                                                      : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle) {
  const auto descriptor = find(handle);
  if (!descriptor) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a descriptor");
  const cudnnStatus_t status = emulation::finalize(*descriptor);
  descriptor->finalized = status == CUDNN_STATUS_SUCCESS;
  return status;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  const auto descriptor = find(handle);
  if (!descriptor) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a descriptor");
  if (descriptor->finalized) return refuse(CUDNN_STATUS_BAD_PARAM, "not finalized before");
  if (count < 0 || values == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM, "values");
  emulation::Attribute attribute{type, count, {}, {}};
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    for (std::int64_t i = 0; i < count; ++i) {
      const auto other = find(static_cast<const cudnnBackendDescriptor_t*>(values)[i]);
      if (!other || !other->finalized) {
        return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "what is referred to is finalized");
      }
      attribute.references.push_back(other);
    }
  } else {
    const auto* bytes = static_cast<const std::byte*>(values);
    attribute.bytes.assign(bytes, bytes + count * emulation::size_of(type));
  }
  descriptor->attributes[name] = std::move(attribute);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t handle,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t most,
                                       std::int64_t* count, void* values) {
  const auto descriptor = find(handle);
  if (!descriptor || !descriptor->finalized) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a finalized descriptor");
  }
  const auto found = descriptor->attributes.find(name);
  if (found == descriptor->attributes.end() || found->second.type != type) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "an attribute that is there, by its type");
  }
  const emulation::Attribute& attribute = found->second;
  *count = attribute.count;
  const std::int64_t given = std::min(most, attribute.count);
  if (type != CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto bytes = static_cast<std::ptrdiff_t>(given * emulation::size_of(type));
    std::copy_n(attribute.bytes.begin(), bytes, static_cast<std::byte*>(values));
    return CUDNN_STATUS_SUCCESS;
  }
  // The caller's descriptors become what these are.
  for (std::int64_t i = 0; i < given; ++i) {
    const auto other = find(static_cast<cudnnBackendDescriptor_t*>(values)[i]);
    const emulation::Descriptor& given_out = *attribute.references[static_cast<std::size_t>(i)];
    if (!other || other->type != given_out.type) {
      return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "descriptors of the attribute's type");
    }
    *other = given_out;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const auto what = find(plan);
  const auto with = find(pack);
  if (!what || !with || !what->finalized || !with->finalized) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a finalized plan and variant pack");
  }
  return emulation::execute(handle, *what, *with);
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
