#include "pipeline/training/history.h"

#include <fmt/format.h>

#include "kernels/device/error.h"

namespace serenade {

double EpochRecord::value(Monitor monitor) const {
  const auto known = [&](const std::optional<double>& number) {
    if (!number) throw ConfigError(fmt::format("there is no {} to monitor", enum_name(monitor)));
    return *number;
  };
  switch (monitor) {
    case Monitor::loss:
      return loss;
    case Monitor::accuracy:
      return accuracy;
    case Monitor::uar:
      return uar;
    case Monitor::val_loss:
      return known(val_loss);
    case Monitor::val_accuracy:
      return known(val_accuracy);
    default:
      return known(val_uar);
  }
}

std::string history_csv(std::span<const EpochRecord> history) {
  std::string text =
      "epoch,loss,accuracy,uar,val_loss,val_accuracy,val_uar,learning_rate,seconds\n";
  const auto maybe = [](const std::optional<double>& number) {
    return number ? shortest(*number) : std::string();
  };
  for (const EpochRecord& r : history) {
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{:.3f}\n", r.epoch, shortest(r.loss),
                    shortest(r.accuracy), shortest(r.uar), maybe(r.val_loss), maybe(r.val_accuracy),
                    maybe(r.val_uar), shortest(r.learning_rate), r.seconds);
  }
  return text;
}

std::string describe(const EpochRecord& record, int epochs) {
  std::string text = fmt::format("epoch {}/{}  loss {:.4f}  accuracy {:.3f}", record.epoch, epochs,
                                 record.loss, record.accuracy);
  if (record.val_loss) {
    text += fmt::format("  val_loss {:.4f}  val_accuracy {:.3f}", *record.val_loss,
                        record.val_accuracy.value_or(0));
  }
  return text;
}

}  // namespace serenade
