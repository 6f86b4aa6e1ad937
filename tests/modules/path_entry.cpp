#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string ours =
    R"(case ":${PATH}:" in *:"$HOME/soft":*) ;; *) export PATH="$HOME/soft:$PATH" ;; esac)";
const std::string ours_last =
    R"(case ":${PATH}:" in *:"$HOME/soft":*) ;; *) export PATH="$PATH:$HOME/soft" ;; esac)";
const std::string ours_fish = R"(contains -- "$HOME/soft" $PATH; or set -gx PATH "$HOME/soft" $PATH)";
const std::string fish_file = "/home/ubuntu/.config/fish/conf.d/mlops-agent-path.fish";

FakeMachine with_home(const std::string& shell = "/bin/bash") {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu", 0750, "ubuntu");
  machine.a.users["ubuntu"] = {.name = "ubuntu", .uid = 1000, .home = "/home/ubuntu", .shell = shell};
  return machine;
}

Tried tried(const FakeMachine& machine, const std::string& more = "") {
  return try_module("path_entry", R"({"path": "~/soft")" + more + "}", machine);
}

std::string failure(const FakeMachine& machine, const std::string& json) {
  try {
    try_module("path_entry", json, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What the actions would make of the file; "-" when they leave it alone.
std::string written(const Diff& diff, const std::string& name) {
  for (const Action& a : diff.actions)
    if (const auto* write = std::get_if<WriteFile>(&a); write && write->path == "/home/ubuntu/" + name)
      return write->content;
  return "-";
}

// Does to the machine what the actions say.
void perform(const Diff& diff, FakeMachine& machine) {
  for (const Action& a : diff.actions) {
    if (const auto* write = std::get_if<WriteFile>(&a)) {
      machine.f.file(write->path, write->content);
    } else if (const auto* create = std::get_if<CreateDirectory>(&a)) {
      machine.f.folder(create->path);
    } else {
      machine.f.entries.erase(std::get<RemovePath>(a).path);
    }
  }
}

// Whether .bashrc and .profile that contain this line need nothing.
bool recognised(const std::string& line) {
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", "x=1\n" + line + "\n");
  machine.f.file("/home/ubuntu/.profile", ours + "\n");
  return tried(machine).diff.empty();
}

}  // namespace

TEST_CASE("path_entry: without start-up files .bashrc and .profile are made, as the home's owner's") {
  FakeMachine machine = with_home();
  const Tried t = tried(machine);
  REQUIRE(t.diff.actions.size() == 2);
  for (const std::size_t i : {0u, 1u}) {
    const auto* write = action<WriteFile>(t.diff, i);
    REQUIRE(write);
    CHECK(write->path == (i ? "/home/ubuntu/.profile" : "/home/ubuntu/.bashrc"));
    CHECK(write->content == ours + "\n");
    CHECK(write->mode == 0644u);
    CHECK(write->owner == "ubuntu");
    CHECK(write->group == "ubuntu");
  }
  CHECK(t.diff.changes.at(0).property == "~/.bashrc");
  CHECK(t.diff.changes.at(0).before.is_null());
  CHECK(t.diff.changes.at(0).after == Value(ours));
  CHECK(t.diff.changes.at(0).text_diff.ends_with("+" + ours + "\n"));
  perform(t.diff, machine);
  CHECK(tried(machine).diff.empty());
}

TEST_CASE("path_entry: files that are there keep all they have, their mode and their owner") {
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", "alias l=ls\n", 0600, "ubuntu");
  machine.f.file("/home/ubuntu/.profile", "umask 022", 0600, "ubuntu");
  const Tried t = tried(machine);
  CHECK(written(t.diff, ".bashrc") == "alias l=ls\n" + ours + "\n");
  CHECK(written(t.diff, ".profile") == "umask 022\n" + ours + "\n");
  REQUIRE(action<WriteFile>(t.diff, 0));
  CHECK(!action<WriteFile>(t.diff, 0)->mode);
  CHECK(action<WriteFile>(t.diff, 0)->owner == "");
}

TEST_CASE("path_entry: the line stands above .bashrc's early return and the comment that belongs to it") {
  const std::string end =
      GENERATE(as<std::string>{},
               "# If not running interactively, don't do anything\ncase $- in\n    *i*) ;;\n"
               "      *) return;;\nesac\n",
               "case $- in *i*) ;; *) return;; esac\n", "[ -z \"$PS1\" ] && return\n",
               "# why\n[[ $- != *i* ]] && return\n", "[[ $- == *i* ]] || return 0\n",
               "if [ -z \"${PS1-}\" ]; then\n  return\nfi\n");
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", "# ~/.bashrc\n\n" + end + "alias l=ls\n");
  Tried t = tried(machine);
  CHECK(written(t.diff, ".bashrc") == "# ~/.bashrc\n\n" + ours + "\n" + end + "alias l=ls\n");
  perform(t.diff, machine);
  CHECK(tried(machine).diff.empty());

  SECTION("a line of another's below it does not reach shells that are not interactive") {
    machine.f.file("/home/ubuntu/.bashrc", end + "export PATH=\"${HOME}/soft:${PATH}\"\n");
    t = tried(machine);
    CHECK(written(t.diff, ".bashrc") == ours + "\n" + end + "export PATH=\"${HOME}/soft:${PATH}\"\n");
    perform(t.diff, machine);
    CHECK(tried(machine).diff.empty());
  }
  SECTION("our own line below it is moved") {
    machine.f.file("/home/ubuntu/.bashrc", end + ours + "\n");
    t = tried(machine);
    CHECK(written(t.diff, ".bashrc") == ours + "\n" + end);
  }
}

TEST_CASE("path_entry: what only mentions PS1 or $- is no early return") {
  const std::string text = GENERATE(as<std::string>{}, "PS1='\\u@\\h '\n", "# case $- in *) return;;\n",
                                    "case $- in *i*) alias l=ls ;; esac\nf() { return 1; }\n",
                                    "if [ \"$PS1\" ]; then\n  x=1\nfi\nreturn\n");
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", text);
  CHECK(written(tried(machine).diff, ".bashrc") == text + ours + "\n");
}

TEST_CASE("path_entry: the login file is the one that bash reads") {
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", ours + "\n");
  machine.f.file("/home/ubuntu/.profile", "");
  CHECK(written(tried(machine).diff, ".profile") == ours + "\n");
  machine.f.file("/home/ubuntu/.bash_login", "");
  CHECK(written(tried(machine).diff, ".bash_login") == ours + "\n");
  CHECK(written(tried(machine).diff, ".profile") == "-");
  machine.f.file("/home/ubuntu/.bash_profile", "");
  CHECK(written(tried(machine).diff, ".bash_profile") == ours + "\n");
  CHECK(written(tried(machine).diff, ".bash_login") == "-");
}

TEST_CASE("path_entry: an equivalent line of another's is recognised") {
  for (const char* line :
       {"export PATH=\"$HOME/soft:$PATH\"", "export PATH=\"${HOME}/soft:${PATH}\"", "export PATH=~/soft:$PATH",
        "export PATH=/home/ubuntu/soft:$PATH", "PATH=$PATH:$HOME/soft", "PATH=$PATH:~/soft/",
        "PATH+=:$HOME/soft", "PATH=/opt/x:$HOME//soft:$PATH; export PATH",
        "  PATH=\"$HOME/soft:$PATH\"  # mine", "[ -d ~/soft ] && export PATH=~/soft:$PATH",
        "[ -d ~/soft ] && PATH=~/soft:$PATH", "typeset -x PATH=~/soft:$PATH", "path+=(~/soft)",
        "path=( /opt/x $HOME/soft $path )", "export PATH='/home/ubuntu/soft':$PATH",
        "case x in y) ;; *) export PATH=\"$HOME/soft:$PATH\" ;; esac", "export EDITOR=vi PATH=~/soft:$PATH"}) {
    INFO(line);
    CHECK(recognised(line));
  }
}

TEST_CASE("path_entry: what only looks alike is not recognised") {
  for (const char* line :
       {"# export PATH=\"$HOME/soft:$PATH\"", "export PATH='$HOME/soft':$PATH", "export PATH=\"~/soft:$PATH\"",
        "export PATH=$HOME/software:$PATH", "export PATH=$HOME/soft/bin:$PATH", "MYPATH=$HOME/soft:$PATH",
        "export MANPATH=$HOME/soft", "PATH=$HOME/soft:$PATH make", "echo \"PATH=$HOME/soft\"",
        "export PATH=\\$HOME/soft:$PATH", "export PATH=$HOMER/soft:$PATH", "true # PATH=~/soft:$PATH",
        "cd $HOME/soft"}) {
    INFO(line);
    CHECK(!recognised(line));
  }
}

TEST_CASE("path_entry: position last puts it behind, and a change of position replaces our line") {
  FakeMachine machine = with_home();
  const Tried first = tried(machine, R"(, "position": "last")");
  CHECK(written(first.diff, ".bashrc") == ours_last + "\n");
  perform(first.diff, machine);
  CHECK(tried(machine, R"(, "position": "last")").diff.empty());
  const Tried second = tried(machine);
  CHECK(written(second.diff, ".bashrc") == ours + "\n");
  CHECK(written(second.diff, ".profile") == ours + "\n");
}

TEST_CASE("path_entry: a folder outside the home is written absolutely, odd characters quoted") {
  FakeMachine machine = with_home();
  const std::string json = R"({"path": "/opt/a $b\"c`d"})";
  const Tried t = try_module("path_entry", json, machine);
  CHECK(written(t.diff, ".profile") ==
        R"(case ":${PATH}:" in *:"/opt/a \$b\"c\`d":*) ;; *) export PATH="/opt/a \$b\"c\`d:$PATH" ;; esac)"
        "\n");
  perform(t.diff, machine);
  CHECK(try_module("path_entry", json, machine).diff.empty());
}

