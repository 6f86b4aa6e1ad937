#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>
#include <fstream>

#include "domains/tunnels/overlay.hpp"
#include "domains/tunnels/tunnel_text.hpp"
#include "machine/overlay.hpp"
#include "model/document.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/ssh_server.hpp"
#include "support/tcp_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using State = TunnelView::State;

const std::string notebook = R"({"listen": 8888, "target": 8888, "via": "box"})";

Tunnel as_wanted() {
  return {.name = "8888", .via = "box", .listen = {"127.0.0.1", 8888, ""}, .target = {"localhost", 8888, ""}};
}

// "state stopped -> up | start 127.0.0.1:8888 → localhost:8888 via box", or the error's words.
std::string done(const FakeTunnels& tunnels, const std::string& parameters = notebook) {
  FakeMachine machine;
  machine.t = tunnels;
  try {
    const Tried t = try_module("port_forward", parameters, machine);
    std::string text;
    for (const Change& c : t.diff.changes)
      text += c.property + " " + c.before.to_text() + " -> " + c.after.to_text() + " | ";
    for (const Action& a : t.diff.actions) {
      if (const auto* start = std::get_if<StartTunnel>(&a))
        text += "start " + describe(start->tunnel) + (start->tunnel.at_login ? " at login" : "");
      if (const auto* stop = std::get_if<StopTunnel>(&a)) text += "stop " + stop->name;
    }
    return text;
  } catch (const Error& e) {
    return "error: " + e.message();
  }
}

FakeTunnels with(TunnelView view) {
  FakeTunnels tunnels;
  tunnels.listeners[view.settings.listen.to_text()] = "mlops-agent (pid 7)";
  if (view.state == State::stopped) tunnels.listeners.clear();
  tunnels.known[view.settings.name] = std::move(view);
  return tunnels;
}

std::string mistake(const std::string& parameters) {
  try {
    try_module("port_forward", parameters, FakeMachine());
  } catch (const std::exception& e) {
    const std::string all = e.what();
    const auto begin = all.find("error: ") + 7;
    return all.substr(0, all.find(": error")) + " " + all.substr(begin, all.find('\n', begin) - begin);
  }
  return "";
}

Value outputs(const std::string& parameters, const FakeTunnels& tunnels = {}) {
  FakeMachine machine;
  machine.t = tunnels;
  const Tried t = try_module("port_forward", parameters, machine);
  return find_module("port_forward")->outputs(t.desired, t.current).values;
}

std::string name_of(const std::string& parameters) { return outputs(parameters).find("name")->as_string(); }

}  // namespace

TEST_CASE("port_forward: every desired state from every state that a tunnel can be in") {
  const std::string start = "start 127.0.0.1:8888 → localhost:8888 via box",
                    absent = R"({"name": "8888", "state": "absent"})",
                    by_host = R"({"listen": 8888, "target": 8888, "via": "box", "proven_by": "host"})";
  const auto from = [&](State state, const char* reason, bool outdated = false) {
    return with({as_wanted(), state, reason, outdated});
  };
  struct Row {
    FakeTunnels tunnels;
    std::string present, by_host;
  };
  const std::string create =
      "exists false -> true | forwards null -> 127.0.0.1:8888 → localhost:8888 via box | ";
  const std::vector<Row> rows{
      {{}, create + start, create + start},
      {from(State::stopped, ""), "state stopped -> up | " + start, "state stopped -> up | " + start},
      {from(State::silent, ""), "state does not answer -> up | " + start,
       "state does not answer -> up | " + start},
      {from(State::connecting, ""), "state connecting -> up | " + start, "state connecting -> up | " + start},
      {from(State::away, "no route"), "state away: no route -> up | " + start,
       "state away: no route -> up | " + start},
      {from(State::needs_you, "its key"), "state needs you: its key -> up | " + start,
       "state needs you: its key -> up | " + start},
      {from(State::refused, "refused"), "state target refuses: refused -> up | " + start, ""},
      {from(State::up, ""), "", ""},
      {from(State::up, "", true), "program another build -> this one | " + start,
       "program another build -> this one | " + start},
  };
  for (const Row& row : rows) {
    CHECK(done(row.tunnels) == row.present);
    CHECK(done(row.tunnels, by_host) == row.by_host);
    CHECK(done(row.tunnels, absent) == (row.tunnels.known.empty() ? "" : "exists true -> false | stop 8888"));
  }
}

