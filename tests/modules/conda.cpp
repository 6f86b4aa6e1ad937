#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string a(64, 'a');
const std::string url = "https://repo.example.org/Anaconda3-Linux-x86_64.sh";
const std::string installer = "/home/ubuntu/.anaconda3.mlops-agent-installer.sh";
const std::string marker = "/home/ubuntu/.anaconda3.mlops-agent-installing";

std::string json(const std::string& members = "") {
  return R"({"prefix": "~/anaconda3", "url": ")" + url + "\"" + (members.empty() ? "" : ", " + members) + "}";
}

std::string changes(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property + " " + c.before.to_text() + ">" + c.after.to_text();
  return text;
}

// The actions in short: "download PATH; write PATH; …".
std::string actions(const Diff& diff) {
  std::string text;
  for (const Action& one : diff.actions) {
    if (!text.empty()) text += "; ";
    if (const auto* d = std::get_if<Download>(&one)) text += "download " + d->path;
    if (const auto* w = std::get_if<WriteFile>(&one)) text += "write " + w->path;
    if (const auto* r = std::get_if<RemovePath>(&one))
      text += (r->recursive ? "remove all of " : "remove ") + r->path;
    if (const auto* c = std::get_if<CreateDirectory>(&one)) text += "make " + c->path;
    if (const auto* r = std::get_if<RunCommand>(&one)) {
      text += "run";
      for (const std::string& word : r->command.argv) text += " " + word;
    }
  }
  return text;
}

