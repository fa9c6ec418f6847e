#include "apps/console.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/device/error.h"
#include "pipeline/support/one_line.h"

namespace serenade::app {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// "1:07:03", "2:41", "0:09".
std::string clock_text(double total_seconds) {
  const auto whole = static_cast<Index>(std::lround(total_seconds));
  const Index hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

Console::Console(const ConsoleOptions& options)
    : quiet_(options.quiet), terminal_(::isatty(STDERR_FILENO) == 1) {
  constexpr std::size_t most_early_lines = 1000;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  early_ = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(most_early_lines);
  logger_ = std::make_shared<spdlog::logger>("serenade", spdlog::sinks_init_list{sink, early_});
  logger_->set_level(spdlog::level::trace);  // each sink has a level of its own
  const auto level = spdlog::level::from_str(options.log_level);
  sink->set_level(quiet_ ? std::max(level, spdlog::level::warn) : level);
  // A note stands by itself; what is wrong says so.
  logger_->set_pattern("%v");
}

Console::~Console() { clear_bar(); }

void Console::log_to(const std::filesystem::path& file, const std::vector<std::string>& heading) {
  try {
    auto log = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    log->set_pattern("%Y-%m-%d %H:%M:%S %-7l %v");
    log->set_level(spdlog::level::info);
    for (const std::string& line : heading) {
      const std::string text = one_line(line);
      log->log({logger_->name(), spdlog::level::info, text});
    }
    for (const auto& message : early_->last_raw()) {
      if (log->should_log(message.level)) log->log(message);
    }
    log->flush();
    std::erase(logger_->sinks(), early_);
    logger_->sinks().push_back(log);
    logger_->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& failure) {
    throw IoError(fmt::format("{}: cannot write the log: {}", file.string(), failure.what()));
  }
}

void Console::begin(std::string_view task, Index total, std::string_view unit) {
  end();
  active_ = true;
  task_ = one_line(task);
  unit_ = one_line(unit);
  detail_.clear();
  total_ = total;
  done_ = 0;
  audio_seconds_ = 0;
  begun_ = Clock::now();
  shown_ = begun_;
}

void Console::advance(Index done, double audio_seconds, std::string_view detail) {
  done_ = done;
  audio_seconds_ = audio_seconds;
  detail_ = one_line(detail);
  show();
}

void Console::end() {
  if (!active_) return;
  clear_bar();
  active_ = false;
  if (done_ > 0) logger_->info("{}", progress_line(false, true));
}

std::string Console::progress_line(bool bar, bool ended) const {
  const double elapsed = duration<double>(Clock::now() - begun_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  std::string line = fmt::format("{:<9}", task_);
  if (bar) {
    constexpr Index width = 12;
    const Index filled = total_ > 0 ? std::min(width, done_ * width / total_) : 0;
    line += fmt::format(" [{:#<{}}{:.<{}}]", "", filled, "", width - filled);
  }
  line += fmt::format(" {}/{} {}", done_, total_, unit_);
  // A pace means something for things that are alike and many; a bar leaves its place to details.
  const bool crowded = bar && !detail_.empty();
  if (total_ >= 100 && !crowded) line += fmt::format(", {:.0f} {}/s", rate, unit_);
  if (audio_seconds_ > 0 && elapsed > 0) {
    line += fmt::format(", {:.0f} x real time", audio_seconds_ / elapsed);
  }
  // Ahead of the details, which a narrow terminal cuts.
  const bool goes_on = !ended && done_ < total_ && rate > 0;
  if (goes_on) {
    line += fmt::format(", {} left", clock_text(static_cast<double>(total_ - done_) / rate));
  }
  if (!detail_.empty()) line += ", " + detail_;
  if (!goes_on) line += fmt::format(", took {}", clock_text(elapsed));
  return line;
}

void Console::show() {
  if (quiet_ || !active_) return;
  const auto now = Clock::now();
  const auto pause =
      terminal_ ? duration<double>(milliseconds(100)) : duration<double>(seconds(10));
  if (now - shown_ < pause) return;
  shown_ = now;
  if (terminal_) {
    std::string line = progress_line(true, false);
    line.resize(std::min(line.size(), static_cast<std::size_t>(terminal_columns() - 1)));
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
    bar_shown_ = true;
  } else if (done_ < total_) {
    logger_->info("{}", progress_line(false, false));
  }
}

void Console::clear_bar() {
  if (!bar_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  bar_shown_ = false;
}

void Console::note(std::string_view line) {
  clear_bar();
  logger_->info("{}", one_line(line));
}

void Console::warn(std::string_view line) {
  clear_bar();
  logger_->warn("warning: {}", one_line(line));
}

void Console::error(std::string_view line) {
  clear_bar();
  logger_->error("error: {}", one_line(line));
}

}  // namespace serenade::app
