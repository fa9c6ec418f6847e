#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/device/error.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using test::bits;
using test::member_of;

const char* const options_text =
    "batch_size: 16\n"
    "optimizer: {name: adamw, learning_rate: 0.02}\n"
    "schedule: {name: reduce_on_plateau, patience: 1, min_delta: 0.1, cooldown: 1, "
    "factor: 0.5}\n"
    "early_stopping: {monitor: val_uar, patience: 30}\n";

TrainingOptions options_of(int epochs) {
  return test::training_options(options_text + ("epochs: " + std::to_string(epochs)) + "\n");
}

class Checkpoint : public testing::Test {
 protected:
  ModelDescription description() const { return {"name: toy\n", "{}", "key", data_.labels()}; }

  void train(Member& member, const TrainerHooks& hooks = {}) {
    Context context(2);
    Observer observer;
    Trainer(context, data_, observer).train({&member, 1}, hooks);
  }

  static std::string history_of(const Member& member) {
    std::vector<EpochRecord> history = member.history();
    for (EpochRecord& record : history) record.seconds = 0;
    return history_csv(history);
  }

  test::Toy toy_ = test::waves(75);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(75);
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "last.safetensors";
};

TEST_F(Checkpoint, LetsATrainingGoOnAsIfNeverInterrupted) {
  Member straight = member_of(data_, fold_, options_of(10));
  train(straight);
  ASSERT_NE(straight.history().front().learning_rate, straight.history().back().learning_rate)
      << "the schedule did nothing: its state is not tested";
  for (const int cut : {1, 4, 7, 10}) {
    Member first = member_of(data_, fold_, options_of(cut));
    TrainerHooks hooks;
    hooks.on_epoch = [&](const Member& member, const EpochRecord& record) {
      if (record.epoch == cut) save_model(path_, member.checkpoint(description()));
    };
    train(first, hooks);

    Member second = member_of(data_, fold_, options_of(10));
    second.restore(load_model(path_));
    EXPECT_EQ(second.history().size(), static_cast<std::size_t>(cut));
    EXPECT_EQ(second.kept_epoch(), first.kept_epoch());
    EXPECT_TRUE(bits(second.kept_weights()) == bits(first.kept_weights()));
    train(second);
    EXPECT_EQ(history_of(second), history_of(straight)) << cut;
    EXPECT_TRUE(bits(second.network()) == bits(straight.network())) << cut;
    EXPECT_EQ(second.kept_epoch(), straight.kept_epoch());
  }
}

/// Interrupted in the middle of a plan: with a schedule that aims for the last epoch, a shorter
/// plan would be another training.
TEST_F(Checkpoint, HoldsVelocityAverageAndPlaceInTheSchedule) {
  for (const char* const schedule : {"one_cycle", "cosine"}) {
    const TrainingOptions options = test::training_options(
        std::string("{epochs: 4, batch_size: 16, ema: 0.9, l2: 0.001, clip_norm: 1, "
                    "optimizer: {name: sgd, momentum: 0.9, nesterov: true, learning_rate: 0.1}, "
                    "schedule: {warmup_steps: 4, name: ") +
        schedule + "}}");
    Member straight = member_of(data_, fold_, options);
    train(straight);
    struct Interruption {};
    Member first = member_of(data_, fold_, options);
    TrainerHooks hooks;
    hooks.on_epoch = [&](const Member& member, const EpochRecord& record) {
      save_model(path_, member.checkpoint(description()));
      if (record.epoch == 2) throw Interruption{};
    };
    EXPECT_THROW(train(first, hooks), Interruption);

    const ModelFile file = load_model(path_);
    EXPECT_FALSE(bits(file.weights) == bits(first.kept_weights())) << "the average does nothing";
    Member second = member_of(data_, fold_, options);
    second.restore(file);
    train(second);
    EXPECT_EQ(history_of(second), history_of(straight));
    EXPECT_TRUE(bits(second.network()) == bits(straight.network()));

    TrainingOptions longer = options;
    longer.epochs = 5;
    Member other = member_of(data_, fold_, longer);
    EXPECT_THROW(other.restore(file), DataError);
    for (const char* name : {"training.average.output.bias", "training.first_moment.output.bias",
                             "training.average.layers.1.batch_norm.running_mean"}) {
      ModelFile incomplete = load_model(path_);
      ASSERT_EQ(incomplete.training.tensors.erase(name), 1U) << name;
      Member again = member_of(data_, fold_, options);
      EXPECT_THROW(again.restore(incomplete), DataError) << name;
    }
  }
}