TEST_CASE("path_entry: zsh is managed where it is used, or when asked for") {
  CHECK(written(tried(with_home()).diff, ".zshenv") == "-");
  CHECK(written(tried(with_home("/usr/bin/zsh")).diff, ".zshenv") == ours + "\n");
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.zshrc", "");
  CHECK(written(tried(machine).diff, ".zshenv") == ours + "\n");
  const Tried only = tried(with_home(), R"(, "shells": ["zsh"])");
  CHECK(only.diff.actions.size() == 1);
  CHECK(written(only.diff, ".zshenv") == ours + "\n");
}

TEST_CASE("path_entry: fish gets a file of its own, in folders of the home's owner") {
  FakeMachine machine = with_home("/usr/bin/fish");
  const Tried t = tried(machine, R"(, "shells": ["fish"])");
  REQUIRE(t.diff.actions.size() == 4);
  for (const auto& [i, name] : {std::pair{0u, ""}, std::pair{1u, "/fish"}, std::pair{2u, "/fish/conf.d"}}) {
    const auto* create = action<CreateDirectory>(t.diff, i);
    REQUIRE(create);
    CHECK(create->path == "/home/ubuntu/.config" + std::string(name));
    CHECK(create->owner == "ubuntu");
  }
  CHECK(written(t.diff, ".config/fish/conf.d/mlops-agent-path.fish") == ours_fish + "\n");
  perform(t.diff, machine);
  CHECK(tried(machine, R"(, "shells": ["fish"])").diff.empty());
  const Tried gone = tried(machine, R"(, "shells": ["fish"], "state": "absent")");
  REQUIRE(gone.diff.actions.size() == 1);
  REQUIRE(action<RemovePath>(gone.diff, 0));
  CHECK(action<RemovePath>(gone.diff, 0)->path == fish_file);
}

