// mlops-agent cloud list: what of ours is in an account.
#include <fmt/format.h>

#include <algorithm>
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
#include "domains/cloud/local.hpp"
#include "model/value.hpp"

namespace mlops {
namespace {

struct CloudOptions {
  CloudScope scope;
  bool json = false;
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

int list_instances(const CloudOptions& options) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  const Person person = current_person();
  const ActingUser who{person.name, person.home, person.shell, person.uid, person.gid};
  const ProgressSink no_progress;
  try {
    const LocalCloud cloud(who, cancellation, no_progress);
    const std::vector<Listed> all = find_instances(cloud, options.scope);
    if (options.json) {
      for (const Listed& one : all) put(to_json(json_of(one)) + "\n");
      return exit_done;
    }
    const CloudCaller caller = cloud.caller(options.scope);
    put(fmt::format("account {} in {} ({})\n", printable(caller.account), caller.region, caller.region_source));
    if (all.empty())
      put("no instances of mlops-agent\n");
    else
      print_table(all);
    return exit_done;
  } catch (const Error& e) {
    say_error(e.what());
    return e.kind() == ErrorKind::cancelled ? exit_interrupted : exit_not_started;
  }
}

}  // namespace

void add_cloud(CommandLine& program) {
  const auto options = std::make_shared<CloudOptions>();
  CommandOptions command = program.command("cloud", "What of a playbook's machines is in a cloud account");
  CommandOptions list = command.command("list", "Instances that mlops-agent launched, in one region");
  list.option("--region", options->scope.region, "The region; else as AWS's own tools choose it")
      .value_name("REGION");
  list.option("--profile", options->scope.profile, "The profile of ~/.aws; else likewise")
      .value_name("PROFILE");
  list.flag("--json", options->json, "One JSON object a line");
  command.action([options] { return list_instances(*options); });
}

}  // namespace mlops
