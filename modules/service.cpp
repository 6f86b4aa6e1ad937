// service: whether a unit of systemd runs and starts at boot; restarts or reloads it when notified.
//
//   desired \ now  inactive, failed   activating   active, reloading   deactivating
//   running        start              start        – (up for long      start
//                                                  enough: stable)
//   stopped        –                  stop         stop                stop
//   (unmanaged)    –                  –            –                   –
//
// Starting a unit that is activating waits for it. When notified, a unit that was active and stays so restarts
// or reloads; a start satisfies a restart. A masked unit cannot be started or enabled, a static one cannot be
// enabled.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "resource/module.hpp"

namespace mlops::modules {
namespace {

using Verb = ChangeUnit::Verb;

constexpr std::array<std::string_view, 11> suffixes = {".service",   ".socket", ".device", ".mount",
                                                       ".automount", ".swap",   ".target", ".path",
                                                       ".timer",     ".slice",  ".scope"};

struct Service {
  static constexpr auto type = "service";
  static constexpr bool settles = true;
  enum class State { unmanaged, running, stopped };
  enum class OnNotify { restart, reload };

  struct Desired {
    std::string name;
    State state = State::unmanaged;
    std::optional<bool> enabled;
    OnNotify on_notify = OnNotify::restart;
    Duration stable{2'000};
  };
  using Current = Unit;

  static void describe(Schema<Desired>& s) {
    s.summary(
        "A unit of systemd: whether it runs, whether it starts at boot; restarts or reloads when notified.");
    s.named_by("name");
    s.required("name", &Desired::name, "Its name; \".service\" is added when it has no suffix of a unit.");
    s.one_of("state", &Desired::state, {{"running", State::running}, {"stopped", State::stopped}},
             "Whether it should run now. A oneshot that remains after exit counts as running.");
    s.optional("enabled", &Desired::enabled, "Whether it starts at boot.");
    s.one_of(
        "on_notify", &Desired::on_notify, {{"restart", OnNotify::restart}, {"reload", OnNotify::reload}},
        "What to do when another resource notifies this one and it runs; reload is a restart for a unit that "
        "cannot reload.");
    s.optional("stable", &Desired::stable,
               "How long it must have been up before it counts as running: one that ends sooner has failed.");
    s.check(&Service::check);
    s.example("Docker runs, now and after a boot",
              R"({"type": "service", "name": "docker", "state": "running", "enabled": true})");
    s.example("sshd reads its configuration again when that changes", R"([
  {"type": "file", "path": "/etc/ssh/sshd_config.d/10-keys.conf", "content": "PasswordAuthentication no\n",
   "notify": "sshd"},
  {"type": "service", "id": "sshd", "name": "ssh", "on_notify": "reload"}
])");
    s.example("A timer instead of a service",
              R"({"type": "service", "name": "apt-daily.timer", "state": "stopped", "enabled": false})");
  }

