#include "pipeline/features/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

constexpr int format_version = 1;
constexpr int max_shard_number = 99'999'999;
/// Room for more than three million clips.
constexpr std::size_t max_plan_bytes = std::size_t{128} << 20U;

std::optional<int> plan_number(const std::string& file_name) {
  constexpr std::string_view prefix = "plan-";
  if (!file_name.starts_with(prefix)) return std::nullopt;
  int number = -1;
  std::from_chars(file_name.data() + prefix.size(), file_name.data() + file_name.size(), number);
  if (number < 0 || plan_name(number) != file_name) return std::nullopt;
  return number;
}

/// A whole number of 0 or more. Converting what is none of that may be undefined.
std::uint64_t whole_number(const Json& json) {
  if (!json.is_number_unsigned()) throw DataError("a number in it is no whole number");
  return json.get<std::uint64_t>();
}

/// Throws whatever is wrong with the text; every value is checked before it is used.
Plan parse_plan(int number, const std::string& text) {
  const Json json = Json::parse(text);
  if (whole_number(json.at("format")) != format_version) throw DataError("is of another format");
  const auto first = whole_number(json.at("first_shard"));
  const Json& shards = json.at("shards");
  if (!shards.is_array() || first > max_shard_number || first + shards.size() > max_shard_number) {
    throw DataError("its shards are no list of shards");
  }
  Plan plan{number, {}};
  std::set<ContentHash> seen;
  for (const Json& clips : shards) {
    auto& shard = plan.shards.emplace_back();
    shard.number = static_cast<int>(first) + static_cast<int>(plan.shards.size()) - 1;
    if (!clips.is_array() || clips.empty()) throw DataError("a shard is no list of clips");
    for (const Json& clip : clips) {
      shard.clips.push_back(parse_content_hash(clip.get_ref<const std::string&>()));
      if (!seen.insert(shard.clips.back()).second) throw DataError("a clip stands there twice");
    }
  }
  return plan;
}

}  // namespace

std::vector<PlannedShard> cut_into_shards(std::span<const ClipSize> clips, int first_shard,
                                          const ShardLimits& limits) {
  std::vector<PlannedShard> shards;
  std::size_t bytes = 0;
  double seconds = 0;
  for (const ClipSize& clip : clips) {
    const bool fits = !shards.empty() && shards.back().clips.size() < limits.clips &&
                      bytes <= limits.bytes && clip.bytes <= limits.bytes - bytes &&
                      seconds + clip.seconds <= limits.seconds;
    if (!fits) {
      shards.push_back({first_shard + static_cast<int>(shards.size()), {}});
      bytes = 0;
      seconds = 0;
    }
    shards.back().clips.push_back(clip.content);
    bytes += clip.bytes;
    seconds += clip.seconds;
  }
  return shards;
}

std::string plan_name(int number) { return fmt::format("plan-{:03}.json", number); }

void write_plan(const Path& folder, const Plan& plan) {
  Json shards = Json::array();
  for (const auto& shard : plan.shards) {
    Json clips = Json::array();
    for (const auto& clip : shard.clips) clips.push_back(to_string(clip));
    shards.push_back(std::move(clips));
  }
  const int first = plan.shards.empty() ? 0 : plan.shards.front().number;
  const Json json = {{"format", format_version}, {"first_shard", first}, {"shards", shards}};
  write_file_atomically(folder / plan_name(plan.number), json.dump(0) + "\n");
}

std::vector<Plan> read_plans(const Path& folder,
                             const std::function<void(const Path&, const std::string&)>& damaged) {
  std::vector<Plan> plans;
  for (const Path& path : entries_of(folder)) {
    const auto number = plan_number(path.filename().string());
    if (!number) continue;
    try {
      plans.push_back(parse_plan(*number, read_file(path, max_plan_bytes)));
    } catch (const Error& error) {
      damaged(path, error.what());
    } catch (const Json::exception& error) {
      damaged(path, error.what());
    }
  }
  std::sort(plans.begin(), plans.end(),
            [](const Plan& a, const Plan& b) { return a.number < b.number; });
  return plans;
}

}  // namespace serenade
