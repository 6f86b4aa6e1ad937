// jupyter: a person's notebook or lab server on this machine's loopback, run by systemd.
//
// The token is a file of that person's, generated on the machine, mode 0600; Jupyter reads it
// (JUPYTER_TOKEN_FILE: notebook 6.1, jupyter_server 1.0), so it appears in no unit, no argv and no environment.
// The server is another way into the person's shell: it has the rights of their login, sudo included, and no
// sandbox.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text_diff.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

using Verb = ChangeUnit::Verb;

struct Jupyter {
  static constexpr auto type = "jupyter";
  static constexpr bool settles = true;
  enum class State { running, absent };
  enum class Interface { notebook, lab };

  struct Desired {
    PersonOf person;
    std::int64_t port = 8888;
    State state = State::running;
    Interface interface = Interface::notebook;
    std::optional<Path> prefix, folder;
    std::optional<std::string> user;
  };
  struct Current {
    std::string user, group, home;  // the server's person
    std::string program;            // that starts it; "" if there is none
    bool folder = false;            // its working folder exists
    Unit unit;
    std::optional<std::string> file;  // the unit's
    bool outdated = false;            // it runs with an earlier version of its unit or its token
    enum class Token { absent, unusable, good, not_known_yet } token = Token::absent;
    std::string token_text;  // of a valid one
    std::uint32_t token_mode = 0;
    bool token_folder = false;  // it exists
    std::optional<Listener> listener;
    bool asked = false;         // whether it responds
    std::optional<int> answer;  // its HTTP status
  };

  static void describe(Schema<Desired>& s) {
    s.summary(
        "A Jupyter server of a person on 127.0.0.1: always running, started again when it dies, opened by a "
        "link with "
        "a token that nobody else knows.");
    s.named_by("port");
    s.person(&Desired::person);
    s.optional("port", &Desired::port, "Where it listens on 127.0.0.1. A server is known by its port.");
    s.one_of("state", &Desired::state, {{"running", State::running}, {"absent", State::absent}},
             "running: now and after each boot. absent: stopped, with its unit and its token removed.");
    s.one_of("interface", &Desired::interface, {{"notebook", Interface::notebook}, {"lab", Interface::lab}},
             "Which of Jupyter's programs: jupyter-notebook or jupyter-lab.")
        .for_present();
    s.optional("prefix", &Desired::prefix,
               "The Conda prefix or virtual environment that has it in bin. Default: the system's.")
        .for_present();
    s.optional("folder", &Desired::folder, "Where notebooks lie. Default: the home of whose server it is.")
        .for_present();
    s.optional("user", &Desired::user, "Whose server it is. Default: the person's.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Jupyter::check);
    s.example("From Anaconda, for the person",
              R"({"type": "jupyter", "prefix": "~/anaconda3", "folder": "~/mlops-zoomcamp"})");
    s.example("A lab from a virtual environment, and the link at the end", R"([
  {"type": "jupyter", "id": "lab", "interface": "lab", "prefix": "~/.venvs/lab", "port": 8890},
  {"type": "verify", "argv": ["curl", "--fail", "--silent", "http://127.0.0.1:{{resources.lab.port}}/api"]}
])");
    s.example("No longer", R"({"type": "jupyter", "port": 8890, "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.port < 1 || d.port > 65535) c.error("port", fmt::format("{} is no port (1 to 65535)", d.port));
    for (const auto& [name, path] : {std::pair{"prefix", &d.prefix}, {"folder", &d.folder}})
      if (*path && !fits_unit((*path)->text))
        c.error(name, "a path with control characters, or with a backslash at its end, cannot stand in a unit");
    if (d.user && !is_account_name(*d.user)) c.error("user", fmt::format("`{}` is no name of a user", *d.user));
  }