TEST_CASE("path_entry: an entry in fish's own files is recognised") {
  for (const char* line :
       {"fish_add_path ~/soft", "fish_add_path --path -a /opt/x $HOME/soft", "set -gx PATH $HOME/soft $PATH",
        "set -U fish_user_paths ~/soft $fish_user_paths", "test -d ~/soft; and fish_add_path ~/soft"}) {
    INFO(line);
    FakeMachine machine = with_home();
    machine.f.file("/home/ubuntu/.config/fish/config.fish", std::string(line) + "\n");
    CHECK(tried(machine, R"(, "shells": ["fish"])").diff.empty());
  }
  for (const char* line : {"# fish_add_path ~/soft", "fish_add_path ~/software", "set -gx MANPATH ~/soft",
                           "cd ~/soft", "fish_add_path /opt; ls ~/soft"}) {
    INFO(line);
    FakeMachine machine = with_home();
    machine.f.file("/home/ubuntu/.config/fish/config.fish", std::string(line) + "\n");
    CHECK(!tried(machine, R"(, "shells": ["fish"])").diff.empty());
  }
}

TEST_CASE("path_entry: absent removes the lines that we wrote, of either position") {
  FakeMachine machine = with_home();
  CHECK(tried(machine, R"(, "state": "absent")").diff.empty());
  machine.f.file("/home/ubuntu/.bashrc", "a=1\n" + ours + "\nb=2\n");
  machine.f.file("/home/ubuntu/.profile", ours_last + "\n");
  const Tried t = tried(machine, R"(, "state": "absent")");
  CHECK(written(t.diff, ".bashrc") == "a=1\nb=2\n");
  CHECK(written(t.diff, ".profile") == "");
  CHECK(t.diff.changes.at(0).before == Value(ours));
  CHECK(t.diff.changes.at(0).after.is_null());
  perform(t.diff, machine);
  CHECK(tried(machine, R"(, "state": "absent")").diff.empty());
}

