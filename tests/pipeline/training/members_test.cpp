#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <thread>

#include "kernels/device/error.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

using test::bits;
using test::member_of;
using testing::HasSubstr;

/// Hears what the trainer tells; may interrupt it. Every call must come from the thread that made
/// it.
class Listener : public Observer {
 public:
  struct Interruption {};
  void begin(std::string_view task, Index total, std::string_view unit) override {
    EXPECT_EQ(std::this_thread::get_id(), mine_);
    last_done = 0;
    lines.push_back(std::string(task) + " " + std::to_string(total) + " " + std::string(unit));
  }
  void advance(Index done, double, std::string_view detail) override {
    EXPECT_EQ(std::this_thread::get_id(), mine_);
    EXPECT_GE(done, last_done);
    last_done = done;
    last_detail = detail;
    if (interrupt_at > 0 && done >= interrupt_at) throw Interruption{};
  }
  void end() override { lines.emplace_back("end"); }

  std::vector<std::string> lines;
  Index last_done = 0, interrupt_at = 0;
  std::string last_detail;

 private:
  std::thread::id mine_ = std::this_thread::get_id();
};

class Members : public testing::Test {
 protected:
  static TrainingOptions options(int epochs = 3) {
    // Up to a handful of epochs some members stop early.
    return test::training_options(
        "{batch_size: 16, schedule: {name: reduce_on_plateau, patience: 0, min_delta: 0.05, "
        "factor: 0.5}, early_stopping: " +
        std::string(epochs < 10 ? "{patience: 2, min_delta: 0.02}" : "null") +
        ", epochs: " + std::to_string(epochs) + "}");
  }
  /// Seeds from 5, by turns on two divisions of the data.
  std::vector<Member> make(int count, int epochs = 3) const {
    std::vector<Member> members;
    for (int i = 0; i < count; ++i) members.push_back(one(i, epochs));
    return members;
  }
  Member one(int i, int epochs = 3) const {
    const Fold& fold = i % 2 == 0 ? fold_ : other_fold_;
    return member_of(data_, fold, options(epochs), 5 + static_cast<std::uint64_t>(i),
                     "member " + std::to_string(i));
  }
  void train(std::vector<Member>& members, int threads, const TrainerHooks& hooks = {}) {
    Context context(threads);
    Trainer(context, data_, listener_).train(members, hooks);
  }
  static std::string all_of(Member& member) {
    std::string text = bits(member.network()) + bits(member.kept_weights());
    for (const EpochRecord& r : member.history()) {
      text += shortest(r.loss) + " " + shortest(*r.val_loss) + " " + shortest(r.learning_rate);
    }
    return text + std::to_string(member.kept_epoch());
  }

  test::Toy toy_ = test::waves(75);
  DataSet data_ = toy_.data();
  Fold fold_ = test::fold_of(75);
  Fold other_fold_{
      "other", {0, 1, 2, 3, 4, 5, 6, 20, 21, 22, 40, 41, 42, 60, 61, 63}, {7, 8, 9}, {}};
  Listener listener_;
};

TEST_F(Members, HaveTheBitsTheyHaveAloneOnAnyNumberOfThreads) {
  constexpr int most = 8;
  std::vector<std::string> alone;
  for (int i = 0; i < most; ++i) {
    std::vector<Member> member;
    member.push_back(one(i, 6));
    train(member, 1);
    alone.push_back(all_of(member[0]));
    for (int j = 0; j < i; ++j) ASSERT_NE(alone[static_cast<std::size_t>(j)], alone.back());
  }
  for (const int threads : {1, 2, 3, 7}) {
    for (const int count : {1, 2, 3, most}) {
      std::vector<Member> members = make(count, 6);
      train(members, threads);
      for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        EXPECT_TRUE(all_of(members[at]) == alone[at]) << i << " of " << count << ", " << threads;
      }
    }
  }
}

/// Weights, losses and kept epochs of networks trained on one path by any number of threads are
/// those of the scalar path on one.
class MembersOnPath : public Members, public testing::WithParamInterface<VectorPath> {};

