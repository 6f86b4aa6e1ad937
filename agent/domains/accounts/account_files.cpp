#include "domains/accounts/account_files.hpp"

#include <algorithm>
#include <charconv>

namespace mlops {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return n;
}

template <class F>
void each_entry(std::string_view text, F read) {
  for (const std::string_view line : split(text, '\n'))
    if (!line.empty() && line[0] != '#' && line[0] != '+' && line[0] != '-') read(line);
}

template <class Item, class Map, class Key>
const Item* find(const std::vector<Item>& items, const Map& index, const Key& key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &items[found->second];
}

}  // namespace

AccountFiles::AccountFiles(std::string_view passwd, std::string_view group) {
  each_entry(group, [&](std::string_view line) { read_group(line); });
  each_entry(passwd, [&](std::string_view line) { read_user(line); });
}

void AccountFiles::read_group(std::string_view line) {
  const auto fields = split(line, ':');
  if (fields.size() != 4 || fields[0].empty()) return;
  const auto gid = number(fields[2]);
  GroupAccount g{std::string(fields[0]), gid, {}};
  if (!gid || !groups_by_name_.emplace(g.name, groups_.size()).second) return;
  groups_by_gid_.emplace(*gid, groups_.size());
  for (const std::string_view member : split(fields[3], ','))
    if (!member.empty()) g.members.emplace_back(member);
  std::sort(g.members.begin(), g.members.end());
  g.members.erase(std::unique(g.members.begin(), g.members.end()), g.members.end());
  for (const std::string& member : g.members) memberships_[member].push_back(g.name);
  groups_.push_back(std::move(g));
}

void AccountFiles::read_user(std::string_view line) {
  const auto fields = split(line, ':');
  if (fields.size() != 7 || fields[0].empty()) return;
  const auto uid = number(fields[2]), gid = number(fields[3]);
  UserAccount u{std::string(fields[0]),
                uid,
                std::string(fields[3]),
                std::string(fields[4]),
                std::string(fields[5]),
                fields[6].empty() ? "/bin/sh" : std::string(fields[6]),
                {}};
  if (!uid || !gid || !users_by_name_.emplace(u.name, users_.size()).second) return;
  users_by_uid_.emplace(*uid, users_.size());
  if (const GroupAccount* primary = group(*gid)) u.group = primary->name;
  if (const auto found = memberships_.find(u.name); found != memberships_.end()) u.groups = found->second;
  std::erase(u.groups, u.group);
  std::sort(u.groups.begin(), u.groups.end());
  users_.push_back(std::move(u));
}

const UserAccount* AccountFiles::user(const std::string& name) const {
  return find(users_, users_by_name_, name);
}
const GroupAccount* AccountFiles::group(const std::string& name) const {
  return find(groups_, groups_by_name_, name);
}
const UserAccount* AccountFiles::user(std::uint32_t uid) const { return find(users_, users_by_uid_, uid); }
const GroupAccount* AccountFiles::group(std::uint32_t gid) const { return find(groups_, groups_by_gid_, gid); }

}  // namespace mlops