TEST_CASE("path_entry: absent names a line of another's that still adds the folder") {
  FakeMachine machine = with_home();
  machine.f.file("/home/ubuntu/.bashrc", "a=1\n  export PATH=~/soft:$PATH\n");
  CHECK(failure(machine, R"({"path": "~/soft", "state": "absent"})") ==
        "/home/ubuntu/.bashrc:2 still puts /home/ubuntu/soft on PATH, and is not ours to remove: export "
        "PATH=~/soft:$PATH");
}

TEST_CASE("path_entry: what this type wrote is taken away beside another's line, where that may stay") {
  FakeMachine machine = with_home();
  const std::string others = "a=1\n  export PATH=~/soft:$PATH\n";
  machine.f.file("/home/ubuntu/.bashrc", others);
  machine.f.file("/home/ubuntu/.profile", ours + "\nb=2\n");
  const Tried t = tried(machine, R"(, "state": "absent", "others": "keep")");
  CHECK(written(t.diff, ".bashrc") == "-");
  CHECK(written(t.diff, ".profile") == "b=2\n");
  perform(t.diff, machine);
  CHECK(machine.f.read("/home/ubuntu/.bashrc") == others);
  CHECK(tried(machine, R"(, "state": "absent", "others": "keep")").diff.empty());
}

TEST_CASE("path_entry: another home's shells") {
  FakeMachine machine = with_home();
  machine.f.folder("/home/ann", 0755, "ann");
  const Tried t = try_module("path_entry", R"({"path": "/home/ubuntu/soft", "home": "/home/ann"})", machine);
  REQUIRE(action<WriteFile>(t.diff, 0));
  CHECK(action<WriteFile>(t.diff, 0)->path == "/home/ann/.bashrc");
  CHECK(action<WriteFile>(t.diff, 0)->owner == "ann");
  CHECK(says(action<WriteFile>(t.diff, 0)->content, "\"/home/ubuntu/soft:$PATH\""));
  CHECK(failure(machine, R"({"path": "/x", "home": "/home/bob"})") ==
        "/home/bob does not exist, so no shell in it can get a PATH");
}

TEST_CASE("path_entry: mistakes in its parameters") {
  const FakeMachine machine = with_home();
  CHECK(says(failure(machine, R"({"path": "/a:b"})"), "a folder on PATH cannot have a colon in its name"));
  CHECK(says(failure(machine, R"({"path": "/a\nb"})"), "control characters cannot be put on PATH"));
  CHECK(says(failure(machine, R"({"path": "/a", "shells": []})"), "no shell is listed"));
  CHECK(says(failure(machine, R"({"path": "/a", "shells": ["bsh"]})"), "bash"));
}

TEST_CASE("path_entry: edits its files in peace with others, and gives the folder to later commands") {
  const FakeMachine machine = with_home();
  const Tried t = tried(machine);
  const Module& module = *find_module("path_entry");
  for (const Claim& claim : module.claims(t.desired)) {
    CHECK(claim.kind == Claim::Kind::path);
    CHECK(claim.access == Claim::Access::edits);
    CHECK(claim.subkey == "PATH /home/ubuntu/soft");
    CHECK(claim.key.starts_with("/home/ubuntu/."));
  }
  const Environment given = module.environment(t.desired, t.current);
  CHECK(given.path == std::vector<std::string>{"/home/ubuntu/soft"});
  CHECK(given.user == "ubuntu");
  const Tried absent = tried(machine, R"(, "state": "absent")");
  CHECK(module.environment(absent.desired, absent.current).path.empty());
  CHECK(module.actor(t.desired).kind == Actor::Kind::path);
  CHECK(module.actor(t.desired).path == "/home/ubuntu/.bashrc");
}

