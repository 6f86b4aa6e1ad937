// Every cell of the table in modules/jupyter.cpp. Real servers: tests/hosts/test_90_jupyter.py.
#include <chrono>

#include "base/overloaded.hpp"
#include "playbook/playbook.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Verb = ChangeUnit::Verb;

namespace {

const std::string unit_file = "/etc/systemd/system/jupyter-8888.service";
const std::string token_file = "/home/ubuntu/.jupyter/token-8888";
const std::string token(48, 'a');
constexpr std::int64_t second = 1'000'000'000;  // in nanoseconds

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A machine with the system's Jupyter and nothing else of it.
FakeMachine bare() {
  FakeMachine m;
  m.a.users["ubuntu"] = {.name = "ubuntu", .uid = 1000, .group = "ubuntu", .home = "/home/ubuntu"};
  m.a.users["root"] = {.name = "root", .uid = 0, .group = "root", .home = "/root"};
  m.f.folder("/home/ubuntu", 0755, "ubuntu");
  m.f.folder("/root", 0700, "root");
  m.f.file("/usr/bin/jupyter-notebook", "", 0755);
  return m;
}

Tried tried(const FakeMachine& m, const std::string& parameters = "", bool notified = false) {
  return try_module("jupyter", "{" + parameters + "}", m, notified);
}

void set_unit(FakeMachine& m, std::string active, std::string enabled = "enabled",
              const std::string& name = "jupyter-8888.service") {
  m.s.units[name] = {name,
                     "loaded",
                     std::move(active),
                     "running",
                     std::move(enabled),
                     false,
                     std::to_string((now_ns() - 3600 * second) / 1000)};
}

// What the actions of a diff leave on the machine: the unit runs since an hour, and answers.
void take_over(FakeMachine& m, const Diff& diff) {
  for (const Action& a : diff.actions)
    if (const auto* write = std::get_if<WriteFile>(&a)) {
      m.f.file(write->path, write->content);
    } else if (const auto* folder = std::get_if<CreateDirectory>(&a)) {
      m.f.folder(folder->path, folder->mode.value_or(0755), folder->owner);
    } else if (const auto* secret = std::get_if<CreateSecret>(&a)) {
      m.f.file(secret->path, token, 0600, secret->owner);
    } else if (const auto* unit = std::get_if<ChangeUnit>(&a)) {
      set_unit(m, "active", "enabled", unit->unit);
      for (const std::uint16_t port : unit->listens) {
        m.n.listeners[port] = {"127.0.0.1", port, 1000, 812, "jupyter-notebook", unit->unit};
        m.n.answers[port] = 200;
      }
    }
}

FakeMachine running(const std::string& parameters = "") {
  FakeMachine m = bare();
  take_over(m, tried(m, parameters).diff);
  return m;
}

// The changes and the actions in a line: "token ***, exists false>true | folder, secret, write, enable, start".
std::string in_a_line(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property +
            (c.sensitive    ? " ***"
             : c.is_event() ? " (event)"
                            : " " + c.before.to_text() + ">" + c.after.to_text());
  text += " |";
  const char* verbs[] = {"start", "stop", "restart", "reload", "enable", "disable"};
  for (const Action& a : diff.actions)
    text += " " + std::visit(overloaded{[](const WriteFile&) -> std::string { return "write"; },
                                        [](const CreateSecret&) -> std::string { return "secret"; },
                                        [](const CreateDirectory&) -> std::string { return "folder"; },
                                        [](const SetAttributes&) -> std::string { return "attributes"; },
                                        [](const RemovePath& r) -> std::string { return "remove:" + r.path; },
                                        [&](const ChangeUnit& u) -> std::string {
                                          return verbs[static_cast<std::size_t>(u.verb)];
                                        },
                                        [](const auto&) -> std::string { return "other"; }},
                             a);
  return text;
}

std::string line(const FakeMachine& m, const std::string& parameters = "", bool notified = false) {
  try {
    return in_a_line(tried(m, parameters, notified).diff);
  } catch (const Error& e) {
    return e.message();
  } catch (const Unknown& u) {
    return "unknown: " + u.reason;
  }
}

std::string text_of_unit(const FakeMachine& m, const std::string& parameters = "") {
  for (const Action& a : tried(m, parameters).diff.actions)
    if (const auto* write = std::get_if<WriteFile>(&a)) return write->content;
  return "";
}

bool has_line(const std::string& text, const std::string& wanted) {
  return ("\n" + text).find("\n" + wanted + "\n") != std::string::npos;
}

std::string mistake(const std::string& parameters) {
  try {
    tried(bare(), parameters);
  } catch (const std::exception& e) {
    const std::string all = e.what();
    const auto begin = all.find("error: ") + 7;
    return all.substr(begin, all.find('\n') - begin);
  }
  return "";
}

// Files of which some have a content that is not known yet.
struct PartlyKnown : FakeFiles {
  std::string secret, cloned, pending;  // two paths; a folder below which nothing is known
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    if (path == secret && limit > 0) throw Unknown{{"jupyter[j]"}, ""};
    if (path == cloned) throw Unknown{{"git[g]"}, ""};
    return FakeFiles::view(path, limit);
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    if (!pending.empty() && path.starts_with(pending + "/")) throw Unknown{{"conda[c]"}, ""};
    return FakeFiles::resolve(path);
  }
};
struct PartlyKnownMachine : FakeMachine {
  PartlyKnown known;
  const FileReader& files() const override { return known; }
};

}  // namespace

