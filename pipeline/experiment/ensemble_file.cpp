#include "pipeline/experiment/ensemble_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

constexpr int format = 1;
constexpr const char* equal_weights = "every run counts the same";

}  // namespace

bool is_ensemble(const RunFolder& folder) { return fs::exists(folder.file(run_file::ensemble)); }

EnsembleFile list_models(const RunFolder& folder, const std::vector<RunFolder>& runs) {
  EnsembleFile file;
  for (const RunFolder& run : runs) {
    const fs::path path = fs::weakly_canonical(run.path());
    EnsembleFile::Run one{path.lexically_relative(fs::weakly_canonical(folder.path())).string(),
                          {}};
    for (const RunFolder& member : run.trained_members()) {
      const fs::path model = member.file(run_file::best_model);
      one.models.push_back({model.lexically_relative(run.path()).string(), hash_file(model)});
    }
    file.runs.push_back(std::move(one));
  }
  return file;
}

std::string ensemble_json(const EnsembleFile& file) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const EnsembleFile::Run& run : file.runs) {
    nlohmann::ordered_json models = nlohmann::ordered_json::array();
    for (const EnsembleFile::Model& model : run.models) {
      models.push_back({{"file", model.file}, {"hash", to_string(model.hash)}});
    }
    runs.push_back({{"path", run.path}, {"models", std::move(models)}});
  }
  const nlohmann::ordered_json json{
      {"format", format}, {"weights", equal_weights}, {"runs", std::move(runs)}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

EnsembleFile read_ensemble(const RunFolder& folder) {
  const fs::path path = folder.file(run_file::ensemble);
  const std::string text = read_file(path, run_file::max_text_bytes);
  EnsembleFile file;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("format").get<int>() != format) {
      throw DataError(
          fmt::format("{}: is of another format than this program's, {}", path.string(), format));
    }
    for (const auto& run : json.at("runs")) {
      EnsembleFile::Run one{run.at("path").get<std::string>(), {}};
      for (const auto& model : run.at("models")) {
        one.models.push_back({model.at("file").get<std::string>(),
                              parse_content_hash(model.at("hash").get<std::string>())});
      }
      if (one.models.empty()) throw DataError(path.string() + ": a run of it has no models");
      file.runs.push_back(std::move(one));
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("{}: is no list of runs: {}", path.string(), error.what()));
  }
  if (file.runs.size() < 2) throw DataError(path.string() + ": lists fewer than two runs");
  return file;
}

std::vector<RunFolder> runs_of(const RunFolder& folder, const EnsembleFile& file) {
  std::vector<RunFolder> runs;
  for (const EnsembleFile::Run& run : file.runs) {
    const fs::path path = (folder.path() / run.path).lexically_normal();
    if (!fs::is_directory(path)) {
      throw DataError(fmt::format(
          "{}: its run {} is not there; bring it back, or combine the runs anew with `serenade "
          "ensemble`",
          folder.path().string(), path.string()));
    }
    for (const EnsembleFile::Model& model : run.models) {
      const fs::path at = path / model.file;
      if (fs::exists(at) && hash_file(at) == model.hash) continue;
      throw DataError(fmt::format(
          "{}: {} is {} the model that was combined; combine the runs anew with `serenade ensemble "
          "--force`",
          folder.path().string(), at.string(), fs::exists(at) ? "not" : "gone,"));
    }
    runs.emplace_back(path);
  }
  return runs;
}

}  // namespace serenade
