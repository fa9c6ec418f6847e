#include "pipeline/model/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/config/yaml.h"
#include "pipeline/support/content_hash.h"

namespace serenade {
namespace {

// Raise it when a file of before could be misunderstood.
constexpr const char* format_version = "1";

namespace key {
constexpr const char* version = "serenade.format_version";
constexpr const char* hash = "serenade.payload_hash";
constexpr const char* configuration = "configuration";
constexpr const char* features = "features";
constexpr const char* feature_key = "feature_key";
constexpr const char* labels = "labels";
constexpr const char* model = "model";
constexpr const char* input = "input";
constexpr const char* mean = "scaler.mean";
constexpr const char* scale = "scaler.scale";
constexpr std::string_view weights = "network.";
constexpr std::string_view training = "training.";
}  // namespace key

struct InputText {
  InputLayout layout = InputLayout::statistics;
  int frames = 0;
  int dims = 0;
  // Files of before there were windows or another normalisation have no such keys.
  Windows windows = Windows::average;
  Normalisation normalisation = Normalisation::global;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("layout", self.layout, Range{}, "how features lie in the input");
    visit("frames", self.frames, Range{1, 1'000'000}, "frames of a clip");  // as model.frames
    visit("dims", self.dims, Range{1, 1'000'000}, "numbers a frame");
    visit("windows", self.windows, Range{}, "what is scored of longer clips");
    visit("normalisation", self.normalisation, Range{}, "whose statistics clips are scaled by");
  }
};

/// Hash of all the file says but the hash itself, whatever the order of its tensors.
std::string payload_hash(const Safetensors& contents) {
  std::string text;
  for (const auto& [name, value] : contents.metadata) {
    if (name == key::hash) continue;
    text += fmt::format("{} {}\n", to_string(hash_text(name)), to_string(hash_text(value)));
  }
  for (const auto& [name, tensor] : contents.tensors) {
    const auto bytes = std::visit(
        [](const auto& array) { return hash_bytes(std::as_bytes(array.span())); }, tensor);
    text += fmt::format("{} {} {} {}\n", to_string(hash_text(name)), dtype_name(tensor),
                        to_string(shape_of(tensor)), to_string(bytes));
  }
  return to_string(hash_text(text));
}

template <class T>
Array<T> copied(std::span<const T> values, Shape shape) {
  Array<T> array(shape);
  std::copy(values.begin(), values.end(), array.data());
  return array;
}

StoredTensor copied(const StoredTensor& tensor) {
  return std::visit(
      []<class T>(const Array<T>& array) -> StoredTensor {
        return copied<T>(array.span(), array.shape());
      },
      tensor);
}

void expect_labels(const std::vector<std::string>& labels) {
  std::set<std::string> seen;
  for (const std::string& label : labels) {
    if (label.empty() || !seen.insert(label).second) {
      throw DataError(fmt::format("label '{}' is empty or stands twice", label));
    }
  }
  if (labels.size() < 2) throw DataError("a model needs at least two labels");
}

/// With weights that are no numbers every answer would be none, or an arbitrary one.
void expect_finite(const std::string& name, const Array<float>& values) {
  if (std::ranges::all_of(values.span(), [](float value) { return std::isfinite(value); })) return;
  throw DataError(
      fmt::format("tensor '{}' holds NaN or infinity, so that the model can predict nothing; train "
                  "it again",
                  name));
}

/// Reads the parts of a model out of a file's contents; errors do not name the file yet.
class Parts {
 public:
  explicit Parts(Safetensors contents) : contents_(std::move(contents)) {}

  ModelFile assemble() {
    if (!contents_.metadata.contains(key::version)) {
      throw DataError("not a model of Serenade: it has no serenade.format_version");
    }
    if (text(key::version) != format_version) {
      throw DataError(fmt::format("format version {}, but this program reads version {}",
                                  text(key::version), format_version));
    }
    if (text(key::hash) != payload_hash(contents_)) {
      throw DataError("damaged: its contents do not give the hash they were saved with");
    }
    ModelDescription description{text(key::configuration), text(key::features),
                                 text(key::feature_key), labels()};
    ModelSpec model;
    read_options(ConfigNode::parse(text(key::model), key::model), model);
    NetworkInput input = network_input();
    Weights weights;
    Safetensors training;
    for (auto& [name, tensor] : contents_.tensors) {
      if (name.starts_with(key::weights)) {
        Array<float>& values = numbers<float>(name);
        expect_finite(name, values);
        weights.emplace(name.substr(key::weights.size()), std::move(values));
      } else if (name.starts_with(key::training)) {
        training.tensors.emplace(name, std::move(tensor));
      }
    }
    for (const auto& [name, value] : contents_.metadata) {
      if (name.starts_with(key::training)) training.metadata.emplace(name, value);
    }
    return {std::move(description), std::move(model), std::move(input), std::move(weights),
            std::move(training)};
  }

 private:
  const std::string& text(const std::string& name) const {
    const auto found = contents_.metadata.find(name);
    if (found == contents_.metadata.end()) throw DataError(fmt::format("'{}' is missing", name));
    return found->second;
  }

  template <class T>
  Array<T>& numbers(const std::string& name) {
    const auto found = contents_.tensors.find(name);
    if (found == contents_.tensors.end()) {
      throw DataError(fmt::format("tensor '{}' is missing", name));
    }
    auto* array = std::get_if<Array<T>>(&found->second);
    if (array == nullptr) {
      throw DataError(fmt::format("tensor '{}' is {}", name, dtype_name(found->second)));
    }
    return *array;
  }

