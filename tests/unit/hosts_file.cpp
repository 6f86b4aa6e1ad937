#include "hosts/hosts_file.hpp"

#include <sys/stat.h>

#include "hosts/chosen_hosts.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr auto hint = "  hint: one host a line: a name that ssh knows, or user@host:port; # begins a comment\n";

// The mistakes in a text, as they are shown.
std::string wrong_with(const std::string& text) {
  const Source source{"hosts", text};
  Diagnostics mistakes;
  parse_hosts_file(source, mistakes);
  std::string all;
  for (const Diagnostic& mistake : mistakes.list()) all += to_text(mistake);
  return all;
}

}  // namespace

TEST_CASE("A file of hosts has a name a line, with comments; what is none is reported with its place") {
  const TemporaryFolder folder;
  Diagnostics mistakes;
  Source text;
  ReachSettings reach;
  reach.hosts = {"web0", "web1"};
  reach.hosts_file = folder.file("hosts",
                                 "\xef\xbb\xbf# ours\nweb1\r\n  me@web2:2222  # the other\n\n-oX\n  a "
                                 "b\nweb4,web5\nx:y\n[::1]:2\nfe80::\n");
  CHECK(named_hosts(reach, text, mistakes) == Words{"web0", "web1", "me@web2:2222", "[::1]:2", "fe80::"});
  std::string all;
  for (const Diagnostic& mistake : mistakes.list()) all += to_text(mistake);
  const std::string& path = reach.hosts_file;
  CHECK(
      all ==
      path +
          ":5:1: error: `-oX` is no name of a host: an option of a command line has no place here\n  -oX\n  "
          "^\n" +
          hint + path + ":6:3: error: `a b` is no name of a host: one host a line\n    a b\n    ^\n" + hint +
          path +
          ":7:1: error: `web4,web5` is no name of a host: one host a line, without commas\n  web4,web5\n  ^\n" +
          hint + path +
          ":8:1: error: `x:y` is no name of a host: a name that ssh knows, or user@host:port, was expected\n" +
          "  x:y\n  ^\n" + hint);
}

TEST_CASE("A file of hosts that is not there, no file, no text or empty says so") {
  const TemporaryFolder folder;
  const auto wrong = [&](const std::string& path) {
    Diagnostics mistakes;
    Source text;
    ReachSettings reach;
    reach.hosts_file = path;
    CHECK(named_hosts(reach, text, mistakes).empty());
    REQUIRE(mistakes.size() == 1);
    return to_text(mistakes.list()[0]);
  };
  const std::string hosts = folder.file("hosts", "# nothing\n"), none = folder / "host",
                    wide = folder.file("wide", std::string("w\0e\0", 4));
  CHECK(wrong(none) ==
        none + ": error: cannot be read: No such file or directory\n  hint: did you mean `hosts`?\n");
  CHECK(wrong(hosts) == hosts + ": error: it names no host\n" + hint);
  CHECK(wrong(folder.file("empty", "")) == folder / "empty" + ": error: it names no host\n" + hint);
  CHECK(wrong(folder.folder("d")) == "error: --hosts " + folder / "d" + " is a folder, not a file\n");
  CHECK(wrong(wide).starts_with(wide + ":1:1: error: this is no text\n"));
}

TEST_CASE("A file of hosts in another format is one mistake, which names the format and says what is right") {
  struct Row {
    std::string text, place, what;
  };
  const Row rows[] = {
      {"# ours\n\n[web]\nweb1 ansible_host=10.0.0.1\n", "3:1",
       "a group of an inventory (INI), and there are no groups here"},
      {"[web:children]\nx y z\n", "1:1", "a group of an inventory (INI), and there are no groups here"},
      {"all:\n  hosts:\n    web1:\n", "1:1", "YAML"},
      {"---\n- web1\n", "1:1", "YAML"},
      {"- web1\n- web2\n", "1:1", "YAML"},
      {"hosts: [a, b]\n", "1:1", "YAML"},
      {"{\"hosts\": [\"web1\"]}\n", "1:1", "JSON"},
      {"[\n  \"web1\"\n]\n", "1:1", "JSON"},
      {"[\"web1\", \"web2\"]\n", "1:1", "JSON"},
      {"[]\n", "1:1", "JSON"},
      {"{\n  \"hots\": []\n}\n", "1:1", "JSON"},
      {"127.0.0.1 localhost\n::1 localhost\n", "1:1", "a list of addresses such as /etc/hosts"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const std::string told = wrong_with(row.text);
    CHECK(told.starts_with("hosts:" + row.place + ": error: this is " + row.what + "\n"));
    CHECK(told.ends_with(hint));
    CHECK(told.find("error:") == told.rfind("error:"));
  }
  CHECK(wrong_with("web1\nweb2 ansible_user=me\n") ==
        "hosts:2:1: error: this is a host with variables, as in an inventory\n  web2 ansible_user=me\n  ^\n"
        "  hint: name the host alone, as user@host:port; its user, port and key can stand in ~/.ssh/config\n");
  CHECK(wrong_with("Host web\n  HostName x\n") ==
        "hosts:1:1: error: this is ssh's configuration\n  Host web\n  ^\n"
        "  hint: give that with --ssh-config, and name the hosts here, one a line\n");
}

TEST_CASE("as root, a file of --hosts that others could change is refused") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": []})"),
                    hosts = folder.write("hosts", "local\n");
  const auto wrong = [&](const Words& words, const std::string& file, const std::string& mode,
                         const std::string& tail) {
    const Ended ended = folder.run(words);
    CHECK(ended.status == 3);
    CHECK(ended.err.starts_with("error: --hosts " + file + " is writable by everyone (mode " + mode +
                                "): root would do what somebody else can write there\n  hint: " + tail));
  };
  const Words plan{"plan", "--hosts", hosts, playbook}, facts{"facts", "--hosts", hosts},
      undo{"undo", "--hosts", hosts, "--state", "/x"}, history{"history", "--hosts", hosts};
  ::chmod(hosts.c_str(), 0666);
  wrong(plan, hosts, "0666", "take that right away, or say --trust-writable\n");
  for (const Words& words : {facts, undo, history}) wrong(words, hosts, "0666", "take that right away\n");
  CHECK(folder.run({"plan", "--trust-writable", "--hosts", hosts, playbook}).status == 0);
  ::chmod(hosts.c_str(), 0644);
  CHECK(folder.run(plan).status == 0);
  std::filesystem::create_directory(folder.path("shared"));
  ::chmod(folder.path("shared").c_str(), 0777);
  const std::string inside = folder.write("shared/hosts", "local\n");
  const Ended ended = folder.run({"plan", "--hosts", inside, playbook});
  CHECK(ended.status == 3);
  CHECK(ended.err.find(folder.path("shared") + " is writable by everyone (mode 0777)") != std::string::npos);
}
