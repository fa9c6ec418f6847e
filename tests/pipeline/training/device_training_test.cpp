#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/nn/backend.h"
#include "pipeline/training/batches.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"
#include "tests/support/devices.h"

// Training and prediction on the GPU, the emulated one or a real one, against the CPU.
namespace serenade {
namespace {

using test::augmentation_options;
using test::bits;
using test::training_options;

constexpr std::size_t clips = 50;

ModelSpec model_of(const std::string& yaml) {
  ModelSpec spec;
  read_options(ConfigNode::parse(yaml, "model"), spec);
  return spec;
}

/// Every kind of layer, in two networks: one over sequences to the end, one that flattens.
const std::string sequences =
    "layers: [{conv1d: {filters: 8, kernel_size: 5, stride: 2}}, batch_norm, relu, "
    "{residual: {layers: [{conv1d: {filters: 12, kernel_size: 3, dilation: 2, padding: causal}}, "
    "layer_norm, gelu, {dropout: {rate: 0.1}}]}}, squeeze_excitation, elu, "
    "{conv1d: {filters: 12, kernel_size: 3, groups: 4, use_bias: false}}, silu, "
    "{residual: {layers: [{conv1d: {filters: 12, kernel_size: 3, groups: 12}}, leaky_relu]}}, "
    "{max_pool: {pool_size: 3, stride: 2}}, global_statistics_pool, {dense: {units: 9}}, relu]";
const std::string flattened =
    "layers: [{average_pool: {pool_size: 2}}, {conv1d: {filters: 6, kernel_size: 3, padding: "
    "valid}}, relu, {residual: {layers: [{conv1d: {filters: 6, kernel_size: 3}}, batch_norm]}}, "
    "{max_pool: {pool_size: 2}}, flatten, {dropout: {rate: 0.3}}, {dense: {units: 12, use_bias: "
    "false}}, gelu]";
const std::string stacked =
    "layers: [{conv1d: {filters: 6, kernel_size: 3}}, {channel_dropout: {rate: 0.2}}, "
    "{temporal_stack: {filters: 5, kernel_size: 3, levels: 3, dropout: 0.1}}]";
const std::string averaged =
    "layers: [{conv1d: {filters: 8, kernel_size: 3}}, relu, global_average_pool]";
const std::string attended =
    "layers: [{conv1d: {filters: 8, kernel_size: 3}}, relu, {attentive_statistics_pool: {units: 5, "
    "heads: 2}}]";
const std::string attended_by_channel =
    "layers: [{conv1d: {filters: 8, kernel_size: 3}}, relu, {attention_pool: {units: 5, heads: "
    "null}}]";
/// Every kind of layer that knows lengths.
const std::string masked = "masked: true\n" + sequences;
const std::string masked_pools =
    "masked: true\n"
    "layers: [{average_pool: {pool_size: 3, stride: 1}}, {residual: {layers: [{conv1d: {filters: "
    "8, "
    "kernel_size: 3, stride: 2}}, batch_norm]}}, {max_pool: {pool_size: 2}}, relu, "
    "{attentive_statistics_pool: {units: 5, heads: 4}}]";
const std::string largest = "layers: [{conv1d: {filters: 8, kernel_size: 3}}, global_max_pool]";

const std::string adamw =
    "{batch_size: 8, epochs: 12, label_smoothing: 0.1, class_weights: balanced, l2: 0.001, "
    "clip_norm: 0.5, ema: 0.9, optimizer: {name: adamw, learning_rate: 0.01}, "
    "schedule: {name: cosine, warmup_epochs: 1}}";
const std::string adam = "{batch_size: 8, epochs: 12, optimizer: {learning_rate: 0.01}}";
const std::string averaging =
    "{batch_size: 8, epochs: 10, checkpoint: {keep: last}, swa: {start: 0.5}, optimizer: "
    "{learning_rate: 0.01}}";
const std::string sgd =
    "{batch_size: 11, epochs: 12, optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, "
    "nesterov: true}, schedule: {name: reduce_on_plateau, patience: 1}}";

const std::string augmented =
    "{crop: random, frequency_shift: 1, frequency_columns: {first: 1, count: 3}, spec_augment: "
    "{time_masks: 2, time_width: 3, feature_masks: 1, feature_width: 1}, mixup: 0.4}";

class DeviceTraining : public testing::Test {
 protected:
  void SetUp() override {
    if (test::all_devices().size() < 2) GTEST_SKIP() << "no GPU in this build or machine";
  }