TEST_CASE("jupyter: where there is none, token and unit are made, and the unit is enabled and started") {
  const Tried t = tried(bare());
  CHECK(in_a_line(t.diff) ==
        "token ***, exists false>true, enabled false>true, state stopped>running | folder secret write enable "
        "start");
  const auto* folder = action<CreateDirectory>(t.diff, 0);
  CHECK(folder->path == "/home/ubuntu/.jupyter");
  CHECK(folder->mode == 0700u);
  CHECK(folder->owner == "ubuntu");
  const auto* secret = action<CreateSecret>(t.diff, 1);
  CHECK(secret->path == token_file);
  CHECK(secret->owner == "ubuntu");
  CHECK(secret->group == "ubuntu");
  CHECK(secret->bytes >= 16);
  const auto* write = action<WriteFile>(t.diff, 2);
  CHECK(write->path == unit_file);
  CHECK(write->mode == 0644u);
  CHECK(action<ChangeUnit>(t.diff, 4)->listens == std::vector<std::uint16_t>{8888});
}

TEST_CASE("jupyter: one that runs and answers to its token is settled") {
  const FakeMachine m = running();
  CHECK(line(m) == " |");
  REQUIRE(m.n.asked.size() == 1);
  CHECK(m.n.asked[0].address == "127.0.0.1");
  CHECK(m.n.asked[0].port == 8888);
  CHECK(m.n.asked[0].path == "/api/status");
  CHECK(m.n.asked[0].headers.at("Authorization") == "token " + token);
}

TEST_CASE("jupyter: each state that a unit can be in") {
  for (const auto& [active, expected] :
       std::vector<std::pair<std::string, std::string>>{{"inactive", "state stopped>running | start"},
                                                        {"failed", "state failed>running | start"},
                                                        {"activating", "state activating>running | start"},
                                                        {"deactivating", "state deactivating>running | start"},
                                                        {"active", " |"}}) {
    FakeMachine m = running();
    set_unit(m, active);
    m.n.listeners.clear();
    if (active == "active") m = running();
    INFO(active);
    CHECK(line(m) == expected);
  }
  FakeMachine m = running();
  set_unit(m, "active", "disabled");
  CHECK(line(m) == "enabled false>true | enable");
}