  static Claims claims(const Desired& d) {
    Claims claims{{.kind = Claim::Kind::port, .key = fmt::format("tcp:{}", d.port)},
                  {.kind = Claim::Kind::service, .key = unit_name(d)},
                  {.key = unit_path(d)}};
    if (d.user) claims.push_back({.kind = Claim::Kind::user, .key = *d.user, .access = Claim::Access::reads});
    if (!d.user) claims.push_back({.key = token_path(d, d.person.home)});
    for (const auto* path : {&d.prefix, &d.folder})
      if (*path) claims.push_back({.key = (*path)->text, .access = Claim::Access::reads});
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::root}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current c;
    c.unit = machine.services().unit(unit_name(d));
    look_at_user(d, machine, c);
    const std::int64_t written =
        std::max(look_at_file(d, machine.files(), c), look_at_token(d, machine.files(), c));
    c.outdated = c.unit.active() && is_before(c.unit.since, written);
    if (d.state == State::absent) return c;
    look_at_folder(d, machine.files(), c);
    find_program(d, machine, c);
    c.listener = machine.network().listener_at(loopback, port(d));
    ask(d, machine.network(), c);
    return c;
  }

  //  current \ desired           running                                             absent
  //  no unit                     generate the token; write, enable, start the unit   –
  //  a unit that differs         write it, restart                                   stop, disable, remove
  //  not ours, or of another     error                                               error
  //  inactive, failed            start                                               remove
  //  older than unit or token    restart                                             stop, disable, remove
  //  no token, or an unusable    generate it, restart                                …
  //  the port is another's       error that names the program                        …
  //  runs and does not respond,  error that says what to do                          …
  //  or refuses the token
  //  runs and responds           –; when notified, restart                           stop, disable, remove
  static Diff diff(const Desired& d, const Current& c, bool notified) {
    refuse_unit(d, c);
    if (d.state == State::absent) return removal(d, c);
    refuse_surroundings(d, c);
    Diff diff;
    const std::string wanted = unit_text(d, c);
    draw_token(d, c, diff);
    if (c.file != wanted) {
      diff.changes.push_back(c.file ? Change{.property = "unit", .before = "other", .after = unit_name(d)}
                                    : Change::create());
      diff.changes.back().text_diff = unified_diff(c.file.value_or(""), wanted);
      diff.actions.push_back(
          WriteFile{.path = unit_path(d), .content = wanted, .mode = 0644, .replace_link = true});
    }
    if (!c.unit.enabled()) {
      diff.changes.push_back({"enabled", false, true});
      diff.actions.push_back(ChangeUnit{c.unit.name, Verb::enable});
    }
    set_going(d, c, notified, diff);
    if (diff.empty()) refuse_answer(d, c);
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("port", d.port);
    if (d.user) v.set("user", *d.user);
    v.set("state", "absent");
    return v;
  }

  static Outputs outputs(const Desired& d, const Current& c) {
    Outputs o;
    o.values.set("port", d.port);
    o.values.set("unit", unit_name(d));
    if (c.token != Current::Token::good) {
      o.unknown = {"url", "path"};
      return o;
    }
    const std::string path =
        fmt::format("/{}?token={}", d.interface == Interface::lab ? "lab" : "tree", c.token_text);
    o.values.set("path", path).secret = true;
    o.values.set("url", fmt::format("http://{}:{}{}", loopback, d.port, path)).secret = true;
    return o;
  }

 private:
  static constexpr auto loopback = "127.0.0.1";
  static constexpr std::string_view mark =
      "# Made by mlops-agent: what is changed here is put back by its next run. Own settings: systemctl edit\n";
  static constexpr std::string_view standard_path =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  static std::uint16_t port(const Desired& d) { return static_cast<std::uint16_t>(d.port); }
  static std::string unit_name(const Desired& d) { return fmt::format("jupyter-{}.service", d.port); }
  static std::string unit_path(const Desired& d) { return "/etc/systemd/system/" + unit_name(d); }
  static std::string token_path(const Desired& d, const std::string& home) {
    return fmt::format("{}/.jupyter/token-{}", home, d.port);
  }
  static std::string program_name(const Desired& d) {
    return d.interface == Interface::lab ? "jupyter-lab" : "jupyter-notebook";
  }

  static bool fits_unit(const std::string& path) {
    return !path.ends_with('\\') &&
           std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  }
  static bool is_account_name(const std::string& name) {
    return !name.empty() && !name.starts_with('-') && name.find_first_of(":/%\\\"' ") == name.npos &&
           fits_unit(name);
  }

  // ---- inspecting -------------------------------------------------------------------------------------------

  static void look_at_user(const Desired& d, const MachineReader& machine, Current& c) {
    c.user = d.user.value_or(d.person.user);
    const auto account = machine.accounts().user(c.user);
    if (!account) throw Error(fmt::format("user `{}` does not exist", c.user), ErrorKind::unavailable);
    c.group = account->group;
    c.home = account->home;
  }

  // Both return when it was last written, in nanoseconds since the epoch; 0 if it does not exist.
  static std::int64_t look_at_file(const Desired& d, const FileReader& files, Current& c) {
    const auto view = files.view(unit_path(d), 1u << 20);
    if (view) c.file = view->content.value_or("");
    return view ? view->status.mtime_ns : 0;
  }
  static std::int64_t look_at_token(const Desired& d, const FileReader& files, Current& c) {
    using Token = Current::Token;
    const std::string path = token_path(d, c.home);
    c.token_folder = files.exists(c.home + "/.jupyter");
    const auto status = files.status(path);
    if (!status) return 0;
    c.token_mode = status->mode;
    c.token = Token::unusable;
    if (status->type != FileType::regular || status->owner != c.user || status->size > longest_token)
      return status->mtime_ns;
    try {
      c.token_text = files.read(path, longest_token).value_or("");
      if (is_token(c.token_text)) c.token = Token::good;
    } catch (const Unknown&) {
      c.token = Token::not_known_yet;
    }
    return status->mtime_ns;
  }
  static constexpr std::uint64_t shortest_token = 32, longest_token = 1024;  // characters
  // Characters that need no escape in a URL (RFC 3986, section 2.3).
  static bool is_token(const std::string& text) {
    return text.size() >= shortest_token && std::all_of(text.begin(), text.end(), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    std::string_view("-._~").find(c) != std::string_view::npos;
           });
  }

  static void look_at_folder(const Desired& d, const FileReader& files, Current& c) {
    const std::string folder = d.folder ? d.folder->text : c.home;
    try {
      const auto at = files.status(files.resolve(folder).value_or(folder));
      c.folder = at && at->type == FileType::directory;
    } catch (const Unknown&) {
      c.folder = true;  // its creator has not run yet
    }
  }

  // since: microseconds, as in Unit. A time in the future is ignored: the clock was set back.
  static bool is_before(const std::string& since, std::int64_t written_ns) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    return std::stoll(since.empty() ? "0" : since) < written_ns / 1000 && written_ns <= now_ns;
  }

  static void find_program(const Desired& d, const MachineReader& machine, Current& c) {
    const std::string name = program_name(d);
    if (d.prefix) {
      const std::string path = fmt::format("{}/bin/{}", d.prefix->text, name);
      try {
        if (machine.files().resolve(path)) c.program = path;
      } catch (const Unknown&) {
        c.program = path;  // the program that creates the prefix has not run yet
      }
      return;
    }
    for (const char* folder : {"/usr/local/bin/", "/usr/bin/"})
      if (c.program.empty() && machine.files().resolve(folder + name)) c.program = folder + name;
    const char* package = d.interface == Interface::lab ? "jupyterlab" : "jupyter-notebook";  // Debian's
    if (c.program.empty() && machine.packages().installed(package)) c.program = "/usr/bin/" + name;
  }

  static bool is_ours(const Desired& d, const Current& c) {
    const Listener& l = *c.listener;
    return l.unit == unit_name(d) || (!l.pid && l.unit.empty() && c.unit.active());
  }
  // A server whose start is simulated cannot be queried, and one that will be restarted need not be.
  static void ask(const Desired& d, const NetworkReader& network, Current& c) {
    const bool simulated = c.listener && !c.listener->pid && !c.listener->unit.empty();
    const bool stays =
        c.unit.active() && !c.outdated && c.token == Current::Token::good && c.file == unit_text(d, c);
    if (!stays || simulated || (c.listener && !is_ours(d, c))) return;
    c.asked = true;
    c.answer = network.http_status({.address = loopback,
                                    .port = port(d),
                                    .path = "/api/status",
                                    .headers = {{"Authorization", "token " + c.token_text}}});
  }

  // ---- errors -----------------------------------------------------------------------------------------------

  static void refuse_unit(const Desired& d, const Current& c) {
    const bool masked = c.unit.load_state == "masked" || c.unit.enabled_state == "masked";
    if (masked && d.state == State::running)
      throw Error(fmt::format("{0} is masked; `systemctl unmask {0}` makes it usable again", c.unit.name));
    if (c.file && !c.file->starts_with(mark))
      throw Error(fmt::format(
          "{} is there and was not made by this type; move it away, or choose another `port`", unit_path(d)));
    if (c.file && c.file->find(fmt::format("\nUser={}\n", c.user)) == std::string::npos)
      throw Error(fmt::format("{} is the server of another user; choose another `port`", unit_name(d)));
  }

  static void refuse_surroundings(const Desired& d, const Current& c) {
    if (c.program.empty() && d.prefix)
      throw Error(fmt::format("{0} has no bin/{1}: install it there, with `{0}/bin/pip install {2}` or conda",
                              d.prefix->text, program_name(d),
                              d.interface == Interface::lab ? "jupyterlab" : "notebook"));
    if (c.program.empty())
      throw Error(fmt::format(
          "there is no {} in /usr/local/bin or /usr/bin: install it, or give the `prefix` that has it",
          program_name(d)));
    if (!c.folder)
      throw Error(
          fmt::format("{} is no folder, so the server cannot work in it: give it a resource before this one",
                      d.folder ? d.folder->text : c.home));
    if (c.listener && !is_ours(d, c))
      throw Error(fmt::format("port {} of {} is taken by {}; end it, or choose another `port`", d.port,
                              loopback, mlops::describe(*c.listener)));
  }

  static void refuse_answer(const Desired& d, const Current& c) {
    constexpr int ok = 200, unauthorized = 401, forbidden = 403;
    if (!c.asked || c.answer == ok) return;
    if (!c.answer)
      throw Error(
          fmt::format("{0} runs, but does not answer on {1}:{2}; `systemctl restart {0}` starts it anew, and "
                      "ends its kernels; `journalctl -u {0}` has its words",
                      unit_name(d), loopback, d.port));
    if (c.answer == unauthorized || c.answer == forbidden)
      throw Error(
          fmt::format("{} answers, but not to the token of {}: another one is set in {}/.jupyter or "
                      "/etc/jupyter, or it is older than notebook 6.1",
                      unit_name(d), token_path(d, c.home), c.home));
    throw Error(fmt::format("{} answers {} to /api/status: is a base_url set in {}/.jupyter or /etc/jupyter?",
                            unit_name(d), *c.answer, c.home));
  }

  // ---- changes ----------------------------------------------------------------------------------------------

  static void draw_token(const Desired& d, const Current& c, Diff& diff) {
    using Token = Current::Token;
    const std::string path = token_path(d, c.home);
    constexpr std::uint32_t owner_only = 0600;
    if (c.token == Token::absent || c.token == Token::unusable) {
      diff.changes.push_back({.property = "token",
                              .before = c.token == Token::absent ? Value() : Value("unusable"),
                              .after = "drawn",
                              .sensitive = true});
      if (!c.token_folder) diff.actions.push_back(CreateDirectory{c.home + "/.jupyter", 0700, c.user, c.group});
      if (c.token == Token::unusable) diff.actions.push_back(RemovePath{.path = path, .sensitive = true});
      diff.actions.push_back(CreateSecret{.path = path, .bytes = 24, .owner = c.user, .group = c.group});
    } else if (c.token_mode != owner_only) {
      diff.changes.push_back(
          {"token mode", fmt::format("{:04o}", c.token_mode), fmt::format("{:04o}", owner_only)});
      diff.actions.push_back(SetAttributes{.path = path, .mode = owner_only});
    }
  }

  static bool draws_token(const Current& c) {
    return c.token == Current::Token::absent || c.token == Current::Token::unusable;
  }
  static void set_going(const Desired& d, const Current& c, bool notified, Diff& diff) {
    const bool changed = c.file != unit_text(d, c) || draws_token(c);
    if (!c.unit.active()) {
      diff.changes.push_back(
          {"state", c.unit.active_state == "inactive" ? "stopped" : c.unit.active_state, "running"});
      diff.actions.push_back(ChangeUnit{c.unit.name, Verb::start, {port(d)}});
    } else if (changed || c.outdated || notified) {
      if (c.outdated && !changed)
        diff.changes.push_back({"runs with", "older settings", "these"});
      else
        diff.changes.push_back({.property = "restarts", .after = true, .kind = Change::Kind::event});
      diff.actions.push_back(ChangeUnit{c.unit.name, Verb::restart, {port(d)}});
    }
  }

  static Diff removal(const Desired& d, const Current& c) {
    Diff diff;
    const bool at_rest = c.unit.active_state == "inactive" || c.unit.active_state == "failed";
    if (c.file && !at_rest) diff.actions.push_back(ChangeUnit{c.unit.name, Verb::stop});
    if (c.file && c.unit.enabled()) diff.actions.push_back(ChangeUnit{c.unit.name, Verb::disable});
    if (c.file) diff.actions.push_back(RemovePath{unit_path(d)});
    if (c.token != Current::Token::absent)
      diff.actions.push_back(RemovePath{.path = token_path(d, c.home), .sensitive = true});
    if (!diff.actions.empty()) diff.changes.push_back(Change::remove());
    return diff;
  }

  // ---- the unit ---------------------------------------------------------------------------------------------

  // A word of a unit's setting (systemd.syntax(7)), with % escaped, as it begins a specifier (systemd.unit(5)).
  static std::string quoted(const std::string& text) {
    std::string word = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') word += '\\';
      if (c == '%') word += '%';
      word += c;
    }
    return word + '"';
  }
  static std::string plain(std::string text) {
    for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 2)) text.insert(at, 1, '%');
    return text;
  }

  // The start counts as done once it responds, and as failed once it has exited. Only after its exec (Type) is
  // it a process of the person's, which kill can probe; before that it is still root's. If the kernel kills one
  // of its programs for lack of memory, the others continue (OOMPolicy): a notebook's kernel is the likeliest,
  // and Jupyter restarts it.
  static std::string unit_text(const Desired& d, const Current& c) {
    const std::string folder = d.folder ? d.folder->text : c.home;
    const std::string path =
        d.prefix ? fmt::format("{}/bin:{}", d.prefix->text, standard_path) : std::string(standard_path);
    return fmt::format(
        R"({mark}[Unit]
Description=Jupyter ({interface}) of {user} on {loopback}:{port}
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
User={user}
WorkingDirectory={folder}
Environment={path}
Environment={token}
ExecStart={program} --no-browser --ip={loopback} --port={port} --port-retries=0{root}
ExecStartPost=/bin/bash -c 'until {{ exec 3<>/dev/tcp/{loopback}/{port} && printf "GET /api HTTP/1.0\\r\\n\\r\\n" >&3 && read -r -t 5 <&3; }} 2>/dev/null; do kill -0 $$MAINPID 2>/dev/null && sleep 0.2 || exit 1; done'
Restart=on-failure
RestartSec=3
KillMode=mixed
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
)",
        fmt::arg("mark", mark), fmt::arg("interface", d.interface == Interface::lab ? "lab" : "notebook"),
        fmt::arg("user", c.user), fmt::arg("loopback", loopback), fmt::arg("port", d.port),
        fmt::arg("folder", plain(folder)), fmt::arg("path", quoted("PATH=" + path)),
        fmt::arg("token", quoted("JUPYTER_TOKEN_FILE=" + token_path(d, c.home))),
        fmt::arg("program", quoted(c.program)), fmt::arg("root", c.user == "root" ? " --allow-root" : ""));
  }
};

}  // namespace

MLOPS_MODULE(Jupyter);

}  // namespace mlops::modules
