#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/device/transfer.h"
#include "kernels/nn/backend.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "pipeline/training/trainer.h"

// Trainer::train: several members at a time, on threads that tell the caller's how far they are.
namespace serenade {
namespace {

/// Ends a member's training from within, for a reason that is not its own.
struct Stopped {};

struct MemberState {
  Index batches = 0;  ///< that it has to train
  Index done = 0;
  std::optional<EpochRecord> last;
  std::exception_ptr failure;
};

/// What members that train together know of each other. The caller's thread waits in follow();
/// everything else is called by the members' threads.
class Team {
 public:
  explicit Team(std::vector<MemberState> members) : members_(std::move(members)) {}

  /// A member that nobody has begun; nothing where none is left or all are to stop.
  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (stopping_ || begun_ == members_.size()) return std::nullopt;
    return begun_++;
  }

  /// Throws Stopped where the members are to stop.
  void advance(std::size_t member, Index done) {
    change([&] { members_[member].done = done; });
    if (stopping_) throw Stopped{};
  }
  void epoch(std::size_t member, const EpochRecord& record) {
    change([&] { members_[member].last = record; });
  }
  /// Its training came to its end, perhaps early: nothing of it is left to wait for.
  void ended(std::size_t member) {
    change([&] { members_[member].done = members_[member].batches; });
  }
  void failed(std::size_t member, std::exception_ptr failure) {
    stopping_ = true;
    change([&] { members_[member].failure = std::move(failure); });
  }
  void warn(std::string_view line) {
    change([&] { warnings_.emplace_back(line); });
  }
  void thread_ended() {
    change([&] { --threads_; });
  }

  /// Another thread will train members; before it begins.
  void expect_thread() {
    change([&] { ++threads_; });
  }

  /// Tells the observer how far all are, until every thread has ended. Where it throws, the members
  /// stop, and it is rethrown by rethrow().
  void follow(int epochs, Observer& observer) {
    std::unique_lock lock(mutex_);
    for (bool over = false; !over;) {
      wake_.wait(lock, [&] { return changed_; });
      changed_ = false;
      over = threads_ == 0;
      if (interruption_) continue;
      Index done = 0;
      for (const MemberState& member : members_) done += member.done;
      const std::string detail = describe_all(epochs);
      const std::vector<std::string> warnings = std::exchange(warnings_, {});
      lock.unlock();
      try {
        for (const std::string& line : warnings) observer.warn(line);
        observer.advance(done, 0, detail);
      } catch (...) {
        interruption_ = std::current_exception();
        stopping_ = true;
      }
      lock.lock();
    }
  }

  /// The failure of the first member that has one, or else the observer's.
  void rethrow() const {
    for (const MemberState& member : members_) {
      if (member.failure) std::rethrow_exception(member.failure);
    }
    if (interruption_) std::rethrow_exception(interruption_);
  }

 private:
  template <class Change>
  void change(Change&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_ = true;
    wake_.notify_one();
  }

  /// "6 networks, epochs 3 to 5 of 50  loss 1.2346  accuracy 0.512  val_accuracy 0.500": means over
  /// the members that have ended an epoch.
  std::string describe_all(int epochs) const {
    int first = epochs, last = 0;
    EpochRecord mean;
    double count = 0, validations = 0, val_loss = 0, val_accuracy = 0;
    for (const MemberState& member : members_) {
      first = std::min(first, member.last ? member.last->epoch : 0);
      if (!member.last) continue;
      const EpochRecord& record = *member.last;
      last = std::max(last, record.epoch);
      count += 1;
      mean.loss += record.loss;
      mean.accuracy += record.accuracy;
      if (!record.val_loss) continue;
      validations += 1;
      val_loss += *record.val_loss;
      val_accuracy += record.val_accuracy.value_or(0);
    }
    std::string text = fmt::format("{} networks", members_.size());
    if (count == 0) return text;
    mean.epoch = first;
    mean.loss /= count;
    mean.accuracy /= count;
    if (validations > 0) {
      mean.val_loss = val_loss / validations;
      mean.val_accuracy = val_accuracy / validations;
    }
    text += ", " + describe(mean, epochs);
    return first == last ? text : text + fmt::format(" (the farthest: epoch {})", last);
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<MemberState> members_;
  std::vector<std::string> warnings_;  // that nobody has heard yet
  std::size_t begun_ = 0;
  int threads_ = 0;
  bool changed_ = false;
  std::atomic<bool> stopping_ = false;
  std::exception_ptr interruption_;
};

/// Hears a member's training and hands it on to its team.
class MemberObserver : public Observer {
 public:
  MemberObserver(Team& team, std::size_t member) : team_(team), member_(member) {}
  void advance(Index done, double, std::string_view) override { team_.advance(member_, done); }
  void warn(std::string_view line) override { team_.warn(line); }

