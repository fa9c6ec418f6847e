#include "pipeline/config/yaml.h"
#include "tests/support/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace serenade {
namespace {

enum class Padding { same, valid };
constexpr auto enum_names(Padding) { return std::to_array<std::string_view>({"same", "valid"}); }

struct Layer {
  std::string type;
  int size = 0;
};
void from_config(const ConfigNode& node, Layer& layer) {
  const auto [name, options] = node.named();
  layer.type = name;
  if (options.is_map()) read_value(options.child("size"), layer.size);
}
std::string option_text(const Layer& layer) {
  return "{" + layer.type + ": {size: " + std::to_string(layer.size) + "}}";
}

struct Inner {
  double rate = 0.5;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("rate", self.rate, Range{0, 1}, "a share");
  }
};

struct Outer {
  int epochs = 10;
  bool verbose = false;
  std::uint64_t seed = 1;
  std::string name = "x";
  Padding padding = Padding::same;
  std::optional<double> limit = 4.0;
  std::vector<int> sizes = {1};
  std::vector<Layer> layers;
  std::map<std::string, std::optional<std::string>> words;
  Inner inner;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epochs", self.epochs, Range{1, 1000}, "how often");
    visit("verbose", self.verbose, Range{}, "talk");
    visit("seed", self.seed, Range{}, "seed");
    visit("name", self.name, Range{}, "name");
    visit("padding", self.padding, Range{}, "padding");
    visit("limit", self.limit, Range{0}, "limit");
    visit("sizes", self.sizes, Range{1}, "sizes");
    visit("layers", self.layers, Range{}, "layers");
    visit("words", self.words, Range{}, "words");
    visit("inner", self.inner, Range{}, "inner");
  }
};

Outer read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  ConfigNode node = ConfigNode::parse(text, "c.yaml");
  for (const auto& assignment : overrides) node.apply_override(assignment);
  Outer options;
  read_options(node, options);
  return options;
}

std::string complaint(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return test::error_of<ConfigError>([&] { read(text, overrides); });
}

TEST(Yaml, ReadsEveryKindOfField) {
  const Outer options = read(
      "epochs: 3\nverbose: true\nseed: 18446744073709551615\nname: a b\npadding: valid\n"
      "limit: null\nsizes: [4, 5]\nlayers: [pool, conv: {size: 7}]\ninner: {rate: 0.25}\n");
  EXPECT_EQ(options.epochs, 3);
  EXPECT_TRUE(options.verbose);
  EXPECT_EQ(options.seed, 18446744073709551615ULL);
  EXPECT_EQ(options.name, "a b");
  EXPECT_EQ(options.padding, Padding::valid);
  EXPECT_EQ(options.limit, std::nullopt);
  EXPECT_THAT(options.sizes, testing::ElementsAre(4, 5));
  ASSERT_EQ(options.layers.size(), 2U);
  EXPECT_EQ(options.layers[0].type, "pool");
  EXPECT_EQ(options.layers[1].size, 7);
  EXPECT_EQ(options.inner.rate, 0.25);
}

TEST(Yaml, ReadsNamesAndValues) {
  using Words = std::map<std::string, std::optional<std::string>>;
  const Words expected{{"calm", "neutral"}, {"sad", std::nullopt}};
  EXPECT_EQ(read("words: {calm: neutral, sad: null}").words, expected);
  EXPECT_EQ(read("words:\n  calm: neutral\n  sad:\n").words, expected);
  EXPECT_EQ(read("words: {happy: x}", {"words={calm: neutral, sad: null}"}).words, expected);
  EXPECT_EQ(read("words: {calm: neutral}", {"words.sad=null"}).words, expected);
  EXPECT_EQ(read("words: {calm: neutral}", {"words={}"}).words, Words());
  EXPECT_EQ(read("words:").words, Words());
  EXPECT_EQ(complaint("name: x\nwords: [a]"),
            "c.yaml:2: words: expected names and values here: {name: value}");
  EXPECT_EQ(complaint("words: {calm: [a]}"), "c.yaml:1: words.calm: expected a single value here");
  // Any name can be a key, and comes back from what is written.
  Outer odd;
  odd.words = {{"a: b, #c", "null"}, {"true", std::nullopt}, {"3", "~"}, {"plain", "x\n\"y\""}};
  EXPECT_EQ(read(canonical_text(odd)).words, odd.words);
  EXPECT_EQ(read(to_yaml(canonical_text(odd))).words, odd.words);
}

TEST(Yaml, KeepsDefaultsOfAbsentKeys) {
  EXPECT_EQ(canonical_text(read("")), canonical_text(Outer{}));
  EXPECT_EQ(read("inner:\n").inner.rate, 0.5);
}

TEST(Yaml, NamesFileLineKeyAndTheNearestKnownOne) {
  EXPECT_EQ(complaint("name: x\nepocs: 3\n"),
            "c.yaml:2: epocs: unknown key (did you mean 'epochs'?)");
  EXPECT_EQ(complaint("name: x\ninner:\n  rat: 3\n"),
            "c.yaml:3: inner.rat: unknown key (did you mean 'rate'?)");
  EXPECT_EQ(complaint("inner: {zzzzzzzz: 3}"),
            "c.yaml:1: inner.zzzzzzzz: unknown key; known here: rate");
}

