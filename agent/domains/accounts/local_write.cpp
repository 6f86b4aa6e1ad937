#include <algorithm>

#include "domains/accounts/local.hpp"

#include <cinttypes>
#include <cstdio>

#include "base/error.hpp"

namespace mlops {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

// The user with all supplementary groups.
AccountNames with_groups(const std::string& user, std::vector<std::string> groups) {
  if (const auto account = LocalAccounts().user(user))
    groups.insert(groups.end(), account->groups.begin(), account->groups.end());
  groups.push_back(user);
  return {{user}, std::move(groups)};
}

// usermod(8) takes FIRST-LAST, and writes the last one first.
std::vector<std::string> subordinate_words(const CreateUser& action) {
  std::vector<std::string> words;
  const auto add = [&](const char* option, const std::optional<std::vector<std::string>>& ranges) {
    const std::vector<std::string> list = ranges.value_or(std::vector<std::string>());
    for (auto range = list.rbegin(); range != list.rend(); ++range) {
      std::uint64_t first = 0, count = 0;
      if (std::sscanf(range->c_str(), "%" SCNu64 ":%" SCNu64, &first, &count) != 2 || count == 0) continue;
      words.insert(words.end(), {option, std::to_string(first) + "-" + std::to_string(first + count - 1)});
    }
  };
  add("--add-subuids", action.subuids);
  add("--add-subgids", action.subgids);
  return words;
}

}  // namespace

void LocalAccountWriter::recover() const { AccountChange().revert(); }

void LocalAccountWriter::change(AccountNames names, const std::function<void()>& work) const {
  cancellation_.check();
  const AccountChange change;
  change.begin(names);
  try {
    work();
  } catch (Error& error) {
    try {
      change.revert();
    } catch (const Error& also) {
      throw error.while_doing("the next run reverts what it left, because now " + std::string(also.what()));
    }
    throw;
  }
  change.end();
}

void LocalAccountWriter::run(const std::string& doing, std::vector<std::string> argv) const {
  cancellation_.check();
  Command command;
  const std::string program = argv.front();
  command.argv = std::move(argv);
  command.cwd = "/";
  command.env = {{"LANG", "C"}, {"LC_ALL", "C"}, {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  ProcessOptions options;
  options.cancellation = &cancellation_;
  options.on_cancel = ProcessOptions::OnCancel::finish;
  options.outlive_us = true;
  options.merge_output = true;
  const CommandResult result = run_process(command, who_, options);
  if (result.status == 0) return;
  throw Error(program + " ended with status " + std::to_string(result.status))
      .with_output(result.output)
      .while_doing(doing);
}

void LocalAccountWriter::perform(const CreateGroup& action) const {
  if (action.unless_there && LocalAccounts().group(action.name)) return;
  std::vector<std::string> argv = {"groupadd"};
  if (action.system) argv.push_back("--system");
  if (action.gid) argv.insert(argv.end(), {"--gid", std::to_string(*action.gid)});
  argv.push_back(action.name);
  change({{}, {action.name}}, [&] { run("creating group " + action.name, argv); });
}

void LocalAccountWriter::perform(const ChangeGroup& action) const {
  // Users whose primary group it is follow the new number.
  AccountNames names{{}, {action.name}};
  for (const std::string& user : LocalAccounts().primary_users(action.name)) names.users.push_back(user);
  change(std::move(names), [&] {
    run("changing group " + action.name, {"groupmod", "--gid", std::to_string(action.gid), action.name});
  });
}

void LocalAccountWriter::perform(const RemoveGroup& action) const {
  if (!LocalAccounts().group(action.name)) return;
  change({{}, {action.name}}, [&] { run("removing group " + action.name, {"groupdel", action.name}); });
}

// useradd takes missing values from login.defs and default/useradd: home, shell, group, expiry, mail spool.
void LocalAccountWriter::perform(const CreateUser& action) const {
  std::vector<std::string> argv = {"useradd", "--no-create-home", "-K", "MAIL_DIR=/dev/null"};
  if (action.system) argv.push_back("--system");
  if (action.uid) argv.insert(argv.end(), {"--uid", std::to_string(*action.uid)});
  if (action.group.empty())
    argv.push_back("--user-group");
  else
    argv.insert(argv.end(), {"--no-user-group", "--gid", action.group});
  argv.insert(argv.end(), {"--home-dir", action.home, "--shell", action.shell, "--comment", action.comment,
                           "--expiredate", "", "--inactive", "-1"});
  if (!action.groups.empty()) argv.insert(argv.end(), {"--groups", join(action.groups)});
  if (action.subuids || action.subgids)
    argv.insert(argv.end(), {"-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0"});
  argv.push_back(action.name);
  auto groups = action.groups;
  groups.push_back(action.group);
  const std::vector<std::string> ranges = subordinate_words(action);
  change(with_groups(action.name, groups), [&] {
    run("creating user " + action.name, argv);
    if (ranges.empty()) return;
    std::vector<std::string> words = {"usermod"};
    words.insert(words.end(), ranges.begin(), ranges.end());
    words.push_back(action.name);
    run("giving user " + action.name + " subordinate ids", words);
  });
}

void LocalAccountWriter::perform(const ChangeUser& action) const {
  std::vector<std::string> argv = {"usermod"};
  if (action.uid) argv.insert(argv.end(), {"--uid", std::to_string(*action.uid)});
  if (action.group) argv.insert(argv.end(), {"--gid", *action.group});
  if (action.home) argv.insert(argv.end(), {"--home", *action.home});
  if (action.shell) argv.insert(argv.end(), {"--shell", *action.shell});
  if (action.comment) argv.insert(argv.end(), {"--comment", *action.comment});
  if (argv.size() == 1) return;
  argv.push_back(action.name);
  change(with_groups(action.name, {}), [&] { run("changing user " + action.name, argv); });
}

void LocalAccountWriter::perform(const RemoveUser& action) const {
  if (!LocalAccounts().user(action.name)) return;
  change(with_groups(action.name, {}), [&] {
    run("removing user " + action.name, {"userdel", action.name});
    if (action.keep_group) AccountChange().put_group_back(action.name, action.name);
  });
}

void LocalAccountWriter::perform(const ChangeMembership& action) const {
  AccountNames names{{}, action.add};
  names.groups.insert(names.groups.end(), action.remove.begin(), action.remove.end());
  // gpasswd(1) refuses to remove a user who is not a member.
  const auto is_member = [&](const std::string& group) {
    const auto found = LocalAccounts().group(group);
    return found &&
           std::find(found->members.begin(), found->members.end(), action.user) != found->members.end();
  };
  change(std::move(names), [&] {
    for (const std::string& group : action.add)
      run("adding " + action.user + " to group " + group, {"gpasswd", "--add", action.user, group});
    for (const std::string& group : action.remove)
      if (is_member(group))
        run("removing " + action.user + " from group " + group, {"gpasswd", "--delete", action.user, group});
  });
}

}  // namespace mlops
