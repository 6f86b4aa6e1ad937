// port_forward: forwards connections through a host reached by ssh. A process of this program keeps the tunnel,
// and reconnects after the host was unreachable.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "domains/tunnels/tunnel_text.hpp"
#include "model/endpoint.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

// A port number, "host:port" or the path of a socket, as written: the default host is filled in later.
struct Place {
  Endpoint at;
};

}  // namespace
}  // namespace mlops::modules

namespace mlops {

template <>
struct Codec<modules::Place> {
  static bool decode(const Value& v, modules::Place& into, Decoder& d) {
    if (!v.is_integer() && !v.is_string()) return d.must_be(v, "a port, \"host:port\" or the path of a socket");
    std::string text = v.is_integer() ? v.to_text() : v.as_string();
    if (text.starts_with("~/")) text = d.home + text.substr(1);
    const auto found = parse_endpoint(text, "");
    if (found) into.at = *found;
    if (!found) d.error(v, wrong(text), "write 8888, \"127.0.0.1:8888\", \"[::1]:8888\" or \"/run/app.sock\"");
    return found.has_value();
  }
  static std::string type_text() { return "port, \"host:port\" or path of a socket"; }
  static Value json_schema() {
    Value port, text, v;
    port.set("type", "integer");
    port.set("minimum", 1);
    port.set("maximum", 65535);
    text.set("type", "string");
    v.set("anyOf", Value::Array{std::move(port), std::move(text)});
    return v;
  }
  static Value to_value(const modules::Place&) { return {}; }

 private:
  static std::string wrong(const std::string& text) {
    const bool number = !text.empty() && text.find_first_not_of("-0123456789") == std::string::npos;
    return number ? fmt::format("{} is no port (1 to 65535)", text)
                  : fmt::format("`{}` is neither a port, nor \"host:port\", nor an absolute path", text);
  }
};

}  // namespace mlops

namespace mlops::modules {
namespace {

struct PortForward {
  static constexpr auto type = "port_forward";
  static constexpr bool settles = true;
  enum class State { present, absent };
  enum class Proof { target, host };
  using Direction = Tunnel::Direction;