TEST_CASE("port_forward: what differs is named, and the tunnel is restarted") {
  TunnelView other{as_wanted(), State::up, "", false};
  other.settings.via = "old";
  other.settings.target.port = 80;
  other.settings.at_login = true;
  CHECK(done(with(other)) ==
        "target localhost:80 -> localhost:8888 | via old -> box | at_login true -> false | "
        "start 127.0.0.1:8888 → localhost:8888 via box");
  other.settings.direction = Tunnel::Direction::dynamic;
  other.settings.target = {};
  CHECK(done(with(other)).starts_with("direction dynamic -> local | target  -> localhost:8888 | "));
}

TEST_CASE("port_forward: a port that another program has is an error that names it") {
  FakeTunnels tunnels;
  tunnels.listeners["127.0.0.1:8888"] = "jupyter-lab (pid 812)";
  const std::string taken =
      "error: port 8888 of 127.0.0.1 is taken by jupyter-lab (pid 812); another one, or `or_next_free`, would "
      "do";
  CHECK(done(tunnels) == taken);
  tunnels.known["8888"] = {as_wanted(), State::stopped, "", false};
  CHECK(done(tunnels) == taken);  // also when it had the port before
  TunnelView elsewhere{as_wanted(), State::up, "", false};
  elsewhere.settings.listen.port = 9000;
  tunnels.known["8888"] = elsewhere;
  CHECK(done(tunnels) == taken);
  tunnels.listeners = {{"/run/a.sock", "nc (pid 3)"}};
  CHECK(done(tunnels, R"({"listen": "/run/a.sock", "target": 1, "via": "box"})") ==
        "error: /run/a.sock is taken by nc (pid 3)");
}

TEST_CASE("port_forward: the next port that is free is taken, and kept") {
  const std::string next =
      R"({"name": "n", "listen": 8888, "target": 8888, "via": "box", "or_next_free": true})";
  FakeTunnels tunnels;
  CHECK(done(tunnels, next).ends_with("start 127.0.0.1:8888 → localhost:8888 via box"));
  tunnels.listeners = {{"127.0.0.1:8888", "a"}, {"127.0.0.1:8889", "b"}};
  CHECK(done(tunnels, next).ends_with("start 127.0.0.1:8890 → localhost:8888 via box"));
  CHECK(outputs(next, tunnels).find("url")->as_string() == "http://127.0.0.1:8890");
  CHECK(outputs(next, tunnels).find("port")->as_integer() == 8890);

  Tunnel has = as_wanted();
  has.name = "n";
  has.listen.port = 8890;
  tunnels = with({has, State::up, "", false});
  CHECK(done(tunnels, next) == "");  // though 8888 is free by now
  CHECK(outputs(next, tunnels).find("port")->as_integer() == 8890);
  tunnels.known["n"].state = State::stopped;
  CHECK(
      done(tunnels, next).ends_with("start 127.0.0.1:8888 → localhost:8888 via box"));  // somebody has 8890 now
  tunnels.listeners.clear();
  CHECK(done(tunnels, next) == "state stopped -> up | start 127.0.0.1:8890 → localhost:8888 via box");
  for (int port = 8888; port < 8988; ++port) tunnels.listeners["127.0.0.1:" + std::to_string(port)] = "x";
  CHECK(done(tunnels, next) == "error: the ports 8888 to 8987 of 127.0.0.1 are all taken");
}

