// Training and prediction of networks with masks: the frames that rows are padded to do not matter.

#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/training/prediction.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"

namespace serenade {
namespace {

constexpr std::size_t clips = 30;
constexpr Index longest = 24;  // of the toy's clips, which begin at 16

class MaskedTraining : public testing::Test {
 protected:
  Member member(Index frames, bool masked) const {
    NetworkInput input(InputLayout::frames, fit_scaler(data_, fold_.training()), frames);
    ModelSpec spec = test::toy_model();
    spec.masked = masked;
    Network network(spec, input.shape(), data_.classes(), 3);
    return {"toy",
            std::move(network),
            std::move(input),
            fold_.training(),
            fold_.validation(),
            test::training_options("{batch_size: 8, epochs: 4, checkpoint: {keep: last}, "
                                   "optimizer: {learning_rate: 0.01}}")};
  }
  Member trained(Index frames, bool masked = true) const {
    Member one = member(frames, masked);
    Observer observer;
    Context context(2);
    Trainer(context, data_, observer).train({&one, 1});
    return one;
  }
  std::vector<float> predicted(Member& member, const NetworkInput& input) const {
    std::vector<Tensor<const float>> features;
    for (std::size_t row = 0; row < data_.size(); ++row) features.push_back(data_.features(row));
    Context context(2);
    const Prediction prediction = predict(context, member.network(), input, features);
    return {prediction.logits.span().begin(), prediction.logits.span().end()};
  }

  test::Toy toy_ = test::waves(clips);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(clips);
};

TEST_F(MaskedTraining, LearnsTheSameHoweverFarClipsArePadded) {
  const Member exact = trained(longest), more = trained(longest + 37);
  for (std::size_t i = 0; i < exact.history().size(); ++i) {
    // Gradients are added up in other blocks, and Adam makes the most of that where they are small.
    EXPECT_NEAR(exact.history()[i].loss, more.history()[i].loss, 1e-4) << "epoch " << i + 1;
    EXPECT_NEAR(*exact.history()[i].val_loss, *more.history()[i].val_loss, 1e-3);
  }
  EXPECT_LT(exact.history().back().loss, exact.history().front().loss);
  // Without masks they do matter: this test could fail.
  const Member plain = trained(longest, false), padded = trained(longest + 37, false);
  EXPECT_GT(std::abs(plain.history()[0].loss - padded.history()[0].loss), 1e-2);
}

TEST_F(MaskedTraining, PredictsTheSameHoweverFarClipsArePadded) {
  const Member one = trained(longest);
  Member exact = member(longest, true), more = member(longest + 37, true);
  for (Member* other : {&exact, &more}) set_weights(other->network(), one.kept_weights());
  EXPECT_EQ(predicted(exact, exact.input()), predicted(more, more.input()));
}

/// Windows of clips that are longer are whole, the clips that fit are padded as before.
TEST_F(MaskedTraining, PredictsClipsInWindows) {
  const Member one = trained(20);
  Member same = member(20, true);
  set_weights(same.network(), one.kept_weights());
  const std::vector<float> all = predicted(same, same.input());
  Member unmasked = member(20, false);
  set_weights(unmasked.network(), one.kept_weights());
  const std::vector<float> plain = predicted(unmasked, unmasked.input());
  for (std::size_t row = 0; row < data_.size(); ++row) {
    const bool fits = data_.features(row).extent(0) < 20;
    const std::size_t first = row * 3;
    EXPECT_EQ(std::equal(all.begin() + static_cast<std::ptrdiff_t>(first),
                         all.begin() + static_cast<std::ptrdiff_t>(first + 3),
                         plain.begin() + static_cast<std::ptrdiff_t>(first)),
              !fits)
        << "clip of " << data_.features(row).extent(0) << " frames";
  }
}

}  // namespace
}  // namespace serenade
