#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// A field of a CSV file as RFC 4180 writes it: in quotes where it holds a comma, a quote or a line
/// end.
std::string csv_field(std::string_view text);

/// CSV text as programs save it, without the byte order mark that some begin it with; a view of
/// `text`. Throws DataError for UTF-16; `what` begins the message.
std::string_view without_byte_order_mark(std::string_view text, std::string_view what);

/// Cuts CSV text into records of fields, as RFC 4180 writes them; lines end in \n or \r\n. Views
/// the text.
class CsvReader {
 public:
  /// `what` begins the messages: "predictions, line 3: ...".
  CsvReader(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  /// The next record; an empty line is one of one empty field. False at the end of the text. Throws
  /// DataError naming the line.
  bool next(std::vector<std::string>& fields);
  /// The same, passing over empty lines.
  bool next_filled(std::vector<std::string>& fields);

  /// The line, from 1, in which the record read last begins.
  std::size_t line() const { return record_line_; }

  /// Throws DataError about the record read last.
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  bool take(char wanted);
  std::string field();

  std::string_view text_;
  std::string_view what_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t record_line_ = 1;
};

}  // namespace serenade
