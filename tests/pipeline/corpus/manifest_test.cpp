#include "pipeline/corpus/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "kernels/device/error.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/utf8.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using test::write_bytes;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

std::string complaint(const std::string& text) {
  return error_of([&] { parse_manifest(text, "m.csv"); });
}

TEST(Manifest, ReadsQuotesMarksAndBothLineEnds) {
  const auto entries = parse_manifest(
      "\xEF\xBB\xBFspeaker,\"file\",age,emotion\r\n"
      "anna,\"a, \"\"b\"\".wav\",30,angry\r\n"
      "\r\n"
      "ben,\"two\nlines.wav\",,sad\n"
      "\xC3\x9Cwe,sub/c.flac,31,\n",
      "m.csv");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].file, "a, \"b\".wav");
  EXPECT_EQ(entries[0].speaker, "anna");
  EXPECT_EQ(entries[0].emotion, "angry");
  EXPECT_EQ(entries[0].line, 2U);
  EXPECT_THAT(entries[0].fields, ElementsAre(Pair("age", "30")));
  EXPECT_EQ(entries[1].file, "two\nlines.wav");
  EXPECT_EQ(entries[1].line, 4U);
  EXPECT_TRUE(entries[1].fields.empty());
  EXPECT_EQ(entries[2].speaker, "\xC3\x9Cwe");
  EXPECT_EQ(entries[2].emotion, "");
  EXPECT_EQ(entries[2].line, 6U);
  EXPECT_TRUE(parse_manifest("file,speaker,emotion", "m.csv").empty());
}

TEST(Manifest, NamesTheLineOfWhatIsWrong) {
  const std::string header = "file,speaker,emotion\n";
  EXPECT_THAT(complaint(""), HasSubstr("m.csv, line 1: is empty"));
  EXPECT_THAT(complaint("file,speaker,emotions\n"),
              AllOf(HasSubstr("m.csv, line 1: "), HasSubstr("'emotion' is missing"),
                    HasSubstr("(did you mean 'emotions'?)")));
  EXPECT_THAT(complaint("file;speaker;emotion\n"), HasSubstr("with commas between them"));
  EXPECT_THAT(complaint("file,speaker,emotion,file\n"), HasSubstr("two columns are named file"));
  EXPECT_THAT(complaint("file,speaker,,emotion\n"), HasSubstr("column 3 has no name"));
  EXPECT_THAT(complaint("file,speaker,emotion,corpus\n"), HasSubstr("'corpus'"));
  EXPECT_THAT(complaint("\xFF\xFE"
                        "f"),
              HasSubstr("UTF-16"));
  EXPECT_THAT(complaint(header + "a.wav,1,sad\n\nb.wav,1\n"),
              HasSubstr("m.csv, line 4: 2 fields where the first line has 3"));
  EXPECT_THAT(complaint(header + "a.wav,1,sad,x\n"),
              HasSubstr("line 2: 4 fields where the first line has 3"));
  EXPECT_THAT(complaint(header + ",1,sad\n"), HasSubstr("line 2: no file is named"));
  EXPECT_THAT(complaint(header + "a.wav,,sad\n"), HasSubstr("line 2: a.wav: the speaker is empty"));
  EXPECT_THAT(complaint(header + "a.wav,1,sad\nx/../a.wav,1,sad\n"),
              HasSubstr("line 3: x/../a.wav stands on line 2 already"));
  EXPECT_THAT(complaint(header + "a.wav,1,sad\n\"b.wav,1,sad\n"),
              HasSubstr("line 3: a quoted field without an end"));
  EXPECT_THAT(complaint(header + "a\"b.wav,1,sad\n"), HasSubstr("line 2: a quote inside"));
  EXPECT_THAT(complaint(header + std::string("a.wav,\0,sad\n", 12)), HasSubstr("a zero byte"));
  EXPECT_THAT(complaint(header + "a.wav,1,sad\nb.wav,\xE9,sad\n"),
              HasSubstr("m.csv, line 3: byte \\xe9 is not UTF-8"));
}

RC_GTEST_PROP(Manifest, AnyTextIsRefusedOrReadWhole, ()) {
  const auto text = *rc::gen::arbitrary<std::string>();
  for (const std::string& whole : {text, "file,speaker,emotion\n" + text}) {
    try {
      for (const auto& entry : parse_manifest(whole, "m.csv")) {
        RC_ASSERT(!entry.file.empty() && !entry.speaker.empty() && entry.line > 1);
      }
    } catch (const DataError&) {
    }
  }
}