  static void check(const Desired& d, Checker& c) {
    constexpr std::string_view allowed = ":-_.\\@";  // systemd.unit(5)
    const bool good =
        !d.name.empty() && d.name.size() < 248 && std::all_of(d.name.begin(), d.name.end(), [&](char x) {
          return (x >= '0' && x <= '9') || (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') ||
                 allowed.find(x) != std::string_view::npos;
        });
    if (!good) c.error("name", fmt::format("`{}` is no name of a unit", d.name));
  }

  static std::string unit_name(const Desired& d) {
    const auto ends = [&](std::string_view suffix) { return d.name.ends_with(suffix); };
    return std::any_of(suffixes.begin(), suffixes.end(), ends) ? d.name : d.name + ".service";
  }

  static Claims claims(const Desired& d) { return {{.kind = Claim::Kind::service, .key = unit_name(d)}}; }
  static Actor actor(const Desired&) { return {Actor::Kind::root}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current unit = machine.services().unit(unit_name(d));
    require_there(d, unit, machine.files());
    require_possible(d, unit);
    return unit;
  }

  // A unit's file that systemd has not loaded yet counts (systemd.unit(5)), as does a script of SysV init.
  static void require_there(const Desired& d, const Current& unit, const FileReader& files) {
    if (unit.load_state != "not-found" || unit.may_come) return;
    if (d.state != State::running && d.enabled != true) return;
    std::string name = unit.name;  // or "app@.service" of "app@one.service"
    if (const auto at = name.find('@'); at != std::string::npos)
      name = name.substr(0, at + 1) + name.substr(name.rfind('.'));
    for (const char* folder : {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                               "/usr/lib/systemd/system", "/lib/systemd/system"})
      for (const std::string& file : {unit.name, name})
        if (files.exists(fmt::format("{}/{}", folder, file))) return;
    if (files.exists("/etc/init.d/" + unit.name.substr(0, unit.name.rfind('.')))) return;
    throw Error(fmt::format("there is no unit {}, and nothing before it brings one", unit.name));
  }

  // A state that no verb could reach is an error before anything is changed.
  static void require_possible(const Desired& d, const Current& unit) {
    const bool masked = unit.load_state == "masked" || unit.enabled_state == "masked";
    if (masked && (d.state == State::running || d.enabled == true))
      throw Error(fmt::format("{0} is masked; `systemctl unmask {0}` makes it usable again", unit.name));
    if (unit.load_state == "bad-setting" || unit.load_state == "error")
      throw Error(fmt::format("systemd cannot read the file of {} ({})", unit.name, unit.load_state));
    const std::string_view state = unit.enabled_state;
    if (d.enabled == true && (state == "static" || state == "generated" || state == "transient"))
      throw Error(fmt::format("{} is {}: it cannot be enabled", unit.name, state));
  }

  static Diff diff(const Desired& d, const Current& now, bool notified) {
    Diff diff;
    if (d.enabled && (*d.enabled ? !starts_at_boot(now) : starts_at_boot(now) || for_this_boot(now))) {
      diff.changes.push_back({"enabled",
                              for_this_boot(now) ? Value("until the next boot") : Value(starts_at_boot(now)),
                              *d.enabled});
      diff.actions.push_back(ChangeUnit{now.name, *d.enabled ? Verb::enable : Verb::disable});
    }
    if (const auto verb = change_of_state(d, now)) {
      diff.changes.push_back({"state", in_word(now), *verb == Verb::start ? "running" : "stopped"});
      diff.actions.push_back(ChangeUnit{now.name, *verb});
    } else if (notified && now.active()) {
      const bool reload = d.on_notify == OnNotify::reload && now.can_reload;
      diff.changes.push_back(
          {.property = reload ? "reloads" : "restarts", .after = true, .kind = Change::Kind::event});
      diff.actions.push_back(ChangeUnit{now.name, reload ? Verb::reload : Verb::restart});
    }
    return diff;
  }

  static std::optional<Verb> change_of_state(const Desired& d, const Current& now) {
    if (d.state == State::running && !now.active()) return Verb::start;
    const bool at_rest =
        now.active_state == "inactive" || now.active_state == "failed" || now.active_state.empty();
    if (d.state == State::stopped && !at_rest) return Verb::stop;
    return {};
  }

  // Enabled below /run.
  static bool for_this_boot(const Current& now) { return now.enabled_state == "enabled-runtime"; }

  // A unit with a process can exit; a socket, a mount or a oneshot that has run stays active.
  static std::uint64_t unsettled_ms(const Desired& d, const Current& now) {
    const bool runs = now.active() && now.sub_state == "running" && now.name.ends_with(".service");
    if (d.state != State::running || !runs || now.up_ms >= d.stable.ms) return 0;
    return d.stable.ms - now.up_ms;
  }
  static std::string evidence(const Desired& d, const MachineReader& machine, std::uint64_t since_us) {
    return machine.services().log_since(unit_name(d), since_us);
  }

  // An alias is the name of another unit that is enabled.
  static bool starts_at_boot(const Current& now) { return now.enabled() || now.enabled_state == "alias"; }

  static std::string in_word(const Current& now) {
    if (!now.exists()) return "absent";
    if (now.active()) return "running";
    return now.active_state == "inactive" ? "stopped" : now.active_state;
  }

  // Its removal: it is stopped, and no longer starts at boot.
  static Value removal(const Desired& d) {
    if (d.state != State::running && d.enabled != true) return false;
    Value v;
    v.set("type", type);
    v.set("name", d.name);
    if (d.state == State::running) v.set("state", "stopped");
    if (d.enabled == true) v.set("enabled", false);
    return v;
  }

  // It neither ran nor was enabled before, as far as that was requested.
  static bool made(const Desired& d, const std::vector<Change>& changes) {
    const auto became = [&](const char* property, const Value& what) {
      return std::any_of(changes.begin(), changes.end(),
                         [&](const Change& c) { return c.property == property && c.after == what; });
    };
    if (d.state != State::running && d.enabled != true) return false;
    return (d.state != State::running || became("state", "running")) &&
           (d.enabled != true || became("enabled", true));
  }

  static Value outputs(const Desired&, const Current& now) {
    Value v;
    v.set("name", now.name);
    v.set("state", in_word(now));
    v.set("enabled", starts_at_boot(now));
    return v;
  }
};

}  // namespace

MLOPS_MODULE(Service);

}  // namespace mlops::modules
