// mlops-agent cloud: what of ours is in an account, and its rules for this machine's address.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/error.hpp"
#include "base/person.hpp"
#include "base/printable.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "domains/accounts/acting_user.hpp"
#include "domains/cloud/here_rules.hpp"
#include "domains/cloud/local.hpp"
#include "model/value.hpp"
#include "resource/cloud.hpp"

namespace mlops {
namespace {

struct CloudOptions {
  CloudScope scope;
  bool json = false, recorded = false;
};

// An instance, and whether this machine launched it.
struct Listed {
  CloudInstance instance;
  bool launched_here = false;
};

const char* to_string(CloudPower power) {
  switch (power) {
    case CloudPower::pending:
      return "starting";
    case CloudPower::running:
      return "running";
    case CloudPower::stopping:
      return "stopping";
    case CloudPower::stopped:
      return "stopped";
    case CloudPower::shutting_down:
    case CloudPower::terminated:
      break;
  }
  return "terminated";
}

Value json_of(const Listed& one) {
  const CloudInstance& i = one.instance;
  const auto text = [](const std::string& s) { return s.empty() ? Value() : Value(s); };
  Value v;
  v.set("id", i.id);
  v.set("name", i.name);
  v.set("type", i.type);
  v.set("state", to_string(i.power));
  v.set("zone", text(i.zone));
  v.set("public_address", text(i.public_address));
  v.set("launched", i.launched);
  v.set("reason", text(i.reason));
  v.set("launched_here", one.launched_here);
  return v;
}

std::vector<std::string> row_of(const Listed& one) {
  const CloudInstance& i = one.instance;
  std::string note = one.launched_here ? "" : "not launched from this machine";
  return {printable(i.name), i.id, i.type, to_string(i.power), i.public_address, time_text(i.launched), note};
}

void print_table(const std::vector<Listed>& all) {
  std::vector<std::vector<std::string>> rows{{"NAME", "ID", "TYPE", "STATE", "ADDRESS", "LAUNCHED", ""}};
  for (const Listed& one : all) rows.push_back(row_of(one));
  for (const std::string& line : table_lines(rows)) put(line + "\n");
}

std::vector<Listed> find_instances(const LocalCloud& cloud, const CloudScope& scope) {
  std::vector<Listed> all;
  for (CloudInstance& one : cloud.all_instances(scope)) {
    if (!one.is_alive()) continue;  // EC2 lists it for an hour
    const bool launched_here = cloud.instances(scope, one.name).launched_here == one.id;
    all.push_back({std::move(one), launched_here});
  }
  std::sort(all.begin(), all.end(), [](const Listed& a, const Listed& b) {
    return std::tie(a.instance.name, a.instance.launched) < std::tie(b.instance.name, b.instance.launched);
  });
  return all;
}

void list_instances(const LocalCloud& cloud, const CloudOptions& options) {
  const std::vector<Listed> all = find_instances(cloud, options.scope);
  if (options.json) {
    for (const Listed& one : all) put(to_json(json_of(one)) + "\n");
    return;
  }
  const CloudCaller caller = cloud.caller(options.scope);
  put(fmt::format("account {} in {} ({})\n", printable(caller.account), caller.region, caller.region_source));
  if (all.empty())
    put("no instances of mlops-agent\n");
  else
    print_table(all);
}

void move_here(const LocalCloud& cloud, const CloudScope& scope) {
  const std::string address = cloud.own_address();
  const auto cidr = cidr_of_host(address);
  if (!cidr) throw Error(fmt::format("this machine's address is not known: `{}` is none", printable(address)));
  for (const std::string& moved : cloud.move_here(scope, *cidr)) put(printable(moved) + "\n");
}

// What a subcommand needs of this machine; it ends with Ctrl-C.
struct Caller {
  Cancellation cancellation;
  InterruptHandler interrupts{cancellation};
  Person person = current_person();
  ActingUser who{person.name, person.home, person.shell, person.uid, person.gid};
  ProgressSink no_progress;
  LocalCloud cloud() const { return LocalCloud(who, cancellation, no_progress); }
};

// Of all accounts that are recorded, as the process that keeps a tunnel does. One that fails does not keep the
// others.
int move_recorded(const Caller& caller) {
  int status = exit_done;
  for (const HereAccount& account :
       HereAccounts(own_state_home(caller.who) + "/cloud", {{}, caller.who}).read()) {
    for (const auto& [name, value] : account.environment) ::setenv(name.c_str(), value.c_str(), 1);
    try {
      move_here(caller.cloud(), account.scope);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      say_error(e.what());
      status = exit_failed;
    }
    for (const auto& [name, value] : account.environment) ::unsetenv(name.c_str());
  }
  return status;
}

int run_cloud(const CloudOptions& options, bool here) {
  const Caller caller;
  try {
    if (here && options.recorded) return move_recorded(caller);
    if (here)
      move_here(caller.cloud(), options.scope);
    else
      list_instances(caller.cloud(), options);
    return exit_done;
  } catch (const Error& e) {
    say_error(e.what());
    return e.kind() == ErrorKind::cancelled ? exit_interrupted : exit_not_started;
  }
}

void add_scope(CommandOptions& command, CloudOptions& options) {
  command.option("--region", options.scope.region, "The region; else as AWS's own tools choose it")
      .value_name("REGION");
  command.option("--profile", options.scope.profile, "The profile of ~/.aws; else likewise")
      .value_name("PROFILE");
}

}  // namespace

void add_cloud(CommandLine& program) {
  const auto options = std::make_shared<CloudOptions>();
  CommandOptions command = program.command("cloud", "What of a playbook's machines is in a cloud account");
  CommandOptions list = command.command("list", "Instances that mlops-agent launched, in one region");
  add_scope(list, *options);
  list.flag("--json", options->json, "One JSON object a line");
  CommandOptions here = command.command(
      "here", "Let this machine's present address through the rules that are \"from\": \"here\"");
  add_scope(here, *options);
  here.flag("--recorded", options->recorded, "In all accounts where a playbook has made such rules from here");
  command.action([options, here] { return run_cloud(*options, here.given()); });
}

}  // namespace mlops