TEST(Yaml, NamesWrongValues) {
  EXPECT_EQ(complaint("name: x\nepochs: many"), "c.yaml:2: epochs: 'many' is not a whole number");
  EXPECT_EQ(complaint("epochs: '3'"), "c.yaml:1: epochs: '3' is not a whole number");
  EXPECT_EQ(complaint("epochs: 0"),
            "c.yaml:1: epochs: 0 is out of range: must be at least 1 and at most 1000");
  EXPECT_EQ(complaint("sizes: [3, 0]"), "c.yaml:1: sizes.1: 0 is out of range: must be at least 1");
  EXPECT_EQ(complaint("padding: sane"),
            "c.yaml:1: padding: 'sane' is not one of same, valid (did you mean 'same'?)");
  EXPECT_EQ(complaint("inner: 3"), "c.yaml:1: inner: expected keys and values here");
  EXPECT_EQ(complaint("inner: {rate: .nan}"), "c.yaml:1: inner.rate: '.nan' is not a number");
  EXPECT_EQ(complaint("epochs: 1\nepochs: 2"), "c.yaml:2: key 'epochs' stands here a second time");
  EXPECT_THAT(complaint("a: [1"), testing::StartsWith("c.yaml:1: not valid YAML"));
}

TEST(Yaml, RefusesAliases) {
  constexpr auto* refusal = "not valid YAML: aliases (*name) are not taken here";
  EXPECT_THAT(complaint("epochs: &n 3\nsizes: [*n]"),
              testing::StartsWith(std::string("c.yaml:2: ") + refusal));
  // A list that is its own item, which has no end, and one of 10^20 items.
  EXPECT_THAT(complaint("sizes: &a [*a]"), testing::HasSubstr(refusal));
  std::string text = "a: &a0 [x]\n";
  for (int i = 1; i <= 20; ++i) {
    const std::string item = "*a" + std::to_string(i - 1) + ", ";
    text += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += item;
    text += "]\n";
  }
  EXPECT_THAT(complaint(text), testing::HasSubstr(refusal));
  EXPECT_THAT(complaint("", {"sizes=&a [*a]"}), testing::HasSubstr("aliases (*name)"));
  EXPECT_EQ(read("name: &n 'x *n'").name, "x *n");
}

TEST(Yaml, ReadsManyKeysInGoodTime) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(complaint(text), testing::HasSubstr("unknown key"));
}

TEST(Yaml, CommandLineOverrides) {
  EXPECT_EQ(read("epochs: 3", {"epochs=5"}).epochs, 5);
  EXPECT_EQ(read("", {"inner.rate=0.125"}).inner.rate, 0.125);
  EXPECT_EQ(read("layers: [conv: {size: 7}]", {"layers.0.conv.size=9"}).layers[0].size, 9);
  EXPECT_EQ(complaint("", {"epoch=5"}),
            "command line: epoch: unknown key (did you mean 'epochs'?)");
  EXPECT_EQ(complaint("", {"epochs=x"}), "command line: epochs: 'x' is not a whole number");
  EXPECT_EQ(complaint("", {"epochs"}), "'epochs' is not of the form key.path=value");
  EXPECT_EQ(complaint("epochs: 3", {"epochs.x=1"}),
            "epochs.x: 'epochs' is a plain value in the configuration and has no keys");
  EXPECT_EQ(complaint("layers: [a]", {"layers.3=b"}),
            "layers.3: '3' must be the number of one of the 1 items there, counted from 0");
}

TEST(Yaml, BlockTextIsReadableAndReadsBack) {
  Outer options = read("layers: [pool: {size: 1}, conv: {size: 7}]\nname: 'a: \"b\" #\\'\n");
  const std::string text = to_yaml(canonical_text(options));
  EXPECT_EQ(text,
            "epochs: 10\nverbose: false\nseed: 1\nname: \"a: \\\"b\\\" #\\\\\"\npadding: same\n"
            "limit: 4\nsizes: [1]\nlayers:\n  - pool: {size: 1}\n  - conv: {size: 7}\n"
            "words: {}\ninner:\n  rate: 0.5\n");
  EXPECT_EQ(canonical_text(read(text)), canonical_text(options));
}

TEST(Yaml, EveryCharacterSurvivesTheResolvedConfiguration) {
  Outer options;
  for (int byte = 0; byte < 0x80; ++byte) {
    options.name = std::string("a") + static_cast<char>(byte) + "b";
    EXPECT_EQ(read(canonical_text(options)).name, options.name) << byte;
    EXPECT_EQ(read(to_yaml(canonical_text(options))).name, options.name) << byte;
  }
  options.name = "é\t\xE2\x80\xA8 \r\n";
  EXPECT_EQ(read(to_yaml(canonical_text(options))).name, options.name);
}

RC_GTEST_PROP(Yaml, AnyStringSurvivesTheResolvedConfiguration, ()) {
  const auto name = *rc::gen::container<std::string>(rc::gen::inRange<char>('\1', '\x7f'));
  Outer options;
  options.name = name;
  RC_ASSERT(read(to_yaml(canonical_text(options))).name == name);
}

}  // namespace
}  // namespace serenade