 private:
  Team& team_;
  std::size_t member_;
};

}  // namespace

void Trainer::train(std::span<Member> members, const TrainerHooks& hooks) {
  for (Member& member : members) {
    expect_fit(member);
    const auto text = [](Member& m) { return canonical_text(m.network().spec()); };
    if (text(member) != text(members.front())) {
      throw ShapeError(
          fmt::format("{} and {} have different layers: members trained together "
                      "share one architecture",
                      members.front().name(), member.name()));
    }
  }
  settle_data();
  if (members.size() == 1) return train(members.front(), hooks);
  if (!members.empty()) train_together(members, hooks);
}

void Trainer::train_together(std::span<Member> members, const TrainerHooks& hooks) {
  std::vector<MemberState> states;
  Index batches = 0;
  int unfinished = 0, epochs = 0;
  for (const Member& member : members) {
    states.push_back({member.finished() ? 0 : batches_left(member), 0, std::nullopt, nullptr});
    if (!member.history().empty()) states.back().last = member.history().back();
    batches += states.back().batches;
    unfinished += member.finished() ? 0 : 1;
    epochs = std::max(epochs, member.options().epochs);
  }
  Team team(std::move(states));

  const auto train_members = [&](Context& context) {
    while (const auto index = team.next()) {
      MemberObserver observer(team, *index);
      TrainerHooks own = hooks;
      own.on_epoch = [&](const Member& member, const EpochRecord& record) {
        team.epoch(*index, record);
        if (hooks.on_epoch) hooks.on_epoch(member, record);
      };
      try {
        use_on_this_thread(context);
        Trainer trainer(context, data_, observer);
        trainer.resident_ = resident_;
        trainer.train(members[*index], own);
        // A network of its own size again: what its layers keep between steps goes.
        members[*index].network_ = members[*index].network_.clone();
        team.ended(*index);
      } catch (const Stopped&) {
      } catch (...) {
        team.failed(*index, std::current_exception());
      }
    }
    team.thread_ended();
  };

  const int workers = std::clamp(unfinished, 1, context_.threads());
  const int share = context_.threads() / workers, rest = context_.threads() % workers;
  // Made here, where what they throw can be caught.
  std::vector<Context> contexts;
  contexts.reserve(static_cast<std::size_t>(workers));
  for (int i = 0; i < workers; ++i) {
    contexts.emplace_back(context_.device(), share + (i < rest ? 1 : 0));
    use_backend(contexts.back(), backend_of(context_));
  }
  observer_.begin("train", batches, "batches");
  std::vector<std::jthread> threads;
  for (Context& context : contexts) {
    team.expect_thread();
    try {
      threads.emplace_back(train_members, std::ref(context));
    } catch (const std::system_error&) {
      team.thread_ended();
      if (threads.empty()) throw;
      break;  // the system gives no more, and results do not depend on how many there are
    }
  }
  team.follow(epochs, observer_);
  threads.clear();
  if constexpr (cuda::has_cudnn) {
    if (context_.device() == Device::cuda) {
      for (Context& one : contexts) cuda::cudnn::take_plans(context_.session(), one.session());
    }
  }
  observer_.end();
  team.rethrow();
}

}  // namespace serenade
