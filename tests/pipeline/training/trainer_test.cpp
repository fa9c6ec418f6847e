#include "pipeline/training/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/device/error.h"
#include "kernels/nn/gradients.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "pipeline/training/prediction.h"
#include "tests/pipeline/training/toy_member.h"

namespace serenade {
namespace {

using test::bits;
using test::member_of;
using test::training_options;

void train(const DataSet& data, Member& member, int threads = 1, const TrainerHooks& hooks = {}) {
  Context context(threads);
  Observer observer;
  Trainer(context, data, observer).train({&member, 1}, hooks);
}

double accuracy(const DataSet& data, Member& member, std::span<const std::size_t> rows) {
  Context context;
  std::vector<Tensor<const float>> features;
  for (const std::size_t row : rows) features.push_back(data.features(row));
  const Prediction prediction = predict(context, member.network(), member.input(), features);
  int right = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = prediction.probabilities.view().row(static_cast<Index>(i));
    right += most_likely(row.span()) == data.label(rows[i]) ? 1 : 0;
  }
  return right / static_cast<double>(rows.size());
}

/// Two epochs written out: order, masks, loss, step numbers and learning rate are as documented.
TEST(Trainer, TakesTheStepsItPromises) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(40);
  Member member =
      member_of(data, fold,
                training_options("{epochs: 2, batch_size: 10, checkpoint: {keep: last}, "
                                 "optimizer: {name: adamw, learning_rate: 0.02}}"));
  Member untrained = member_of(data, fold, member.options());
  Network& network = untrained.network();
  train(data, member);

  Context context;
  Array<float> losses({10}), dlogits({10, 3});
  std::vector<Array<float>> moments;
  std::vector<OptimizerSlot> slots;
  for (const Parameter& p : network.parameters()) {
    moments.emplace_back(p.value.shape()).fill(0);
    moments.emplace_back(p.value.shape()).fill(0);
  }
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    const Parameter& p = network.parameters()[i];
    slots.push_back(
        {p.value, p.gradient, moments[2 * i].view(), moments[2 * i + 1].view(), p.decay});
  }
  std::uint32_t step = 0;
  for (const std::uint32_t epoch : {1U, 2U}) {
    const auto order = shuffled(data, fold.training().indices(), 1, epoch);
    double sum = 0;
    for (std::size_t begin = 0; begin < 24; begin += 10) {
      const std::size_t size = std::min<std::size_t>(10, 24 - begin);
      Batch batch;
      gather(context, data, untrained.input(), std::span(order).subspan(begin, size), batch);
      losses.resize({static_cast<Index>(size)});
      dlogits.resize({static_cast<Index>(size), 3});
      const StepScalars scalars{step};
      const Steps steps(context, {&scalars, 1});
      const auto logits =
          network.forward(context, batch.x.view(), {steps.now(), batch.utterances.view()});
      sum +=
          static_cast<double>(size) * softmax_cross_entropy(context, logits, batch.targets.view(),
                                                            {}, losses.view(), dlogits.view());
      network.backward(context, dlogits.view());
      adamw(context, member.options().optimizer.adamw, 0.02, ++step, slots);
    }
    EXPECT_EQ(member.history()[epoch - 1].loss, sum / 24);
  }
  EXPECT_TRUE(bits(network) == bits(member.network()));
}

