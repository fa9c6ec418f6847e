#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <set>

#include "kernels/device/error.h"
#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/loss.h"
#include "kernels/nn/optimizer.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"

namespace serenade {
namespace {

using test::augmentation_options;
using test::bits;
using test::member_of;
using test::training_options;

// Nothing but training rows can be augmented: what follows would not compile otherwise.
template <class T>
concept Augmentable = std::invocable<BatchAugmentation&, T>;
template <class T>
concept MakesAnEpoch = requires(Batches& batches, const T& rows) {
  batches.begin_epoch(rows, 1U, 0);
};
static_assert(Augmentable<TrainingBatch>);
static_assert(!Augmentable<BatchTensors> && !Augmentable<Batch>);
static_assert(!std::constructible_from<TrainingBatch, BatchTensors, CurrentStep>);
static_assert(!std::default_initializable<TrainingBatch>);
static_assert(MakesAnEpoch<TrainingRows>);
static_assert(!MakesAnEpoch<std::vector<std::size_t>>);
static_assert(!MakesAnEpoch<std::span<const std::size_t>>);  // of validation and test rows
static_assert(!std::constructible_from<TrainingRows, std::span<const std::size_t>>);

const char* const everything =
    "{crop: random, frequency_shift: 1, frequency_columns: {first: 1, count: 3}, spec_augment: "
    "{time_masks: 2, time_width: 4, feature_masks: 1, feature_width: 1}, mixup: 0.4}";

class Augmentation : public testing::Test {
 protected:
  Member member(const std::string& augmentation, const std::string& options,
                std::uint64_t seed = 1) const {
    return member_of(data_, fold_, training_options(options), seed, "toy",
                     augmentation_options(augmentation));
  }
  void train(Member& member, int threads = 1, const TrainerHooks& hooks = {}) const {
    Context context(threads);
    Observer observer;
    Trainer(context, data_, observer).train({&member, 1}, hooks);
  }