TEST_CASE("path_entry: root's PATH gets no folder that others may write to") {
  FakeMachine machine = with_home();
  machine.f.folder("/");
  machine.f.folder("/root", 0700);
  machine.f.folder("/opt");
  machine.f.folder("/home");
  machine.f.folder("/tmp", 01777);
  const auto for_root = [](const std::string& path) { return R"({"home": "/root", "path": ")" + path + "\"}"; };
  const Tried t = try_module("path_entry", for_root("/opt/tools/bin"), machine);
  CHECK(find_module("path_entry")->environment(t.desired, t.current).user == "root");
  CHECK(failure(machine, for_root("/home/ubuntu/soft")) ==
        "/home/ubuntu/soft is not put on root's PATH: /home/ubuntu belongs to ubuntu");
  CHECK(failure(machine, for_root("/tmp/soft")) ==
        "/tmp/soft is not put on root's PATH: /tmp is writable by everyone (mode 1777)");
}

// ---- the real shells ----------------------------------------------------------------------------------------

namespace {

// A home in a temporary folder with Debian's skeleton, where the entry for ~/soft was applied.
class RealHome {
 public:
  RealHome() {
    std::string name = std::filesystem::temp_directory_path() / "mlops-path-XXXXXX";
    REQUIRE(mkdtemp(name.data()));
    path = name;
    machine_.f.folder(path, 0755, "ubuntu");
    for (const char* file : {".bashrc", ".profile"}) {
      std::ifstream in("/etc/skel/" + std::string(file));
      if (!in) continue;
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      machine_.f.file(path + "/" + file, text);
      std::ofstream(path + "/" + file) << text;
    }
  }
  ~RealHome() { std::filesystem::remove_all(path); }
  RealHome(const RealHome&) = delete;
  RealHome& operator=(const RealHome&) = delete;

  void apply(const std::string& position) {
    const std::string json = R"({"path": ")" + path + R"(/soft", "home": ")" + path +
                             R"(", "shells": ["bash", "zsh"], "position": ")" + position + "\"}";
    const Tried t = try_module("path_entry", json, machine_);
    perform(t.diff, machine_);
    for (const Action& a : t.diff.actions) {
      const auto& write = std::get<WriteFile>(a);
      std::ofstream(write.path) << write.content;
    }
    CHECK(try_module("path_entry", json, machine_).diff.empty());
  }

  // What the shell prints, run with nothing but HOME, PATH and env.
  std::string run(const std::string& shell, const std::string& env = "") const {
    const std::string command = "env -i HOME='" + path + "' PATH=/usr/bin:/bin TERM=dumb " + env + " " + shell +
                                " 'printf %s \"$PATH\"' 2>/dev/null </dev/null";
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe);
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      out.append(buffer.data(), n);
    pclose(pipe);
    return out;
  }

  std::string path;

 private:
  FakeMachine machine_;
};

bool there(const char* program) { return std::filesystem::exists("/usr/bin/" + std::string(program)); }

}  // namespace

TEST_CASE("path_entry: real shells find the folder first, once, and not before it was applied") {
  RealHome home;
  std::vector<std::pair<std::string, std::string>> shells;
  if (there("bash")) {
    shells = {{"bash -ic", ""}, {"bash -lc", ""}, {"bash -lic", ""}};
    // Debian's bash reads .bashrc when sshd starts it (bash(1), INVOCATION; SSH_SOURCE_BASHRC).
    if (there("dpkg")) shells.emplace_back("bash -c", "SSH_CLIENT='::1 1 22'");
  }
  if (there("dash")) shells.emplace_back("dash -lc", "");
  if (there("zsh")) shells.insert(shells.end(), {{"zsh -c", ""}, {"zsh -ic", ""}, {"zsh -lc", ""}});
  const std::string entry = home.path + "/soft";
  for (const auto& [shell, env] : shells) {
    INFO(shell);
    CHECK(!says(home.run(shell, env), entry));
  }
  home.apply("first");
  for (const auto& [shell, env] : shells) {
    INFO(shell);
    const std::string path = home.run(shell, env);
    CHECK(says(path, entry + ":"));
    CHECK(path.find(entry) == path.rfind(entry));
    CHECK(path.starts_with(entry + ":"));
  }
  home.apply("last");
  for (const auto& [shell, env] : shells) {
    INFO(shell);
    CHECK(home.run(shell, env).ends_with(":" + entry));
  }
}
