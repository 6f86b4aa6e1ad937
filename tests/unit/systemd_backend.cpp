// The systemd backend against a stand-in for the manager, on D-Bus's own protocol.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "backends/systemd_api.hpp"
#include "base/backend.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

// What the manager was asked to do, as its answer to a last question says.
struct Manager {
  std::string asked;

  int answer(sd_bus_message* m) {
    const std::string member = sd_bus_message_get_member(m), path = sd_bus_message_get_path(m);
    const auto text = [&] {
      const char* t = "";
      sd_bus_message_read(m, "s", &t);
      return std::string(t);
    };
    if (member == "Hello") return sd_bus_reply_method_return(m, "s", ":1.1");
    if (member == "LoadUnit") return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/unit/x");
    if (member == "GetAll")
      return sd_bus_reply_method_return(m, "a{sv}", 3, "LoadState", "s", "loaded", "ActiveState", "s", "active",
                                        "ActiveEnterTimestampMonotonic", "t", std::uint64_t{42});
    if (member == "GetUnitFileState")
      return sd_bus_reply_method_return(m, "s", text() == "also.service" ? "indirect" : "enabled-runtime");
    if (member == "GetUnitFileLinks")
      return sd_bus_reply_method_return(m, "as", 1, "/etc/systemd/system/a.wants/b.service");
    if (member == "DisableUnitFiles") {
      sd_bus_message_enter_container(m, 'a', "s");
      asked += "disable " + text();
      sd_bus_message_exit_container(m);
      int runtime = 0;
      sd_bus_message_read(m, "b", &runtime);
      asked += runtime ? " at run time;" : ";";
      return sd_bus_reply_method_return(m, "a(sss)", 0);
    }
    if (member == "Reload") {
      asked += "reload;";
      return sd_bus_reply_method_return(m, "");
    }
    if (member == "Get") return property(m, text, path);
    return sd_bus_reply_method_return(m, "");
  }

  int property(sd_bus_message* m, const std::function<std::string()>& text, const std::string& path) const {
    text();
    const std::string name = text();
    if (name == "UnitPath")
      return sd_bus_reply_method_return(m, "v", "as", 2, "/etc/systemd/system", "/usr/lib/systemd/system");
    if (name == "Names" && path.ends_with("/unit/x"))
      return sd_bus_reply_method_return(m, "v", "as", 1, "x.service");
    if (name == "UnitsLoadTimestamp") return sd_bus_reply_method_return(m, "v", "t", std::uint64_t{1700});
    if (name == "NeedDaemonReload") return sd_bus_reply_method_return(m, "v", "b", 0);
    if (name == "Asked") return sd_bus_reply_method_return(m, "v", "s", asked.c_str());
    return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_PROPERTY, "no %s", name.c_str());
  }
};

[[noreturn]] void serve(int listener) {
  const int connection = ::accept(listener, nullptr, nullptr);
  Manager manager;
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  id.bytes[0] = 1;
  const auto on_message = [](sd_bus_message* m, void* context, sd_bus_error*) {
    if (sd_bus_message_is_method_call(m, nullptr, nullptr)) static_cast<Manager*>(context)->answer(m);
    return 1;
  };
  if (sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, connection, connection) >= 0 &&
      sd_bus_set_server(bus, 1, id) >= 0 && sd_bus_add_filter(bus, nullptr, on_message, &manager) >= 0 &&
      sd_bus_start(bus) >= 0)
    for (int r = 0; r >= 0;)
      if (r = sd_bus_process(bus, nullptr); r == 0) r = sd_bus_wait(bus, UINT64_MAX);
  ::_exit(0);
}

// What work prints, done by a process that is not root: root asks systemd itself, where there is one.
std::string as_another(const std::function<std::string()>& work) {
  static_cast<void>(Backend("systemd"));  // loaded while this process may read it
  int out[2];
  REQUIRE(::pipe(out) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(1);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "mlops-test-" + std::to_string(::getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0)
      ::_exit(1);
    const pid_t server = ::fork();
    if (server == 0) serve(listener);
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:abstract=" + name).c_str(), 1);
    std::string text;
    try {
      text = work();
    } catch (const std::exception& e) {
      text = e.what();
    }
    static_cast<void>(!::write(out[1], text.data(), text.size()));
    ::kill(server, SIGKILL);
    ::_exit(0);
  }
  ::close(out[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(out[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

struct Client {
  Backend backend{"systemd"};
  mlops_systemd_result result{};
  void* client = backend.function<mlops_systemd_open_fn>("mlops_systemd_open")(&result);

  std::string asked() {
    char* text = nullptr;
    sd_bus_get_property_string(static_cast<sd_bus*>(client), "org.freedesktop.systemd1",
                               "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Asked",
                               nullptr, &text);
    std::string all = text ? text : "";
    std::free(text);
    return all;
  }
};

}  // namespace

TEST_CASE("the backend reports where a unit's files may be, and when systemd last read them") {
  CHECK(as_another([] {
          Client c;
          if (!c.client) return std::string(c.result.message);
          std::string text;
          std::uint64_t loaded = 0;
          const auto add = [](void* into, const char* t) {
            *static_cast<std::string*>(into) += std::string(t) + " ";
          };
          c.backend.function<mlops_systemd_places_fn>("mlops_systemd_places")(c.client, "x.service", add, add,
                                                                              &text, &loaded, &c.result);
          return text + std::to_string(loaded);
        }) == "/etc/systemd/system /usr/lib/systemd/system x.service 1700");
}

TEST_CASE("the backend reads since when a unit is up, and whether one that says only Also= is enabled") {
  CHECK(as_another([] {
          Client c;
          if (!c.client) return std::string(c.result.message);
          std::string text;
          for (const char* name : {"x.service", "also.service"}) {
            mlops_systemd_unit unit{};
            c.backend.function<mlops_systemd_read_fn>("mlops_systemd_read")(c.client, name, &unit, &c.result);
            text += std::to_string(unit.active_since) + " " + unit.enabled_state +
                    (unit.has_links ? " with links;" : ";");
          }
          return text;
        }) == "42 enabled-runtime;42 indirect with links;");
}

TEST_CASE("the backend disables for this boot, too") {
  CHECK(as_another([] {
          Client c;
          if (!c.client) return std::string(c.result.message);
          c.backend.function<mlops_systemd_change_fn>("mlops_systemd_change")(
              c.client, "x.service", mlops_systemd_disable, -1, &c.result);
          return c.result.message + c.asked();
        }) == "disable x.service;disable x.service at run time;reload;");
}