  test::Toy toy_ = test::waves(40);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(40);
};

/// Two epochs written out: what each augmentation makes of a batch, in their order, and what the
/// trainer then tells. Validation is of clips as they are.
TEST_F(Augmentation, IsThatOfTheStepsWrittenOut) {
  const Fold uneven("fold", {0, 1, 2, 3, 4, 6, 9, 12, 15, 18, 21, 24}, {5, 7, 8}, {});
  const AugmentationOptions how = augmentation_options(everything);
  const TrainingOptions options = training_options(
      "{epochs: 2, batch_size: 5, checkpoint: {keep: last}, label_smoothing: 0.1, "
      "class_weights: balanced, optimizer: {name: sgd, learning_rate: 0.1}}");
  Member trained = member_of(data_, uneven, options, 1, "toy", how);
  Member written = member_of(data_, uneven, options, 1, "toy", how);
  train(trained);

  Context context;
  Network& network = written.network();
  const auto class_weight = class_weights(options.class_weights, data_, written.training());
  std::vector<Array<float>> velocities;
  for (const Parameter& p : network.parameters()) velocities.emplace_back(p.value.shape()).fill(0);
  std::uint32_t step = 0;
  bool partners = false;
  for (const std::uint32_t epoch : {1U, 2U}) {
    const auto order = shuffled(data_, uneven.training().indices(), 1, epoch);
    double sum = 0;
    int right = 0;
    for (std::size_t begin = 0; begin < 12; begin += 5) {
      const std::size_t rows = std::min<std::size_t>(5, 12 - begin);
      const auto count = static_cast<Index>(rows);
      const StepScalars scalars{step};
      const Steps steps(context, {&scalars, 1});
      const auto clips = std::span(order).subspan(begin, rows);
      std::vector<std::uint32_t> starts;
      std::vector<float> shares;
      for (const std::size_t clip : clips) {
        const auto word = Philox(1)({0, data_.number(clip), step, purpose_of(Purpose::crop)})[0];
        const Index places = std::max<Index>(data_.features(clip).extent(0) - 20, 0) + 1;
        starts.push_back(static_cast<std::uint32_t>(uniform_below(word, places)));
        shares.push_back(mixup_share(0.4, 1, data_.number(clip), step));
      }
      Batch batch;
      gather(context, data_, written.input(), clips, batch, starts);
      smooth_labels(0.1, batch.targets.view());
      Array<float> shifted(batch.x.shape()), x(batch.x.shape()), targets(batch.targets.shape());
      Array<float> weights(Shape{count}), losses(Shape{count}), dlogits(batch.targets.shape());
      const AugmentationKey key{1, steps.now()};
      frequency_shift(context, {1, 1, 3}, key, batch.utterances.view(), batch.x.view(),
                      shifted.view());
      spec_augment(context, *how.spec_augment, key, batch.utterances.view(), shifted.view());
      for (Index b = 0; b < count; ++b) {
        const Index next = (b + 1) % count;
        const float share = shares[static_cast<std::size_t>(b)];
        const auto mix = [&](const Array<float>& from, Array<float>& to) {
          const Index size = from.size() / count;
          for (Index i = 0; i < size; ++i) {
            to[b * size + i] = mixed(share, from[b * size + i], from[next * size + i]);
          }
        };
        mix(shifted, x);
        mix(batch.targets, targets);
        const auto weight_of = [&](Index row) {
          return class_weight[static_cast<std::size_t>(
              data_.label(clips[static_cast<std::size_t>(row)]))];
        };
        weights[b] = mixed(share, weight_of(b), weight_of(next));
      }
      const auto logits =
          network.forward(context, x.view(), {steps.now(), batch.utterances.view()});
      Array<double> of_rows(Shape{count});
      row_losses(context, logits, targets.view(), weights.view(), of_rows.view(), dlogits.view());
      sum += mean_loss(of_rows.span(), weights.span()) * static_cast<double>(rows);
      for (std::size_t b = 0; b < rows; ++b) {
        const bool own = shares[b] >= 0.5F;
        partners |= !own;
        right += most_likely(logits.row(static_cast<Index>(b)).span()) ==
                         data_.label(clips[own ? b : (b + 1) % rows])
                     ? 1
                     : 0;
      }
      network.backward(context, dlogits.view());
      std::vector<OptimizerSlot> slots;
      for (std::size_t p = 0; p < velocities.size(); ++p) {
        const Parameter& parameter = network.parameters()[p];
        slots.push_back({parameter.value, parameter.gradient, velocities[p].view(), {}, false});
      }
      sgd(context, options.optimizer.sgd, 0.1, slots);
      ++step;
    }
    EXPECT_EQ(trained.history()[epoch - 1].loss, sum / 12);
    EXPECT_EQ(trained.history()[epoch - 1].accuracy, right / 12.0);
  }
  EXPECT_TRUE(partners) << "every clip kept the larger share: this shows little";
  EXPECT_TRUE(bits(network) == bits(trained.network()));

  std::vector<Tensor<const float>> features;
  std::vector<std::int32_t> labels;
  for (const std::size_t row : uneven.validation()) {
    features.push_back(data_.features(row));
    labels.push_back(data_.label(row));
  }
  Array<float> targets({3, 3}), losses({3});
  one_hot(labels, targets.view());
  const Prediction plain = predict(context, network, written.input(), features);
  EXPECT_EQ(
      trained.history().back().val_loss,
      softmax_cross_entropy(context, plain.logits.view(), targets.view(), {}, losses.view(), {}));
}

TEST_F(Augmentation, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto trained = [&](const std::string& augmentation, int threads, std::uint64_t seed) {
    Member one = member(augmentation, "{epochs: 3, batch_size: 7}", seed);
    train(one, threads);
    std::string result = bits(one.network());
    for (const EpochRecord& record : one.history()) result += shortest(record.loss);
    return result;
  };
  const std::string expected = trained(everything, 1, 1);
  for (const int threads : {2, 3, 7}) {
    EXPECT_TRUE(trained(everything, threads, 1) == expected) << threads;
  }
  EXPECT_FALSE(trained(everything, 1, 2) == expected);
  std::set<std::string> each{expected};
  for (const char* one :
       {"{}", "{crop: random}", "{frequency_shift: 1}", "{spec_augment: {}}", "{mixup: 0.2}"}) {
    EXPECT_TRUE(each.insert(trained(one, 2, 1)).second) << one << " changes nothing";
  }
  const char* nothing =
      "{spec_augment: {time_masks: 0, feature_masks: 0}, frequency_shift: 0, mixup: 0}";
  EXPECT_TRUE(trained("{}", 2, 1) == trained(nothing, 2, 1));
}

TEST_F(Augmentation, GoesOnFromACheckpointAsIfNotInterrupted) {
  const std::string options = "{batch_size: 7, epochs: 4}";
  Member whole = member(everything, options);
  const ModelDescription description{"{}", "features", "key", data_.labels()};
  ModelFile half{{}, whole.network().spec(), whole.input(), {}, {}};
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& at, const EpochRecord& record) {
    if (record.epoch == 2) half = at.checkpoint(description);
  };
  train(whole, 1, hooks);
  Member rest = member(everything, options);
  rest.restore(half);
  train(rest);
  EXPECT_TRUE(bits(whole.network()) == bits(rest.network()));
  for (const char* other : {"{}", "{mixup: 0.4}"}) {
    Member different = member(other, options);
    EXPECT_THROW(different.restore(half), DataError) << other;
  }
  // What was written before there was augmentation can be taken up still.
  Member plain = member("{}", options);
  const auto identity = plain.checkpoint(description).training.metadata.at("training.identity");
  EXPECT_THAT(identity, testing::Not(testing::HasSubstr("augmentation")));
}

/// Copies at a fixed speed were once standardised like their speaker's clips: a checkpoint of then
/// does not go on.
TEST_F(Augmentation, OfVoicesIsNoOldCheckpoints) {
  const auto identity = [&](Normalisation normalisation, const std::string& speed) {
    NetworkInput input(InputLayout::frames, {{0, 0, 0, 0}, {1, 1, 1, 1}}, 20, Windows::average,
                       normalisation);
    Member plain = member("{}", "{}");
    Network network(plain.network().spec(), input.shape(), data_.classes(), 3);
    const Member one("toy", std::move(network), std::move(input), fold_.training(),
                     fold_.validation(), test::training_options("{}"),
                     augmentation_options("{copies: [{speed: " + speed + "}]}"));
    const ModelDescription description{"{}", "features", "key", data_.labels()};
    return one.checkpoint(description).training.metadata.at("training.identity");
  };
  const auto of_voices = testing::HasSubstr("copies standardised by voice");
  EXPECT_THAT(identity(Normalisation::speaker, "0.9"), of_voices);
  EXPECT_THAT(identity(Normalisation::speaker, "[0.9, 1.1]"), testing::Not(of_voices));
  EXPECT_THAT(identity(Normalisation::global, "0.9"), testing::Not(of_voices));
}

/// Of clips of 16 to 24 frames, windows of 20 begin anywhere that they fit.
TEST_F(Augmentation, CropsAnywhereThatFits) {
  Context context;
  const AugmentationOptions how = augmentation_options("{crop: random}");
  const BatchAugmentation augmentation(context, how, 1, 4);
  std::vector<std::uint32_t> numbers;
  std::vector<Index> frames;
  for (std::uint32_t clip = 0; clip < 5000; ++clip) {
    numbers.push_back(clip);
    frames.push_back(clip % 2 == 0 ? 24 : 16);
  }
  std::vector<int> begun(5);
  const auto starts = augmentation.starts(numbers, frames, 20, 11);
  ASSERT_EQ(starts.size(), numbers.size());
  for (std::size_t clip = 0; clip < starts.size(); ++clip) {
    if (frames[clip] == 16) {
      EXPECT_EQ(starts[clip], 0U);
    } else {
      ++begun.at(starts[clip]);
    }
  }
  // five standard deviations of a binomial count
  for (const int found : begun) EXPECT_NEAR(found, 500, 5 * std::sqrt(2500 * 0.2 * 0.8));
  EXPECT_NE(starts, augmentation.starts(numbers, frames, 20, 12));
  // A clip's draw is the step's in which its batch comes: with batches of four, the fifth clip's
  // first step is the first clip's second.
  const auto later = augmentation.starts(std::vector<std::uint32_t>{9, 9, 9, 9, 8},
                                         std::vector<Index>(5, 1000000), 20, 6);
  const auto first =
      augmentation.starts(std::vector<std::uint32_t>{8}, std::vector<Index>{1000000}, 20, 7);
  EXPECT_EQ(later[0], later[3]);
  EXPECT_EQ(later[4], first[0]);
}

TEST_F(Augmentation, IsRefusedWhereItCannotBe) {
  const auto complaint = [](const std::string& yaml, bool sequences, Index dims = 10) {
    try {
      check(augmentation_options(yaml), sequences, dims);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(complaint(everything, true), "");
  EXPECT_EQ(complaint("{mixup: 0.2}", false), "");
  for (const std::string key : {"spec_augment: {}", "frequency_shift: 1", "crop: random"}) {
    EXPECT_EQ(complaint("{" + key + "}", true), "");
    EXPECT_THAT(complaint("{" + key + "}", false),
                testing::StartsWith("augmentation." + key.substr(0, key.find(':')) + " is for"));
  }
  EXPECT_THAT(complaint("{frequency_shift: 1, frequency_columns: {first: 7, count: 4}}", true),
              testing::HasSubstr("the 4 from 7 on, but the features have 10 columns"));
  EXPECT_THAT(complaint("{frequency_columns: {first: 7}}", true),
              testing::HasSubstr("augmentation.frequency_shift is 0"));
  EXPECT_THROW(augmentation_options("{mixup: -1}"), ConfigError);
  EXPECT_THROW(augmentation_options("{mixip: 1}"), ConfigError);
  // of the features that a member really has
  EXPECT_THROW(member("{frequency_shift: 1, frequency_columns: {first: 1, count: 4}}", "{}"),
               ConfigError);
}

/// A vector a clip: mixup is what can be done to it.
TEST_F(Augmentation, MixesVectorsToo) {
  test::Toy toy;
  for (int i = 0; i < 30; ++i) {
    Array<float> x({1, 6});
    for (Index d = 0; d < 6; ++d) {
      x[d] = static_cast<float>(std::sin(i * 7 + d) + (d == i % 3 ? 3 : 0));
    }
    toy.add(toy.corpus().labels[static_cast<std::size_t>(i % 3)], std::move(x));
  }
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(30);
  const auto make = [&](const std::string& augmentation) {
    NetworkInput input(InputLayout::statistics, fit_scaler(data, fold.training()), 1);
    Network network(test::toy_model(), input.shape(), 3, 1);
    return Member("toy", std::move(network), std::move(input), fold.training(), fold.validation(),
                  training_options("{epochs: 3, batch_size: 8}"),
                  augmentation_options(augmentation));
  };
  Context context;
  Observer observer;
  Member plain = make("{}"), mixed_up = make("{mixup: 1}");
  for (Member* one : {&plain, &mixed_up}) Trainer(context, data, observer).train({one, 1});
  EXPECT_GT(mixed_up.history().back().loss, plain.history().back().loss);
  EXPECT_THROW(make("{spec_augment: {}}"), ConfigError);
}

}  // namespace
}  // namespace serenade
