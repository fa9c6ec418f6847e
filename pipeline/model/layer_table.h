#pragma once

#include <cstddef>
#include <tuple>
#include <variant>

#include "pipeline/model/layers/activation.h"
#include "pipeline/model/layers/attention_pool.h"
#include "pipeline/model/layers/batch_norm.h"
#include "pipeline/model/layers/channel_dropout.h"
#include "pipeline/model/layers/conv1d.h"
#include "pipeline/model/layers/dense.h"
#include "pipeline/model/layers/dropout.h"
#include "pipeline/model/layers/flatten.h"
#include "pipeline/model/layers/layer_norm.h"
#include "pipeline/model/layers/pool.h"
#include "pipeline/model/layers/relu.h"
#include "pipeline/model/layers/residual.h"
#include "pipeline/model/layers/squeeze_excitation.h"
#include "pipeline/model/layers/temporal_stack.h"

namespace serenade {

/// Every layer there is. Names in YAML, options, their canonical text and the making of a network
/// follow from this list: each type has `Options`, `name`, a constructor from
/// (const Options&, const LayerSite&) and, with layers inside it, `inner_numbers`.
using LayerTable = std::tuple<     //
    Conv1dLayer,                   //
    BatchNormLayer,                //
    LayerNormLayer,                //
    ReluLayer,                     //
    LeakyReluLayer,                //
    EluLayer,                      //
    GeluLayer,                     //
    SiluLayer,                     //
    MaxPoolLayer,                  //
    AveragePoolLayer,              //
    GlobalAveragePoolLayer,        //
    GlobalMaxPoolLayer,            //
    GlobalStatisticsPoolLayer,     //
    AttentionPoolLayer,            //
    AttentiveStatisticsPoolLayer,  //
    SqueezeExcitationLayer,        //
    ResidualLayer,                 //
    TemporalStackLayer,            //
    FlattenLayer,                  //
    DropoutLayer,                  //
    ChannelDropoutLayer,           //
    DenseLayer>;

namespace detail {
template <class Table>
struct OptionsOf;
template <class... Layers>
struct OptionsOf<std::tuple<Layers...>> {
  using type = std::variant<typename Layers::Options...>;
};
}  // namespace detail

/// Calls body.operator()<Layer>() for every layer of the table, in its order.
template <std::size_t I = 0, class Body>
void for_each_layer(const Body& body) {
  if constexpr (I < std::tuple_size_v<LayerTable>) {
    body.template operator()<std::tuple_element_t<I, LayerTable>>();
    for_each_layer<I + 1>(body);
  }
}

/// The options of any one layer.
using LayerOptions = detail::OptionsOf<LayerTable>::type;

}  // namespace serenade
