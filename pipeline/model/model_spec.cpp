#include "pipeline/model/model_spec.h"

namespace serenade {
std::string_view LayerSpec::name() const {
  std::string_view found;
  for_each_layer([&]<class Layer>() {
    if (std::holds_alternative<typename Layer::Options>(options)) found = Layer::name;
  });
  return found;
}

void from_config(const ConfigNode& node, LayerSpec& spec) {
  const ConfigNode::Named item = node.named();
  const std::string& name = item.name;
  bool found = false;
  std::vector<std::string> names;
  for_each_layer([&]<class Layer>() {
    names.emplace_back(Layer::name);
    if (name != Layer::name) return;
    found = true;
    typename Layer::Options read;
    read_options(item.options, read);
    spec.options = read;
  });
  if (!found) node.fail("there is no layer '" + name + "'" + did_you_mean(name, names));
}

std::string option_text(const LayerSpec& spec) {
  const std::string options =
      std::visit([](const auto& of_layer) { return option_text(of_layer); }, spec.options);
  if (options == "{}") return std::string(spec.name());
  return "{" + std::string(spec.name()) + ": " + options + "}";
}

}  // namespace serenade
