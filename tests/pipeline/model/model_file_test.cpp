#include "pipeline/model/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "kernels/device/error.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

ModelSpec small_model() {
  ModelSpec spec;
  read_options(ConfigNode::parse("frames: 12\n"
                                 "layers:\n"
                                 "  - conv1d: {filters: 4, kernel_size: 3}\n"
                                 "  - batch_norm\n"
                                 "  - relu\n"
                                 "  - dropout: {rate: 0.25}\n"
                                 "  - global_average_pool\n",
                                 "model"),
               spec);
  return spec;
}

ModelFile example() {
  NetworkInput input(InputLayout::frames, {{0.1, -2, 1e-300}, {1, 2, 3e10}}, 12);
  const Network network(small_model(), input.shape(), 3, 7);
  return {{"name: \"a\"\nseed: 1\n", "{n_fft: 2048}", "0123", {"calm", "zornig ü", "sad"}},
          network.spec(),
          std::move(input),
          copy_weights(network),
          {}};
}

std::string bits(const Weights& weights) {
  std::string text;
  for (const auto& [name, value] : weights) {
    text += name + to_string(value.shape());
    text.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return text;
}

class ModelOnDisk : public testing::Test {
 protected:
  std::string complaint() const {
    return test::error_of<DataError>([&] { load_model(path_); });
  }
  /// The complaint about a saved file that was changed without Serenade's knowledge.
  std::string after(const std::function<void(Safetensors&)>& change) const {
    save_model(path_, example());
    Safetensors contents = read_safetensors(path_);
    change(contents);
    write_safetensors(path_, contents);
    return complaint();
  }
  std::string saving(const std::function<void(ModelFile&)>& change) const {
    try {
      ModelFile file = example();
      change(file);
      save_model(path_, file);
    } catch (const DataError& error) {
      return error.what();
    }
    return complaint();
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
};

TEST_F(ModelOnDisk, IsTheModelInMemory) {
  const ModelFile wrote = example();
  save_model(path_, wrote);
  const ModelFile read = load_model(path_);
  EXPECT_EQ(read.description.configuration, wrote.description.configuration);
  EXPECT_EQ(read.description.features, wrote.description.features);
  EXPECT_EQ(read.description.feature_key, wrote.description.feature_key);
  EXPECT_EQ(read.description.labels, wrote.description.labels);
  EXPECT_EQ(canonical_text(read.model), canonical_text(wrote.model));
  EXPECT_EQ(read.input.layout(), InputLayout::frames);
  EXPECT_EQ(read.input.shape(), wrote.input.shape());
  EXPECT_EQ(read.input.scaler().mean, wrote.input.scaler().mean);
  EXPECT_EQ(read.input.scaler().scale, wrote.input.scaler().scale);
  EXPECT_TRUE(bits(read.weights) == bits(wrote.weights));
  EXPECT_TRUE(bits(copy_weights(read.network())) == bits(wrote.weights));
  EXPECT_TRUE(read.training.tensors.empty() && read.training.metadata.empty());
}

TEST_F(ModelOnDisk, SaysWhatClipsAreStandardisedBy) {
  for (const Normalisation by :
       {Normalisation::global, Normalisation::clip, Normalisation::speaker}) {
    ModelFile wrote = example();
    wrote.input = NetworkInput(wrote.input.layout(), wrote.input.scaler(), wrote.input.frames(),
                               Windows::average, by);
    save_model(path_, wrote);
    EXPECT_EQ(load_model(path_).input.normalisation(), by);
    EXPECT_THAT(read_safetensors(path_).metadata.at("input"),
                testing::HasSubstr("normalisation: " + std::string(enum_name(by))));
  }
  // A file of before there was a choice.
  save_model(path_, example());
  Safetensors before = read_safetensors(path_);
  std::string& input = before.metadata.at("input");
  input.erase(input.find(", normalisation: global"), 23);
  sign(before);
  EXPECT_EQ(assemble_model(std::move(before)).input.normalisation(), Normalisation::global);
}

TEST_F(ModelOnDisk, KeepsTheStateOfATrainingApart) {
  ModelFile wrote = example();
  wrote.training.metadata["training.identity"] = "x";
  wrote.training.tensors.emplace("training.step", Array<std::int64_t>({1}));
  save_model(path_, wrote);
  const ModelFile read = load_model(path_);
  EXPECT_EQ(read.training.metadata.at("training.identity"), "x");
  EXPECT_EQ(dtype_name(read.training.tensors.at("training.step")), "I64");
  EXPECT_TRUE(bits(read.weights) == bits(wrote.weights));
}

TEST_F(ModelOnDisk, IsRefusedWhenDamaged) {
  using testing::HasSubstr;
  EXPECT_EQ(after([](Safetensors&) {}), "no error");
  EXPECT_EQ(after([](Safetensors& s) {
              std::get<Array<float>>(s.tensors.at("network.output.bias"))[1] += 1e-30F;
            }),
            path_.string() + ": damaged: its contents do not give the hash they were saved with");
  EXPECT_THAT(after([](Safetensors& s) { s.metadata["labels"] = R"(["a","b","c"])"; }),
              HasSubstr("damaged"));
  EXPECT_THAT(after([](Safetensors& s) { s.metadata["more"] = ""; }), HasSubstr("damaged"));
  EXPECT_THAT(after([](Safetensors& s) { s.tensors.erase("scaler.mean"); }), HasSubstr("damaged"));
  EXPECT_THAT(after([](Safetensors& s) {
                std::swap(s.tensors.at("scaler.mean"), s.tensors.at("scaler.scale"));
              }),
              HasSubstr("damaged"));
  EXPECT_THAT(after([](Safetensors& s) { s.metadata.erase("serenade.payload_hash"); }),
              HasSubstr("'serenade.payload_hash' is missing"));
  EXPECT_THAT(after([](Safetensors& s) { s.metadata.clear(); }),
              HasSubstr("not a model of Serenade"));
  EXPECT_THAT(after([](Safetensors& s) { s.metadata["serenade.format_version"] = "2"; }),
              HasSubstr("format version 2, but this program reads version 1"));
  EXPECT_THROW(load_model(folder_ / "absent"), IoError);
}

TEST_F(ModelOnDisk, IsRefusedWhenItsPartsDoNotFit) {
  using testing::HasSubstr;
  EXPECT_EQ(saving([](ModelFile&) {}), "no error");
  EXPECT_THAT(saving([](ModelFile& f) { f.weights.erase("output.bias"); }),
              HasSubstr("the network's tensor 'output.bias' is missing"));
  EXPECT_THAT(saving([](ModelFile& f) { f.weights["output.bias"].resize({2}); }),
              HasSubstr("'output.bias' is [2] but the network's is [3]"));
  EXPECT_THAT(saving([](ModelFile& f) { f.weights["more"].resize({2}); }),
              HasSubstr("tensors are given but the network has"));
  EXPECT_THAT(saving([](ModelFile& f) { f.description.labels.pop_back(); }),
              HasSubstr("is [4, 3] but the network's is [4, 2]"));
  EXPECT_THAT(saving([](ModelFile& f) {
                f.description.labels = {"a", "a", "b"};
              }),
              HasSubstr("'a' is empty or stands twice"));
  EXPECT_THAT(saving([](ModelFile& f) {
                f.description.labels = {"a", "\xff", "b"};
              }),
              HasSubstr("not UTF-8"));
  EXPECT_THAT(saving([](ModelFile& f) { f.model.layers.pop_back(); }),
              HasSubstr("the model's layers do not fit together"));
  EXPECT_THAT(saving([](ModelFile& f) {
                f.input = NetworkInput(InputLayout::frames, {{0, 0}, {1, 1}}, 12);
              }),
              HasSubstr("the network's is"));
  EXPECT_THAT(saving([](ModelFile& f) { f.training.metadata["labels"] = "x"; }),
              HasSubstr("must begin with 'training.'"));
}

TEST_F(ModelOnDisk, TakesNoMoreMemoryThanItsWeights) {
  // Layers of gigabytes with the weights of a small model.
  EXPECT_THAT(saving([](ModelFile& file) {
                file.model.layers.push_back({DenseOptions{16384}});
                file.model.layers.push_back({DenseOptions{16384}});
              }),
              testing::HasSubstr("layers.5.dense: gets [4] but parameters [4, 16384] are more than "
                                 "the "));
  // Each by itself would fit into what the file holds, all together do not.
  EXPECT_THAT(saving([](ModelFile& file) {
                for (int i = 0; i < 9; ++i) file.model.layers.push_back({DenseOptions{4}});
              }),
              testing::HasSubstr("numbers there are for them"));
}

TEST(Weights, StayAsTheyAreWhereOthersDoNotFit) {
  Network network(small_model(), {12, 3}, 3, 1);
  const std::string before = bits(copy_weights(network));
  Weights weights = copy_weights(Network(small_model(), {12, 3}, 3, 2));
  weights.at("output.bias").resize({1});
  EXPECT_THROW(set_weights(network, weights), DataError);
  EXPECT_TRUE(bits(copy_weights(network)) == before);
}

}  // namespace
}  // namespace serenade