/// The same with every option that changes a step.
TEST(Trainer, TakesTheStepsThatOptionsAskFor) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  const Fold fold("fold", {0, 1, 2, 3, 4, 6, 9, 12, 15, 18, 21, 24}, {5, 7, 8}, {});
  Member member = member_of(
      data, fold,
      training_options("{epochs: 3, batch_size: 5, checkpoint: {keep: last}, label_smoothing: 0.1, "
                       "class_weights: balanced, l2: 0.01, clip_norm: 0.5, ema: 0.2, "
                       "optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true}, "
                       "schedule: {name: cosine, final_ratio: 0.1, warmup_epochs: 1}}"));
  Member untrained = member_of(data, fold, member.options());
  Network& network = untrained.network();
  train(data, member);

  // rows 0, 3, 6 ... of class 0, 1 and 4 of class 1, 2 of class 2
  const std::vector<std::size_t> counts{9, 2, 1};
  Context context;
  std::vector<Array<float>> velocities, averages;
  for (const Parameter& p : network.parameters()) {
    velocities.emplace_back(p.value.shape()).fill(0);
    averages.emplace_back(p.value.shape());
    std::ranges::copy(p.value.span(), averages.back().data());
  }
  std::vector<Array<float>> statistics;
  for (const State& s : network.state()) {
    statistics.emplace_back(s.value.shape());
    std::ranges::copy(s.value.span(), statistics.back().data());
  }
  const LearningRate rate(member.options().schedule, 0.1, 3, 3);
  std::uint32_t step = 0;
  bool clipped = false;
  for (const std::uint32_t epoch : {1U, 2U, 3U}) {
    const auto order = shuffled(data, fold.training().indices(), 1, epoch);
    for (std::size_t begin = 0; begin < 12; begin += 5) {
      const std::size_t size = std::min<std::size_t>(5, 12 - begin);
      Batch batch;
      gather(context, data, untrained.input(), std::span(order).subspan(begin, size), batch);
      Array<float> weights({static_cast<Index>(size)}), losses({static_cast<Index>(size)});
      Array<float> dlogits({static_cast<Index>(size), 3});
      for (std::size_t i = 0; i < size; ++i) {
        const auto label = static_cast<std::size_t>(data.label(order[begin + i]));
        weights[static_cast<Index>(i)] =
            static_cast<float>(12.0 / static_cast<double>(3 * counts[label]));
      }
      for (float& target : batch.targets.span()) {
        target = static_cast<float>(0.9 * double{target} + 0.1 / 3);
      }
      const StepScalars scalars{step};
      const Steps steps(context, {&scalars, 1});
      const auto logits =
          network.forward(context, batch.x.view(), {steps.now(), batch.utterances.view()});
      softmax_cross_entropy(context, logits, batch.targets.view(), weights.view(), losses.view(),
                            dlogits.view());
      network.backward(context, dlogits.view());
      std::vector<Tensor<float>> gradients;
      std::vector<OptimizerSlot> slots;
      for (std::size_t i = 0; i < network.parameters().size(); ++i) {
        const Parameter& p = network.parameters()[i];
        if (p.decay) add_l2_gradient(context, 0.01, p.value, p.gradient);
        gradients.push_back(p.gradient);
        slots.push_back({p.value, p.gradient, velocities[i].view(), {}, p.decay});
      }
      clipped |= clip_by_global_norm(context, 0.5, gradients) > 0.5;
      sgd(context, {0.9, true}, rate.at(step), slots);
      ++step;
      const double decay = std::min(0.2, (1.0 + step) / (10.0 + step));
      for (std::size_t i = 0; i < averages.size(); ++i) {
        moving_average(context, decay, network.parameters()[i].value, averages[i].view());
      }
      for (std::size_t i = 0; i < statistics.size(); ++i) {
        moving_average(context, decay, network.state()[i].value, statistics[i].view());
      }
    }
    EXPECT_EQ(member.history()[epoch - 1].learning_rate, rate.at(step - 1));
  }
  EXPECT_TRUE(clipped) << "nothing was clipped: this shows nothing";
  for (std::size_t i = 0; i < averages.size(); ++i) {
    std::ranges::copy(averages[i].span(), network.parameters()[i].value.data());
  }
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    std::ranges::copy(statistics[i].span(), network.state()[i].value.data());
  }
  EXPECT_TRUE(bits(network) == bits(member.network()));
  // validation saw the average, and its loss is of plain labels
  std::vector<Tensor<const float>> features;
  Array<float> targets({3, 3}), losses({3});
  std::vector<std::int32_t> labels;
  for (const std::size_t row : fold.validation()) {
    features.push_back(data.features(row));
    labels.push_back(data.label(row));
  }
  one_hot(labels, targets.view());
  const Prediction prediction = predict(context, network, untrained.input(), features);
  EXPECT_EQ(member.history().back().val_loss,
            softmax_cross_entropy(context, prediction.logits.view(), targets.view(), {},
                                  losses.view(), {}));
}

TEST(Trainer, WeighsClassesByTrainingRowsAlone) {
  const test::Toy toy = test::waves(30);
  const DataSet data = toy.data();
  ClassWeights weights;
  EXPECT_TRUE(class_weights(weights, data, std::vector<std::size_t>{0, 1}).empty());
  weights.kind = ClassWeights::Kind::balanced;
  EXPECT_EQ(class_weights(weights, data, std::vector<std::size_t>{0, 3, 6, 1}),
            (std::vector<float>{4.0F / 6, 2, 0}));
  weights.kind = ClassWeights::Kind::map;
  weights.weights = {{"sad", 0.5}};
  EXPECT_EQ(class_weights(weights, data, {}), (std::vector<float>{1, 1, 0.5F}));
  weights.weights = {{"hapy", 0.5}};
  try {
    class_weights(weights, data, {});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "training.class_weights: there is no class 'hapy' (did you mean 'happy'?); there "
                 "are calm, happy, sad");
  }
}

