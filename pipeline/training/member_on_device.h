#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/device/packed_copies.h"
#include "pipeline/model/network.h"
#include "pipeline/training/weight_update.h"

namespace serenade {

/// A member's network and state where it trains: on the CPU they themselves, on a GPU copies of
/// them, which are brought back after every epoch. So all that reads a member (checkpoints, hooks,
/// averages) is the host's.
class MemberOnDevice {
 public:
  MemberOnDevice(Context& context, Network& network, WeightState& state)
      : context_(context), network_(network), state_(state), copies_(context.device()) {
    if (context.device() == Device::cpu) return;
    there_.emplace(network.on(context));
    state_there_.emplace(state.on(context));
  }

  Network& network() { return there_ ? *there_ : network_; }
  WeightState& state() { return state_there_ ? *state_there_ : state_; }

  /// The member gets what training made of its network and state.
  void bring_back() {
    if (!there_) return;
    add_weights(*there_, network_);
    const auto add_all = [&](const std::vector<Array<float>>& from, std::vector<Array<float>>& to) {
      for (std::size_t i = 0; i < to.size(); ++i) copies_.add(from.at(i).view(), to[i].view());
    };
    add_all(state_there_->first_moments, state_.first_moments);
    add_all(state_there_->second_moments, state_.second_moments);
    add_all(state_there_->average, state_.average);
    copies_.run(context_);
  }
  /// The network on the device gets the weights that the member's holds now.
  void send_weights() {
    if (!there_) return;
    add_weights(network_, *there_);
    copies_.run(context_);
  }

 private:
  void add_weights(const Network& from, Network& to) {
    for (std::size_t i = 0; i < to.parameters().size(); ++i) {
      copies_.add(from.parameters().at(i).value, to.parameters()[i].value);
    }
    for (std::size_t i = 0; i < to.state().size(); ++i) {
      copies_.add(from.state().at(i).value, to.state()[i].value);
    }
  }

  Context& context_;
  Network& network_;
  WeightState& state_;
  std::optional<Network> there_;
  std::optional<WeightState> state_there_;
  PackedCopies copies_;
};

}  // namespace serenade