  struct Desired {
    PersonOf person;
    std::optional<std::string> name;
    std::optional<Place> listen, target;
    std::optional<std::string> via;
    Direction direction = Direction::local;
    State state = State::present;
    bool or_next_free = false;
    bool at_login = false;
    Proof proven_by = Proof::target;
    std::optional<Path> config;
  };
  struct Current {
    std::optional<TunnelView> is;
    Endpoint listen;       // the current or desired address
    std::string taken_by;  // another program that listens there; ""
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A forwarded port: connections to `listen` reach `target` through the host `via`.");
    s.named_by("listen");
    s.person(&Desired::person);
    s.optional("name", &Desired::name,
               "What it is called in `mlops-agent tunnels`. Default: made from where it listens.");
    s.optional("listen", &Desired::listen,
               "Where connections are taken: a port of the loopback, \"address:port\" (\"*:8888\" for every "
               "address), or "
               "a Unix socket.");
    s.optional("target", &Desired::target,
               "Where they are forwarded to: a port of the remote loopback, \"host:port\" as seen from "
               "there, or a "
               "Unix socket.")
        .for_present();
    s.optional("via", &Desired::via, "The host: a name of ~/.ssh/config, or user@host:port.");
    s.one_of(
        "direction", &Desired::direction,
        {{"local", Direction::local}, {"remote", Direction::remote}, {"dynamic", Direction::dynamic}},
        "local: taken here, carried to a target as the host sees it. remote: taken on the host, carried to a "
        "target as seen from here. dynamic: taken here by SOCKS (4, 4a and 5), which names each one's target.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: it is ended, with the connections through it.");
    s.optional("or_next_free", &Desired::or_next_free,
               "Where another program has the port, the next one that is free is taken, up to 99 further.");
    s.optional("at_login", &Desired::at_login,
               "Also started when the person logs in, by a unit of systemd's user manager.")
        .for_present();
    s.one_of("proven_by", &Desired::proven_by, {{"target", Proof::target}, {"host", Proof::host}},
             "What has to answer for it to count as up: the target, or only the host, for a target that is not "
             "always running.")
        .for_present();
    s.optional("config", &Desired::config,
               "The file in which `via` is looked up. Default: that of --ssh-config, else the person's "
               "~/.ssh/config.")
        .for_present();
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&PortForward::check);
    s.example(
        "A notebook on another machine, opened in the browser of this one",
        R"({"type": "port_forward", "listen": 8888, "target": 8888, "via": "mlops-zoomcamp", "or_next_free": true})");
    s.example("A database that only the host can reach, kept after each log-in",
              R"({"type": "port_forward", "name": "warehouse", "listen": 5432, "target": "db.internal:5432",
  "via": "ubuntu@192.0.2.7", "at_login": true})");
    s.example("A program here, reached from the host; and whatever the host can reach, by SOCKS", R"([
  {"type": "port_forward", "direction": "remote", "listen": 8080, "target": 3000, "via": "mlops-zoomcamp"},
  {"type": "port_forward", "direction": "dynamic", "listen": 1080, "via": "mlops-zoomcamp"}
])");
    s.example("No such forwarded port", R"({"type": "port_forward", "name": "warehouse", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.name && !is_name(*d.name))
      c.error("name", fmt::format("`{}` is no name of a tunnel", *d.name),
              "1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit");
    if (d.state == State::absent) return check_absent(d, c);
    if (!d.listen) c.error("listen", "`listen` is missing", "a port, \"address:port\" or the path of a socket");
    if (!d.via) c.error("via", "`via` is missing", "the host, as in ~/.ssh/config");
    if (d.via && !is_host(*d.via))
      c.error("via", fmt::format("`{}` is no host", *d.via), "an alias of ~/.ssh/config or user@host:port");
    const bool dynamic = d.direction == Direction::dynamic;
    if (dynamic && d.target)
      c.error("target", "with `dynamic` each connection names its own target", "leave it out");
    if (!dynamic && !d.target)
      c.error("target", "`target` is missing", "a port, \"host:port\" or the path of a socket");
    if (d.listen) check_listen(d, c);
    for (const auto& [parameter, place] : {std::pair{"listen", &d.listen}, {"target", &d.target}})
      if (*place && (*place)->at.path.size() > longest_socket)
        c.error(parameter, fmt::format("the path of a socket may have {} bytes, this has {}", longest_socket,
                                       (*place)->at.path.size()));
  }

  static Claims claims(const Desired& d) {
    Claims claims{{.kind = Claim::Kind::tunnel, .key = name(d)}};
    if (d.state == State::absent) return claims;
    const Endpoint listen = wanted_listen(d);
    if (d.direction != Direction::remote && listen.is_socket()) claims.push_back({.key = listen.path});
    if (d.direction != Direction::remote && !listen.is_socket() && !d.or_next_free)
      claims.push_back({.kind = Claim::Kind::port, .key = fmt::format("tcp:{}", listen.port)});
    claims.push_back({.key = config(d).empty() ? d.person.home + "/.ssh/config" : config(d),
                      .access = Claim::Access::reads});
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const TunnelReader& tunnels = machine.tunnels();
    Current c{tunnels.tunnel(name(d)), {}, ""};
    if (d.state == State::absent) return c;
    c.listen = wanted_listen(d);
    if (d.direction == Direction::remote) return c;
    if (d.or_next_free) return look_for_free(tunnels, c);
    if (!has(c, c.listen)) c.taken_by = tunnels.listener(c.listen).value_or("");
    return c;
  }

