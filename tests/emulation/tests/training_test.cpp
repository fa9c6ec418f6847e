// Training where something of the GPU is not to be had, on the emulated one: it goes on, with the
// same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/nn/backend.h"
#include "pipeline/training/member_on_device.h"
#include "pipeline/training/resident_data.h"
#include "pipeline/training/trainer.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"
#include "tests/pipeline/training/toy_member.h"

namespace serenade::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Index long_clip = 60'000;

class Ear : public Observer {
 public:
  struct Interruption {};
  void advance(Index done, double, std::string_view) override {
    if (interrupted_after > 0 && done >= interrupted_after) {
      emulation::take_memory_use();
      throw Interruption{};
    }
  }
  void warn(std::string_view line) override { warnings.emplace_back(line); }

  std::vector<std::string> warnings;
  Index interrupted_after = 0;
};

class EmulatedTraining : public ::testing::Test {
 protected:
  void TearDown() override {
    emulation::machine() = {};
    EXPECT_EQ(emulation::take_faults(), "");
  }

  static std::string all_of(Member& member) {
    std::string text = bits(member.network()) + bits(member.kept_weights());
    for (const EpochRecord& r : member.history()) {
      text += shortest(r.loss) + " " + shortest(r.val_loss.value_or(0)) + " ";
    }
    return text + std::to_string(member.kept_epoch());
  }
  std::string trained(const DataSet& data, std::size_t device_memory = 0) {
    Member one = member_of(data, fold_, options_);
    Context context(Device::cuda, 2);
    Trainer(context, data, ear_, device_memory).train({&one, 1});
    return all_of(one);
  }

  Toy toy_ = waves(50);
  DataSet data_ = toy_.data();
  Fold fold_ = fold_of(50);
  TrainingOptions options_ = training_options("{batch_size: 8, epochs: 3}");
  Ear ear_;
};

TEST_F(EmulatedTraining, GoesOnWithoutAGraphWhereAStepIsNotCaptured) {
  const std::string wanted = trained(data_);
  EXPECT_THAT(ear_.warnings, IsEmpty());
  for (const std::size_t device_memory : {std::size_t{0}, std::size_t{1000}}) {
    // At once, in the midst of the step, at its end.
    for (const int before : {0, 7, 1'000'000}) {
      emulation::machine().spoilt_captures = 2;
      emulation::machine().works_before = before;
      EXPECT_TRUE(trained(data_, device_memory) == wanted) << before;
      EXPECT_THAT(ear_.warnings,
                  ElementsAre(HasSubstr("a training step was not captured as a CUDA Graph")));
      EXPECT_EQ(emulation::machine().spoilt_captures, 1) << "it was tried again";
      ear_.warnings.clear();
    }
  }
}

TEST_F(EmulatedTraining, OfMembersTogetherSaysWhatWasNotCaptured) {
  std::vector<Member> members;
  for (const std::uint64_t seed : {5U, 6U}) {
    members.push_back(member_of(data_, fold_, options_, seed));
  }
  emulation::machine().spoilt_captures = 1;
  Context context(Device::cuda, 2);
  Trainer(context, data_, ear_).train(members);
  EXPECT_THAT(ear_.warnings, ElementsAre(HasSubstr("was not captured as a CUDA Graph")));
}

/// The middle of clips that are a thousand times longer: what a batch takes of them is little.
TEST_F(EmulatedTraining, SendsBatchByBatchADataSetThatTheGpuRefuses) {
  Toy toy;
  for (int clip = 0; clip < 15; ++clip) {
    Array<float> x({long_clip, 4});
    for (Index i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>((i * 7919 + clip * 31) % 1000) / 500 - 1;
    }
    toy.add(toy.corpus().labels[static_cast<std::size_t>(clip % 3)], std::move(x));
  }
  const DataSet data = toy.data();
  std::vector<std::size_t> training(10);
  for (std::size_t i = 0; i < training.size(); ++i) training[i] = i;
  fold_ = Fold("fold", training, {}, {10});
  options_ = training_options("{batch_size: 2, epochs: 2, checkpoint: {keep: last}}");
  emulation::take_memory_use();
  const std::string wanted = trained(data);
  const emulation::MemoryUse resident = emulation::take_memory_use();
  EXPECT_GT(resident.most, ResidentData::bytes(data));
  EXPECT_EQ(resident.refusals, 0);
  emulation::machine().device.memory =
      emulation::bytes_in_use() + ResidentData::bytes(data) / 3 * 2;
  EXPECT_TRUE(trained(data, std::size_t{1} << 30U) == wanted);
  const emulation::MemoryUse streamed = emulation::take_memory_use();
  EXPECT_EQ(streamed.refusals, 1);
  EXPECT_LT(streamed.most, ResidentData::bytes(data) / 2);
}