TEST(Trainer, StopsAtGradientsThatAreNoNumbers) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  Member member =
      member_of(data, test::fold_of(40), training_options("{epochs: 9, clip_norm: 1, l2: 1000}"));
  for (const Parameter& parameter : member.network().parameters()) {
    // logits and loss are finite, the gradient of the penalty is beyond float32
    if (parameter.name == "output.kernel") {
      for (float& value : parameter.value.span()) value *= 1e37F;
    }
  }
  try {
    train(data, member);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the norm of the gradients is inf in epoch 1"));
    EXPECT_THAT(error.what(), testing::HasSubstr("; the batch: clip-"));
  }
}

TEST(Trainer, LearnsWhatCanBeLearned) {
  const test::Toy toy = test::waves(150);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(150);
  for (const char* optimizer : {"adam", "adamw"}) {
    Member member =
        member_of(data, fold,
                  training_options(std::string("{epochs: 30, batch_size: 16, optimizer: {name: ") +
                                   optimizer + ", learning_rate: 0.01}}"));
    train(data, member);
    EXPECT_GE(accuracy(data, member, fold.test()), 0.9) << optimizer;
    EXPECT_LT(member.history().back().loss, member.history().front().loss / 2) << optimizer;
  }
}

/// Labels that say nothing of the clips: of 160 test clips a third, give or take four standard
/// deviations of sqrt(1/3 2/3 / 160) = 0.037.
TEST(Trainer, LandsAtChanceWithShuffledLabels) {
  const test::Toy toy = test::waves(800, true);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(800);
  Member member =
      member_of(data, fold, training_options("{epochs: 8, optimizer: {learning_rate: 0.01}}"));
  train(data, member);
  EXPECT_NEAR(accuracy(data, member, fold.test()), 1.0 / 3, 0.15);
}

TEST(Trainer, GivesTheSameBitsOnAnyNumberOfThreads) {
  const test::Toy toy = test::waves(75);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(75);
  const auto trained = [&](int threads, std::uint64_t seed) {
    Member member = member_of(data, fold, training_options("{epochs: 3, batch_size: 16}"), seed);
    train(data, member, threads);
    std::string result = bits(member.network());
    for (const EpochRecord& record : member.history()) {
      result += shortest(record.loss) + shortest(*record.val_loss);
    }
    return result;
  };
  const std::string expected = trained(1, 1);
  for (const int threads : {2, 3, 7}) EXPECT_TRUE(trained(threads, 1) == expected) << threads;
  EXPECT_TRUE(trained(1, 1) == expected);
  EXPECT_FALSE(trained(1, 2) == expected);
}

TEST(Trainer, EndsWithTheFirstBestEpoch) {
  const test::Toy toy = test::waves(100);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(100);
  Member member =
      member_of(data, fold,
                training_options("{epochs: 12, batch_size: 16, optimizer: {learning_rate: 0.03}}"));
  std::vector<std::string> after_epoch;
  std::vector<int> kept;
  TrainerHooks hooks;
  hooks.on_kept = [&](const Member&, const EpochRecord& record) { kept.push_back(record.epoch); };
  hooks.on_epoch = [&](const Member&, const EpochRecord&) {
    after_epoch.push_back(bits(member.network()));
  };
  train(data, member, 1, hooks);

  ASSERT_EQ(member.history().size(), 12U);
  int best = 0;
  std::vector<int> records;
  double highest = -1;
  for (const EpochRecord& record : member.history()) {
    if (*record.val_accuracy <= highest) continue;
    highest = *record.val_accuracy;
    best = record.epoch;
    records.push_back(best);
  }
  ASSERT_LT(best, 12) << "the last epoch is the best: this shows nothing";
  EXPECT_EQ(kept, records);
  EXPECT_EQ(member.kept_epoch(), best);
  EXPECT_TRUE(bits(member.network()) == after_epoch[static_cast<std::size_t>(best) - 1]);
  EXPECT_TRUE(bits(member.model_file({"", "", "", data.labels()}).weights) ==
              bits(member.network()));
  EXPECT_DOUBLE_EQ(accuracy(data, member, fold.validation()), highest);
}

TEST(Trainer, EndsWithTheLastEpochWhereToldTo) {
  const test::Toy toy = test::waves(60);
  const DataSet data = toy.data();
  Member member =
      member_of(data, Fold("fold", {0, 1, 2, 3, 4, 5, 6}, {}, {}),
                training_options("{epochs: 4, batch_size: 3, checkpoint: {keep: last}}"));
  std::string last;
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member&, const EpochRecord& record) {
    last = bits(member.network());
    EXPECT_EQ(record.val_loss, std::nullopt);
    EXPECT_EQ(member.kept_epoch(), record.epoch);
  };
  train(data, member, 1, hooks);
  EXPECT_TRUE(bits(member.network()) == last);
}