TEST_CASE("port_forward: in a plan, two that ask for the same port get consecutive ones") {
  FakeTunnels real;
  OverlayTunnels overlay(real);
  Tunnel first = as_wanted();
  first.name = "web1";
  overlay.apply(StartTunnel{first});
  CHECK(overlay.listener(first.listen) == "the tunnel web1");
  FakeTunnels then;
  then.listeners["127.0.0.1:8888"] = *overlay.listener(first.listen);
  CHECK(done(then, R"({"name": "web2", "listen": 8888, "target": 8888, "via": "web2", "or_next_free": true})")
            .ends_with("start 127.0.0.1:8889 → localhost:8888 via web2"));
}

TEST_CASE("port_forward: places are written as a port, an address and port, or a path") {
  const auto start = [](const std::string& more) {
    const std::string all = done({}, R"({"via": "box", )" + more + "}");
    return all.substr(std::min(all.find("start "), all.size()));
  };
  CHECK(start(R"("listen": "9000", "target": "db:5432")") == "start 127.0.0.1:9000 → db:5432 via box");
  CHECK(start(R"("listen": "*:9000", "target": "[::1]:1")") == "start 0.0.0.0:9000 → [::1]:1 via box");
  CHECK(start(R"("listen": "[::1]:9000", "target": "/run/x.sock")") ==
        "start [::1]:9000 → /run/x.sock via box");
  CHECK(start(R"("listen": "~/x.sock", "target": 1)") == "start /home/ubuntu/x.sock → localhost:1 via box");
  CHECK(start(R"("listen": 1080, "direction": "dynamic")") == "start 127.0.0.1:1080 → SOCKS via box");
  CHECK(start(R"("listen": 80, "target": 3000, "direction": "remote")") ==
        "start 127.0.0.1:80 on box → localhost:3000");
  CHECK(start(R"("listen": 9000, "target": 1, "at_login": true)").ends_with(" at login"));
}