/// CUDA would wait in each of the frees; the trainer waits before the first of them.
TEST_F(EmulatedTraining, FreesNothingThatQueuedWorkUses) {
  for (const std::size_t device_memory : {std::size_t{0}, std::size_t{1000}}) {
    Member one = member_of(data_, fold_, options_);
    Context context(Device::cuda);
    ear_.interrupted_after = 3;
    EXPECT_THROW(Trainer(context, data_, ear_, device_memory).train({&one, 1}), Ear::Interruption);
    EXPECT_EQ(emulation::take_memory_use().early_frees, 0);
  }
}

TEST_F(EmulatedTraining, PredictsFromAResidentDataSetWithoutSendingItAnew) {
  Member one = member_of(data_, fold_, options_);
  Context context(Device::cuda);
  const ResidentData resident(context, data_);
  for (const Index frames : {20, 5}) {  // one window a clip, several
    const NetworkInput input(InputLayout::frames, one.input().scaler(), frames);
    Network network(toy_model(), input.shape(), data_.classes(), 1);
    Network used = network.on(context);
    Batches batches(context, data_, input, options_, {}, &resident, {}, 1);
    std::vector<Tensor<const float>> features;
    const std::vector<std::size_t> rows{40, 3, 17, 3, 49, 0};
    for (const std::size_t row : rows) features.push_back(data_.features(row));
    emulation::take_traffic();
    const Prediction sent = predict(context, used, input, features);
    const emulation::Traffic before = emulation::take_traffic();
    const Prediction found = predict(context, used, input, batches.clips(rows));
    const emulation::Traffic after = emulation::take_traffic();
    EXPECT_TRUE(
        std::ranges::equal(std::as_bytes(sent.logits.span()), std::as_bytes(found.logits.span())));
    EXPECT_LT(after.sent, before.sent / 4) << frames;
    // Two tables, and the logits at the end.
    EXPECT_LE(after.waits, 3);
  }
}

TEST_F(EmulatedTraining, ValidatesWithoutSendingTheClipsOfEveryEpoch) {
  const auto sent = [&](const std::string& epochs) {
    options_ = training_options("{batch_size: 8, epochs: " + epochs + "}");
    emulation::take_traffic();
    trained(data_);
    return emulation::take_traffic().sent;
  };
  const std::size_t windows = fold_.validation().size() * 20 * 4 * sizeof(float);
  EXPECT_LT(sent("5") - sent("4"), windows);
}

TEST_F(EmulatedTraining, FillsBatchesFromTheHostWithoutWaiting) {
  Member one = member_of(data_, fold_, options_);
  Context context(Device::cuda);
  Batches batches(context, data_, one.input(), options_, {1, 2, 3}, nullptr, {}, 1);
  batches.begin_epoch(fold_.training(), 1, 0);
  batches.fill(0, {});
  emulation::take_traffic();
  for (Index i = 1; i < batches.size(); ++i) batches.fill(i, {});
  const emulation::Traffic traffic = emulation::take_traffic();
  EXPECT_GT(traffic.sent, 0U);
  EXPECT_EQ(traffic.waits, 0);
}

TEST_F(EmulatedTraining, BringsAMemberBackAtOnce) {
  Member one = member_of(data_, fold_, options_);
  options_ = training_options("{ema: 0.9}");
  Context context(Device::cuda);
  WeightState state(options_, one.network());
  state.second_moments.back().fill(7);
  MemberOnDevice there(context, one.network(), state);
  const std::string weights = bits(one.network());
  for (const Parameter& parameter : one.network().parameters()) {
    std::ranges::fill(parameter.value.span(), 0.0F);
  }
  for (Array<float>& array : state.average) array.fill(0);
  state.second_moments.back().fill(0);
  emulation::take_traffic();
  there.bring_back();
  EXPECT_EQ(emulation::take_traffic().waits, 1);
  EXPECT_EQ(bits(one.network()), weights);
  EXPECT_EQ(state.second_moments.back()[0], 7);
  EXPECT_EQ(state.average.front()[0], one.network().parameters().front().value.data()[0]);
  for (const Parameter& parameter : one.network().parameters()) {
    std::ranges::fill(parameter.value.span(), 3.0F);
  }
  const std::string threes = bits(one.network());
  there.send_weights();
  EXPECT_EQ(emulation::take_traffic().waits, 1);
  there.bring_back();
  EXPECT_EQ(bits(one.network()), threes);
}

}  // namespace
}  // namespace serenade::test
