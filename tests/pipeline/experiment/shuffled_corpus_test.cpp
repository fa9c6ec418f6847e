#include <gmock/gmock.h>

#include <algorithm>

#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using test::write_bytes;

/// In an order that has to do with nothing.
template <class Range, class Text>
void shuffle(Range& range, const Text& text) {
  std::sort(range.begin(), range.end(),
            [&](const auto& a, const auto& b) { return hash_text(text(a)) < hash_text(text(b)); });
}

/// Labels are joined to features by content, and nothing depends on where files are or in which
/// order they are found.
TEST(ShuffledCorpus, GivesTheSameModel) {
  SmallExperiment small;
  run(small.config(), small.workplace("one"));
  fs::create_directories(small.folder / "aside");
  std::vector<fs::path> clips = small.clips;
  shuffle(clips, [](const fs::path& clip) { return clip.filename().string(); });
  for (const fs::path& clip : clips) fs::rename(clip, small.folder / "aside" / clip.filename());
  fs::remove_all(small.folder / "corpus");
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const fs::path folder = small.folder / "corpus" / fmt::format("{}/x{}", i % 7, i % 3);
    fs::create_directories(folder);
    fs::copy_file(small.folder / "aside" / clips[i].filename(), folder / clips[i].filename());
  }
  for (const bool cached : {true, false}) {
    if (!cached) fs::remove_all(small.folder / "cache");
    const std::string runs = cached ? "cached" : "anew";
    run(small.config(), small.workplace(runs));
    EXPECT_EQ(small.bytes("model.safetensors", runs + "/small"),
              small.bytes("model.safetensors", "one/small"));
    EXPECT_EQ(small.bytes("split.csv", runs + "/small"), small.bytes("split.csv", "one/small"));
  }
}

/// The same recordings as a CSV manifest, whose lines are in any order.
TEST(ShuffledManifest, GivesTheSameModel) {
  SmallExperiment small;
  std::vector<std::string> lines;
  for (const fs::path& clip : small.clips) {
    const std::string name = clip.stem().string();  // 03-01-EMOTION-...-SPEAKER
    lines.push_back(fmt::format("{},voice {},emotion {}\n",
                                fs::relative(clip, small.folder.path()).string(), name.substr(18),
                                name.substr(6, 2)));
  }
  const fs::path manifest = small.folder / "list.csv";
  const auto write = [&] {
    std::string text = "file,speaker,emotion\n";
    for (const std::string& line : lines) text += line;
    write_bytes(manifest, text);
  };
  const auto config = small.config({"corpus.path=" + manifest.string()});
  write();
  run(config, small.workplace("one"));
  const auto as_found = lines;
  for (const std::string order : {"backwards", "shuffled"}) {
    if (order == "backwards") {
      std::reverse(lines.begin(), lines.end());
    } else {
      shuffle(lines, [](const std::string& line) { return line; });
    }
    ASSERT_NE(lines, as_found);
    write();
    for (const bool cached : {true, false}) {
      if (!cached) fs::remove_all(small.folder / "cache");
      const std::string runs = order + (cached ? "-cached" : "-anew");
      run(config, small.workplace(runs));
      for (const char* file : {"model.safetensors", "split.csv", "predictions.csv"}) {
        EXPECT_TRUE(small.bytes(file, runs + "/small") == small.bytes(file, "one/small"))
            << runs << file;
      }
    }
  }
}

}  // namespace
}  // namespace serenade
