#pragma once

#include <spdlog/logger.h>
#include <spdlog/sinks/ringbuffer_sink.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/support/observer.h"

namespace serenade::app {

/// How much goes to stderr. A log file gets everything from `info` up, whatever is said here.
struct ConsoleOptions {
  bool quiet = false;              ///< only warnings and errors
  std::string log_level = "info";  ///< debug, info, warn, error
};

/// Tells a person on stderr what the pipeline reports: a progress bar on a terminal, a line now and
/// then elsewhere. Names from outside stand in what it is told, so every text is shown by
/// one_line(). Results never go through here: they belong on stdout.
class Console : public Observer {
 public:
  explicit Console(const ConsoleOptions& options);
  ~Console() override;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// From now on every line is also appended to this file, after a heading that only the file gets
  /// and what was told so far. To be called once.
  void log_to(const std::filesystem::path& file, const std::vector<std::string>& heading);

  void begin(std::string_view task, Index total, std::string_view unit) override;
  void advance(Index done, double audio_seconds, std::string_view detail) override;
  void end() override;
  void note(std::string_view line) override;
  void warn(std::string_view line) override;
  void error(std::string_view line);

  /// Takes the progress bar off the terminal, so that a result can be printed there; the next
  /// advance() draws it again.
  void clear_bar();

 private:
  using Clock = std::chrono::steady_clock;

  std::string progress_line(bool bar, bool ended) const;
  void show();

  std::shared_ptr<spdlog::logger> logger_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> early_;  // lines before there is a log file
  bool quiet_ = false;
  bool terminal_ = false;
  bool bar_shown_ = false;
  bool active_ = false;
  std::string task_, unit_, detail_;
  Index total_ = 0, done_ = 0;
  double audio_seconds_ = 0;
  Clock::time_point begun_, shown_;
};

}  // namespace serenade::app