  //  current \ desired              present                                            absent
  //  none                           start it; error if another program listens         –
  //  other settings                 restart it: what differs                           stop it
  //  as desired, but stopped,       start it                                           stop it
  //  or it does not respond
  //  …, kept by an older program    restart it                                         stop it
  //  …, the host is away or needs   try now                                            stop it
  //  the person
  //  …, the target does not respond try now; with proven_by host: –                    stop it
  //  …, up                          –                                                  stop it
  static Diff diff(const Desired& d, const Current& c) {
    Diff diff;
    const auto note = [&](const char* property, Value before, Value after) {
      if (before != after)
        diff.changes.push_back({.property = property, .before = std::move(before), .after = std::move(after)});
    };
    if (d.state == State::absent) {
      if (!c.is) return diff;
      diff.changes.push_back(Change::remove());
      diff.actions.push_back(StopTunnel{name(d)});
      return diff;
    }
    const Tunnel wanted = tunnel(d, c.listen);
    if (!c.is) {
      diff.changes.push_back(Change::create());
      note("forwards", Value(), mlops::describe(wanted));
    } else {
      const Tunnel& is = c.is->settings;
      note("direction", to_text(is.direction), to_text(wanted.direction));
      note("listen", is.listen.to_text(), wanted.listen.to_text());
      note("target", is.target.to_text(), wanted.target.to_text());
      note("via", is.via, wanted.via);
      note("config", is.ssh_config, wanted.ssh_config);
      note("at_login", is.at_login, wanted.at_login);
      if (!stands(d, *c.is)) note("state", state_text(*c.is), to_text(TunnelView::State::up));
      if (c.is->outdated) note("program", "another build", "this one");
    }
    if (diff.changes.empty()) return diff;
    if (!c.taken_by.empty())
      throw Error(c.listen.is_socket()
                      ? fmt::format("{} is taken by {}", c.listen.path, c.taken_by)
                      : fmt::format("port {} of {} is taken by {}; another one, or `or_next_free`, would do",
                                    c.listen.port, c.listen.host, c.taken_by));
    diff.actions.push_back(StartTunnel{wanted});
    return diff;
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("name", name(d));
    if (d.state == State::absent) return v;
    if (c.listen.is_socket()) {
      v.set("path", c.listen.path);
      return v;
    }
    v.set("address", c.listen.host);
    v.set("port", static_cast<std::int64_t>(c.listen.port));
    Endpoint reached = c.listen;
    if (reached.host == "0.0.0.0") reached.host = "127.0.0.1";
    if (reached.host == "::") reached.host = "::1";
    v.set("url", (d.direction == Direction::dynamic ? "socks5h://" : "http://") + reached.to_text());
    return v;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("name", name(d));
    v.set("state", "absent");
    return v;
  }

 private:
  static constexpr std::size_t longest_socket = 107;  // sockaddr_un.sun_path, unix(7)
  static constexpr std::uint16_t first_of_everybody = 1024;
  static constexpr int further_ports = 99;
  static constexpr auto loopback = "127.0.0.1", other_loopback = "localhost";

