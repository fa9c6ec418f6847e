#include "kernels/nn/cudnn_convolution.h"

#include <algorithm>
#include <limits>

#include "kernels/device/error.h"

namespace serenade::cuda::cudnn {
namespace {

/// Names of tensors in a graph.
constexpr Index x_id = 1, w_id = 2, y_id = 3, bias_id = 4, sum_id = 5;

/// [outer, inner] with everything of one item packed: (outer, channels, 1, steps), channels last.
TensorLayout channels_last(Index items, Index steps, Index channels) {
  return {{items, channels, 1, steps}, {steps * channels, 1, steps * channels, channels}};
}

Index extent_of(const TensorLayout& layout) {
  Index last = 0;
  for (std::size_t axis = 0; axis < 4; ++axis) {
    last += (layout.extents[axis] - 1) * layout.strides[axis];
  }
  return last + 1;
}

Descriptor tensor(Index id, const TensorLayout& layout, Index alignment, bool is_virtual = false) {
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  made.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::span<const Index>(layout.extents));
  made.set(CUDNN_ATTR_TENSOR_STRIDES, std::span<const Index>(layout.strides));
  made.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  made.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
  if (is_virtual) made.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true);
  made.finalize("a tensor of a convolution");
  return made;
}

Descriptor convolution(const ConvolutionGraph& graph) {
  const auto pair = [](Index height, Index width) { return std::array<Index, 2>{height, width}; };
  const auto dilations = pair(1, graph.dilation);
  const auto strides = pair(1, graph.stride);
  const auto left = pair(0, graph.left);
  const auto right = pair(0, graph.right);
  Descriptor made(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  made.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  made.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  made.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, Index{2});
  made.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::span<const Index>(dilations));
  made.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::span<const Index>(strides));
  made.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::span<const Index>(left));
  made.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::span<const Index>(right));
  made.finalize("a convolution");
  return made;
}

/// How cuDNN names the parts of each pass' operation.
struct OperationNames {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};
OperationNames names_of(Pass pass) {
  switch (pass) {
    case Pass::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case Pass::backward_data:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case Pass::backward_weights:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
}

std::string what_of(const ConvolutionGraph& graph) { return "planning " + to_string(graph); }

Descriptor operation(const ConvolutionGraph& graph, const Descriptor& how, const Descriptor& x,
                     const Descriptor& w, const Descriptor& y) {
  const OperationNames names = names_of(graph.pass);
  Descriptor made(names.type);
  made.set(names.x, x);
  made.set(names.w, w);
  made.set(names.y, y);
  made.set(names.convolution, how);
  made.set(names.alpha, 1.0F);
  made.set(names.beta, 0.0F);
  made.finalize(what_of(graph));
  return made;
}

Descriptor addition(const Descriptor& how, const Descriptor& a, const Descriptor& b,
                    const Descriptor& sum) {
  Descriptor made(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, sum);
  made.finalize("adding the bias of a convolution");
  return made;
}

/// Engines that the heuristics name, best first by their reckoning; none where they know none.
std::vector<Descriptor> engines(const Target& target, const Descriptor& graph,
                                cudnnBackendHeurMode_t mode) {
  constexpr Index most = 64;
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (target.handle() == nullptr) {
    target.describe_to(heuristics, {}, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
  }
  if (cudnnBackendFinalize(heuristics.get()) != CUDNN_STATUS_SUCCESS) return {};
  return heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                most);
}

std::vector<std::pair<int, Index>> knobs_of(const Descriptor& configuration) {
  std::vector<std::pair<int, Index>> knobs;
  for (const Descriptor& knob :
       configuration.descriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                 CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS)) {
    knobs.emplace_back(knob.value<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE),
                       knob.value<Index>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
  }
  return knobs;
}

}  // namespace

ConvolutionGraph graph_of(Pass pass, const Convolution& c, bool bias, Index alignment) {
  const Index span = (c.kernel - 1) * c.dilation + 1;
  // Steps behind the last that the outputs look at; a convolution may also leave some out.
  const Index right = std::max<Index>(0, (c.out_time - 1) * c.stride + span - c.time - c.left);
  return {.pass = pass,
          .bias = bias,
          .x = channels_last(c.batch, c.time, c.in),
          .w = channels_last(c.out, c.kernel, c.group_in()),
          .y = channels_last(c.batch, c.out_time, c.out),
          .stride = c.stride,
          .dilation = c.dilation,
          .left = c.left,
          .right = right,
          .alignment = alignment};
}

