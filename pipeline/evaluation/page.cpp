#include "pipeline/evaluation/page.h"

#include <fmt/format.h>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/report_style.h"

namespace serenade {

std::string page_html(std::string_view title, std::string_view body) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  // A second lock behind the escaping: whatever gets into the page, nothing runs or is fetched.
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<link rel=\"icon\" href=\"data:,\"/>\n";
  html += fmt::format("<title>{} · Serenade</title>\n<style>{}</style>\n</head>\n", escaped(title),
                      report_style());
  html += fmt::format("<body>\n<main>\n{}</main>\n</body>\n</html>\n", body);
  return html;
}

std::string page_heading(std::string_view title, std::string_view meta) {
  return fmt::format(
      "<header>\n<p class=\"eyebrow\">Serenade · speech emotion recognition</p>\n"
      "<h1>{}</h1>\n<p class=\"meta\">{}</p>\n</header>\n",
      escaped(title), meta);
}

}  // namespace serenade
