#include <gmock/gmock.h>

#include "pipeline/evaluation/report.h"
#include "tests/pipeline/evaluation/markup.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportLeakage, ShowsEachFoldAndTheirSum) {
  ReportData data = test::sample_report(test::ravdess_labels(), 2, 3);
  EXPECT_THAT(report_html(data), Not(HasSubstr("<h2>Leakage</h2>")));
  data.leakage = {{"<fold>", 200, 1, 200, 150, 0}, {"fold-2", 1800, 0, 0, 0, 7}};
  const std::string html = report_html(data);
  EXPECT_EQ(test::fault_of(html), "");
  EXPECT_THAT(
      html,
      AllOf(HasSubstr("<th scope=\"row\">&lt;fold&gt;</th><td>200</td><td>200 (100\u00A0%)</td>"
                      "<td>150 (75\u00A0%)</td><td>1 (&lt;1\u00A0%)</td></tr>"),
            HasSubstr("<th scope=\"row\">all folds</th><td>2,000</td><td>200 (10\u00A0%)</td>"
                      "<td>150 (8\u00A0%)</td><td>1 (&lt;1\u00A0%)</td></tr>"),
            HasSubstr("What is said in 7 test clips is not known")));
  data.leakage.pop_back();
  const std::string one = report_html(data);
  EXPECT_EQ(test::fault_of(one), "");
  EXPECT_THAT(one, AllOf(HasSubstr("<th scope=\"row\">test part</th><td>200</td>"),
                         Not(HasSubstr("all folds</th>")), Not(HasSubstr("is not known"))));
}

}  // namespace
}  // namespace serenade
