#include "pipeline/evaluation/predictions.h"

#include <gmock/gmock.h>

#include <rapidcheck/gtest.h>
#include <algorithm>
#include <limits>

#include "kernels/device/error.h"
#include "pipeline/support/utf8.h"

namespace serenade {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void expect_equal(const ClipPrediction& a, const ClipPrediction& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.speaker, b.speaker);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.predicted, b.predicted);
  EXPECT_EQ(a.probabilities, b.probabilities);
  EXPECT_EQ(a.fold, b.fold);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.fields, b.fields);
}

TEST(Predictions, HeaderAndRowsAreAsDocumented) {
  const std::vector<std::string> labels{"calm", "angry"};
  const std::vector<ClipPrediction> rows{
      {"a", "x/a.wav", "1", "calm", "calm", {0.75F, 0.25F}, "fold-1", 7, {{"sex", "male"}}},
      {"b", "x/b.wav", "2", "calm", "angry", {0.1F, 0.9F}, "fold-1", 7, {{"take", "2"}}},
      {"c", "x/c.wav", "", "", "angry", {0, 1}, "", {}, {}}};
  EXPECT_EQ(predictions_csv(labels, rows),
            "id,file,speaker,fold,seed,label,predicted,correct,p_calm,p_angry,sex,take\n"
            "a,x/a.wav,1,fold-1,7,calm,calm,1,0.75,0.25,male,\n"
            "b,x/b.wav,2,fold-1,7,calm,angry,0,0.1,0.9,,2\n"
            "c,x/c.wav,,,,,angry,,0,1,,\n");
}

TEST(Predictions, FieldsNamedLikeOtherColumnsAreKeptApart) {
  const std::vector<std::string> labels{"calm"};
  const std::map<std::string, std::string> fields{
      {"label", "x"}, {"p_calm", "y"}, {"field_label", "z"}, {"", "w"}, {"seed, too", "1,\n"}};
  const std::vector<ClipPrediction> rows{{"a", "f", "1", "calm", "calm", {1}, "", {}, fields}};
  const std::string csv = predictions_csv(labels, rows);
  EXPECT_THAT(csv, HasSubstr(",p_calm,field_,field_field_label,field_label,field_p_calm,"));
  EXPECT_EQ(parse_predictions(csv).rows.at(0).fields, fields);
}

TEST(Predictions, HardNamesAreQuotedAndReadBack) {
  const std::vector<std::string> labels{"calm, or so", "\"angry\""};
  const std::vector<ClipPrediction> rows{
      {"a,b",
       "dir, with comma/\"quoted\".wav",
       "s\r\n1",
       labels[0],
       labels[1],
       {0.3F, 0.7F},
       "line\nbreak",
       18446744073709551615U,
       {{"note, \"quoted\"", "a,b\n\"c\""}}},
      {"", "\"", ",", "", labels[0], {std::numeric_limits<float>::denorm_min(), 1}, "\r", {}, {}}};
  const std::string csv = predictions_csv(labels, rows);
  EXPECT_THAT(csv, HasSubstr("\"dir, with comma/\"\"quoted\"\".wav\""));
  const PredictionTable table = parse_predictions(csv);
  EXPECT_EQ(table.labels, labels);
  ASSERT_EQ(table.rows.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) expect_equal(table.rows[i], rows[i]);
}

TEST(Predictions, LinesMayEndAsOnWindows) {
  const PredictionTable table = parse_predictions(
      "id,file,speaker,fold,seed,label,predicted,correct,p_calm\r\na,f,1,,,calm,calm,1,1\r\n");
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].probabilities, std::vector<float>{1});
}

TEST(Predictions, DamageIsNamedWithItsLine) {
  const std::string header = "id,file,speaker,fold,seed,label,predicted,correct,p_calm\n";
  const auto refuses = [&](const std::string& text, const std::string& saying) {
    SCOPED_TRACE(text);
    EXPECT_THAT([&] { (void)parse_predictions(text); },
                ThrowsMessage<DataError>(HasSubstr(saying)));
  };
  refuses("", "empty");
  refuses("id,file\n", "line 1: the header must begin with id,file,speaker");
  refuses("id,file,speaker,fold,seed,label,predicted,correct,calm\n",
          "columns named p_ and a class");
  refuses("id,file,speaker,fold,seed,label,predicted,correct,p_calm,sex,p_angry\n",
          "column \"p_angry\" comes after \"sex\"");
  refuses("id,file,speaker,fold,seed,label,predicted,correct,p_calm,sex,sex\n", "the same name");
  refuses(header + "a,f,1,,,calm,calm,1\n", "line 2: 8 fields where the first line has 9");
  refuses(header + "a,f,1,,-1,calm,calm,1,1\n", "line 2: \"-1\" is not a seed");
  refuses(header + "a,f,1,,,calm,calm,1,much\n", "line 2: \"much\" is not a probability");
  refuses(header + "\"a\nb\",f,1,,,calm,calm,1,1\nc,\"f", "line 4: a quoted field without an end");
  refuses(header + "a,\"f\"x,1,,,calm,calm,1,1\n", "line 2: text after a quoted field");
  refuses(header + "a,f\"x,1,,,calm,calm,1,1\n", "line 2: a quote inside an unquoted field");
}

TEST(Predictions, ProbabilitiesMustFitTheLabels) {
  const std::vector<std::string> labels{"calm", "angry"};
  const std::vector<ClipPrediction> rows{{"a", "a.wav", "1", "calm", "calm", {1}, "", {}, {}}};
  EXPECT_THROW(predictions_csv(labels, rows), ShapeError);
}

RC_GTEST_PROP(PredictionsProperty, AnyTextComesBack,
              (const std::string& id, const std::string& path, const std::string& label,
               const std::vector<float>& probabilities)) {
  std::vector<std::string> labels(probabilities.size(), label);
  const std::vector<ClipPrediction> rows{{id, path, "s", label, id, probabilities, path, {}, {}}};
  const std::string csv = predictions_csv(labels, rows);
  RC_ASSERT(is_utf8(csv));
  const PredictionTable table = parse_predictions(csv);
  // What is no UTF-8 comes back as it is shown, everything else as it was.
  RC_ASSERT(table.labels == std::vector<std::string>(labels.size(), as_utf8(label)));
  RC_ASSERT(table.rows.size() == 1U);
  RC_ASSERT(table.rows[0].id == as_utf8(id));
  RC_ASSERT(table.rows[0].path == as_utf8(path));
  RC_ASSERT(table.rows[0].label == as_utf8(label));
  RC_ASSERT(table.rows[0].fold == as_utf8(path));
  RC_ASSERT(table.rows[0].probabilities == probabilities);
}

}  // namespace
}  // namespace serenade