TEST_CASE("jupyter: a unit that differs is written and the server restarts") {
  FakeMachine m = running();
  std::string& text = *m.f.entries[unit_file].content;
  text.replace(text.find("RestartSec=3"), 12, "RestartSec=9");
  CHECK(line(m) == "unit other>jupyter-8888.service, restarts (event) | write restart");
  CHECK(tried(m).diff.changes[0].text_diff.find("-RestartSec=9\n+RestartSec=3\n") != std::string::npos);
  CHECK(line(running(), R"("folder": "/home/ubuntu")") == " |");
  FakeMachine other = running();
  other.f.folder("/data");
  CHECK(line(other, R"("folder": "/data")") ==
        "unit other>jupyter-8888.service, restarts (event) | write restart");
  set_unit(other, "inactive");
  other.n.listeners.clear();
  CHECK(line(other, R"("folder": "/data")") ==
        "unit other>jupyter-8888.service, state stopped>running | write start");
}

TEST_CASE("jupyter: a server that runs since before its unit or its token was written restarts") {
  for (const std::string& path : {unit_file, token_file}) {
    FakeMachine m = running();
    m.f.entries[path].status.mtime_ns = now_ns() - 60 * second;
    CHECK(line(m) == "runs with older settings>these | restart");
    m.f.entries[path].status.mtime_ns = now_ns() - 7200 * second;
    CHECK(line(m) == " |");
    m.f.entries[path].status.mtime_ns = now_ns() + 3600 * second;  // the clock was set back
    CHECK(line(m) == " |");
  }
}

TEST_CASE("jupyter: each state that a token can be in") {
  const std::string drawn = "token ***, restarts (event) | ";
  FakeMachine m = running();
  m.f.entries.erase(token_file);
  CHECK(line(m) == drawn + "secret restart");
  for (const std::string text : {"", "short", "has a space in it, and is long enough to be one"}) {
    m.f.file(token_file, text, 0600, "ubuntu");
    CHECK(line(m) == drawn + "remove:" + token_file + " secret restart");
  }
  m.f.file(token_file, std::string(5000, 'a'), 0600, "ubuntu");
  CHECK(line(m) == drawn + "remove:" + token_file + " secret restart");
  m.f.file(token_file, token, 0600, "mallory");
  CHECK(line(m) == drawn + "remove:" + token_file + " secret restart");
  m.f.link(token_file, "/etc/passwd", "ubuntu");
  CHECK(line(m) == drawn + "remove:" + token_file + " secret restart");
  m.f.file(token_file, token, 0644, "ubuntu");
  CHECK(line(m) == "token mode 0644>0600 | attributes");
}

TEST_CASE("jupyter: no change, no diff and no action ever contains the token") {
  FakeMachine m = running();
  m.f.entries[token_file].status.mode = 0644;
  m.f.entries[unit_file].content->append("# x\n");
  for (const FakeMachine& each : {bare(), m}) {
    const Tried t = tried(each);
    for (const Change& c : t.diff.changes)
      CHECK((c.before.to_text() + c.after.to_text() + c.text_diff).find(token) == std::string::npos);
    for (const Action& a : t.diff.actions)
      if (const auto* write = std::get_if<WriteFile>(&a))
        CHECK(write->content.find(token) == std::string::npos);
  }
}

TEST_CASE("jupyter: notified, it restarts where it would stay") {
  CHECK(line(running(), "", true) == "restarts (event) | restart");
  FakeMachine m = running();
  set_unit(m, "failed");
  m.n.listeners.clear();
  CHECK(line(m, "", true) == "state failed>running | start");
}

TEST_CASE("jupyter: a port that another program has is an error that names it") {
  FakeMachine m = bare();
  m.n.listeners[8888] = {"0.0.0.0", 8888, 33, 77, "nginx", "nginx.service"};
  CHECK(line(m) ==
        "port 8888 of 127.0.0.1 is taken by nginx (pid 77, nginx.service); end it, or choose another `port`");
  m.n.listeners[8888] = {"127.0.0.1", 8888, 1000, 78, "jupyter-notebook", "session-3.scope"};
  CHECK(line(m) ==
        "port 8888 of 127.0.0.1 is taken by jupyter-notebook (pid 78); end it, or choose another `port`");
  m.n.listeners[8888] = {"127.0.0.1", 8888, 33, {}, "", ""};
  CHECK(line(m) == "port 8888 of 127.0.0.1 is taken by a program of uid 33; end it, or choose another `port`");
  CHECK(line(m, R"("state": "absent")") == " |");
  m = running();  // its own, though this process may not look into it
  m.n.listeners[8888] = {"127.0.0.1", 8888, 1000, {}, "", ""};
  CHECK(line(m) == " |");
}