TEST(Trainer, LowersTheRateAndStopsAsToldTo) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  // Nothing betters a loss by 10: the first epoch stays the best.
  Member member =
      member_of(data, test::fold_of(40),
                training_options(
                    "epochs: 50\n"
                    "schedule: {name: reduce_on_plateau, patience: 2, factor: 0.5, min_delta: 10}\n"
                    "early_stopping: {patience: 5, min_delta: 10}\n"));
  train(data, member);
  EXPECT_TRUE(member.stopped_early());
  EXPECT_TRUE(member.finished());
  std::vector<double> rates;
  for (const EpochRecord& record : member.history()) rates.push_back(record.learning_rate);
  EXPECT_THAT(rates, testing::ElementsAre(.001, .001, .001, .0005, .0005, .00025));
}

class Recorder : public Observer {
 public:
  void begin(std::string_view task, Index total, std::string_view unit) override {
    lines.push_back(std::string(task) + " " + std::to_string(total) + " " + std::string(unit));
  }
  void advance(Index done, double, std::string_view detail) override {
    counts.push_back(done);
    last_detail = detail;
  }
  void end() override { lines.emplace_back("end"); }
  std::vector<std::string> lines;
  std::vector<Index> counts;
  std::string last_detail;
};

TEST(Trainer, TellsHowFarItIs) {
  const test::Toy toy = test::waves(25);
  const DataSet data = toy.data();
  Member member =
      member_of(data, test::fold_of(25), training_options("{epochs: 2, batch_size: 7}"));
  Context context;
  Recorder recorder;
  Trainer(context, data, recorder).train({&member, 1});
  // 15 training clips are three batches: 7, 7 and 1.
  EXPECT_THAT(recorder.lines, testing::ElementsAre("train toy 6 batches", "end"));
  EXPECT_THAT(recorder.counts, testing::ElementsAre(1, 2, 3, 3, 4, 5, 6, 6));
  EXPECT_THAT(recorder.last_detail, testing::StartsWith("epoch 2/2  loss "));
}

TEST(Trainer, StopsAtALossThatIsNoNumber) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  Member member =
      member_of(data, test::fold_of(40), training_options("{epochs: 9, batch_size: 5}"));
  std::string kept;
  TrainerHooks hooks;
  hooks.on_kept = [&](const Member& m, const EpochRecord&) { kept = bits(m.kept_weights()); };
  hooks.on_epoch = [&](const Member&, const EpochRecord& record) {
    if (record.epoch != 2) return;
    for (const Parameter& parameter : member.network().parameters()) {
      if (parameter.name == "output.bias") {
        parameter.value.data()[0] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  };
  Context context;
  Recorder recorder;
  try {
    Trainer(context, data, recorder).train({&member, 1}, hooks);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("toy: the loss is nan in epoch 3, step 11"));
    const auto batch = shuffled(data, member.training(), 1, 3);
    EXPECT_THAT(error.what(),
                testing::HasSubstr("; the batch: " + data.id(batch[0]) + ", " + data.id(batch[1])));
  }
  EXPECT_EQ(recorder.lines.back(), "end");
  EXPECT_TRUE(bits(member.network()) == kept);
}

TEST(Trainer, StopsAtAWeightThatIsNoNumber) {
  const test::Toy toy = test::waves(10);
  const DataSet data = toy.data();
  Member member = member_of(data, test::fold_of(10), training_options("{epochs: 9}"));
  for (const Parameter& parameter : member.network().parameters()) {
    // ReLU hides it from the loss, max(NaN, 0) being 0.
    if (parameter.name.ends_with("beta")) {
      parameter.value.data()[0] = -std::numeric_limits<float>::infinity();
    }
  }
  try {
    train(data, member);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("beta' holds NaN or infinity in epoch 1"));
    EXPECT_THAT(error.what(), testing::HasSubstr("no weights are kept"));
  }
}

TEST(Trainer, RefusesMembersThatDoNotFit) {
  const test::Toy toy = test::waves(20);
  const DataSet data = toy.data();
  const TrainingOptions options = training_options("{epochs: 1}");
  test::Toy narrow;
  for (int i = 0; i < 20; ++i) narrow.add("calm", Array<float>({3, 2}));
  const DataSet other = narrow.data();
  Member wrong_dims = member_of(other, test::fold_of(20), options);
  EXPECT_THROW(train(data, wrong_dims), ShapeError);
  const test::Toy larger = test::waves(40);
  const DataSet more = larger.data();
  Member wrong_rows = member_of(more, test::fold_of(40), options);
  EXPECT_THROW(train(data, wrong_rows), ShapeError);
  EXPECT_THROW(member_of(data, Fold("fold", {0, 1}, {}, {}), options), ConfigError);
}

}  // namespace
}  // namespace serenade
