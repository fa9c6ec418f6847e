#include "pipeline/model/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie");

using nlohmann::json;

constexpr std::size_t length_bytes = 8;
constexpr const char* metadata_key = "__metadata__";

template <class T>
constexpr std::string_view dtype_of() {
  if constexpr (std::is_same_v<T, float>) return "F32";
  if constexpr (std::is_same_v<T, double>) return "F64";
  return "I64";
}

/// A tensor as the header describes it, checked against itself but not yet against its neighbours.
struct Entry {
  std::string name;
  std::string dtype;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(path) {}

  Safetensors read() {
    const json header = parse_header();
    Safetensors contents;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == metadata_key) {
        contents.metadata = parse_metadata(value);
      } else {
        entries.push_back(parse_entry(name, value));
      }
    }
    expect_whole_cover(entries);
    for (const Entry& entry : entries) contents.tensors.emplace(entry.name, load(entry));
    return contents;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw DataError(
        fmt::format("{}: not a safetensors file that can be used: {}", path_.string(), what));
  }

  json parse_header() {
    const auto bytes = file_.bytes();
    if (bytes.size() < length_bytes) {
      fail(fmt::format("{} bytes are too few to hold the header's length", bytes.size()));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), length_bytes);
    if (length > max_safetensors_header) {
      fail(fmt::format("the header claims {} bytes, more than the {} allowed", length,
                       max_safetensors_header));
    }
    if (length > bytes.size() - length_bytes) {
      fail(fmt::format("the header claims {} bytes but the file ends after {}", length,
                       bytes.size() - length_bytes));
    }
    data_ = bytes.subspan(length_bytes + length);
    const auto* begin = reinterpret_cast<const char*>(bytes.data() + length_bytes);
    json header;
    try {
      header = json::parse(begin, begin + length, [this](int depth, auto event, json& value) {
        return inspect(depth, event, value);
      });
    } catch (const json::exception& error) {
      fail(fmt::format("the header is not JSON: {}", error.what()));
    }
    if (!header.is_object()) fail("the header is not a JSON object");
    return header;
  }

  /// The parser itself takes any depth and lets the last of two equal keys win.
  bool inspect(int depth, json::parse_event_t event, const json& value) {
    if (depth > 3) fail("the header is nested deeper than the format allows");
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) keys_[level].clear();
    if (event == json::parse_event_t::key) {
      const auto name = value.get<std::string>();
      if (!keys_[level - 1].insert(name).second) fail(fmt::format("'{}' stands twice", name));
    }
    return true;
  }

  std::map<std::string, std::string> parse_metadata(const json& value) const {
    if (!value.is_object()) fail("__metadata__ is not an object");
    std::map<std::string, std::string> metadata;
    for (const auto& [name, text] : value.items()) {
      if (!text.is_string()) fail(fmt::format("__metadata__ '{}' is not a text", name));
      metadata.emplace(name, text.get<std::string>());
    }
    return metadata;
  }

  Entry parse_entry(const std::string& name, const json& value) const {
    const auto bad = [&](std::string_view what) {
      fail(fmt::format("tensor '{}': {}", name, what));
    };
    if (!value.is_object()) bad("its description is not an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!value.contains(key)) bad(fmt::format("'{}' is missing", key));
    }
    if (value.size() != 3) bad("its description holds more than dtype, shape and data_offsets");

    Entry entry;
    entry.name = name;
    if (!value["dtype"].is_string()) bad("its dtype is not a text");
    entry.dtype = value["dtype"].get<std::string>();
    std::uint64_t bytes = 0;
    if (entry.dtype == "F32") bytes = 4;
    if (entry.dtype == "F64" || entry.dtype == "I64") bytes = 8;
    if (bytes == 0) bad(fmt::format("dtype '{}' is none of F32, F64, I64", entry.dtype));

    const json& shape = value["shape"];
    if (!shape.is_array() || shape.size() > Shape::max_rank) {
      bad(fmt::format("its shape is not a list of at most {} numbers", Shape::max_rank));
    }
    std::vector<Index> extents;
    for (const json& extent : shape) {
      if (!extent.is_number_unsigned()) bad("an extent is not a whole number of 0 or more");
      const auto number = extent.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<Index>::max()) ||
          __builtin_mul_overflow(bytes, number, &bytes)) {
        bad("its shape is larger than any file");
      }
      extents.push_back(static_cast<Index>(number));
    }
    entry.shape = shape_from(extents);

    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      bad("data_offsets is not two whole numbers of 0 or more");
    }
    entry.begin = offsets[0].get<std::uint64_t>();
    entry.end = offsets[1].get<std::uint64_t>();
    if (entry.begin > entry.end || entry.end > data_.size()) {
      bad(fmt::format("bytes {} to {} do not lie in the file's {} bytes of data", entry.begin,
                      entry.end, data_.size()));
    }
    if (entry.end - entry.begin != bytes) {
      bad(fmt::format("shape {} of {} takes {} bytes, not the {} given", to_string(entry.shape),
                      entry.dtype, bytes, entry.end - entry.begin));
    }
    return entry;
  }

  static Shape shape_from(const std::vector<Index>& extents) {
    switch (extents.size()) {
      case 0:
        return Shape{};
      case 1:
        return Shape{extents[0]};
      case 2:
        return Shape{extents[0], extents[1]};
      case 3:
        return Shape{extents[0], extents[1], extents[2]};
      default:
        return Shape{extents[0], extents[1], extents[2], extents[3]};
    }
  }

  /// Tensors lie end to end over all of the data; only empty ones may share a place.
  void expect_whole_cover(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != at) {
        fail(fmt::format("tensor '{}' begins at byte {} of the data, where {} was expected: {}",
                         entry.name, entry.begin, at,
                         entry.begin < at ? "tensors overlap" : "there is a hole"));
      }
      at = entry.end;
    }
    if (at != data_.size()) {
      fail(fmt::format("{} bytes after the last tensor belong to none", data_.size() - at));
    }
  }

  StoredTensor load(const Entry& entry) const {
    if (entry.dtype == "F32") return load_as<float>(entry);
    if (entry.dtype == "F64") return load_as<double>(entry);
    return load_as<std::int64_t>(entry);
  }

  template <class T>
  Array<T> load_as(const Entry& entry) const {
    Array<T> array(entry.shape);
    if (entry.end > entry.begin) {
      std::memcpy(array.data(), data_.data() + entry.begin, entry.end - entry.begin);
    }
    return array;
  }

  const std::filesystem::path& path_;
  MappedFile file_;
  std::span<const std::byte> data_;
  std::array<std::set<std::string>, 4> keys_;  // by depth of the object they stand in
};

}  // namespace