TEST_CASE("jupyter: a server that does not answer, or not to its token, is an error that says what to do") {
  FakeMachine m = running();
  m.n.answers.clear();
  CHECK(line(m) ==
        "jupyter-8888.service runs, but does not answer on 127.0.0.1:8888; `systemctl restart "
        "jupyter-8888.service` "
        "starts it anew, and ends its kernels; `journalctl -u jupyter-8888.service` has its words");
  for (const int status : {401, 403}) {
    m.n.answers[8888] = status;
    CHECK(line(m) ==
          "jupyter-8888.service answers, but not to the token of /home/ubuntu/.jupyter/token-8888: another one "
          "is set "
          "in /home/ubuntu/.jupyter or /etc/jupyter, or it is older than notebook 6.1");
  }
  m.n.answers[8888] = 404;
  CHECK(line(m) ==
        "jupyter-8888.service answers 404 to /api/status: is a base_url set in /home/ubuntu/.jupyter or "
        "/etc/jupyter?");
}

TEST_CASE("jupyter: a unit that is not ours, another user's or masked is left alone") {
  FakeMachine m = running();
  m.f.file(unit_file, "[Service]\nUser=ubuntu\nExecStart=/bin/true\n");
  const std::string not_ours =
      unit_file + " is there and was not made by this type; move it away, or choose another `port`";
  CHECK(line(m) == not_ours);
  CHECK(line(m, R"("state": "absent")") == not_ours);
  m = running(R"("user": "root")");
  CHECK(line(m) == "jupyter-8888.service is the server of another user; choose another `port`");
  CHECK(line(m, R"("state": "absent")") ==
        "jupyter-8888.service is the server of another user; choose another `port`");
  m = running();
  m.s.units["jupyter-8888.service"].load_state = "masked";
  CHECK(line(m) ==
        "jupyter-8888.service is masked; `systemctl unmask jupyter-8888.service` makes it usable again");
}

TEST_CASE("jupyter: absent stops, disables and removes what was made, as far as it is there") {
  const std::string absent = R"("state": "absent")";
  CHECK(line(bare(), absent) == " |");
  FakeMachine m = running();
  CHECK(line(m, absent) == "exists true>false | stop disable remove:" + unit_file + " remove:" + token_file);
  set_unit(m, "failed", "disabled");
  CHECK(line(m, absent) == "exists true>false | remove:" + unit_file + " remove:" + token_file);
  m.f.entries.erase(unit_file);
  CHECK(line(m, absent) == "exists true>false | remove:" + token_file);
}

TEST_CASE("jupyter: the program is the prefix's or the system's, and what lacks is named") {
  FakeMachine m = bare();
  CHECK(line(m, R"("interface": "lab")") ==
        "there is no jupyter-lab in /usr/local/bin or /usr/bin: install it, or give "
        "the `prefix` that has it");
  CHECK(line(m, R"("prefix": "~/anaconda3")") ==
        "/home/ubuntu/anaconda3 has no bin/jupyter-notebook: install it there, with "
        "`/home/ubuntu/anaconda3/bin/pip install notebook` or conda");
  CHECK(line(m, R"("prefix": "/opt/venv", "interface": "lab")") ==
        "/opt/venv has no bin/jupyter-lab: install it there, with `/opt/venv/bin/pip install jupyterlab` or "
        "conda");
  m.f.file("/opt/venv/bin/jupyter-lab", "", 0755);
  const std::string unit = text_of_unit(m, R"("prefix": "/opt/venv", "interface": "lab", "port": 9000)");
  CHECK(has_line(unit,
                 "ExecStart=\"/opt/venv/bin/jupyter-lab\" --no-browser --ip=127.0.0.1 --port=9000 "
                 "--port-retries=0"));
  CHECK(has_line(
      unit, "Environment=\"PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\""));
  CHECK(has_line(unit, "Environment=\"JUPYTER_TOKEN_FILE=/home/ubuntu/.jupyter/token-9000\""));
  m.f.entries.erase("/usr/bin/jupyter-notebook");
  m.p.present["jupyter-notebook"] = {};  // simulated: its files are still to come
  CHECK(has_line(text_of_unit(m),
                 "ExecStart=\"/usr/bin/jupyter-notebook\" --no-browser --ip=127.0.0.1 --port=8888 "
                 "--port-retries=0"));
  m.f.file("/usr/local/bin/jupyter-notebook", "", 0755);
  CHECK(text_of_unit(m).find("\"/usr/local/bin/jupyter-notebook\"") != std::string::npos);
}

