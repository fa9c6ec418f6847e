#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/workplace.h"
#include "pipeline/experiment/predict.h"
#include "pipeline/support/csv.h"

namespace serenade::app {
namespace {

enum class Format { table, csv, json };

struct PredictArguments {
  std::string run;
  std::vector<std::string> paths;
  bool csv = false;
  bool json = false;
};

/// Prints results as they come.
class Printer {
 public:
  Printer(Format format, const std::vector<std::string>& labels, std::size_t path_width)
      : format_(format), labels_(labels), path_width_(path_width) {
    if (format_ == Format::table) {
      fmt::print("{:<{}}  {:<10}  {}\n", "file", path_width_, "emotion", "probability");
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
      fmt::print("{:<{}}  {:<10}  {:.3f}\n", clip.path, path_width_, clip.predicted, best);
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
  /// One object a line (JSON lines), so that results can be read as they come.
  static void print_json(const nlohmann::ordered_json& object) {
    fmt::print("{}\n",
               object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }

  Format format_;
  const std::vector<std::string>& labels_;
  std::size_t path_width_;
};

std::vector<std::string> lines_of_stdin() {
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

int predict(const Common& common, const PredictArguments& arguments) {
  std::vector<std::string> paths = arguments.paths;
  if (paths.empty() || (paths.size() == 1 && paths[0] == "-")) paths = lines_of_stdin();
  Predictor predictor(arguments.run);
  const auto files = find_recordings(paths);
  if (files.empty()) throw DataError("no recordings to predict");
  Session session(common);

  std::size_t width = 4;
  for (const auto& file : files) width = std::max(width, file.string().size());
  Format format = Format::table;
  if (arguments.csv) format = Format::csv;
  if (arguments.json) format = Format::json;
  const Printer printer(format, predictor.labels(), std::min<std::size_t>(width, 60));
  std::size_t failed = 0;
  predictor.predict(session.context(), files, session.console(), [&](const FilePrediction& result) {
    printer.print(result);
    if (result.error.empty()) return;
    ++failed;
    session.console().warn(result.error);
  });
  if (failed == 0) return exit_done;
  session.console().warn(
      fmt::format("{} of {} files could not be predicted", failed, files.size()));
  return exit_failed;
}

}  // namespace

void add_predict(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("predict", "say what a trained run hears in recordings");
  auto arguments = std::make_shared<PredictArguments>();
  command->add_option("run", arguments->run, "a run folder or a model file")
      ->required()
      ->type_name("RUN");
  command->add_option("paths", arguments->paths,
                      "files and folders; none or '-': a list on stdin, a path a line");
  CLI::Option* csv = command->add_flag("--csv", arguments->csv, "comma-separated values");
  command->add_flag("--json", arguments->json, "JSON, an object a line")->excludes(csv);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments] { return predict(common, *arguments); };
  });
}

}  // namespace serenade::app
