#pragma once

#include <string_view>

#include "kernels/device/tensor.h"

namespace serenade {

/// How long work tells its caller how far it is; the pipeline itself never prints. Every call comes
/// from the thread that called the pipeline. The default implementation hears nothing.
class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// A countable task begins: "extract", 1440, "clips".
  virtual void begin(std::string_view task, Index total, std::string_view unit) {
    (void)task, (void)total, (void)unit;
  }
  /// `done` of the task's total are done; `audio_seconds` of sound are covered by them (0 where
  /// that means nothing); `detail` is a short text to show beside the count.
  virtual void advance(Index done, double audio_seconds = 0, std::string_view detail = {}) {
    (void)done, (void)audio_seconds, (void)detail;
  }
  virtual void end() {}

  /// One line that the user should read.
  virtual void note(std::string_view line) { (void)line; }
  /// One line about something that is wrong but does not end the run.
  virtual void warn(std::string_view line) { (void)line; }
};

}  // namespace serenade