TEST_CASE("jupyter: a folder that is not there is named") {
  CHECK(
      line(bare(), R"("folder": "~/course")") ==
      "/home/ubuntu/course is no folder, so the server cannot work in it: give it a resource before this one");
  FakeMachine m = bare();
  m.f.folder("/home/ubuntu/course", 0755, "ubuntu");
  CHECK(has_line(text_of_unit(m, R"("folder": "~/course")"), "WorkingDirectory=/home/ubuntu/course"));
}

TEST_CASE("jupyter: the server of another user has that one's rights, home and token") {
  const FakeMachine m = bare();
  const Tried t = tried(m, R"("user": "root")");
  CHECK(action<CreateSecret>(t.diff, 1)->path == "/root/.jupyter/token-8888");
  CHECK(action<CreateSecret>(t.diff, 1)->owner == "root");
  const std::string unit = text_of_unit(m, R"("user": "root")");
  CHECK(has_line(unit, "User=root"));
  CHECK(has_line(unit, "Type=exec"));
  CHECK(has_line(unit, "WorkingDirectory=/root"));
  CHECK(unit.find(" --allow-root\n") != std::string::npos);
  CHECK(text_of_unit(m).find("--allow-root") == std::string::npos);
  CHECK(line(m, R"("user": "nobody-here")") == "user `nobody-here` does not exist");
}