std::string failure(const std::string& parameters, const MachineReader& machine) {
  try {
    try_module("conda", parameters, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct World : FakeMachine {
  World() { f.folder("/home/ubuntu", 0755, "ubuntu"); }
  void complete() {
    f.folder("/home/ubuntu/anaconda3");
    f.folder("/home/ubuntu/anaconda3/conda-meta");
    f.file("/home/ubuntu/anaconda3/conda-meta/history", "");
    f.file("/home/ubuntu/anaconda3/bin/conda", "");
  }
};

const std::string fresh = "download " + installer + "; write " + marker + "; run bash " + installer +
                          " -b -p /home/ubuntu/anaconda3; remove " + marker + "; remove " + installer;

const std::string bash_block =
    "# >>> conda initialize >>>\n"
    "# !! Contents within this block are managed by 'conda init' !!\n"
    "__conda_setup=\"$('/home/ubuntu/anaconda3/bin/conda' 'shell.bash' 'hook' 2> /dev/null)\"\n"
    "if [ $? -eq 0 ]; then\n"
    "    eval \"$__conda_setup\"\n"
    "else\n"
    "    if [ -f \"/home/ubuntu/anaconda3/etc/profile.d/conda.sh\" ]; then\n"
    "        . \"/home/ubuntu/anaconda3/etc/profile.d/conda.sh\"\n"
    "    else\n"
    "        export PATH=\"/home/ubuntu/anaconda3/bin:$PATH\"\n"
    "    fi\n"
    "fi\n"
    "unset __conda_setup\n"
    "# <<< conda initialize <<<\n";

}  // namespace

TEST_CASE("conda that is absent is fetched, marked, installed, unmarked and its installer removed") {
  const World w;
  const Tried t = try_module("conda", json(R"("timeout": "5m", "sha256": ")" + a + "\""), w);
  CHECK(changes(t.diff) == "exists false>true, installer null>" + url);
  CHECK(action<Download>(t.diff, 0)->timeout_ms == 300'000);
  CHECK(actions(t.diff) == fresh);
  CHECK(action<Download>(t.diff, 0)->sha256 == a);
  CHECK(action<Download>(t.diff, 0)->mode == 0600u);
  const auto* run = action<RunCommand>(t.diff, 2);
  REQUIRE(run);
  CHECK(run->creates == std::vector<std::string>{"/home/ubuntu/anaconda3"});
  CHECK(run->bounded);
  CHECK(run->remove_on_failure == "/home/ubuntu/anaconda3");
  CHECK(run->doing == "installing conda to /home/ubuntu/anaconda3");
}

TEST_CASE("an empty folder at the prefix makes way") {
  World w;
  w.f.folder("/home/ubuntu/anaconda3");
  CHECK(actions(try_module("conda", json(), w).diff) == "remove /home/ubuntu/anaconda3; " + fresh);
}

TEST_CASE("a complete conda is settled") {
  World w;
  w.complete();
  CHECK(try_module("conda", json(), w).diff.empty());
}

TEST_CASE("an install that we began is removed and done again, however far it came") {
  World w;
  w.f.file(marker, "");
  const std::string again = "download " + installer + "; run bash " + installer +
                            " -b -p /home/ubuntu/anaconda3; remove " + marker + "; remove " + installer;
  const Tried nothing = try_module("conda", json(), w);
  CHECK(changes(nothing.diff) == "install interrupted>complete, installer null>" + url);
  CHECK(actions(nothing.diff) == again);
  w.complete();
  CHECK(actions(try_module("conda", json(), w).diff) == "remove all of /home/ubuntu/anaconda3; " + again);
}

TEST_CASE("an installer that an interrupted run left is used if its digest is the expected one") {
  World w;
  w.f.file(marker, "");
  w.f.file(installer, "");
  w.f.digests[installer] = a;
  const std::string without_download =
      "run bash " + installer + " -b -p /home/ubuntu/anaconda3; remove " + marker + "; remove " + installer;
  CHECK(actions(try_module("conda", json(R"("sha256": ")" + std::string(64, 'A') + "\""), w).diff) ==
        without_download);
  CHECK(actions(try_module("conda", json(), w).diff) == "download " + installer + "; " + without_download);
  CHECK(actions(try_module("conda", json(R"("sha256": ")" + std::string(64, 'b') + "\""), w).diff) ==
        "download " + installer + "; " + without_download);
  w.d.proofs[installer] = a;
  CHECK(actions(try_module("conda", json(R"("sha256_url": "https://x/s")"), w).diff) == without_download);
}

TEST_CASE("an installer that is left beside a complete conda is removed") {
  World w;
  w.complete();
  w.f.file(installer, "");
  const Tried t = try_module("conda", json(), w);
  CHECK(changes(t.diff) == "leftover " + installer + ">null");
  CHECK(actions(t.diff) == "remove " + installer);
}

TEST_CASE("any other incomplete prefix is an error that names what is missing") {
  World w;
  w.complete();
  w.f.entries.erase("/home/ubuntu/anaconda3/conda-meta/history");
  CHECK(failure(json(), w) ==
        "/home/ubuntu/anaconda3 is no complete conda, and we did not begin it: it has no conda-meta/history; "
        "move it away or remove it");
  w.f.entries.erase("/home/ubuntu/anaconda3/bin/conda");
  CHECK(says(failure(json(), w), "it has no conda-meta/history, it has no bin/conda"));
  w.f.entries.erase("/home/ubuntu/anaconda3/conda-meta");
  w.f.file("/home/ubuntu/anaconda3", "");
  CHECK(says(failure(json(), w), "it is a file"));
}

TEST_CASE("a missing folder above the prefix is named") {
  const World w;
  CHECK(failure(R"({"prefix": "/srv/x/conda", "url": ")" + url + "\"}", w) ==
        "/srv/x does not exist, so /srv/x/conda cannot be made: give it a directory resource before this one");
}

TEST_CASE("init puts what conda init writes at the end of the start-up file") {
  World w;
  w.complete();
  w.f.file("/home/ubuntu/.bashrc", "alias l=ls\n", 0600, "ubuntu");
  const Tried t = try_module("conda", json(R"("init": "bash")"), w);
  CHECK(changes(t.diff) == "~/.bashrc null>conda initialize");
  const auto* write = action<WriteFile>(t.diff, 0);
  REQUIRE(write);
  CHECK(write->content == "alias l=ls\n\n" + bash_block + "\n");
  CHECK_FALSE(write->mode);
  CHECK(write->owner == "");
  w.f.file("/home/ubuntu/.bashrc", write->content);
  CHECK(try_module("conda", json(R"("init": "bash")"), w).diff.empty());
}

TEST_CASE("a block for another prefix, or one that was changed, is replaced where it stands") {
  World w;
  w.complete();
  w.f.file("/home/ubuntu/.bashrc",
           "first\n# >>> conda initialize >>>\nold\n# <<< conda initialize <<<\nlast\n");
  const Tried t = try_module("conda", json(R"("init": ["bash"])"), w);
  CHECK(action<WriteFile>(t.diff, 0)->content == "first\n" + bash_block + "last\n");
}

TEST_CASE("start-up files that are absent are made for the owner of the home, with their folders") {
  World w;
  w.complete();
  const Tried t = try_module("conda", json(R"("init": ["zsh", "fish"])"), w);
  CHECK(actions(t.diff) ==
        "write /home/ubuntu/.zshrc; make /home/ubuntu/.config; make /home/ubuntu/.config/fish; "
        "write /home/ubuntu/.config/fish/config.fish");
  const auto* zsh = action<WriteFile>(t.diff, 0);
  CHECK(zsh->owner == "ubuntu");
  CHECK(zsh->mode == 0644u);
  CHECK(says(zsh->content, "'shell.zsh' 'hook'"));
  CHECK(says(action<WriteFile>(t.diff, 3)->content,
             "eval /home/ubuntu/anaconda3/bin/conda \"shell.fish\" \"hook\" $argv"));
}

TEST_CASE("a fresh conda is installed and prepared in one go") {
  const World w;
  CHECK(actions(try_module("conda", json(R"("init": "bash")"), w).diff) ==
        fresh + "; write /home/ubuntu/.bashrc");
}

TEST_CASE("mistakes in conda's parameters have their own messages") {
  const World w;
  CHECK(
      says(failure(R"({"prefix": "/opt/my conda", "url": "https://x/y.sh"})", w), "no spaces, quotes, colons"));
  CHECK(says(failure(R"({"prefix": "/opt/c", "url": "/y.sh"})", w), "`/y.sh` is no http or https URL"));
  CHECK(says(failure(json(R"("init": "tcsh")"), w), "`tcsh` is no shell that can be prepared"));
  CHECK(says(failure(json(R"("sha256": "x")"), w), "a SHA-256 is 64 hex digits"));
}

TEST_CASE("conda outputs its prefix, its programs' folder and its python") {
  World w;
  w.complete();
  const Tried t = try_module("conda", json(), w);
  CHECK(
      to_json(find_module("conda")->outputs(t.desired, t.current).values) ==
      R"({"prefix":"/home/ubuntu/anaconda3","bin":"/home/ubuntu/anaconda3/bin","python":"/home/ubuntu/anaconda3/bin/python"})");
}
