// CSV text of any kind: records and fields, the predictions of a run; what was read is written and
// read again the same.
#include <string>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/support/csv.h"
#include "tests/fuzz/memory_file.h"

namespace {

using Records = std::vector<std::vector<std::string>>;

Records read(const std::string& text) {
  Records records;
  serenade::CsvReader reader(text, "input");
  for (std::vector<std::string> fields; reader.next(fields);) records.push_back(fields);
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Records records;
  try {
    records = read(text);
  } catch (const serenade::Error&) {
    return 0;
  }
  std::string written;
  for (const auto& record : records) {
    for (std::size_t i = 0; i < record.size(); ++i) {
      written += (i > 0 ? "," : "") + serenade::csv_field(record[i]);
    }
    written += "\n";
  }
  serenade::fuzz::require(read(written) == records);
  return 0;
}
