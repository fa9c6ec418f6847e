// Prints configs/REFERENCE.md: every key of an experiment, every feature and every layer, from the
// option structs themselves.

#include <fmt/format.h>

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pipeline/experiment/config.h"
#include "pipeline/experiment/sweep_options.h"
#include "pipeline/model/layer_table.h"

namespace serenade {
namespace {

template <class T>
constexpr std::string_view kind_of() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, int> || std::is_same_v<T, std::uint64_t>) return "whole number";
  if constexpr (std::is_same_v<T, double>) return "number";
  if constexpr (std::is_same_v<T, std::string>) return "text";
  if constexpr (detail::IsVector<T>::value) return "list";
  if constexpr (detail::IsMap<T>::value) return "names and values";
  return "";
}

std::string range_text(const Range& range) {
  const Range all;
  if (range.low == all.low && range.high == all.high) return "";
  return detail::RangeVisitor::describe(range);
}

template <class T>
std::string values_text(const T& value, const Range& range) {
  if constexpr (detail::IsOptional<T>::value) {
    using Inner = typename T::value_type;
    const std::string inner = values_text(Inner{}, range);
    return inner + ", or null";
  } else if constexpr (requires { option_values(value); }) {
    const std::string limits = range_text(range);
    return std::string(option_values(value)) + (limits.empty() ? "" : ", " + limits);
  } else if constexpr (OptionEnum<T>) {
    std::string text;
    for (const auto name : enum_names(value)) {
      text += (text.empty() ? "" : ", ") + std::string(name);
    }
    return text;
  } else {
    const std::string limits = range_text(range);
    return std::string(kind_of<T>()) + (limits.empty() ? "" : ", " + limits);
  }
}

template <class T>
constexpr bool is_optional_struct() {
  if constexpr (detail::IsOptional<T>::value) {
    return OptionStruct<typename T::value_type>;
  } else {
    return false;
  }
}

/// Rows of one table; a struct within becomes `name.key` rows.
struct RowVisitor {
  std::string prefix;
  std::string rows;

  template <class T>
  void operator()(std::string_view name, const T& value, Range range, std::string_view meaning) {
    const std::string key = prefix + std::string(name);
    if constexpr (OptionStruct<T>) {
      RowVisitor inner{key + ".", ""};
      T::fields(value, inner);
      rows += inner.rows;
    } else if constexpr (is_optional_struct<T>()) {
      rows += fmt::format("| `{}` | the keys below, or null | `null` | {} |\n", key, meaning);
      const typename T::value_type inside;
      RowVisitor inner{key + ".", ""};
      T::value_type::fields(inside, inner);
      rows += inner.rows;
    } else {
      std::string standard = option_text(value);
      if (standard.size() > 60) standard = "...";
      rows += fmt::format("| `{}` | {} | `{}` | {} |\n", key, values_text(value, range), standard,
                          meaning);
    }
  }
};

template <class Options>
void print_table(std::string_view heading, const Options& options) {
  RowVisitor visitor;
  Options::fields(options, visitor);
  fmt::print("{}\n\n", heading);
  if (visitor.rows.empty()) {
    fmt::print("No options.\n\n");
    return;
  }
  fmt::print("| key | values | default | meaning |\n| --- | --- | --- | --- |\n{}\n", visitor.rows);
}

struct SectionVisitor {
  bool in_list = true;
  template <class T>
  void operator()(std::string_view name, const T& value, Range, std::string_view meaning) {
    if constexpr (OptionStruct<T>) {
      if (std::exchange(in_list, false)) fmt::print("\n");
      print_table(fmt::format("## `{}`: {}", name, meaning), value);
    } else {
      fmt::print("- `{}`: {}; default `{}`\n", name, meaning, option_text(value));
    }
  }
};

void print_all() {
  fmt::print(
      "# Reference\n\n"
      "Every key of an experiment, every feature and every layer. This page is printed by\n"
      "`build/reference` (target `reference`), from the same lists that the program reads "
      "configurations by.\n\n"
      "A configuration is one YAML file. Every key may be left out; an unknown one is an error "
      "that\n"
      "names file, line and the nearest known key. `key.path=value` on the command line changes a\n"
      "value; items of lists go by number: `model.layers.0.conv1d.filters=128`.\n\n");
  SectionVisitor sections;
  const ExperimentConfig defaults;
  ExperimentConfig::fields(defaults, sections);
  print_table("## `sweep`: what `serenade sweep` tries; other commands pass it over",
              SweepOptions());
  fmt::print(
      "## Features\n\nItems of `features.extract`: a name, or `name: {{option: value}}`. A clip "
      "gives 1 "
      "+ samples / hop_length\n(rounded down) frames of n_fft samples, Hann windows that are "
      "centred "
      "on every hop_length-th sample,\nzeros around the clip. The librosa calls are those of "
      "librosa "
      "1.0 (0.11 gives the same\nbut for single frames of pyin); they take sr=sample_rate, n_fft "
      "and hop_length as well, and defaults\nwhere nothing is said.\n\n"
      "Every feature but delta and delta2 has the option `part` as well: whole (the default), "
      "harmonic or\npercussive. Its columns are called harmonic_mfcc then, by which derivatives "
      "know it, and it is computed\nof librosa.effects.harmonic(y) or percussive(y) as "
      "`features.hpss` says, made once for all features.\n\n");
  for (const Feature& feature : all_features()) {
    std::visit(
        []<class Options>(const Options& options) {
          const std::string heading = fmt::format("### `{}`\n\n{}", options.name, options.about);
          if constexpr (requires { options.part; }) {  // said once, above
            print_table(heading, typename Options::Whole{});
          } else {
            print_table(heading, options);
          }
        },
        feature);
  }
  fmt::print(
      "## The cache in other programs\n\n`serenade extract` names the folder; `index.h5` in it "
      "shows all rows as one matrix. A clip is known by\nits content: XXH3's 128 bits of the "
      "file's bytes. With h5py and xxhash:\n\n"
      "    import h5py, xxhash\n"
      "    with h5py.File(\"cache/KEY/index.h5\") as file:\n"
      "        columns = file[\"columns\"].asstr()[:]  # \"mfcc_0\", ...\n"
      "        clips = {{clip[\"content\"].decode(): clip for clip in file[\"clips\"][:]}}\n"
      "        clip = clips[xxhash.xxh3_128_hexdigest(open(\"a.wav\", \"rb\").read())]\n"
      "        begin, count = clip[\"frame_offset\"], clip[\"frames\"]\n"
      "        rows = file[\"features\"][begin : begin + count]  # [frames, columns]\n\n");
  print_table(
      "## Copies\n\nItems of `augmentation.copies`: the keys that are set say what is done to a "
      "clip, in this order.\nOf a range `[from, to]` every clip draws its own number, by `seed`, "
      "the recipe's place in the list\nand its content alone.",
      CopyRecipe{});
  fmt::print("## Layers\n\nItems of `model.layers`: a name, or `name: {{option: value}}`.\n\n");
  const auto print_layer = []<class Layer>(std::type_identity<Layer>) {
    print_table(fmt::format("### `{}`", Layer::name), typename Layer::Options{});
  };
  []<class... Layers>(std::type_identity<std::tuple<Layers...>>, const auto& print) {
    (print(std::type_identity<Layers>()), ...);
  }(std::type_identity<LayerTable>(), print_layer);
}

}  // namespace
}  // namespace serenade

int main() { serenade::print_all(); }
