#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace serenade::test {

/// Reads one tag at the start of `text`.
struct Tag {
  std::string name;
  bool closing = false, empty = false;
  std::size_t length = 0;  ///< 0 when the text is no well-formed tag

  explicit Tag(std::string_view text) {
    std::size_t at = 1;
    const auto is = [&](char c) { return at < text.size() && text[at] == c; };
    const auto word = [&] {
      const std::size_t begin = at;
      while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || is('-'))) {
        ++at;
      }
      return std::string(text.substr(begin, at - begin));
    };
    closing = is('/');
    at += closing ? 1 : 0;
    name = word();
    std::vector<std::string> attributes;
    while (!name.empty() && is(' ')) {
      ++at;
      attributes.push_back(word());
      const std::size_t end = text.find('"', at + 2);
      if (!text.substr(std::min(at, text.size())).starts_with("=\"")) return;
      if (end == std::string_view::npos || attributes.back().empty()) return;
      if (text.substr(at, end - at).find('<') != std::string_view::npos) return;
      at = end + 1;
    }
    std::sort(attributes.begin(), attributes.end());
    if (std::adjacent_find(attributes.begin(), attributes.end()) != attributes.end()) return;
    empty = is('/');
    at += empty ? 1 : 0;
    if (!name.empty() && is('>') && !(closing && (empty || !attributes.empty()))) length = at + 1;
  }
};

/// The first fault of a page as XML would see it, or "": tags that do not nest, attributes without
/// quotes or given twice, a bare & or <.
inline std::string fault_of(std::string_view html) {
  constexpr std::string_view doctype = "<!DOCTYPE html>";
  if (!html.starts_with(doctype)) return "no doctype";
  html.remove_prefix(doctype.size());
  std::vector<std::string> open;
  while (!html.empty()) {
    const std::string near(html.substr(0, 80));
    std::size_t length = 1;
    if (html.front() == '&') {
      bool known = false;
      for (const auto* entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
        known = known || html.starts_with(entity);
      }
      if (!known) return "bare &: " + near;
    } else if (html.front() == '<') {
      const Tag tag(html);
      if (tag.length == 0) return "bad tag: " + near;
      length = tag.length;
      if (tag.closing) {
        if (open.empty() || open.back() != tag.name) return "closes what is not open: " + near;
        open.pop_back();
      } else if (!tag.empty) {
        open.push_back(tag.name);
      }
    }
    html.remove_prefix(length);
  }
  return open.empty() ? std::string() : "not closed: " + open.back();
}

}  // namespace serenade::test
