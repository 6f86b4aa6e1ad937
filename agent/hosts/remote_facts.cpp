#include "hosts/remote_facts.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "base/person.hpp"
#include "base/printable.hpp"
#include "hosts/parallel_for.hpp"
#include "ssh/settings.hpp"

namespace mlops {

std::vector<HostFacts> remote_facts(const ReachSettings& reach, const std::vector<std::string>& hosts,
                                    const std::string& path, const Cancellation& cancellation) {
  Questions questions([] {});
  const auto warn = [](const std::string& line) { fmt::print(stderr, "{}\n", printable_lines(line)); };
  const RemoteSettings settings{reach.ssh_config, reach.accept_new_host_keys, warn, &questions};
  check_ssh_config(reach.ssh_config, current_person().uid);
  std::vector<HostFacts> told(hosts.size());
  parallel_for(hosts.size(), reach.forks, [&](std::size_t i) {
    told[i].host = hosts[i];
    try {
      RemoteAgent agent(hosts[i], settings, cancellation, [](const Progress&) {});
      agent.say(AskFacts{path});
      ToController answer = agent.hear();
      if (auto* facts = std::get_if<FactsTold>(&answer))
        told[i].facts = std::move(facts->facts);
      else
        told[i].error = "it answered what was not asked";
      if (const auto* failed = std::get_if<Failed>(&answer)) told[i].error = failed->what;
    } catch (const std::exception& e) {
      told[i].error = e.what();
    }
  });
  return told;
}

}  // namespace mlops