TEST_P(MembersOnPath, HaveTheBitsOfTheScalarPathOnAnyNumberOfThreads) {
  if (!test::is_supported(GetParam())) GTEST_SKIP() << test::lacking(GetParam());
  const test::UseVectorPath scalar(VectorPath::scalar);
  std::vector<Member> wanted = make(2);
  train(wanted, 1);
  const test::UseVectorPath path(GetParam());
  for (const int threads : {1, 2, 3, 7}) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      std::vector<Member> member;
      member.push_back(one(static_cast<int>(i)));
      train(member, threads);
      EXPECT_TRUE(all_of(member[0]) == all_of(wanted[i])) << i << ", " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(VectorPath, MembersOnPath, test::every_vector_path, test::PathName());

TEST_F(Members, AreToldOfAsOneTask) {
  std::vector<Member> members = make(3, 2);
  train(members, 2);
  // 45, 16 and 45 clips are 3, 1 and 3 batches an epoch.
  EXPECT_THAT(listener_.lines, testing::ElementsAre("train 14 batches", "end"));
  EXPECT_EQ(listener_.last_done, 14);
  EXPECT_THAT(listener_.last_detail, testing::StartsWith("3 networks, epoch 2/2  loss "));
  EXPECT_THAT(listener_.last_detail, HasSubstr("val_accuracy"));
}

TEST_F(Members, TrainAtTheSameTime) {
  std::vector<Member> members = make(2, 2);
  // Each waits for the other at the end of its first epoch: one after another would wait for ever.
  std::atomic<int> arrived = 0;
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member&, const EpochRecord& record) {
    if (record.epoch > 1) return;
    ++arrived;
    for (int i = 0; i < 20000 && arrived < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(arrived, 2);
  };
  train(members, 2, hooks);
}

TEST_F(Members, StopWhereOneOfThemFailsAndSayWhich) {
  std::vector<Member> members = make(4, 500);
  std::mutex mutex;
  std::vector<std::string> saved(4);
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& member, const EpochRecord& record) {
    const auto at = static_cast<std::size_t>(&member - members.data());
    {
      const std::lock_guard lock(mutex);
      saved[at] = bits(member.kept_weights());
    }
    if (at != 1 || record.epoch != 2) return;
    for (const Parameter& parameter : members[1].network().parameters()) {
      if (parameter.name == "output.bias") {
        parameter.value.data()[0] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  };
  try {
    train(members, 2, hooks);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("member 1: the loss is nan in epoch 3, step 3"));
    EXPECT_THAT(error.what(), HasSubstr("the weights of epoch"));
    const auto batch = shuffled(data_, members[1].training(), members[1].network().seed(), 3);
    EXPECT_THAT(error.what(), HasSubstr("; the batch: " + data_.id(batch[0]) + ", "));
  }
  EXPECT_EQ(listener_.lines.back(), "end");
  EXPECT_FALSE(members[0].finished());
  EXPECT_TRUE(members[3].history().empty()) << "it waited for a thread, and no longer does";
  for (const std::size_t at : {0U, 1U}) {
    EXPECT_TRUE(bits(members[at].kept_weights()) == saved[at]) << at;
  }
}

TEST_F(Members, StopWhereAFileCannotBeWritten) {
  std::vector<Member> members = make(3, 500);
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& member, const EpochRecord& record) {
    if (member.name() == "member 1" && record.epoch == 3) throw IoError("fold-2/x: disk full");
  };
  try {
    train(members, 3, hooks);
    FAIL();
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "fold-2/x: disk full");
  }
}

TEST_F(Members, CanBeInterruptedAndGoOnToTheSameBits) {
  std::vector<Member> whole = make(3, 8);
  train(whole, 2);
  const ModelDescription description{"name: toy\n", "{}", "key", data_.labels()};
  std::vector<Member> first = make(3, 8);
  std::vector<std::optional<ModelFile>> saved(3);
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& member, const EpochRecord&) {
    saved[static_cast<std::size_t>(&member - first.data())] = member.checkpoint(description);
  };
  listener_.interrupt_at = 9;
  EXPECT_THROW(train(first, 2, hooks), Listener::Interruption);
  listener_.interrupt_at = 0;
  std::vector<Member> second = make(3, 8);
  for (std::size_t i = 0; i < 3; ++i) {
    if (saved[i]) second[i].restore(*saved[i]);
  }
  train(second, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(all_of(second[i]) == all_of(whole[i])) << i;
}

}  // namespace
}  // namespace serenade
