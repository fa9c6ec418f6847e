#include "pipeline/corpus/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "pipeline/support/content_hash.h"

namespace serenade {
namespace {

/// Sets of indices that grow together (union by the smaller root).
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    std::tie(a, b) = std::minmax({root(a), root(b)});
    parent_[b] = a;
  }

 private:
  std::vector<std::size_t> parent_;
};

std::string expect_repetition_key(const Utterance& utterance) {
  if (auto key = repetition_key(utterance)) return std::move(*key);
  throw ConfigError(fmt::format(
      "split.protocol random-grouped needs to know what is said in each recording (the field "
      "'statement'), and that of {} is not known; use random",
      utterance.id));
}

/// Members wanted of each label, whose sizes are `sizes`, so that the total is ceil(share * n):
/// floors of the exact quotas, and one more where the remainder is largest (the first of equals).
std::vector<std::size_t> quotas(const std::vector<std::size_t>& sizes, double share) {
  const std::size_t n = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  // 0.1 * 30 is a little more than 3 in binary; that must not become 4.
  constexpr double rounding = 1e-9;
  const auto total =
      static_cast<std::size_t>(std::max(0.0, std::ceil(share * static_cast<double>(n) - rounding)));
  std::vector<std::size_t> wanted(sizes.size());
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::size_t given = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    wanted[i] = sizes[i] * total / n;
    given += wanted[i];
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return sizes[a] * total % n > sizes[b] * total % n;
  });
  for (std::size_t i = 0; given < total; ++i, ++given) ++wanted[order[i]];
  return wanted;
}

/// A label's groups in the order of their draws.
using Drawn = std::vector<std::pair<std::uint64_t, const Group*>>;

/// Which of one label's groups to take for `wanted` members. The last one never is.
std::vector<bool> take(const Drawn& drawn, std::size_t wanted, bool at_least_one) {
  std::vector<bool> taken(drawn.size());
  const std::size_t most = drawn.size() - 1;
  std::size_t left = wanted;
  std::size_t count = 0;
  std::size_t passed = 0;  // the first group that was not taken
  bool any_passed = false;
  for (std::size_t i = 0; i < drawn.size() && count < most; ++i) {
    const std::size_t size = drawn[i].second->members.size();
    if (size <= left) {
      taken[i] = true;
      left -= size;
      ++count;
    } else if (!any_passed) {
      passed = i;
      any_passed = true;
    }
  }
  if (count == most || !any_passed) return taken;
  // Too many by less than are missing is nearer to what was asked for.
  const bool nearer = drawn[passed].second->members.size() - left < left;
  if (nearer || (at_least_one && count == 0)) taken[passed] = true;
  return taken;
}

}  // namespace

std::optional<std::string> repetition_key(const Utterance& utterance) {
  if (!utterance.fields.contains("statement")) return std::nullopt;
  std::string key = utterance.speaker + '\n' + utterance.label;
  for (const char* name : {"intensity", "statement", "channel"}) {
    const auto field = utterance.fields.find(name);
    key += '\n' + (field == utterance.fields.end() ? std::string() : field->second);
  }
  return key;
}

std::vector<Group> group(const Corpus& corpus, bool twins) {
  const auto& utterances = corpus.utterances;
  DisjointSets sets(utterances.size());
  std::map<ContentHash, std::size_t> by_content;
  std::map<std::string, std::size_t> by_twin;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    if (!corpus.duplicates_apart) {
      sets.join(i, by_content.emplace(utterances[i].content, i).first->second);
    }
    if (twins) sets.join(i, by_twin.emplace(expect_repetition_key(utterances[i]), i).first->second);
  }
  std::map<std::size_t, Group> by_root;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    Group& mine = by_root[sets.root(i)];
    if (mine.members.empty()) {
      mine.key = utterances[i].id;
      mine.label = utterances[i].label;
    } else if (mine.label != utterances[i].label) {
      throw DataError(
          fmt::format("{} and {} are one recording under two labels", mine.key, utterances[i].id));
    }
    mine.key = std::min(mine.key, utterances[i].id);
    mine.members.push_back(i);
  }
  std::vector<Group> groups;
  groups.reserve(by_root.size());
  for (auto& [root, mine] : by_root) groups.push_back(std::move(mine));
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.key < b.key; });
  return groups;
}

std::uint64_t draw(std::uint64_t seed, std::string_view purpose, std::string_view key) {
  const ContentHash hash = hash_text(fmt::format("{}\n{}", purpose, key));
  const auto words = Philox(seed)(
      {static_cast<std::uint32_t>(hash.low), static_cast<std::uint32_t>(hash.low >> 32U),
       static_cast<std::uint32_t>(hash.high), purpose_of(Purpose::split)});
  return std::uint64_t{words[1]} << 32U | words[0];
}

std::vector<bool> take_stratified(const std::vector<Group>& groups, double share, bool both_sides,
                                  std::uint64_t seed, std::string_view purpose) {
  std::map<std::string, Drawn> by_label;
  for (const auto& each : groups) {
    by_label[each.label].emplace_back(draw(seed, purpose, each.key), &each);
  }
  std::vector<std::size_t> sizes;
  for (auto& [label, drawn] : by_label) {
    std::sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first, a.second->key) < std::tie(b.first, b.second->key);
    });
    sizes.push_back(0);
    for (const auto& [number, each] : drawn) sizes.back() += each->members.size();
  }
  const std::vector<std::size_t> wanted = quotas(sizes, share);

  std::vector<bool> result(groups.size());
  const auto index_of = [&](const Group* each) {
    return static_cast<std::size_t>(each - groups.data());
  };
  std::ptrdiff_t missing = 0;  // what labels so far should have given and could not
  std::size_t label_number = 0;
  const std::pair<std::uint64_t, const Group*>* lowest = nullptr;
  bool any = false;
  for (const auto& [label, drawn] : by_label) {
    std::ptrdiff_t largest = 0;
    for (const auto& [number, each] : drawn) {
      largest = std::max(largest, static_cast<std::ptrdiff_t>(each->members.size()));
    }
    missing = std::clamp(missing, -largest, largest);
    const auto quota = static_cast<std::ptrdiff_t>(wanted[label_number++]);
    const auto goal = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, quota + missing));
    missing += quota;
    const std::vector<bool> taken = take(drawn, goal, both_sides);
    for (std::size_t k = 0; k < drawn.size(); ++k) {
      if (!taken[k]) continue;
      result[index_of(drawn[k].second)] = any = true;
      missing -= static_cast<std::ptrdiff_t>(drawn[k].second->members.size());
    }
    if (drawn.size() > 1 && (lowest == nullptr || drawn.front().first < lowest->first))
      lowest = &drawn.front();
  }
  if (!any && lowest != nullptr) result[index_of(lowest->second)] = true;
  return result;
}

}  // namespace serenade
