#include "pipeline/training/epoch_average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/device/error.h"
#include "kernels/nn/conv1d.h"
#include "pipeline/training/batches.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using test::bits;
using test::member_of;
using test::training_options;

constexpr int clips = 40;

TrainingOptions averaged(int batch_size = 10) {
  return training_options("{epochs: 6, batch_size: " + std::to_string(batch_size) +
                          ", checkpoint: {keep: last}, swa: {start: 0.5}, "
                          "optimizer: {learning_rate: 0.02}}");
}

class Averaged : public testing::Test {
 protected:
  Member trained(const TrainingOptions& options, int threads = 1, const TrainerHooks& hooks = {}) {
    Member member = member_of(data_, fold_, options);
    train(member, threads, hooks);
    return member;
  }
  void train(Member& member, int threads = 1, const TrainerHooks& hooks = {}) {
    Context context(threads);
    Observer observer;
    Trainer(context, data_, observer).train({&member, 1}, hooks);
  }

  test::Toy toy_ = test::waves(clips);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(clips);
  ModelDescription description_{"name: toy\n", "{}", "key", data_.labels()};
};

TEST(EpochAverage, BeginsAfterItsShareOfTheEpochs) {
  const Network network(test::toy_model(), {20, 4}, 3, 1);
  const auto first = [&](double start, int epochs) {
    return EpochAverage({start}, epochs, network).first();
  };
  EXPECT_EQ(first(0.75, 100), 76);
  EXPECT_EQ(first(0.29, 100), 30);
  EXPECT_EQ(first(0, 5), 1);
  EXPECT_EQ(first(0.9, 5), 5);
  EXPECT_EQ(first(0.999999, 5), 5);
  EXPECT_EQ(first(0.999999, 1000000), 1000000);
  EXPECT_EQ(first(0.75, 1), 1);
}

/// Epochs 4, 5 and 6 of 6.
TEST_F(Averaged, KeepsTheMeanOfTheLastEpochsWeights) {
  std::vector<Weights> ends;
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& member, const EpochRecord&) {
    ends.push_back(member.checkpoint(description_).weights);
  };
  Member member = trained(averaged(), 1, hooks);
  ASSERT_EQ(ends.size(), 6U);
  EXPECT_EQ(member.kept_epoch(), 6);
  EXPECT_TRUE(bits(member.network()) == bits(member.kept_weights()));
  for (const Parameter& parameter : member.network().parameters()) {
    double moved = 0;
    for (Index i = 0; i < parameter.value.size(); ++i) {
      double mean = 0;
      for (std::size_t e = 3; e < 6; ++e) mean += double{ends[e].at(parameter.name)[i]} / 3;
      // rounded to float32 three times
      ASSERT_NEAR(parameter.value.data()[i], mean, 4e-7 * std::max(1.0, std::abs(mean)))
          << parameter.name;
      moved = std::max(moved, std::abs(mean - double{ends[5].at(parameter.name)[i]}));
    }
    EXPECT_GT(moved, 1e-5) << parameter.name << ": the last weights would do as well";
  }

  // Averaging changes nothing of the training itself.
  TrainingOptions plain = averaged();
  plain.swa.reset();
  Member other = trained(plain);
  EXPECT_TRUE(bits(other.network()) == bits(ends[5]));
  for (std::size_t e = 0; e < 6; ++e) {
    EXPECT_EQ(other.history()[e].loss, member.history()[e].loss);
    EXPECT_EQ(*other.history()[e].val_loss == *member.history()[e].val_loss, e < 5) << e;
  }
}