TEST_CASE("jupyter: odd characters of paths reach systemd as they are") {
  FakeMachine m = bare();
  m.f.folder("/data/50% off");
  m.f.file("/opt/my \"env\"/bin/jupyter-notebook", "", 0755);
  const std::string unit = text_of_unit(m, R"("folder": "/data/50% off", "prefix": "/opt/my \"env\"")");
  CHECK(has_line(unit, "WorkingDirectory=/data/50%% off"));
  CHECK(unit.find(R"(ExecStart="/opt/my \"env\"/bin/jupyter-notebook" )") != std::string::npos);
}

TEST_CASE("jupyter: without systemd the reader's error passes through") {
  FakeMachine m = bare();
  m.s.no_systemd = true;
  CHECK(line(m) == "systemd does not run here");
}

TEST_CASE("jupyter: in a plan, a prefix and a folder that are still to be made are taken as given") {
  PartlyKnownMachine m;
  static_cast<FakeMachine&>(m) = bare();
  m.known.entries = m.f.entries;
  m.known.pending = "/home/ubuntu/anaconda3";
  m.known.cloned = "/home/ubuntu/course";
  CHECK(text_of_unit(m, R"("prefix": "~/anaconda3", "folder": "~/course")")
            .find("\"/home/ubuntu/anaconda3/bin/jupyter-notebook\"") != std::string::npos);
}

TEST_CASE("jupyter: in a plan, the token that will be drawn is not known, and all else is") {
  PartlyKnownMachine m;
  static_cast<FakeMachine&>(m) = running();
  m.known.entries = m.f.entries;
  m.known.secret = token_file;
  m.n.listeners[8888] = {.address = "127.0.0.1", .port = 8888, .unit = "jupyter-8888.service"};  // simulated
  m.n.answers.clear();
  const Tried t = tried(m);
  CHECK(t.diff.empty());
  CHECK(m.n.asked.empty());
  const Outputs outputs = find_module("jupyter")->outputs(t.desired, t.current);
  CHECK(to_json(outputs.values) == R"({"port":8888,"unit":"jupyter-8888.service"})");
  CHECK(outputs.unknown == std::vector<std::string>{"url", "path"});
}

TEST_CASE("jupyter: it gives its port, and its link as a secret") {
  const Module& module = *find_module("jupyter");
  const Tried t = tried(running());
  const Outputs outputs = module.outputs(t.desired, t.current);
  CHECK(outputs.unknown.empty());
  CHECK(*outputs.values.find("port") == Value(8888));
  CHECK(*outputs.values.find("url") == Value("http://127.0.0.1:8888/tree?token=" + token));
  CHECK(*outputs.values.find("path") == Value("/tree?token=" + token));
  CHECK(outputs.values.find("url")->secret);
  CHECK(outputs.values.find("path")->secret);
  CHECK_FALSE(outputs.values.find("port")->secret);
  FakeMachine m = bare();
  m.f.file("/usr/bin/jupyter-lab", "", 0755);
  const std::string lab = R"("interface": "lab", "port": 9000)";
  take_over(m, tried(m, lab).diff);
  const Tried l = tried(m, lab);
  CHECK(*module.outputs(l.desired, l.current).values.find("url") ==
        Value("http://127.0.0.1:9000/lab?token=" + token));
}

TEST_CASE("jupyter: it owns its port, its unit and its token, is done by root, and can be notified") {
  const Module& module = *find_module("jupyter");
  FakeMachine m = bare();
  m.f.file("/home/ubuntu/anaconda3/bin/jupyter-notebook", "", 0755);
  const Tried t = tried(m, R"("prefix": "~/anaconda3", "folder": "/home/ubuntu")");
  std::string text;
  for (const Claim& c : module.claims(t.desired))
    text +=
        std::string(to_text(c.kind)) + " " + c.key + (c.access == Claim::Access::reads ? " (reads)\n" : "\n");
  CHECK(text == "port tcp:8888\nservice jupyter-8888.service\npath " + unit_file + "\npath " + token_file +
                    "\npath /home/ubuntu/anaconda3 (reads)\npath /home/ubuntu (reads)\n");
  CHECK(module.actor(t.desired).kind == Actor::Kind::root);
  CHECK(module.notifiable);
  CHECK(module.settles);
  CHECK_FALSE(module.opaque);
}

TEST_CASE("jupyter: mistakes in its parameters") {
  CHECK(mistake(R"("port": 0)") == "0 is no port (1 to 65535)");
  CHECK(mistake(R"("port": 65536)") == "65536 is no port (1 to 65535)");
  CHECK(mistake(R"("folder": "/a\nUser=root")") ==
        "a path with control characters, or with a backslash at its end, cannot stand in a unit");
  CHECK(mistake(R"("prefix": "/a\\")") ==
        "a path with control characters, or with a backslash at its end, cannot stand in a unit");
  CHECK(mistake(R"("user": "a b")") == "`a b` is no name of a user");
  CHECK(mistake(R"("user": "x\nExecStartPre=evil")").find("is no name of a user") != std::string::npos);
  CHECK(line(bare(), R"("state": "absent", "prefix": "/opt/venv", "interface": "lab", "folder": "/x")") ==
        " |");
}

TEST_CASE("jupyter: without a name it is called by its port, the default one too") {
  Resource r;
  r.module = find_module("jupyter");
  Value parameters{Value::Object{}};
  CHECK(label_of(r, parameters) == "jupyter[8888]");
  parameters.set("port", 9000);
  CHECK(label_of(r, parameters) == "jupyter[9000]");
  r.id = "j";
  CHECK(label_of(r, parameters) == "jupyter[j]");
}