  Member member(const std::string& model, const std::string& options, std::uint64_t seed = 3,
                const std::string& augmentation = "{}") const {
    NetworkInput input(InputLayout::frames, fit_scaler(data_, fold_.training()), 20);
    Network network(model_of(model), input.shape(), data_.classes(), seed);
    return {"toy",
            std::move(network),
            std::move(input),
            fold_.training(),
            fold_.validation(),
            training_options(options),
            augmentation_options(augmentation)};
  }
  void train(Context& context, Member& member, std::size_t device_memory = 0,
             const TrainerHooks& hooks = {}) {
    Observer observer;
    Trainer(context, data_, observer, device_memory).train({&member, 1}, hooks);
  }
  Member trained(Device device, const std::string& model, const std::string& options,
                 std::size_t device_memory = 0, const std::string& augmentation = "{}") {
    Member one = member(model, options, 3, augmentation);
    Context context(device, 2);
    train(context, one, device_memory);
    return one;
  }
  static std::string all_of(Member& member) {
    std::string text = bits(member.network()) + bits(member.kept_weights());
    for (const EpochRecord& r : member.history()) {
      text += shortest(r.loss) + " " + shortest(*r.val_loss) + " " + shortest(r.uar) + " ";
    }
    return text + std::to_string(member.kept_epoch());
  }