/// The first layer's statistics hang on no other: its input's are those of the training part,
/// whatever the batches; variances within batches are all there is where there is one batch.
TEST_F(Averaged, EstimatesStatisticsOverTheTrainingPart) {
  for (const int batch_size : {10, 64}) {
    Member member = trained(averaged(batch_size));
    Context context;
    Batch batch;
    const auto training = fold_.training().indices();
    gather(context, data_, member.input(), training, batch);
    const auto& parameters = member.network().parameters();
    Array<float> y({static_cast<Index>(training.size()), 20, 8});
    conv1d(context, {.filters = 8, .kernel_size = 5}, batch.x.view(), parameters[0].value,
           parameters[1].value, y.view());
    const Index places = y.size() / 8;
    const auto rows = static_cast<double>(places);
    for (Index c = 0; c < 8; ++c) {
      double mean = 0, square = 0;
      for (Index i = c; i < y.size(); i += 8) mean += double{y[i]} / rows;
      for (Index i = c; i < y.size(); i += 8) square += std::pow(double{y[i]} - mean, 2) / rows;
      const auto state = member.network().state();
      ASSERT_TRUE(state[0].name.ends_with("running_mean"));
      EXPECT_NEAR(state[0].value.data()[c], mean, 1e-5) << batch_size;
      const double variance = state[1].value.data()[c];
      EXPECT_NEAR(variance, square, (batch_size == 64 ? 1e-5 : 0.2) * std::max(1.0, square));
    }
  }
}

TEST_F(Averaged, ValidatesWhatItKeeps) {
  Member member = trained(averaged());
  Context context;
  std::vector<Tensor<const float>> features;
  int right = 0;
  for (const std::size_t row : member.validation()) features.push_back(data_.features(row));
  const Prediction prediction = predict(context, member.network(), member.input(), features);
  double loss = 0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto row = prediction.probabilities.view().row(static_cast<Index>(i)).span();
    const int label = data_.label(member.validation()[i]);
    right += most_likely(row) == label ? 1 : 0;
    loss -= std::log(double{row[static_cast<std::size_t>(label)]});
  }
  const auto count = static_cast<double>(features.size());
  EXPECT_EQ(member.history().back().val_accuracy, right / count);
  EXPECT_NEAR(*member.history().back().val_loss, loss / count, 1e-5);
}

TEST_F(Averaged, HasTheSameBitsOnAnyThreadsAndBesideOthers) {
  const std::string alone = bits(trained(averaged()).network());
  EXPECT_TRUE(bits(trained(averaged(), 3).network()) == alone);
  std::vector<Member> members;
  members.push_back(member_of(data_, fold_, averaged(), 2, "other"));
  members.push_back(member_of(data_, fold_, averaged()));
  Context context(2);
  Observer observer;
  Trainer(context, data_, observer).train(members);
  EXPECT_TRUE(bits(members[1].network()) == alone);
  EXPECT_FALSE(bits(members[0].network()) == alone);
}

TEST_F(Averaged, GoesOnAsIfNeverInterrupted) {
  const std::string straight = bits(trained(averaged()).network());
  const test::TemporaryFolder folder;
  const auto path = folder / "last.safetensors";
  for (const int cut : {2, 3, 5, 6}) {
    struct Interruption {};
    Member first = member_of(data_, fold_, averaged());
    TrainerHooks hooks;
    hooks.on_epoch = [&](const Member& member, const EpochRecord& record) {
      save_model(path, member.checkpoint(description_));
      if (record.epoch == cut) throw Interruption{};
    };
    EXPECT_THROW(train(first, 1, hooks), Interruption);
    Member second = member_of(data_, fold_, averaged());
    second.restore(load_model(path));
    train(second);
    EXPECT_TRUE(bits(second.network()) == straight) << cut;
  }
  // The average of a longer training begins elsewhere.
  TrainingOptions longer = averaged();
  longer.epochs = 7;
  Member other = member_of(data_, fold_, longer);
  EXPECT_THROW(other.restore(load_model(path)), DataError);
  ModelFile incomplete = load_model(path);
  ASSERT_EQ(incomplete.training.tensors.erase("training.epoch_average.output.bias"), 1U);
  Member again = member_of(data_, fold_, averaged());
  EXPECT_THROW(again.restore(incomplete), DataError);
}

}  // namespace
}  // namespace serenade
