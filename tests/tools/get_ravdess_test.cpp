#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::Program;
using test::read_bytes;
using test::run_program;
using test::write_bytes;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* speech = "Audio_Speech_Actors_01-24";
constexpr const char* song = "Audio_Song_Actors_01-24";

/// A mirror on this machine with small archives, and the script that is to fetch them. Nothing here
/// may reach the network: every call names the mirror, and proxies are taken out.
class GetRavdess : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* tool : {"python3", "curl", "unzip", "md5sum"}) {
      if (shell(fmt::format("command -v {}", tool)).status != 0) {
        GTEST_SKIP() << tool << " is not installed";
      }
    }
    fs::create_directories(folder_ / "mirror");
    for (const char* name : {speech, song}) {
      // Noise, so that the archive is not much smaller.
      const Outcome made = shell(fmt::format(
          "mkdir -p 'pack/Actor_01' && for i in 01 02 03; do head -c 40000 /dev/urandom "
          ">\"pack/Actor_01/$i.wav\"; done && cd pack && python3 -m zipfile -c '../mirror/{}.zip' "
          "Actor_01 && cd ../mirror && md5sum '{}.zip' >>../sums",
          name, name));
      ASSERT_EQ(made.status, 0) << made.err;
    }
    serve();
  }

  Outcome shell(const std::string& script) const {
    return run_program(folder_.path(), {"/bin/sh", "-c", script});
  }
  void serve(const std::vector<std::string>& options = {}) {
    fs::remove(folder_ / "port");
    std::vector<std::string> words{"/usr/bin/env", "python3", SERENADE_RANGE_SERVER, "mirror",
                                   "port"};
    words.insert(words.end(), options.begin(), options.end());
    fs::create_directories(folder_ / "server");
    fs::remove(folder_ / "server/mirror");
    fs::create_directory_symlink(folder_ / "mirror", folder_ / "server/mirror");
    words[4] = (folder_ / "port").string();
    server_ = std::make_unique<Program>(folder_ / "server", words);
    for (int i = 0; i < 1000 && !fs::exists(folder_ / "port"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(fs::exists(folder_ / "port"));
  }
  Outcome get(std::vector<std::string> words = {}) const {
    const std::string url = "http://127.0.0.1:" + read_bytes(folder_ / "port");
    words.insert(words.begin(), {"/usr/bin/env", "-u", "http_proxy", "-u", "all_proxy", "-u",
                                 "ALL_PROXY", SERENADE_GET_RAVDESS, "--url", url, "--md5", "sums"});
    return run_program(folder_.path(), words);
  }
  bool unpacked(const char* name) const {
    return read_bytes(folder_ / fmt::format("ravdess/{}/Actor_01/03.wav", name)).size() == 40000;
  }
  std::string archive(const char* name) const {
    return read_bytes(folder_ / fmt::format("mirror/{}.zip", name));
  }
  fs::path part() const { return folder_ / fmt::format("ravdess/{}.zip.part", speech); }

  test::TemporaryFolder folder_;
  std::unique_ptr<Program> server_;
};

TEST_F(GetRavdess, DownloadsVerifiesAndUnpacksOnce) {
  const Outcome first = get();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("downloading http://127.0.0.1"), HasSubstr("MD5 "),
                               HasSubstr("3 recordings"), HasSubstr("corpus.path=ravdess")));
  EXPECT_TRUE(unpacked(speech));
  EXPECT_FALSE(fs::exists(folder_ / "ravdess" / song));
  EXPECT_FALSE(fs::exists(folder_ / "ravdess" / (std::string(speech) + ".zip")));

  server_.reset();  // what follows needs nobody
  const Outcome again = get();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("is unpacked already"), Not(HasSubstr("downloading"))));

  serve();
  const Outcome both = get({"--song", "--keep", "ravdess"});
  EXPECT_EQ(both.status, 0) << both.err;
  EXPECT_TRUE(unpacked(song));
  EXPECT_EQ(read_bytes(folder_ / "ravdess" / (std::string(song) + ".zip")), archive(song));
}

TEST_F(GetRavdess, ResumesAPartialFile) {
  write_bytes(part(), archive(speech).substr(0, 50000));
  const Outcome outcome = get();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("resuming"));
  EXPECT_THAT(outcome.out, HasSubstr("after 50000 bytes"));
  EXPECT_TRUE(unpacked(speech));
  server_->send(SIGTERM);
  EXPECT_THAT(server_->wait().out, HasSubstr("bytes=50000- 206"));
}

TEST_F(GetRavdess, ACompletePartNeedsNoServer) {
  write_bytes(part(), archive(speech));
  const std::string port = read_bytes(folder_ / "port");
  server_.reset();
  const Outcome outcome = get();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(unpacked(speech));
}

TEST_F(GetRavdess, AConnectionThatBreaksIsTakenUpAgain) {
  serve({"--cut", "30000"});
  const Outcome outcome = get();
  if (outcome.status != 0) {  // curl's own retries do not cover every way to break
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("download stopped"), HasSubstr("run again to resume")));
    const Outcome again = get();
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("resuming"));
  }
  EXPECT_TRUE(unpacked(speech));
}

TEST_F(GetRavdess, AServerThatCannotResumeIsAskedForAll) {
  serve({"--no-ranges"});
  write_bytes(part(), archive(speech).substr(0, 50000));
  const Outcome outcome = get();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("beginning anew"));
  EXPECT_TRUE(unpacked(speech));
}

TEST_F(GetRavdess, AWrongSumNamesBothAndNothingIsUnpacked) {
  std::string damaged = archive(speech);
  damaged[60000] = static_cast<char>(damaged[60000] ^ 1);
  write_bytes(folder_ / fmt::format("mirror/{}.zip", speech), damaged);
  const std::string wanted = read_bytes(folder_ / "sums").substr(0, 32);
  const std::string found = shell(fmt::format("md5sum 'mirror/{}.zip'", speech)).out.substr(0, 32);
  for (int time = 0; time < 2; ++time) {  // the second with the whole file there already
    const Outcome outcome = get();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("its MD5 is " + found),
                                   HasSubstr("should be " + wanted), HasSubstr("delete it")));
    EXPECT_FALSE(fs::exists(folder_ / "ravdess" / speech));
  }
}

TEST_F(GetRavdess, FailuresSayWhatFailed) {
  fs::remove(folder_ / fmt::format("mirror/{}.zip", speech));
  const Outcome absent = get();
  EXPECT_EQ(absent.status, 1);
  EXPECT_THAT(absent.err, HasSubstr("download failed"));
  EXPECT_EQ(get({"--frobnicate"}).status, 2);
  EXPECT_EQ(get({"one", "two"}).status, 2);
  write_bytes(folder_ / "sums", "not a sum\n");
  EXPECT_EQ(get().status, 2);
  EXPECT_EQ(get({"--help"}).status, 2);  // the sums are read first
  const Outcome help = run_program(folder_.path(), {SERENADE_GET_RAVDESS, "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("tools/get-ravdess [FOLDER]"));
}

}  // namespace
}  // namespace serenade