TEST_F(Checkpoint, IsAModelToo) {
  Member member = member_of(data_, fold_, options_of(2));
  train(member);
  save_model(path_, member.checkpoint(description()));
  const ModelFile file = load_model(path_);
  EXPECT_EQ(file.description.labels, data_.labels());
  EXPECT_TRUE(bits(file.network()) == bits(file.weights));
}

TEST_F(Checkpoint, RemembersThatATrainingStopped) {
  TrainingOptions options = options_of(50);
  options.early_stopping = EarlyStoppingOptions{Monitor::val_loss, 2, 10};
  Member member = member_of(data_, fold_, options);
  train(member);
  ASSERT_TRUE(member.stopped_early());
  save_model(path_, member.checkpoint(description()));
  Member again = member_of(data_, fold_, options);
  again.restore(load_model(path_));
  EXPECT_TRUE(again.finished());
  EXPECT_EQ(again.history().size(), 3U);
}

TEST_F(Checkpoint, OfAnotherTrainingIsRefused) {
  Member member = member_of(data_, fold_, options_of(2));
  train(member);
  ModelFile file = member.checkpoint(description());
  const auto refused = [&](Member other) {
    const std::string before = bits(other.network());
    EXPECT_THROW(other.restore(file), DataError);
    EXPECT_TRUE(bits(other.network()) == before);
    EXPECT_TRUE(other.history().empty());
  };
  TrainingOptions smaller = options_of(2);
  smaller.batch_size = 8;
  refused(member_of(data_, fold_, smaller));
  refused(member_of(data_, fold_, options_of(2), 9));
  refused(member_of(data_, Fold("fold", {0, 1, 2}, {3}, {}), options_of(2)));
  refused(member_of(data_, Fold("fold", {0, 1, 2}, {4}, {}), options_of(2)));

  Member same = member_of(data_, fold_, options_of(2));
  EXPECT_THROW(same.restore(member.model_file(description())), DataError);
  for (const char* name : {"training.history", "training.progress", "training.schedule",
                           "training.best", "training.early_stopping", "training.kept.output.bias",
                           "training.first_moment.output.kernel"}) {
    ModelFile incomplete = member.checkpoint(description());
    ASSERT_EQ(incomplete.training.tensors.erase(name), 1U) << name;
    EXPECT_THROW(same.restore(incomplete), DataError) << name;
    EXPECT_TRUE(same.history().empty());
  }
  ModelFile odd = member.checkpoint(description());
  std::get<Array<double>>(odd.training.tensors.at("training.schedule"))[2] = -1.5;
  EXPECT_THROW(same.restore(odd), DataError);
  for (const double epoch : {2.0, 1e300, -1.0, std::nan("")}) {
    odd = member.checkpoint(description());
    std::get<Array<double>>(odd.training.tensors.at("training.history"))[0] = epoch;
    EXPECT_THROW(same.restore(odd), DataError) << epoch;
  }
  for (const auto& [index, number] : {std::pair{0, -1}, {0, 7}, {1, 3}, {1, -1}}) {
    odd = member.checkpoint(description());
    std::get<Array<std::int64_t>>(odd.training.tensors.at("training.progress"))[index] = number;
    EXPECT_THROW(same.restore(odd), DataError) << index << ' ' << number;
  }
  EXPECT_TRUE(same.history().empty());
  same.restore(file);
  EXPECT_EQ(same.history().size(), 2U);
}

TEST(History, IsWrittenAsCsv) {
  EpochRecord first{1, 1.5, 0.25, 0.2, 1.25, 0.5, 0.4, 0.001, 0.12345};
  EpochRecord second = first;
  second.epoch = 2;
  second.val_loss.reset();
  second.val_accuracy.reset();
  second.val_uar.reset();
  EXPECT_EQ(history_csv(std::vector{first, second}),
            "epoch,loss,accuracy,uar,val_loss,val_accuracy,val_uar,learning_rate,seconds\n"
            "1,1.5,0.25,0.2,1.25,0.5,0.4,0.001,0.123\n"
            "2,1.5,0.25,0.2,,,,0.001,0.123\n");
  EXPECT_EQ(describe(first, 9),
            "epoch 1/9  loss 1.5000  accuracy 0.250  val_loss 1.2500  val_accuracy 0.500");
  EXPECT_EQ(describe(second, 9), "epoch 2/9  loss 1.5000  accuracy 0.250");
  EXPECT_THROW(second.value(Monitor::val_uar), ConfigError);
  EXPECT_EQ(first.value(Monitor::val_uar), 0.4);
}

}  // namespace
}  // namespace serenade