std::string to_string(const ConvolutionGraph& graph) {
  const auto shape = [](const TensorLayout& layout) {
    return serenade::to_string(Shape{layout.extents[0], layout.extents[3], layout.extents[1]});
  };
  std::string text = graph.pass == Pass::forward         ? "conv1d"
                     : graph.pass == Pass::backward_data ? "conv1d_backward_data"
                                                         : "conv1d_backward_weights";
  text += " " + shape(graph.x) + " to " + shape(graph.y) + ", kernel " +
          std::to_string(graph.w.extents[3]);
  if (graph.stride > 1) text += ", stride " + std::to_string(graph.stride);
  if (graph.dilation > 1) text += ", dilation " + std::to_string(graph.dilation);
  const Index groups = graph.x.extents[1] / std::max<Index>(graph.w.extents[1], 1);
  if (groups > 1) text += ", groups " + std::to_string(groups);
  if (graph.bias) text += ", bias";
  return text;
}

bool allows(const Rules& rules, cudnnBackendNumericalNote_t note) {
  switch (note) {
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
      return rules.tf32;
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      return !rules.reproducible;
    case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
      return true;
    default:
      // Also what later versions may note.
      return false;
  }
}

std::string_view name_of(cudnnBackendNumericalNote_t note) {
  constexpr auto names = std::to_array<std::string_view>(
      {"TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "FFT",
       "NONDETERMINISTIC", "WINOGRAD", "WINOGRAD_TILE_4x4", "WINOGRAD_TILE_6x6",
       "WINOGRAD_TILE_13x13", "STRICT_NAN_PROP"});
  const auto number = static_cast<std::size_t>(note);
  return number < names.size() ? names[number] : "unknown note";
}

Target::Target(const std::string& properties) {
  Descriptor& made = properties_.emplace_back(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  made.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::span<const char>(properties));
  made.finalize("reading a GPU's properties");
}

void Target::describe_to(Descriptor& descriptor, cudnnBackendAttributeName_t handle_name,
                         cudnnBackendAttributeName_t properties_name) const {
  if (handle_ != nullptr) {
    descriptor.set(handle_name, handle_);
  } else {
    descriptor.set(properties_name, properties_.front());
  }
}

/// Finds a plan for a graph, engine by engine.
struct Planner {
  const Target& target;
  const ConvolutionGraph& graph;
  const Rules& rules;
  int passed_over = 0;
  int refused = 0;  // for their notes
  int failed = 0;   // the library could not make a plan of them after all
  int too_large = 0;