const Shape& shape_of(const StoredTensor& tensor) {
  return std::visit([](const auto& array) -> const Shape& { return array.shape(); }, tensor);
}

std::string_view dtype_name(const StoredTensor& tensor) {
  return std::visit([]<class T>(const Array<T>&) -> std::string_view { return dtype_of<T>(); },
                    tensor);
}

Safetensors read_safetensors(const std::filesystem::path& path) { return Reader(path).read(); }

void write_safetensors(const std::filesystem::path& path, const Safetensors& contents) {
  // Wide types first, so that every tensor is aligned to its type.
  std::vector<const std::pair<const std::string, StoredTensor>*> order;
  for (const auto& tensor : contents.tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return (dtype_name(a->second) == "F32") < (dtype_name(b->second) == "F32");
  });

  json header = json::object();
  if (!contents.metadata.empty()) header[metadata_key] = contents.metadata;
  std::string data;
  for (const auto* tensor : order) {
    const auto& [name, values] = *tensor;
    if (name == metadata_key) {
      throw DataError(fmt::format("{}: no tensor can be named {}", path.string(), name));
    }
    const std::size_t begin = data.size();
    std::visit(
        [&]<class T>(const Array<T>& array) {
          if (array.size() == 0) return;
          data.append(reinterpret_cast<const char*>(array.data()),
                      static_cast<std::size_t>(array.size()) * sizeof(T));
        },
        values);
    json shape = json::array();
    for (int axis = 0; axis < shape_of(values).rank(); ++axis) {
      shape.push_back(shape_of(values)[axis]);
    }
    header[name] = {{"dtype", dtype_name(values)},
                    {"shape", std::move(shape)},
                    {"data_offsets", {begin, data.size()}}};
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw DataError(fmt::format("{}: cannot be written: {}", path.string(), error.what()));
  }
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
  if (text.size() > max_safetensors_header) {
    throw DataError(fmt::format("{}: the header would take {} bytes, more than the {} allowed",
                                path.string(), text.size(), max_safetensors_header));
  }
  const std::uint64_t length = text.size();
  std::string file(reinterpret_cast<const char*>(&length), length_bytes);
  file += text;
  file += data;
  write_file_atomically(path, file);
}

}  // namespace serenade
