#pragma once

#include <optional>

#include "pipeline/model/network.h"
#include "pipeline/training/weight_update.h"

namespace serenade {

/// A member's network and state where it trains: on the CPU they themselves, on a GPU copies of
/// them, which are brought back after every epoch. So all that reads a member (checkpoints, hooks,
/// averages) is the host's.
class MemberOnDevice {
 public:
  MemberOnDevice(Context& context, Network& network, WeightState& state)
      : context_(context), network_(network), state_(state) {
    if (context.device() == Device::cpu) return;
    there_.emplace(network.on(context));
    state_there_.emplace(state.on(context));
  }

  Network& network() { return there_ ? *there_ : network_; }
  WeightState& state() { return state_there_ ? *state_there_ : state_; }

  /// The member gets what training made of its network and state.
  void bring_back() {
    if (!there_) return;
    network_.take_weights(context_, *there_);
    state_.take(context_, *state_there_);
  }
  /// The network on the device gets the weights that the member's holds now.
  void send_weights() {
    if (there_) there_->take_weights(context_, network_);
  }

 private:
  Context& context_;
  Network& network_;
  WeightState& state_;
  std::optional<Network> there_;
  std::optional<WeightState> state_there_;
};

}  // namespace serenade
