#include "machine/accounts/local_accounts.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

}  // namespace

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
  std::vector<std::string> argv = {"groupadd"};
  if (action.system) argv.push_back("--system");
  if (action.gid) argv.insert(argv.end(), {"--gid", std::to_string(*action.gid)});
  argv.push_back(action.name);
  run("creating group " + action.name, std::move(argv));
}

void LocalAccountWriter::perform(const ChangeGroup& action) const {
  run("changing group " + action.name, {"groupmod", "--gid", std::to_string(action.gid), action.name});
}

void LocalAccountWriter::perform(const RemoveGroup& action) const {
  run("removing group " + action.name, {"groupdel", action.name});
}

// useradd fills what it is not told from login.defs and default/useradd: home, shell, group, expiry, mail
// spool.
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
  argv.push_back(action.name);
  run("creating user " + action.name, std::move(argv));
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
  run("changing user " + action.name, std::move(argv));
}

void LocalAccountWriter::perform(const RemoveUser& action) const {
  run("removing user " + action.name, {"userdel", action.name});
}

void LocalAccountWriter::perform(const ChangeMembership& action) const {
  for (const std::string& group : action.add)
    run("adding " + action.user + " to group " + group, {"gpasswd", "--add", action.user, group});
  for (const std::string& group : action.remove)
    run("removing " + action.user + " from group " + group, {"gpasswd", "--delete", action.user, group});
}

}  // namespace mlops
