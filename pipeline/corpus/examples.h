#pragma once

#include <cstddef>
#include <string>

namespace serenade {

/// Things counted, and the first few kept to show.
class Examples {
 public:
  void add(const std::string& text) {
    constexpr std::size_t shown = 3;
    if (++count_ <= shown) text_ += (text_.empty() ? "" : ", ") + text;
    if (count_ == shown + 1) text_ += ", ...";
  }
  std::size_t count() const { return count_; }
  const std::string& text() const { return text_; }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

/// "1 file", "2 files".
inline std::string files(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " file" : " files");
}
inline std::string is_are(std::size_t count) { return count == 1 ? "is" : "are"; }

}  // namespace serenade