TEST_CASE("port_forward: its name is made from where it listens, its outputs lead there") {
  CHECK(name_of(notebook) == "8888");
  CHECK(name_of(R"({"listen": "*:9000", "target": 1, "via": "box"})") == "0.0.0.0-9000");
  CHECK(name_of(R"({"listen": "[::1]:9000", "target": 1, "via": "box"})") == "1-9000");
  CHECK(name_of(R"({"listen": "/run/my app.sock", "target": 1, "via": "box"})") == "run-my-app.sock");
  CHECK(name_of(R"({"listen": 80, "target": 1, "via": "ann@box:22", "direction": "remote"})") ==
        "ann-box-22-80");
  CHECK(name_of(R"({"listen": 80, "via": "ann@box", "or_next_free": true, "state": "absent"})") ==
        "ann-box-80");
  CHECK(name_of(R"({"name": "own", "listen": 8000, "state": "absent"})") == "own");
  CHECK(to_json(outputs(R"({"listen": "*:9000", "target": 1, "via": "box"})")) ==
        R"({"name":"0.0.0.0-9000","address":"0.0.0.0","port":9000,"url":"http://127.0.0.1:9000"})");
  CHECK(to_json(outputs(R"({"listen": 1080, "direction": "dynamic", "via": "box"})")) ==
        R"({"name":"1080","address":"127.0.0.1","port":1080,"url":"socks5h://127.0.0.1:1080"})");
  CHECK(to_json(outputs(R"({"listen": "/run/a.sock", "target": 1, "via": "box"})")) ==
        R"({"name":"run-a.sock","path":"/run/a.sock"})");
}

TEST_CASE("port_forward: it claims its name and its port, and reads ssh's configuration") {
  const Module& module = *find_module("port_forward");
  const auto claims = [&](const std::string& parameters) {
    std::string text;
    for (const Claim& c : module.claims(try_module("port_forward", parameters, FakeMachine()).desired))
      text +=
          std::string(to_text(c.kind)) + " " + c.key + (c.access == Claim::Access::reads ? " read, " : ", ");
    return text;
  };
  CHECK(claims(notebook) == "tunnel 8888, port tcp:8888, path /home/ubuntu/.ssh/config read, ");
  CHECK(claims(R"({"listen": 8888, "target": 1, "via": "b", "or_next_free": true})").find("port ") ==
        std::string::npos);
  CHECK(claims(R"({"listen": "/run/a.sock", "target": 1, "via": "b", "config": "~/c"})") ==
        "tunnel run-a.sock, path /run/a.sock, path /home/ubuntu/c read, ");
  CHECK(claims(R"({"name": "x", "state": "absent"})") == "tunnel x, ");
  const Tried t = try_module("port_forward", notebook, FakeMachine());
  CHECK(module.actor(t.desired).kind == Actor::Kind::person);
  CHECK(to_json(module.removal(t.desired)) == R"({"type":"port_forward","name":"8888","state":"absent"})");
}

TEST_CASE("port_forward: --ssh-config is where its host is looked up, unless it names a file of its own") {
  const Module& module = *find_module("port_forward");
  const auto read = [&](const std::string& more) {
    const Source source{"p.json", R"({"listen": 8888, "target": 8888, "via": "box")" + more + "}"};
    Diagnostics mistakes;
    const auto parameters = parse_document(source, mistakes);
    Decoder decoder{.diagnostics = mistakes, .home = "/home/ada", .resource = {}};
    decoder.ssh_config = "/srv/config";
    std::string path;
    for (const Claim& claim : module.claims(module.decode(*parameters, decoder, {})))
      if (claim.access == Claim::Access::reads) path = claim.key;
    return path;
  };
  CHECK(read("") == "/srv/config");
  CHECK(read(R"(, "config": "/srv/other")") == "/srv/other");
}

TEST_CASE("port_forward: mistakes in its parameters have their place") {
  const auto with_rest = [](const std::string& more) { return mistake(R"({"via": "box", )" + more + "}"); };
  CHECK(with_rest(R"("listen": 0, "target": 1)") == "test.json:1:26 0 is no port (1 to 65535)");
  CHECK(with_rest(R"("listen": 65536, "target": 1)") == "test.json:1:26 65536 is no port (1 to 65535)");
  CHECK(with_rest(R"("listen": -1, "target": 1)") == "test.json:1:26 -1 is no port (1 to 65535)");
  CHECK(with_rest(R"("listen": "a b:1", "target": 1)") ==
        "test.json:1:26 `a b:1` is neither a port, nor \"host:port\", nor an absolute path");
  CHECK(with_rest(R"("listen": true, "target": 1)").find("must be a port") != std::string::npos);
  CHECK(with_rest(R"("listen": 80, "target": 1)") == "test.json:1:26 only root may listen on port 80");
  CHECK(with_rest(R"("listen": "host:8080", "target": 1)") ==
        "test.json:1:26 `host` is no address of this machine");
  CHECK(with_rest(R"("listen": 8080)") == "test.json:1:1 `target` is missing");
  CHECK(with_rest(R"("target": 8080)") == "test.json:1:1 `listen` is missing");
  CHECK(mistake(R"({"listen": 8080, "target": 1})") == "test.json:1:1 `via` is missing");
  CHECK(with_rest(R"("listen": 8080, "target": 1, "direction": "dynamic")") ==
        "test.json:1:42 with `dynamic` each connection names its own target");
  CHECK(with_rest(R"("listen": "/a.sock", "target": 1, "direction": "remote")") ==
        "test.json:1:26 on a host connections are taken at a port, not at a Unix socket");
  CHECK(with_rest(R"("listen": "/a.sock", "target": 1, "or_next_free": true)")
            .ends_with("only of a port of this machine is the next one known to be free"));
  CHECK(with_rest(R"("listen": 8080, "target": 1, "name": "a/b")").ends_with("`a/b` is no name of a tunnel"));
  CHECK(mistake(R"({"listen": 8080, "target": 1, "via": "-oProxyCommand=x"})")
            .ends_with("`-oProxyCommand=x` is no host"));
  CHECK(with_rest(R"("listen": "/)" + std::string(107, 'a') + R"(", "target": 1)")
            .ends_with("the path of a socket may have 107 bytes, this has 108"));
  CHECK(mistake(R"({"state": "absent"})") == "test.json:1:1 `name` is missing");
}

// ---- real runs --------------------------------------------------------------------------------------------

namespace {

class Tunnels : public AgentFolder {
 public:
  Tunnels() {
    ::setenv("XDG_STATE_HOME", path("state").c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", path("config").c_str(), 1);
  }
  ~Tunnels() {
    for (const Json& tunnel : list()) run({"tunnels", "stop", tunnel.at("name")});
    ::unsetenv("XDG_STATE_HOME");
    ::unsetenv("XDG_CONFIG_HOME");
  }
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  std::vector<Json> list() const { return run({"tunnels", "--json"}).lines(); }
  // "ok", "changed", "failed: …" of the only resource.
  std::string apply(const std::string& resource, const char* command = "apply") const {
    const std::string playbook = write("p.json", R"({"resources": [)" + resource + "]}");
    for (const Json& event : run({command, "--json", playbook}).lines())
      if (event.at("event") == "resource") {
        std::string text = event.at("outcome");
        if (event.at("reason").is_string()) text += ": " + event.at("reason").get<std::string>();
        return text;
      }
    return "(none)";
  }
  std::string files() const { return path("state/mlops-agent/tunnels/"); }
  // The process that keeps a tunnel, from the lock that it holds; 0 for none.
  pid_t keeper(const std::string& name) const {
    const int fd = ::open((files() + name + ".lock").c_str(), O_RDONLY | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    if (fd >= 0 && ::fcntl(fd, F_GETLK, &lock) != 0) lock.l_type = F_UNLCK;
    if (fd >= 0) ::close(fd);
    return fd >= 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
  }
};

const TcpServer::Handler hello = [](Handle socket) { send_all(socket.get(), "hello"); };

std::string get(std::uint16_t port) {
  const Handle socket(connect_to_port(port));
  return socket ? receive_all(socket.get()) : "(not connected)";
}

std::string forward(std::uint16_t listen, std::uint16_t target, const std::string& config,
                    const std::string& more = "") {
  return R"({"type": "port_forward", "name": "t", "listen": )" + std::to_string(listen) + R"(, "target": )" +
         std::to_string(target) + R"(, "via": "box", "config": ")" + config + "\"" + more + "}";
}

}  // namespace

TEST_CASE("port_forward: plan, apply, apply, vandalise, apply", "[long]") {
  const SshServer server;
  const TcpServer target(hello);
  const Tunnels agent;
  const std::uint16_t port = free_port();
  const std::string wanted = forward(port, target.port(), server.config(), R"(, "at_login": true)");
  CHECK(agent.apply(wanted, "plan") == "would_change");
  CHECK(agent.list().empty());
  CHECK(agent.apply(wanted) == "changed");
  CHECK(get(port) == "hello");
  const pid_t first = agent.keeper("t");
  REQUIRE(first > 0);
  CHECK(::getsid(first) != ::getsid(0));
  const Ended again = agent.run_alone({"apply", "--json", agent.path("p.json")});  // no process is started
  CHECK(again.out.find("\"ok\"") != std::string::npos);
  CHECK(again.status == 0);
  CHECK(agent.apply(wanted, "plan") == "ok");
  CHECK(agent.keeper("t") == first);

  ::kill(first, SIGKILL);
  CHECK(AgentFolder::ends(first));
  CHECK(agent.list().at(0).at("state") == "stopped");
  CHECK(agent.apply(wanted) == "changed");
  CHECK(get(port) == "hello");
  const pid_t second = agent.keeper("t");
  CHECK(second != first);

  ::kill(second, SIGSTOP);
  std::filesystem::remove_all(agent.path("config"));
  std::ofstream(agent.files() + "t.json") << "{";
  CHECK(agent.apply(wanted) == "changed");  // a frozen process is killed and replaced
  CHECK(get(port) == "hello");
  CHECK(agent.keeper("t") != second);
  CHECK(agent.apply(wanted) == "ok");
  const std::string unit = agent.path("config/systemd/user/default.target.wants/mlops-agent-tunnel-t.service");
  CHECK(std::filesystem::exists(unit));
  std::filesystem::remove(unit);
  const pid_t third = agent.keeper("t");
  CHECK(agent.apply(wanted) == "changed");
  CHECK(agent.keeper("t") == third);  // a change of its unit alone does not restart it
  CHECK(std::filesystem::exists(unit));

  const std::uint16_t other = free_port();
  CHECK(agent.apply(forward(other, target.port(), server.config())) == "changed");
  CHECK(get(other) == "hello");
  CHECK(get(port) == "(not connected)");
  CHECK_FALSE(std::filesystem::exists(unit));

  const std::string absent = R"({"type": "port_forward", "name": "t", "state": "absent"})";
  const pid_t last = agent.keeper("t");
  CHECK(agent.apply(absent, "plan") == "would_change");
  CHECK(agent.keeper("t") == last);
  CHECK(agent.apply(absent) == "changed");
  CHECK(AgentFolder::ends(last));
  CHECK(agent.apply(absent) == "ok");
  CHECK(get(other) == "(not connected)");
  CHECK(std::filesystem::is_empty(agent.files()));
}

TEST_CASE("port_forward: a tunnel's process has nothing of its caller's environment but what a program needs") {
  const SshServer server;
  const TcpServer target(hello);
  const Tunnels agent;
  ::setenv("MLOPS_TEST_OF_CALLER", "hunter2-hunter2", 1);
  CHECK(agent.apply(forward(free_port(), target.port(), server.config())) == "changed");
  ::unsetenv("MLOPS_TEST_OF_CALLER");
  const std::string environment = AgentFolder::read("/proc/" + std::to_string(agent.keeper("t")) + "/environ");
  CHECK(environment.find("hunter2") == std::string::npos);
  CHECK(environment.find("HOME=") != std::string::npos);
  CHECK(environment.find("PATH=/usr/local/sbin:") != std::string::npos);
}

TEST_CASE("port_forward: an impossible tunnel is an error, and leaves no process", "[long]") {
  SshServer server;
  const Tunnels agent;
  const ListeningSocket other(AF_INET, "127.0.0.1");
  const std::string taken = agent.apply(forward(other.port(), 1, server.config()));
  CHECK(taken.find("failed: ") == 0);
  CHECK(taken.find("port " + std::to_string(other.port()) + " of 127.0.0.1 is taken by modules-tests (pid ") !=
        std::string::npos);
  server.folder().file("known_hosts", "", 0600);
  const std::string unknown = agent.apply(forward(free_port(), 1, server.config()));
  CHECK(unknown.find("failed: ") == 0);
  CHECK(unknown.find("while starting the tunnel t: ") != std::string::npos);
  CHECK(unknown.find("--accept-new-host-keys") != std::string::npos);
  CHECK(agent.list().empty());
  CHECK(agent.keeper("t") == 0);
}

TEST_CASE("port_forward: a tunnel of another build of the program is replaced") {
  const SshServer server;
  const TcpServer target(hello);
  const Tunnels agent;
  const std::uint16_t port = free_port();
  const std::string wanted = forward(port, target.port(), server.config());
  CHECK(agent.apply(wanted) == "changed");
  const pid_t first = agent.keeper("t");
  std::filesystem::create_directory(agent.path("new"));
  std::filesystem::copy_file(AGENT, agent.path("new/mlops-agent"));
  std::filesystem::create_directory_symlink(std::filesystem::path(AGENT).parent_path() / "backends",
                                            agent.path("new/backends"));
  must_run({agent.path("new/mlops-agent"), "apply", agent.path("p.json")});
  const pid_t second = agent.keeper("t");
  CHECK(second > 0);
  CHECK(second != first);
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(second) + "/exe") ==
        agent.path("new/mlops-agent"));
  CHECK(get(port) == "hello");
}

TEST_CASE("tunnels: they are listed with their state and traffic, and stopped by name") {
  const SshServer server;
  const TcpServer target(hello);
  const Tunnels agent;
  CHECK(agent.run({"tunnels"}).out == "no tunnels; a resource of the type port_forward makes one\n");
  const std::uint16_t port = free_port();
  CHECK(agent.apply(forward(port, target.port(), server.config())) == "changed");
  CHECK(get(port) == "hello");
  const auto settled = [&] {
    Json tunnel;
    do tunnel = agent.list().at(0);
    while (tunnel.at("open") != 0);
    return tunnel;
  };
  const Json tunnel = settled();
  CHECK(tunnel.at("state") == "up");
  CHECK(tunnel.at("reason").is_null());
  CHECK(tunnel.at("received") == 5);
  CHECK(tunnel.at("sent") == 0);
  CHECK(tunnel.at("connections") == 1);
  CHECK(tunnel.at("since").get<std::int64_t>() >= tunnel.at("started").get<std::int64_t>());
  const std::string table = agent.run({"tunnels"}).out;
  CHECK(table.find("127.0.0.1:" + std::to_string(port) + " → localhost:" + std::to_string(target.port()) +
                   " via box  up     0 B / 5 B  0 of 1") != std::string::npos);
  const Ended wrong = agent.run({"tunnels", "stop", "tt"});
  CHECK(wrong.status == 3);
  CHECK(wrong.err == "mlops-agent: there is no tunnel `tt`; did you mean `t`?\n");
  const pid_t process = agent.keeper("t");
  const Ended stopped = agent.run({"tunnels", "stop", "t"});
  CHECK(stopped.status == 0);
  CHECK(stopped.out == "the tunnel t has ended and is forgotten\n");
  CHECK(AgentFolder::ends(process));
  CHECK(agent.list().empty());
  CHECK(std::filesystem::is_empty(agent.files()));
}

TEST_CASE(
    "port_forward: from a laptop each host gets a port here, and the link that is shown leads through it") {
  const SshServer server;
  const TcpServer target(hello);
  const Tunnels agent;
  const ListeningSocket other(AF_INET, "127.0.0.1");  // has the port that is tried first
  const std::string playbook =
      agent.write("site.json", R"({
    "show": [{"text": "Open {{resources.forward.url}}{{resources.there.path}}", "when": {"hosts": {"exists": true}}}],
    "plays": [
      {"resources": [{"type": "file", "id": "there", "path": "@/there", "content": "x"}]},
      {"on": "local", "when": {"hosts": {"exists": true}}, "resources": [
        {"type": "port_forward", "id": "forward", "for_each": "{{hosts}}", "listen": )" +
                                   std::to_string(other.port()) + R"(, "or_next_free": true,
         "target": )" + std::to_string(target.port()) +
                                   R"(, "via": "{{item.key}}", "config": ")" + server.config() + R"("}]}]})");
  const Words far{"apply", playbook, "--host", "box", "--ssh-config", server.config()};
  // The host and here are one machine, with one lock: they cannot both act in one run.
  Words only = far;
  only.insert(only.end(), {"--only", "there"});
  CHECK(agent.run(only).status == 0);
  const Ended ended = agent.run(far);
  INFO(ended.out << ended.err);
  CHECK(ended.status == 0);
  REQUIRE(agent.list().size() == 1);
  const Json tunnel = agent.list().at(0);
  CHECK(tunnel.at("name") == "box-" + std::to_string(other.port()));
  CHECK(tunnel.at("state") == "up");
  const std::string listen = tunnel.at("listen");
  CHECK(listen != "127.0.0.1:" + std::to_string(other.port()));
  CHECK(ended.out.find("Open http://" + listen + agent.tree() + "/there\n") != std::string::npos);
  CHECK(get(static_cast<std::uint16_t>(std::stoi(listen.substr(listen.rfind(':') + 1)))) == "hello");
  CHECK(agent.run(far).out.find("0 changed") != std::string::npos);
  const Ended alone = agent.run({"plan", playbook});
  CHECK(alone.out.find("no other machine takes part (--host names one)") != std::string::npos);
}
