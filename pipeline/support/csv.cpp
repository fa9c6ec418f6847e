#include "pipeline/support/csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kernels/device/error.h"

namespace serenade {

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string_view without_byte_order_mark(std::string_view text, std::string_view what) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) return text.substr(mark.size());
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw DataError(fmt::format("{}, line 1: is UTF-16; save it as UTF-8", what));
  }
  return text;
}

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  if (at_ == text_.size()) return false;
  record_line_ = line_;
  do {
    fields.push_back(field());
  } while (take(','));
  const bool carriage_return = take('\r');
  if (!take('\n') && (carriage_return || at_ != text_.size())) fail("text after a quoted field");
  return true;
}

bool CsvReader::next_filled(std::vector<std::string>& fields) {
  while (next(fields)) {
    if (fields.size() > 1 || !fields.front().empty()) return true;
  }
  return false;
}

void CsvReader::fail(std::string_view problem) const {
  throw DataError(fmt::format("{}, line {}: {}", what_, record_line_, problem));
}

bool CsvReader::take(char wanted) {
  if (at_ == text_.size() || text_[at_] != wanted) return false;
  if (wanted == '\n') ++line_;
  ++at_;
  return true;
}

std::string CsvReader::field() {
  if (!take('"')) {
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string_view plain = text_.substr(at_, end - at_);
    if (plain.find('"') != std::string_view::npos) fail("a quote inside an unquoted field");
    at_ = end;
    return std::string(plain);
  }
  std::string value;
  for (;;) {
    if (at_ == text_.size()) fail("a quoted field without an end");
    if (take('"')) {
      if (!take('"')) return value;
      value += '"';
    } else {
      const char c = text_[at_];
      take(c);
      value += c;
    }
  }
}

CsvTable::CsvTable(std::string_view text, std::string_view what)
    : reader_(without_byte_order_mark(text, what), what) {
  if (!reader_.next_filled(names_)) fail("is empty; the first line names the columns");
}

std::optional<std::size_t> CsvTable::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) return std::nullopt;
  if (std::find(found + 1, names_.end(), name) != names_.end()) {
    fail(fmt::format("two columns are named {}", name));
  }
  return static_cast<std::size_t>(found - names_.begin());
}

std::size_t CsvTable::column(std::string_view name) const {
  if (const auto found = find(name)) return *found;
  fail(fmt::format("there is no column '{}'; there are: {}", name, fmt::join(names_, ", ")));
}

bool CsvTable::next() {
  if (!reader_.next_filled(fields_)) return false;
  if (fields_.size() != names_.size()) {
    fail(fmt::format("{} fields where the first line has {}", fields_.size(), names_.size()));
  }
  return true;
}

}  // namespace serenade