  /// Null where this engine may not be taken or does not come to a plan.
  std::unique_ptr<Descriptor> finish(const Descriptor& configuration, Plan::Choice& choice) {
    const std::vector<Descriptor> found =
        configuration.descriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
    if (found.empty()) return nullptr;
    const Descriptor& engine = found.front();
    choice.notes = engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                              CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto behaviour = engine.values<cudnnBackendBehaviorNote_t>(
        CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
    const bool allowed =
        std::ranges::all_of(choice.notes, [&](auto note) { return allows(rules, note); }) &&
        std::ranges::count(behaviour, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) == 0;
    if (!allowed) {
      ++refused;
      return nullptr;
    }
    auto plan = std::make_unique<Descriptor>(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan->set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    target.describe_to(*plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                       CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    if (cudnnBackendFinalize(plan->get()) != CUDNN_STATUS_SUCCESS) {
      ++failed;
      return nullptr;
    }
    choice.workspace =
        static_cast<std::size_t>(plan->value<Index>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
    if (choice.workspace > rules.most_workspace) {
      ++too_large;
      return nullptr;
    }
    choice.engine = engine.value<Index>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    choice.knobs = knobs_of(configuration);
    return plan;
  }

  Planned make() {
    // cuDNN's engines count in 32 bits.
    for (const TensorLayout* layout : {&graph.x, &graph.w, &graph.y}) {
      if (extent_of(*layout) > std::numeric_limits<std::int32_t>::max()) {
        return {nullptr, "more than 2^31 numbers"};
      }
    }
    auto plan = std::make_unique<Plan>();
    plan->bias_ = graph.bias;
    std::vector<Descriptor>& tensors = plan->tensors_;
    std::vector<Descriptor>& others = plan->others_;
    tensors.push_back(tensor(x_id, graph.x, graph.alignment));
    tensors.push_back(tensor(w_id, graph.w, graph.alignment));
    tensors.push_back(tensor(y_id, graph.y, graph.alignment));
    if (graph.bias) {
      tensors.push_back(tensor(bias_id, channels_last(1, 1, graph.y.extents[1]), graph.alignment));
      tensors.push_back(tensor(sum_id, graph.y, graph.alignment, true));
    }
    std::vector<Descriptor> operations;
    others.push_back(convolution(graph));
    operations.push_back(
        operation(graph, others.back(), tensors[0], tensors[1], tensors[graph.bias ? 4 : 2]));
    if (graph.bias) {
      Descriptor& add = others.emplace_back(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
      add.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_ADD);
      add.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
      add.finalize("an addition");
      operations.push_back(addition(add, tensors[4], tensors[3], tensors[2]));
    }
    std::vector<cudnnBackendDescriptor_t> handles;
    handles.reserve(operations.size());
    for (const Descriptor& one : operations) handles.push_back(one.get());
    Descriptor whole(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    whole.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::span<const cudnnBackendDescriptor_t>(handles));
    if (target.handle() != nullptr) {
      target.describe_to(whole, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, {});
    }
    whole.finalize(what_of(graph));
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      for (const Descriptor& configuration : engines(target, whole, mode)) {
        plan->plan_ = finish(configuration, plan->choice_);
        if (!plan->plan_ || passed_over-- > 0) continue;
        for (Descriptor& one : operations) others.push_back(std::move(one));
        others.push_back(std::move(whole));
        return {std::move(plan), ""};
      }
    }
    return {nullptr, "no engine: " + std::to_string(refused) + " refused for their notes, " +
                         std::to_string(failed) + " not to be planned, " +
                         std::to_string(too_large) + " with too large a workspace"};
  }
};

Planned make_plan(const Target& target, const ConvolutionGraph& graph, const Rules& rules,
                  int passed_over) {
  return Planner{target, graph, rules, passed_over}.make();
}

TensorLayout Plan::layout(std::size_t tensor) const {
  TensorLayout found;
  const auto extents = tensors_[tensor].values<Index>(CUDNN_ATTR_TENSOR_DIMENSIONS, 4);
  const auto strides = tensors_[tensor].values<Index>(CUDNN_ATTR_TENSOR_STRIDES, 4);
  std::ranges::copy(extents, found.extents.begin());
  std::ranges::copy(strides, found.strides.begin());
  return found;
}

void Plan::execute(cudnnHandle_t handle, const Pointers& pointers, void* workspace) const {
  const std::array<Index, 4> ids{x_id, w_id, y_id, bias_id};
  const std::array<void*, 4> data{pointers.x, pointers.w, pointers.y, pointers.bias};
  const std::size_t count = bias_ ? 4 : 3;
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<const Index>(ids).first(count));
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                    std::span<void* const>(data).first(count));
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::span<void* const>(&workspace, 1));
  pack.finalize("pointers of a convolution");
  check(cudnnBackendExecute(handle, plan_->get(), pack.get()), "running a convolution");
}

std::string to_string(const Plan::Choice& choice) {
  std::string text = "engine " + std::to_string(choice.engine);
  if (!choice.knobs.empty()) {
    text += ", knobs";
    for (const auto& [type, value] : choice.knobs) {
      text += " " + std::to_string(type) + "=" + std::to_string(value);
    }
  }
  if (!choice.notes.empty()) {
    text += ", notes";
    for (const auto note : choice.notes) text += " " + std::string(name_of(note));
  }
  return text + ", " + std::to_string(choice.workspace) + " bytes of workspace";
}

}  // namespace serenade::cuda::cudnn