  test::Toy toy_ = test::waves(clips);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(clips);
};

/// 48 steps (36 with sgd). Devices differ in the order of sums and, on a real GPU, in fused
/// products, about 1e-7 a number. On the emulated GPU the losses of training differ by up to 1e-7
/// here, those of validation by 5e-4: a bias before batch norm has no gradient but rounding, which
/// Adam makes full steps of; training does not see where such a bias goes, but running means lag
/// behind it. A mask drawn for another step makes 3e-4 of the first epoch and soon 4e-3.
void expect_same_curve(const Member& cpu, const Member& gpu) {
  ASSERT_EQ(cpu.history().size(), gpu.history().size());
  double last = 1e9;
  for (std::size_t i = 0; i < cpu.history().size(); ++i) {
    const EpochRecord& a = cpu.history()[i];
    const EpochRecord& b = gpu.history()[i];
    EXPECT_NEAR(a.loss, b.loss, 1e-4) << "epoch " << a.epoch;
    EXPECT_NEAR(*a.val_loss, *b.val_loss, 5e-3) << "epoch " << a.epoch;
    EXPECT_EQ(a.learning_rate, b.learning_rate);
    last = a.loss;
  }
  EXPECT_LT(last, cpu.history().front().loss) << "nothing was learned: this shows little";
}

TEST_F(DeviceTraining, FollowsTheCpusLossesWithEveryKindOfLayer) {
  for (const auto& [model, options] :
       std::vector<std::pair<std::string, std::string>>{{sequences, adamw},
                                                        {sequences, sgd},
                                                        {flattened, adam},
                                                        {stacked, adamw},
                                                        {masked, adamw},
                                                        {masked_pools, adam},
                                                        {stacked, averaging},
                                                        {averaged, sgd},
                                                        {attended, adam},
                                                        {attended_by_channel, adam},
                                                        {largest, adam}}) {
    SCOPED_TRACE(model + " with " + options);
    const Member cpu = trained(Device::cpu, model, options);
    const Member gpu = trained(Device::cuda, model, options);
    expect_same_curve(cpu, gpu);
  }
}

TEST_F(DeviceTraining, FollowsTheCpusLossesWithAugmentedBatches) {
  const Member cpu = trained(Device::cpu, sequences, adamw, 0, augmented);
  const Member gpu = trained(Device::cuda, sequences, adamw, 0, augmented);
  expect_same_curve(cpu, gpu);
  for (std::size_t i = 0; i < cpu.history().size(); ++i) {
    EXPECT_EQ(cpu.history()[i].accuracy, gpu.history()[i].accuracy) << "epoch " << i + 1;
  }
}

TEST_F(DeviceTraining, GivesTheSameBitsTwiceAndWithoutAResidentDataSet) {
  Member once = trained(Device::cuda, sequences, adamw);
  Member twice = trained(Device::cuda, sequences, adamw);
  EXPECT_TRUE(all_of(once) == all_of(twice));
  Member streamed = trained(Device::cuda, sequences, adamw, 1000);
  EXPECT_TRUE(all_of(once) == all_of(streamed));
  const std::string few = "{batch_size: 8, epochs: 3, class_weights: balanced}";
  Member there = trained(Device::cuda, sequences, few, 0, augmented);
  Member sent = trained(Device::cuda, sequences, few, 1000, augmented);
  EXPECT_TRUE(all_of(there) == all_of(sent));
  Member padded = trained(Device::cuda, masked_pools, adam);
  Member padded_streamed = trained(Device::cuda, masked_pools, adam, 1000);
  EXPECT_TRUE(all_of(padded) == all_of(padded_streamed));
}

/// 48 steps: of each epoch's four the second is captured, and launched as the second and the third.
TEST_F(DeviceTraining, GivesTheSameBitsWithAndWithoutGraphs) {
  const std::string short_adamw =
      "{batch_size: 8, epochs: 3, class_weights: balanced, optimizer: {name: adamw}}";
  for (const auto& layers : {std::string(sequences), std::string(masked)}) {
    for (const auto& augmentation : {std::string("{}"), std::string(augmented)}) {
      for (const std::size_t device_memory : {0, 1000}) {
        const auto run = [&](bool graphs) {
          Member one =
              member(layers, augmentation == augmented ? short_adamw : adamw, 3, augmentation);
          Context context(Device::cuda, 2);
          use_backend(context, {.graphs = graphs});
          train(context, one, device_memory);
          return all_of(one);
        };
        EXPECT_TRUE(run(true) == run(false)) << layers << device_memory << " " << augmentation;
      }
    }
  }
}

TEST_F(DeviceTraining, OfMembersTogetherHasTheBitsOfEachAlone) {
  const auto make = [&] {
    std::vector<Member> members;
    for (const std::uint64_t seed : {5U, 6U, 7U}) {
      members.push_back(member(sequences, "{batch_size: 8, epochs: 2}", seed));
    }
    return members;
  };
  std::vector<Member> alone = make(), together = make();
  Context context(Device::cuda, 2);
  for (Member& one : alone) train(context, one);
  Observer observer;
  Trainer(context, data_, observer).train(together);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_TRUE(all_of(alone[i]) == all_of(together[i])) << i;
  }
  EXPECT_FALSE(all_of(alone[0]) == all_of(alone[1]));
}

TEST_F(DeviceTraining, GoesOnFromACheckpointAsIfItHadNotStopped) {
  Member whole = member(sequences, adamw);
  ModelFile half{{}, whole.network().spec(), whole.input(), {}, {}};
  TrainerHooks hooks;
  const ModelDescription description{"{}", "features", "key", data_.labels()};
  hooks.on_epoch = [&](const Member& at, const EpochRecord& record) {
    if (record.epoch == 5) half = at.checkpoint(description);
  };
  Context context(Device::cuda);
  train(context, whole, 0, hooks);
  Member rest = member(sequences, adamw);
  rest.restore(half);
  train(context, rest);
  EXPECT_TRUE(all_of(whole) == all_of(rest));
}

/// The penalty makes the weights some hundred thousand times larger with every step or, where the
/// gradients are clipped, so large that five layers overflow.
TEST_F(DeviceTraining, FindsAtTheEndOfAnEpochWhatTheCpuFindsAtOnce) {
  const std::string deep =
      "layers: [{conv1d: {filters: 8, kernel_size: 3}}, global_average_pool, {dense: {units: 8}}, "
      "{dense: {units: 8}}, {dense: {units: 8}}]";
  for (const auto& [model, clip] :
       std::vector<std::pair<std::string, std::string>>{{averaged, "null"}, {deep, "1e9"}}) {
    const std::string options =
        "{batch_size: 5, epochs: 2, l2: 1000, clip_norm: " + clip +
        ", optimizer: {name: sgd, learning_rate: 100}, checkpoint: {keep: last}}";
    const auto message = [&, &network = model](Device device) -> std::string {
      try {
        trained(device, network, options);
      } catch (const DataError& error) {
        return error.what();
      }
      return "no error";
    };
    const std::string cpu = message(Device::cpu);
    EXPECT_THAT(cpu, testing::HasSubstr("in epoch 1, step"));
    EXPECT_EQ(cpu, message(Device::cuda));
  }
}

TEST_F(DeviceTraining, LeavesTheWeightsOfTheLastEpochWhereItFails) {
  const std::string options =
      "{batch_size: 30, epochs: 12, l2: 1000, optimizer: {name: sgd, learning_rate: 100}, "
      "checkpoint: {keep: last}}";
  Member gpu = member(averaged, options);
  Context context(Device::cuda);
  EXPECT_THROW(train(context, gpu), DataError);
  ASSERT_GT(gpu.kept_epoch(), 0);
  EXPECT_TRUE(bits(gpu.network()) == bits(gpu.kept_weights()));
}

TEST_F(DeviceTraining, BatchesAreTheHostsBitForBit) {
  const TrainingOptions options =
      training_options("{batch_size: 7, label_smoothing: 0.2, class_weights: balanced}");
  const auto weights = class_weights(options.class_weights, data_, fold_.training().indices());
  // Fewer frames than any clip has, more, and in between.
  for (const auto& [frames, yaml] : std::vector<std::pair<Index, std::string>>{
           {5, "{}"}, {20, "{}"}, {40, "{}"}, {5, augmented}, {20, augmented}, {40, augmented}}) {
    SCOPED_TRACE(yaml);
    const AugmentationOptions augmentation = augmentation_options(yaml);
    const NetworkInput input(InputLayout::frames, fit_scaler(data_, fold_.training()), frames);
    Context host(2), gpu(Device::cuda);
    const ResidentData resident(gpu, data_);
    Batches wanted(host, data_, input, options, weights, nullptr, augmentation, 1, true);
    Batches found(gpu, data_, input, options, weights, &resident, augmentation, 1, true);
    wanted.begin_epoch(fold_.training(), 3, 10);
    found.begin_epoch(fold_.training(), 3, 10);
    std::vector<StepScalars> scalars;
    for (std::uint32_t i = 0; i < 5; ++i) scalars.push_back({10 + i});
    Steps steps(gpu, scalars), steps_here(host, scalars);
    ASSERT_EQ(found.size(), 5);  // 30 clips: the last batch is short
    for (std::uint32_t i = 0; i < 5; ++i) {
      copy(gpu, Tensor<const std::uint32_t>(&i, Shape{1}), steps.index());
      steps_here.index().data()[0] = i;
      const BatchTensors want = wanted.fill(i, steps_here.now()), got = found.fill(i, steps.now());
      const auto expect_same = [&]<class T>(Tensor<T> a, Tensor<T> b) {
        Array<T> here(b.shape());
        copy(gpu, Tensor<const T>(b), here.view());
        ASSERT_EQ(a.shape(), b.shape());
        EXPECT_TRUE(std::ranges::equal(std::as_bytes(a.span()), std::as_bytes(here.span())))
            << frames << " frames, batch " << i;
      };
      EXPECT_TRUE(std::ranges::equal(want.weights.span(), wanted.weights(i)));
      expect_same(want.x, got.x);
      expect_same(want.targets, got.targets);
      expect_same(want.utterances, got.utterances);
      expect_same(want.weights, got.weights);
      expect_same(want.lengths, got.lengths);
    }
  }
}

/// The same where each clip has its own scaler or its speaker's.
TEST_F(DeviceTraining, BatchesByClipAndSpeakerAreTheHostsBitForBit) {
  for (std::size_t i = 0; i < clips; ++i)
    toy_.corpus().utterances[i].speaker = i % 7 < 3 ? "a" : "b";
  const TrainingOptions options = training_options("{batch_size: 7}");
  for (const Normalisation by : {Normalisation::clip, Normalisation::speaker}) {
    const DataSet data = toy_.data(by);
    const NetworkInput input(InputLayout::frames, {{0, 0, 0, 0}, {1, 1, 1, 1}}, 20,
                             Windows::average, by);
    Context host(2), gpu(Device::cuda);
    const ResidentData resident(gpu, data);
    EXPECT_GT(ResidentData::bytes(data), ResidentData::bytes(data_));
    const AugmentationOptions none;
    Batches wanted(host, data, input, options, {}, nullptr, none, 1);
    Batches found(gpu, data, input, options, {}, &resident, none, 1);
    wanted.begin_epoch(fold_.training(), 1, 0);
    found.begin_epoch(fold_.training(), 1, 0);
    Steps steps(gpu, std::vector<StepScalars>(static_cast<std::size_t>(found.size())));
    for (std::uint32_t i = 0; i < 5; ++i) {
      copy(gpu, Tensor<const std::uint32_t>(&i, Shape{1}), steps.index());
      const BatchTensors want = wanted.fill(i, {}), got = found.fill(i, steps.now());
      Array<float> here(got.x.shape());
      copy(gpu, Tensor<const float>(got.x), here.view());
      EXPECT_TRUE(std::ranges::equal(std::as_bytes(want.x.span()), std::as_bytes(here.span())))
          << enum_name(by) << ", batch " << i;
    }
  }
}

/// A clip has one answer on one device, whatever else is predicted; both devices' agree.
TEST_F(DeviceTraining, PredictsAClipAlikeAloneAndAmongOthers) {
  Member one = trained(Device::cpu, sequences, "{batch_size: 8, epochs: 2}");
  // Shorter than the clips: several windows each.
  const NetworkInput input(InputLayout::frames, one.input().scaler(), 20);
  std::vector<Tensor<const float>> features;
  for (std::size_t row = 0; row < clips; ++row) features.push_back(data_.features(row));
  Context cpu(2), gpu(Device::cuda);
  const Prediction wanted = predict(cpu, one.network(), input, features);
  const Prediction all = predict(gpu, one.network(), input, features);
  EXPECT_EQ(one.network().device(), Device::cpu);
  Network there = one.network().on(gpu);
  for (std::size_t i = 0; i < clips; ++i) {
    const Prediction alone = predict(gpu, there, input, {&features[i], 1});
    for (Index c = 0; c < data_.classes(); ++c) {
      const float probability = all.probabilities.view().row(static_cast<Index>(i)).data()[c];
      EXPECT_EQ(alone.probabilities[c], probability) << "clip " << i;
      // sums in another order through a dozen layers
      EXPECT_NEAR(wanted.probabilities.view().row(static_cast<Index>(i)).data()[c], probability,
                  1e-5);
    }
  }
}

}  // namespace
}  // namespace serenade
