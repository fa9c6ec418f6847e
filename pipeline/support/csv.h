#pragma once

#include <cstddef>
#include <optional>
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

/// CSV text whose first line names the columns, read line by line. Passes over a byte order mark
/// and empty lines; views the text.
class CsvTable {
 public:
  /// Reads the names. Throws DataError where there are none; `what` begins all messages.
  CsvTable(std::string_view text, std::string_view what);

  const std::vector<std::string>& names() const { return names_; }
  /// The place of a column, none where there is no such one. Throws DataError where several have
  /// that name.
  std::optional<std::size_t> find(std::string_view name) const;
  /// The same; throws DataError where there is no such column.
  std::size_t column(std::string_view name) const;

  /// Goes to the next line; false at the end of the text. Throws DataError where it has not a field
  /// for each name.
  bool next();
  /// The line's fields, one for each name.
  const std::vector<std::string>& fields() const { return fields_; }
  const std::string& operator[](std::size_t column) const { return fields_[column]; }

  /// Of the line read last, as CsvReader's.
  std::size_t line() const { return reader_.line(); }
  [[noreturn]] void fail(std::string_view problem) const { reader_.fail(problem); }

 private:
  CsvReader reader_;
  std::vector<std::string> names_, fields_;
};

}  // namespace serenade
