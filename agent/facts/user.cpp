#include <grp.h>

#include <algorithm>
#include <vector>

#include "facts/groups.hpp"

namespace mlops::facts {
namespace {

std::string group_name(gid_t gid) {
  std::vector<char> buffer(1024);
  group entry{};
  group* found = nullptr;
  while (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == ERANGE)
    buffer.resize(buffer.size() * 2);
  return found ? found->gr_name : std::to_string(gid);
}

}  // namespace

Value user(const Person& person) {
  std::vector<gid_t> ids(64);
  int count = static_cast<int>(ids.size());
  if (::getgrouplist(person.name.c_str(), person.gid, ids.data(), &count) < 0) {
    ids.resize(static_cast<std::size_t>(count));
    ::getgrouplist(person.name.c_str(), person.gid, ids.data(), &count);
  }
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(group_name(ids[static_cast<std::size_t>(i)]));
  std::sort(names.begin(), names.end());

  Value v;
  v.set("name", person.name);
  v.set("uid", std::int64_t{person.uid});
  v.set("home", person.home);
  v.set("shell", person.shell);
  v.set("groups", Value::Array(names.begin(), names.end()));
  return v;
}

}  // namespace mlops::facts