RC_GTEST_PROP(Manifest, WhatIsWrittenIsReadBack, ()) {
  const auto value = rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::distinctFrom(rc::gen::arbitrary<char>(), '\0')));
  const auto speaker = as_utf8(*value);
  const auto emotion = as_utf8(*value);
  const auto note = as_utf8(*value);
  const auto text = fmt::format("file,note,speaker,emotion\na.wav,{},{},{}\n", csv_field(note),
                                csv_field(speaker), csv_field(emotion));
  const auto entries = parse_manifest(text, "m.csv");
  RC_ASSERT(entries.size() == 1U);
  RC_ASSERT(entries[0].speaker == speaker);
  RC_ASSERT(entries[0].emotion == emotion);
  RC_ASSERT(entries[0].fields.at("note") == note);
}

TEST(Manifest, ListsRecordingsRelativeToItsFolder) {
  const TemporaryFolder folder;
  write_bytes(folder / "data/list.csv",
              "file,speaker,emotion,statement\n./a.wav,1,angry,x\n../b.wav,2,pride,\n"
              "/abs/c.wav,2,sad,y\nd.wav,2,,y\n");
  for (const Reader reader : {Reader::automatic, Reader::csv}) {
    const Listing listing =
        list_recordings({.path = (folder / "data/list.csv").string(), .reader = reader});
    EXPECT_EQ(listing.reader, Reader::csv);
    ASSERT_EQ(listing.utterances.size(), 3U);
    EXPECT_EQ(listing.utterances[0].id, "a.wav");
    EXPECT_EQ(listing.utterances[0].path, folder / "data/a.wav");
    EXPECT_THAT(listing.utterances[0].fields,
                UnorderedElementsAre(Pair("emotion", "angry"), Pair("statement", "x")));
    EXPECT_EQ(listing.utterances[1].id, "../b.wav");
    EXPECT_EQ(listing.utterances[1].path, folder / "b.wav");
    EXPECT_EQ(listing.utterances[1].label, "pride");
    EXPECT_EQ(listing.utterances[2].path, "/abs/c.wav");
    EXPECT_THAT(listing.notes, ElementsAre(AllOf(HasSubstr("1 file without an emotion"),
                                                 HasSubstr("d.wav on line 5"))));
    ASSERT_EQ(listing.unlabelled.size(), 1U);
    EXPECT_EQ(listing.unlabelled[0].id, "d.wav");
    EXPECT_EQ(listing.unlabelled[0].path, folder / "data/d.wav");
    EXPECT_THAT(
        listing.unlabelled[0].reason,
        AllOf(HasSubstr("data/d.wav: has no emotion on line 5 of "), HasSubstr("list.csv")));
  }
  EXPECT_THAT(
      error_of([&] {
        list_recordings({.path = (folder / "data/list.csv").string(), .reader = Reader::tess});
      }),
      AllOf(HasSubstr("corpus.reader tess"), HasSubstr("list.csv is a manifest")));
  EXPECT_THAT(error_of([&] { list_recordings({.path = (folder / "none.csv").string()}); }),
              HasSubstr("none.csv"));
  write_bytes(folder / "empty.csv", "file,speaker,emotion\na.wav,1,\n");
  EXPECT_THAT(error_of([&] { list_recordings({.path = (folder / "empty.csv").string()}); }),
              HasSubstr("no recording with an emotion"));
}

TEST(Manifest, OfAFolderCountsByItsLines) {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  write_bytes(folder / "a.wav", "a");
  write_bytes(folder / "03a01Fa.wav", "b");
  write_bytes(folder / "manifest.csv", "file,speaker,emotion\na.wav,1,angry\n");
  EXPECT_THAT(error_of([&] { list_recordings({.path = path}); }),
              AllOf(HasSubstr("emodb 1"), HasSubstr("csv 1"), HasSubstr("corpus.reader")));
  EXPECT_EQ(list_recordings({.path = path, .reader = Reader::csv}).utterances.size(), 1U);
  EXPECT_EQ(list_recordings({.path = path, .reader = Reader::emodb}).utterances.size(), 1U);
  write_bytes(folder / "manifest.csv",
              "file,speaker,emotion\na.wav,1,angry\n03a01Fa.wav,2,happy\n");
  EXPECT_EQ(list_recordings({.path = path}).reader, Reader::csv);
  // Somebody else's table of that name says nothing.
  write_bytes(folder / "manifest.csv", "path,label\na.wav,x\n");
  EXPECT_EQ(list_recordings({.path = path}).reader, Reader::emodb);
  EXPECT_THAT(error_of([&] { list_recordings({.path = path, .reader = Reader::csv}); }),
              AllOf(HasSubstr("manifest.csv, line 1"), HasSubstr("'file' is missing")));
}

TEST(Manifest, TooLongAFileIsNotRead) {
  const TemporaryFolder folder;
  write_bytes(folder / "long.csv", "file,speaker,emotion\n");
  fs::resize_file(folder / "long.csv", max_manifest_bytes + 1);  // a hole, no bytes on the disk
  EXPECT_THROW(list_manifest(folder / "long.csv"), IoError);
}

}  // namespace
}  // namespace serenade