  std::vector<std::string> labels() const {
    std::vector<std::string> labels;
    try {
      labels = nlohmann::json::parse(text(key::labels)).get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception&) {
      throw DataError("'labels' is not a JSON list of texts");
    }
    expect_labels(labels);
    return labels;
  }

  NetworkInput network_input() {
    InputText input;
    read_options(ConfigNode::parse(text(key::input), key::input), input);
    const auto mean = numbers<double>(key::mean).span();
    const auto scale = numbers<double>(key::scale).span();
    if (mean.size() != static_cast<std::size_t>(input.dims)) {
      throw DataError(
          fmt::format("the scaler has {} dimensions, the input {}", mean.size(), input.dims));
    }
    return {input.layout,
            {{mean.begin(), mean.end()}, {scale.begin(), scale.end()}},
            input.frames,
            input.windows,
            input.normalisation};
  }

  Safetensors contents_;
};

}  // namespace

Weights copy_weights(const Network& network) {
  Weights weights;
  const auto add = [&](const std::string& name, Tensor<const float> value) {
    weights.emplace(name, copied<float>(value.span(), value.shape()));
  };
  for (const Parameter& parameter : network.parameters()) add(parameter.name, parameter.value);
  for (const State& state : network.state()) add(state.name, state.value);
  return weights;
}

Weights copy_weights(const Weights& weights) {
  Weights copy;
  for (const auto& [name, value] : weights) {
    copy.emplace(name, copied<float>(value.span(), value.shape()));
  }
  return copy;
}

void set_weights(Network& network, const Weights& weights) {
  std::vector<std::pair<Tensor<float>, const Array<float>*>> copies;
  const auto plan = [&](const std::string& name, Tensor<float> value) {
    const auto found = weights.find(name);
    if (found == weights.end()) {
      throw DataError(fmt::format("the network's tensor '{}' is missing", name));
    }
    if (found->second.shape() != value.shape()) {
      throw DataError(fmt::format("tensor '{}' is {} but the network's is {}", name,
                                  to_string(found->second.shape()), to_string(value.shape())));
    }
    copies.emplace_back(value, &found->second);
  };
  for (const Parameter& parameter : network.parameters()) plan(parameter.name, parameter.value);
  for (const State& state : network.state()) plan(state.name, state.value);
  if (copies.size() != weights.size()) {
    throw DataError(
        fmt::format("{} tensors are given but the network has {}", weights.size(), copies.size()));
  }
  for (const auto& [to, from] : copies) std::copy_n(from->data(), from->size(), to.data());
}

Network ModelFile::network() const {
  Index numbers = 0;
  for (const auto& [name, value] : weights) numbers += value.size();
  try {
    Network network(model, input.shape(), static_cast<Index>(description.labels.size()), 0,
                    numbers);
    set_weights(network, weights);
    return network;
  } catch (const ConfigError& error) {
    throw DataError(fmt::format("the model's layers do not fit together: {}", error.what()));
  } catch (const IoError& error) {
    throw DataError(
        fmt::format("the model's layers take more memory than there is: {}", error.what()));
  }
}

void save_model(const std::filesystem::path& path, const ModelFile& file) {
  expect_labels(file.description.labels);
  Safetensors contents;
  for (const auto& [name, value] : file.training.metadata) contents.metadata.emplace(name, value);
  for (const auto& [name, tensor] : file.training.tensors) {
    contents.tensors.emplace(name, copied(tensor));
  }
  const auto foreign = [](const auto& entry) { return !entry.first.starts_with(key::training); };
  if (std::ranges::any_of(contents.metadata, foreign) ||
      std::ranges::any_of(contents.tensors, foreign)) {
    throw DataError("names of a training's state must begin with 'training.'");
  }

  const auto& [configuration, features, feature_key, labels] = file.description;
  auto& metadata = contents.metadata;
  metadata[key::version] = format_version;
  metadata[key::configuration] = configuration;
  metadata[key::features] = features;
  metadata[key::feature_key] = feature_key;
  metadata[key::model] = canonical_text(file.model);
  metadata[key::input] = canonical_text(InputText{
      file.input.layout(), static_cast<int>(file.input.frames()),
      static_cast<int>(file.input.dims()), file.input.windows(), file.input.normalisation()});
  try {
    metadata[key::labels] = nlohmann::json(labels).dump();
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: cannot be written: a label is not UTF-8", path.string()));
  }

  const StandardScaler& scaler = file.input.scaler();
  const Shape dims{file.input.dims()};
  contents.tensors.emplace(key::mean, copied<double>(scaler.mean, dims));
  contents.tensors.emplace(key::scale, copied<double>(scaler.scale, dims));
  for (const auto& [name, value] : file.weights) {
    contents.tensors.emplace(std::string(key::weights) + name,
                             copied<float>(value.span(), value.shape()));
  }
  sign(contents);
  write_safetensors(path, contents);
}

void sign(Safetensors& contents) { contents.metadata[key::hash] = payload_hash(contents); }

ModelFile assemble_model(Safetensors contents) {
  ModelFile file = Parts(std::move(contents)).assemble();
  file.network();  // throws where weights and layers do not fit
  return file;
}

ModelFile load_model(const std::filesystem::path& path) {
  Safetensors contents = read_safetensors(path);
  try {
    return assemble_model(std::move(contents));
  } catch (const Error& error) {
    throw DataError(fmt::format("{}: {}", path.string(), error.what()));
  }
}

}  // namespace serenade
