// fuzz_seeds FOLDER: a few good inputs for each fuzzer to begin from, FOLDER/NAME/*.
#include <filesystem>
#include <string>

#include "pipeline/features/plan.h"
#include "pipeline/model/model_file.h"
#include "pipeline/support/files.h"

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

void write_model(const fs::path& path) {
  serenade::ModelSpec spec;
  spec.layers.push_back({serenade::Conv1dOptions{.filters = 2, .kernel_size = 3}});
  spec.layers.push_back({serenade::GlobalAveragePoolOptions{}});
  const serenade::NetworkInput input(serenade::InputLayout::frames, {{0, 0}, {1, 1}}, 4);
  const serenade::Network network(spec, input.shape(), 2, 1);
  const serenade::ModelFile file{
      {"name: seed", "features", "key", {"angry", "sad"}}, spec, input, copy_weights(network), {}};
  serenade::save_model(path, file);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const fs::path folder = arguments[1];
  const auto write = [&](const char* fuzzer, const std::string& name, const std::string& text) {
    fs::create_directories(folder / fuzzer);
    serenade::write_file_atomically(folder / fuzzer / name, text);
  };
  write("names", "ravdess", "03-01-06-01-02-01-12");
  write("names", "emodb", "03a01Fa");
  write("names", "tess", "OAF_back_ps");
  write("names", "crema-d", "1001_DFA_ANG_XX");
  write("names", "savee", "DC/sa01");
  write("manifest", "quoted", "file,speaker,emotion,age\r\n\"a, b.wav\",1,sad,30\r\nc.wav,2,,\r\n");
  write("csv", "quoted", "id,text\r\n1,\"a, \"\"b\"\"\"\n");
  write(
      "container", "wav",
      "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\4\0\0\0\1\0\2\0"s);
  write("container", "list",
        "RIFF\x64\0\0\0WAVELIST\x1a\0\0\0INFOISFT\5\0\0\0Lavf\0\0LIST\xf8\xff\xff\xff"s);
  write("container", "long",
        "RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0"
        "\0\0"
        "data\xff\xff\xff\xff\1\0\2\0"s);
  write(
      "container", "aiff",
      "FORM\0\0\0\x2e\x41IFFCOMM\0\0\0\x12\0\1\0\0\0\2\0\x10\x40\x0c\xfa\0\0\0\0\0\0\0SSND\0\0\0\x0c\0\0\0\0\0\0\0\0\0\1\0\2"s);
  fs::create_directories(folder / "plan");
  serenade::write_plan(folder / "plan", {0, {{0, {{1, 2}, {3, 4}}}, {1, {{5, 6}}}}});
  fs::create_directories(folder / "safetensors");
  write_model(folder / "safetensors" / "model");
  write("shard", "untouched", "");
  return 0;
}