  static bool is_name(const std::string& text) {
    const auto alone = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    return !text.empty() && text.size() <= 64 && alone(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return alone(c) || c == '.' || c == '_' || c == '-'; });
  }
  // ssh itself refuses names that it forbids; checking here gives the mistake a position.
  static bool is_host(const std::string& text) {
    return !text.empty() && !text.starts_with('-') &&
           std::none_of(text.begin(), text.end(), [](unsigned char c) {
             return c <= ' ' || c == 0x7f ||
                    std::string_view("'`\"$\\;&<>|(){},").find(static_cast<char>(c)) != std::string_view::npos;
           });
  }
  static bool is_address(const std::string& host) {
    in6_addr any{};
    return host.empty() || host == "localhost" || ::inet_pton(AF_INET, host.c_str(), &any) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
  }

  static void check_absent(const Desired& d, Checker& c) {
    if (!d.name && !d.listen) c.error("name", "`name` is missing", "or `listen`, from which the name is made");
    if (!d.name && (d.direction == Direction::remote || d.or_next_free) && !d.via)
      c.error("via", "`via` is missing", "or `name`, which is made from both");
  }

  static void check_listen(const Desired& d, Checker& c) {
    const Endpoint& listen = d.listen->at;
    const bool remote = d.direction == Direction::remote;
    if (remote && listen.is_socket())
      c.error("listen", "on a host connections are taken at a port, not at a Unix socket");
    if (d.or_next_free && (remote || listen.is_socket()))
      c.error("or_next_free", "only of a port of this machine is the next one known to be free");
    if (listen.is_socket() || remote) return;
    if (!is_address(listen.host))
      c.error("listen", fmt::format("`{}` is no address of this machine", listen.host),
              "a numeric one, `localhost`, or `*` for every address");
    if (listen.port < first_of_everybody && !d.person.user.empty() && d.person.user != "root")
      c.error("listen", fmt::format("only root may listen on port {}", listen.port),
              fmt::format("take one from {} on", first_of_everybody));
  }

  static Endpoint at(const std::optional<Place>& place, const char* default_host) {
    Endpoint e = place ? place->at : Endpoint();
    if (place && e.path.empty() && e.host.empty()) e.host = default_host;
    return e;
  }
  static Endpoint wanted_listen(const Desired& d) { return at(d.listen, loopback); }
  static std::string config(const Desired& d) { return d.config ? d.config->text : d.person.ssh_config; }
  static Tunnel tunnel(const Desired& d, const Endpoint& listen) {
    return {.name = name(d),
            .direction = d.direction,
            .via = d.via.value_or(""),
            .listen = listen,
            .target = at(d.target, other_loopback),
            .at_login = d.at_login,
            .ssh_config = config(d)};
  }

  // "8888", "0.0.0.0-80", "run-app.sock"; remote, or if several hosts may use the port: "box-8080".
  static std::string name(const Desired& d) {
    if (d.name) return *d.name;
    const Endpoint listen = wanted_listen(d);
    std::string text = listen.is_socket() ? listen.path : std::to_string(listen.port);
    if (d.direction == Direction::remote || d.or_next_free)
      text = d.via.value_or("") + "-" + text;
    else if (!listen.is_socket() && listen.host != loopback && listen.host != "localhost")
      text = listen.host + "-" + text;
    std::replace_if(
        text.begin(), text.end(), [](char c) { return !is_name(std::string("a") + c); }, '-');
    text.erase(0, std::min(text.find_first_not_of("-._"), text.size()));
    if (text.size() > 64) text = text.substr(text.size() - 64);
    text.erase(0, std::min(text.find_first_not_of("-._"), text.size()));
    return text;
  }

  // Whether this tunnel itself is the listener there. A running one whose record cannot be read may be.
  static bool has(const Current& c, const Endpoint& place) {
    return c.is && c.is->state != TunnelView::State::stopped && c.is->settings.direction != Direction::remote &&
           (c.is->settings.listen == place || c.is->settings.listen.empty());
  }

  // The current port, if it is allowed; else the first free one.
  static Current look_for_free(const TunnelReader& tunnels, Current c) {
    const Endpoint first = c.listen;
    const int last = std::min(first.port + further_ports, 65535);
    if (c.is) {
      const Endpoint& now = c.is->settings.listen;
      const bool may = now.host == first.host && now.port >= first.port && now.port <= last;
      if (may && (has(c, now) || !tunnels.listener(now))) {
        c.listen = now;
        return c;
      }
    }
    for (int port = first.port; port <= last; ++port) {
      c.listen.port = static_cast<std::uint16_t>(port);
      if (has(c, c.listen) || !tunnels.listener(c.listen)) return c;
    }
    throw Error(fmt::format("the ports {} to {} of {} are all taken", first.port, last, first.host));
  }

  static bool stands(const Desired& d, const TunnelView& is) {
    return is.state == TunnelView::State::up ||
           (is.state == TunnelView::State::refused && d.proven_by == Proof::host);
  }
  static std::string state_text(const TunnelView& is) {
    return is.reason.empty() ? to_text(is.state) : fmt::format("{}: {}", to_text(is.state), is.reason);
  }
};

}  // namespace
MLOPS_MODULE(PortForward);
}  // namespace mlops::modules
