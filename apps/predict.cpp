#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/experiment/file_speakers.h"
#include "pipeline/experiment/predict.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/one_line.h"

namespace serenade::app {
namespace {

enum class Format { table, csv, json };

struct PredictArguments {
  std::string run;
  std::vector<std::string> paths;
  std::string speaker;
  bool csv = false;
  bool json = false;
};

/// Prints results as they come.
class Printer {
 public:
  Printer(Format format, const std::vector<std::string>& labels,
          const std::vector<std::filesystem::path>& files)
      : format_(format), labels_(labels) {
    if (format_ == Format::table) {
      for (const auto& file : files) {
        path_width_ =
            std::max(path_width_, std::min(max_path_width, one_line(file.string()).size()));
      }
      for (const std::string& label : labels) {
        label_width_ = std::max(label_width_, one_line(label).size());
      }
      print_row("file", "emotion", "probability");
    }
    if (format_ == Format::csv) {
      std::string header = "file,predicted";
      for (const std::string& label : labels_) header += ",p_" + csv_field(label);
      fmt::print("{}\n", header);
    }
  }

  void print(const FilePrediction& result) const {
    const ClipPrediction& clip = result.clip;
    if (!result.error.empty()) {
      if (format_ == Format::json) {
        print_json({{"file", clip.path}, {"error", result.error}});
      }
      return;
    }
    const float best = *std::max_element(clip.probabilities.begin(), clip.probabilities.end());
    if (format_ == Format::table) {
      print_row(clip.path, clip.predicted, fmt::format("{:.3f}", best));
    } else if (format_ == Format::csv) {
      std::string line = csv_field(clip.path) + "," + csv_field(clip.predicted);
      for (const float p : clip.probabilities) line += fmt::format(",{}", p);
      fmt::print("{}\n", line);
    } else {
      nlohmann::ordered_json probabilities;
      for (std::size_t i = 0; i < labels_.size(); ++i) {
        probabilities[labels_[i]] = clip.probabilities[i];
      }
      print_json(
          {{"file", clip.path}, {"predicted", clip.predicted}, {"probabilities", probabilities}});
    }
  }

 private:
  static constexpr std::size_t max_path_width = 60;

  /// Padded by bytes: fmt would count the columns of a path that may be no UTF-8.
  void print_row(std::string_view file, std::string_view emotion,
                 const std::string& probability) const {
    std::string path = one_line(file), label = one_line(emotion);
    path.resize(std::max(path.size(), path_width_), ' ');
    label.resize(std::max(label.size(), label_width_), ' ');
    fmt::print("{}  {}  {}\n", path, label, probability);
  }

  /// One object a line (JSON lines), so that results can be read as they come.
  static void print_json(const nlohmann::ordered_json& object) {
    fmt::print("{}\n",
               object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }

  Format format_;
  const std::vector<std::string>& labels_;
  std::size_t path_width_ = 4, label_width_ = 7;
};

/// Paths on stdin, a line each, or ended by NUL bytes as `find -print0` writes them. A list made on
/// Windows may end its lines in \r\n and begin with a byte order mark.
void add_paths_of_stdin(std::vector<std::string>& paths) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string list{std::istreambuf_iterator<char>(std::cin), {}};
  const char end_mark = list.find('\0') == std::string::npos ? '\n' : '\0';
  for (std::size_t begin = list.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
       begin < list.size();) {
    const std::size_t end = std::min(list.find(end_mark, begin), list.size());
    std::string path = list.substr(begin, end - begin);
    begin = end + 1;
    std::error_code unknown;
    const bool windows = end_mark == '\n' && path.ends_with('\r');
    if (windows && !std::filesystem::exists(path, unknown)) path.pop_back();
    if (!path.empty()) paths.push_back(std::move(path));
  }
}

/// Paths as given, "-" replaced by those on stdin.
std::vector<std::string> listed_paths(const std::vector<std::string>& arguments, Console& console) {
  std::vector<std::string> paths;
  for (const std::string& argument : arguments) {
    if (argument != "-") {
      paths.push_back(argument);
      continue;
    }
    if (::isatty(STDIN_FILENO) == 1) console.note("reading paths from the terminal, one a line");
    add_paths_of_stdin(paths);
  }
  return paths;
}

int predict(const Common& common, Console& console, const PredictArguments& arguments) {
  Context context(common.threads);
  const DeviceChoice device = choose_device(common.device, context);
  if (device.device != Device::cpu) context = Context(device.device, common.threads);
  Predictor predictor(arguments.run, device.device, common.device_memory_mib << 20U);
  const auto paths = listed_paths(
      arguments.paths.empty() ? std::vector<std::string>{"-"} : arguments.paths, console);
  const Recordings recordings = find_recordings(paths);
  for (const std::string& error : recordings.errors) console.warn(error);
  const auto& files = recordings.files;
  if (files.empty()) {
    throw DataError(paths.empty() ? "no paths to predict were given"
                                  : "no recordings in what was given to predict");
  }
  console.note(device.text);
  if (predictor.models() > 1) {
    console.note(fmt::format("probabilities are means over {} networks", predictor.models()));
  }

  std::vector<std::string> speakers;
  if (predictor.by_speaker() && arguments.speaker.empty()) throw DataError(speaker_needed);
  if (!arguments.speaker.empty()) {
    if (predictor.by_speaker()) {
      speakers = speakers_of(files, arguments.speaker);
    } else {
      console.note("--speaker: the model does not ask who speaks, and is not told");
    }
  }
  if (!speakers.empty() && arguments.speaker == "file") {
    console.warn(
        "--speaker file: each file is standardised by itself alone, which the model has not "
        "learned from; it does better with several files of a speaker (one, folder or a CSV file)");
  }

  Format format = Format::table;
  if (arguments.csv) format = Format::csv;
  if (arguments.json) format = Format::json;
  const Printer printer(format, predictor.labels(), files);
  std::size_t failed = 0;
  const auto print = [&](const FilePrediction& result) {
    console.clear_bar();
    printer.print(result);
    if (result.error.empty()) return;
    ++failed;
    console.warn(result.error);
  };
  predictor.predict(context, files, console, print, speakers);
  if (failed > 0) {
    console.warn(fmt::format("{} of {} files could not be predicted", failed, files.size()));
  }
  return failed == 0 && recordings.errors.empty() ? exit_done : exit_failed;
}

}  // namespace

void add_predict(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("predict", "say what a trained run hears in recordings");
  auto arguments = std::make_shared<PredictArguments>();
  command->add_option("run", arguments->run, "a run folder or a model file")
      ->required()
      ->type_name("RUN");
  command->add_option(
      "paths", arguments->paths,
      "files and folders; none or '-': a list on stdin, a path a line or as find -print0 writes");
  command->add_option("--speaker", arguments->speaker, speaker_help)
      ->type_name("one|folder|file|CSV");
  CLI::Option* csv = command->add_flag("--csv", arguments->csv, "comma-separated values");
  command->add_flag("--json", arguments->json, "JSON, an object a line")->excludes(csv);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      return predict(common, console, *arguments);
    };
  });
}

}  // namespace serenade::app
