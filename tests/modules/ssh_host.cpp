#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "model/ssh_config.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string config = "/home/ubuntu/.ssh/config";
const std::string full =
    R"({"name": "mlops", "hostname": "192.0.2.7", "user": "ubuntu", "identity_file": "~/.ssh/key.pem",
        "strict_host_key_checking": "accept-new"})";
const std::string block =
    "Host mlops\n    HostName 192.0.2.7\n    User ubuntu\n    IdentityFile ~/.ssh/key.pem\n"
    "    StrictHostKeyChecking accept-new\n";

FakeMachine with_config(const std::string& text, std::uint32_t mode = 0600) {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu", 0755, "ubuntu");
  machine.f.folder("/home/ubuntu/.ssh", 0700, "ubuntu");
  machine.f.file(config, text, mode, "ubuntu");
  return machine;
}

Tried tried(const FakeMachine& machine, const std::string& parameters = full) {
  return try_module("ssh_host", parameters, machine);
}

// The file's text after applying; "(unchanged)" or the error.
std::string after(const std::string& text, const std::string& parameters = full) {
  try {
    const Tried t = tried(with_config(text), parameters);
    if (t.diff.empty()) return "(unchanged)";
    const auto* write = action<WriteFile>(t.diff, 0);
    if (!write) return "(no file is written)";
    CHECK(t.diff.actions.size() == 1);
    CHECK_FALSE(write->mode);
    CHECK(tried(with_config(write->content), parameters).diff.empty());  // applied again it changes nothing
    return write->content;
  } catch (const Error& e) {
    return e.message();
  }
}

std::string absent(const std::string& text) { return after(text, R"({"name": "mlops", "state": "absent"})"); }

std::string mistake(const std::string& parameters) {
  try {
    tried(FakeMachine(), parameters);
  } catch (const std::exception& e) {
    const std::string all = e.what();
    const auto begin = all.find("error: ") + 7;
    const auto hint = all.find("hint: ");
    return all.substr(begin, all.find('\n') - begin) +
           (hint == all.npos ? "" : " | " + all.substr(hint + 6, all.find('\n', hint) - hint - 6));
  }
  return "";
}

}  // namespace

TEST_CASE("ssh_host: without ~/.ssh the folder and the file are made, for the person alone") {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu", 0755, "ubuntu");
  const Tried t = tried(machine);
  REQUIRE(t.diff.actions.size() == 2);
  CHECK(action<CreateDirectory>(t.diff, 0)->path == "/home/ubuntu/.ssh");
  CHECK(action<CreateDirectory>(t.diff, 0)->mode == 0700u);
  CHECK(action<CreateDirectory>(t.diff, 0)->owner == "ubuntu");
  CHECK(action<WriteFile>(t.diff, 1)->content == block);
  CHECK(action<WriteFile>(t.diff, 1)->mode == 0600u);
  CHECK(action<WriteFile>(t.diff, 1)->owner == "ubuntu");
  REQUIRE(t.diff.changes.size() == 1);
  CHECK(t.diff.changes[0].property == "exists");
  CHECK(t.diff.changes[0].text_diff.find("+    User ubuntu\n") != std::string::npos);

  machine.f.folder("/home/ubuntu/.ssh", 0700, "ubuntu");
  CHECK(tried(machine).diff.actions.size() == 1);
  CHECK(try_module("ssh_host", R"({"name": "mlops", "state": "absent"})", machine).diff.empty());
}

TEST_CASE("ssh_host: a home that is not there is named") {
  CHECK_THROWS_WITH(tried(FakeMachine()),
                    "/home/ubuntu does not exist, so /home/ubuntu/.ssh/config cannot be made");
}

TEST_CASE("ssh_host: a new block comes after all others, or before the first that its host matches too") {
  CHECK(after("") == block);
  CHECK(after("Host other\n  User o\n") == "Host other\n  User o\n\n" + block);
  CHECK(after("Host other\n  User o") == "Host other\n  User o\n\n" + block);
  CHECK(after("Host *\n  User o\n") == block + "\nHost *\n  User o\n");
  CHECK(after("Host a\n  User o\n\n# for all\nHost *\n  User o\n") ==
        "Host a\n  User o\n\n" + block + "\n# for all\nHost *\n  User o\n");
  CHECK(after("Host a\nHost ml*\n  User o\n") == "Host a\n" + block + "Host ml*\n  User o\n");
  CHECK(after("Host a\n\nMatch user x\n  Port 1\n") == "Host a\n\n" + block + "\nMatch user x\n  Port 1\n");
  CHECK(after("Host * !mlops\n  User o\n") == "Host * !mlops\n  User o\n\n" + block);
  CHECK(after("Compression yes\nHost *\n") == "Compression yes\n" + block + "Host *\n");
}

TEST_CASE("ssh_host: what the block says already is left as it is written") {
  CHECK(after(block) == "(unchanged)");
  CHECK(after("host \"mlops\"\nhostname=192.0.2.7\n\tuser  \"ubuntu\"\nIDENTITYFILE = ~/.ssh/key.pem # mine\n"
              "StrictHostKeyChecking accept-new\nPort 2222\n") == "(unchanged)");
  CHECK(after("Host mlops\r\n  HostName 192.0.2.7\r\n  User ubuntu\r\n  IdentityFile ~/.ssh/key.pem\r\n"
              "  StrictHostKeyChecking accept-new\r\n") == "(unchanged)");
}

TEST_CASE("ssh_host: only the lines that differ change, with their indent, spelling and comment") {
  const std::string others = "# my hosts\n\nHost a b\n\tPort 1\n\n";
  CHECK(
      after(
          others +
          "Host mlops\n\thostname 10.0.0.1 # until Monday\n\n\t# keep\n\tForwardAgent yes\n\n# c\nHost c\n") ==
      others +
          "Host mlops\n\thostname 192.0.2.7 # until Monday\n\n\t# keep\n\tForwardAgent yes\n\tUser ubuntu\n"
          "\tIdentityFile ~/.ssh/key.pem\n\tStrictHostKeyChecking accept-new\n\n# c\nHost c\n");
  const Tried t =
      tried(with_config("Host mlops\n  HostName 10.0.0.1\n  User ubuntu\n  IdentityFile ~/.ssh/key.pem\n"
                        "  StrictHostKeyChecking accept-new\n"));
  REQUIRE(t.diff.changes.size() == 1);
  CHECK(t.diff.changes[0].property == "HostName");
  CHECK(t.diff.changes[0].before == Value("10.0.0.1"));
  CHECK(t.diff.changes[0].after == Value("192.0.2.7"));
  CHECK(t.diff.changes[0].text_diff.find("-  HostName 10.0.0.1\n+  HostName 192.0.2.7\n") != std::string::npos);
}

TEST_CASE("ssh_host: a file with Windows line ends keeps them") {
  CHECK(after("Host a\r\n  Port 1\r\n", R"({"name": "m", "port": 22})") ==
        "Host a\r\n  Port 1\r\n\r\nHost m\r\n    Port 22\r\n");
  CHECK(after("Host m\r\n  Port 1 # x\r\n", R"({"name": "m", "port": 22})") == "Host m\r\n  Port 22 # x\r\n");
}

TEST_CASE(
    "ssh_host: of a keyword that ssh collects the block has just those lines, of another the first counts") {
  const std::string forwards =
      R"({"name": "m", "options": {"localforward": ["8888 localhost:8888", "5000 localhost:5000"]}})";
  CHECK(after("Host m\n", forwards) ==
        "Host m\n    LocalForward 8888 localhost:8888\n    LocalForward 5000 localhost:5000\n");
  CHECK(after("Host m\n  LocalForward 1 a:1\n  User u\n  LocalForward 8888   localhost:8888\n", forwards) ==
        "Host m\n  LocalForward 8888 localhost:8888\n  LocalForward 5000 localhost:5000\n  User u\n");
  CHECK(after("Host m\n  LocalForward 8888   localhost:8888\n  LocalForward 5000 localhost:5000\n", forwards) ==
        "(unchanged)");
  CHECK(after("Host m\n  Port 1\n  Port 2\n", R"({"name": "m", "port": 2})") == "Host m\n  Port 2\n  Port 2\n");
}

TEST_CASE("ssh_host: an option that is null goes, wherever the block has it") {
  const std::string none =
      R"({"name": "m", "options": {"ForwardAgent": null, "Compression": true, "ServerAliveInterval": 30}})";
  CHECK(after("Host m\n  ForwardAgent yes\n  User u\n  forwardagent no\n", none) ==
        "Host m\n  User u\n  Compression yes\n  ServerAliveInterval 30\n");
  CHECK(after("Host m\n  Compression yes\n  ServerAliveInterval 30\nHost *\n  ForwardAgent yes\n", none) ==
        "(unchanged)");
}

TEST_CASE("ssh_host: an empty text is as if it were not given") {
  CHECK(after("Host m\n  User u\n",
              R"({"name": "m", "hostname": "", "user": "", "identity_file": "", "port": 22})") ==
        "Host m\n  User u\n  Port 22\n");
}

TEST_CASE("ssh_host: paths with spaces are quoted, and compared as ssh reads them") {
  const std::string spaced = R"({"name": "m", "identity_file": ["~/my keys/a", "~/b"]})";
  CHECK(after("", spaced) == "Host m\n    IdentityFile \"~/my keys/a\"\n    IdentityFile ~/b\n");
  CHECK(after("Host m\n IdentityFile '~/my keys/a'\n IdentityFile \"~/b\"\n", spaced) == "(unchanged)");
}

TEST_CASE("ssh_host: a host that is named beside others is an error with the line, also for its removal") {
  const std::string text = "Host x\n\nHost a mlops b\n  Port 1\n";
  const std::string message =
      "~/.ssh/config:3: `Host a mlops b` names mlops beside others; give it a block of its own, or manage them "
      "all";
  CHECK(after(text) == message);
  CHECK(absent(text) == message);
  CHECK(after(block + text) ==
        "~/.ssh/config:8: `Host a mlops b` names mlops beside others; give it a block of its "
        "own, or manage them all");
}

TEST_CASE("ssh_host: what comes before the block and wins is an error with the line") {
  CHECK(after("# all\nUser bob\nHost x\n") ==
        "~/.ssh/config:2: `User bob` comes before the block of mlops and wins over its ubuntu; ssh takes the "
        "first "
        "value: move it below, or leave `User` out");
  CHECK(after("User ubuntu\nHost x\n  User bob\n") == "User ubuntu\nHost x\n  User bob\n\n" + block);
  CHECK(after("Host m*\n  User bob\n\n" + block).starts_with("~/.ssh/config:2: `User bob` comes before"));
  CHECK(after("Match all\n  User bob\n" + block).starts_with("~/.ssh/config:2: `User bob` comes before"));
  CHECK(after("Host m*\n  IdentityFile ~/x\n\n" + block) == "(unchanged)");  // keys add up
  CHECK(after("Host m*\n  Port 7\n\n" + block) == "(unchanged)");            // nothing is desired of it
}

TEST_CASE("ssh_host: absent takes the block and leaves the rest") {
  CHECK(absent("") == "(unchanged)");
  CHECK(absent("Host *\n") == "(unchanged)");
  CHECK(absent("# mine\n\n" + block + "\n# next\nHost next\n") == "# mine\n\n# next\nHost next\n");
  CHECK(absent(block + "  # about nothing\n\nHost next\n") == "  # about nothing\n\nHost next\n");
  CHECK(absent("Host mlops\n  Port 1\nHost x\nHost mlops\n") == "Host x\n");
}

TEST_CASE("ssh_host: a block that was made and taken away again leaves no trace") {
  for (const std::string text :
       {"", "Host a\n", "Host a\n\n", "# c\n", "Host *\n", "\nHost *\n", "# c\nHost *\n", "Host a\nHost *\n",
        "Host a\n\n# c\nHost *\n  Port 1\n\n", "Match all\n", "Port 1\n"}) {
    INFO(text);
    const std::string with = after(text);
    CHECK(has_ssh_host(with, "mlops"));
    CHECK((absent(with) == text));
  }
}

TEST_CASE("ssh_host: a file that others may write is taken from them, since ssh refuses it") {
  const Tried t = tried(with_config(block, 0664));
  REQUIRE(t.diff.actions.size() == 1);
  CHECK(action<SetAttributes>(t.diff, 0)->mode == 0644u);
  CHECK(t.diff.changes[0].property == "mode");
  CHECK(tried(with_config(block, 0644)).diff.empty());
  CHECK(try_module("ssh_host", R"({"name": "x", "state": "absent"})", with_config(block, 0666)).diff.empty());
}

TEST_CASE("ssh_host: mistakes in its parameters") {
  CHECK(mistake(R"({"name": "a b"})") == "`a b` is no alias of one host");
  CHECK(mistake(R"({"name": "*.org"})") == "`*.org` is no alias of one host");
  CHECK(mistake(R"({"name": "u@h"})") == "`u@h` is no alias of one host");
  CHECK(mistake(R"({"name": "a", "port": 0})") == "0 is no port (1 to 65535)");
  CHECK(mistake(R"({"name": "a", "user": "x\nProxyCommand evil"})") ==
        "control characters cannot stand in ssh's configuration");
  CHECK(mistake(R"({"name": "a", "identity_file": "a\"b"})") == "a quote cannot stand in ssh's configuration");
  CHECK(mistake(R"({"name": "a", "options": {"ForwardAgnt": "yes"}})") ==
        "ssh_config(5) has no keyword `ForwardAgnt` | did you mean `ForwardAgent`?");
  CHECK(mistake(R"({"name": "a", "options": {"IgnoreUnknown": "New*", "NewWord": "yes"}})") ==
        "ubuntu does not exist, so /home/ubuntu/.ssh/config cannot be made");
  CHECK(mistake(R"({"name": "a", "options": {"user": "x"}})") ==
        "`User` has a parameter of its own | write it as `user`");
  CHECK(mistake(R"({"name": "a", "options": {"Compression": ["yes", "no"]}})") ==
        "of `Compression` ssh takes only the first value");
  CHECK(mistake(R"({"name": "a", "options": {"Compression": "yes", "compression": "no"}})") ==
        "`Compression` is given twice");
  CHECK(mistake(R"({"name": "a", "options": {"ProxyCommand": "a\nb"}})") ==
        "`ProxyCommand` needs a value of one line");
}

TEST_CASE(
    "ssh_host: an option that would not be read back as one line of the block is a mistake, not a crash") {
  for (const char* keyword : {"New Word", "New=Word", "", "#New", "Host", "match", "Include", "New\\tWord"}) {
    CAPTURE(keyword);
    CHECK(mistake(R"({"name": "a", "options": {"IgnoreUnknown": "*", ")" + std::string(keyword) + R"(": "x"}})")
              .find("cannot be a line of a host's block | a keyword is one word") != std::string::npos);
  }
  for (const char* value : {"a # b", "=a", "= a", "a #"}) {
    CAPTURE(value);
    CHECK(mistake(R"({"name": "a", "options": {"LocalCommand": )" + json_quote(value) + "}}")
              .find("ssh would not read the value of `LocalCommand` as it is written") == 0);
  }
  CHECK(mistake(R"({"name": "a", "hostname": "=b"})") == "ssh would read over the `=` at its begin");
}

TEST_CASE("ssh_host: it edits its own block, so that several share the file") {
  const Module& module = *find_module("ssh_host");
  const Tried t = tried(with_config(""));
  const Claims claims = module.claims(t.desired);
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].key == config);
  CHECK(claims[0].access == Claim::Access::edits);
  CHECK(claims[0].subkey == "Host mlops");
  CHECK(module.actor(t.desired).kind == Actor::Kind::path);
  CHECK(to_json(module.outputs(t.desired, t.current).values) ==
        R"({"name":"mlops","config":"/home/ubuntu/.ssh/config"})");
}

// ---- the real ssh, and real runs ----------------------------------------------------------------------------

namespace {

// What ssh makes of a file for a host: `ssh -G`'s line of that keyword, "" for none.
std::string ssh_says(const std::string& file, const std::string& host, const std::string& keyword) {
  const std::string command = "ssh -G -F '" + file + "' " + host + " 2>&1 </dev/null";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string out;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  REQUIRE(::pclose(pipe) == 0);
  std::istringstream lines(out);
  std::string all;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(keyword + " ")) all += (all.empty() ? "" : ",") + line.substr(keyword.size() + 1);
  return all;
}

const std::string playbook = R"({"resources": [
  {"type": "ssh_host", "id": "a", "config": "@/home/.ssh/config", "name": "mlops", "hostname": "192.0.2.7", "user": "ubuntu",
   "port": 2222, "identity_file": "/home/ubuntu/my keys/key.pem", "strict_host_key_checking": "accept-new",
   "proxy_jump": "gate", "options": {"LocalForward": ["8888 localhost:8888", "5000 localhost:5000"],
   "ServerAliveInterval": 30, "ForwardAgent": false}},
  {"type": "ssh_host", "id": "b", "config": "@/home/.ssh/config", "name": "other", "user": "bob"}]})";

std::string said(const Ended& ended) {
  std::string all;
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource")
      all += line.at("id").get<std::string>() + " " + line.at("outcome").get<std::string>() + "\n";
  return all;
}

}  // namespace

TEST_CASE("ssh_host: every keyword that it knows is one of ssh's") {
  AgentFolder folder;
  std::string text;
  for (const std::string_view keyword : ssh_keywords()) {
    // Without a value ssh names the keyword that lacks one, or calls it bad.
    std::ofstream(folder.path("c")) << keyword << "\n";
    std::FILE* pipe = ::popen(("ssh -G -F " + folder.path("c") + " h 2>&1 </dev/null").c_str(), "r");
    char buffer[4096];
    std::string out;
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    ::pclose(pipe);
    const bool newer = keyword == "ChannelTimeout" || keyword == "ObscureKeystrokeTiming" || keyword == "Tag";
    if (!newer && out.find("Bad configuration option") != out.npos) text += std::string(keyword) + "\n";
  }
  CHECK(text == "");
}

TEST_CASE("ssh_host: plan, apply, apply, vandalise, apply; and ssh reads what was meant") {
  AgentFolder folder;
  std::filesystem::create_directory(folder.tree() + "/home");
  const std::string file = folder.write("p.json", playbook), made = folder.tree() + "/home/.ssh/config";
  const auto bare = folder.picture();
  CHECK(said(folder.run({"plan", "--json", file})) == "a would_change\nb would_change\n");
  CHECK(folder.picture() == bare);
  CHECK(said(folder.run({"apply", "--json", file})) == "a changed\nb changed\n");
  struct stat s {};
  ::stat((folder.tree() + "/home/.ssh").c_str(), &s);
  CHECK((s.st_mode & 07777) == 0700);
  ::stat(made.c_str(), &s);
  CHECK((s.st_mode & 07777) == 0600);
  const auto is_right = [&] {
    CHECK(ssh_says(made, "mlops", "hostname") == "192.0.2.7");
    CHECK(ssh_says(made, "mlops", "user") == "ubuntu");
    CHECK(ssh_says(made, "mlops", "port") == "2222");
    CHECK(ssh_says(made, "mlops", "identityfile") == "/home/ubuntu/my keys/key.pem");
    CHECK(ssh_says(made, "mlops", "stricthostkeychecking") == "accept-new");
    CHECK(ssh_says(made, "mlops", "proxyjump") == "gate");
    CHECK(ssh_says(made, "mlops", "localforward") == "8888 [localhost]:8888,5000 [localhost]:5000");
    CHECK(ssh_says(made, "mlops", "serveraliveinterval") == "30");
    CHECK(ssh_says(made, "mlops", "forwardagent") == "no");
    CHECK(ssh_says(made, "other", "user") == "bob");
  };
  is_right();
  const auto settled = folder.picture();
  CHECK(said(folder.run({"apply", "--json", file})) == "a ok\nb ok\n");
  CHECK(folder.run({"plan", file}).status == 0);
  CHECK(folder.picture() == settled);

  // Somebody adds a block for all hosts above, changes a line, adds one, and lets others write the file.
  std::string text = AgentFolder::read(made);
  text.replace(text.find("192.0.2.7"), 9, "198.51.100.1");
  text.insert(text.find("    ProxyJump"), "    Compression yes\n");
  std::ofstream(made) << text << "\n# everywhere\nHost *\n    User nobody\n    ServerAliveInterval 5\n";
  ::chmod(made.c_str(), 0666);
  CHECK(said(folder.run({"plan", "--json", file})) == "a would_change\nb ok\n");
  CHECK(said(folder.run({"apply", "--json", file})) == "a changed\nb ok\n");
  is_right();
  CHECK(ssh_says(made, "mlops", "compression") == "yes");
  CHECK(ssh_says(made, "elsewhere", "user") == "nobody");
  ::stat(made.c_str(), &s);
  CHECK((s.st_mode & 07777) == 0644);
  CHECK(said(folder.run({"apply", "--json", file})) == "a ok\nb ok\n");
}

TEST_CASE("ssh_host: blocks that are not desired go, and the person's text is what it was") {
  AgentFolder folder;
  std::filesystem::create_directories(folder.tree() + "/home/.ssh");
  const std::string made = folder.tree() + "/home/.ssh/config", own = "# mine\nHost *\n  User me\n";
  std::ofstream(made) << own;
  ::chmod(made.c_str(), 0600);
  CHECK(said(folder.run({"apply", "--json", folder.write("p.json", playbook)})) == "a changed\nb changed\n");
  CHECK(ssh_says(made, "mlops", "user") == "ubuntu");
  CHECK(ssh_says(made, "other", "user") == "bob");
  const std::string gone = folder.write("q.json", R"({"resources": [
    {"type": "ssh_host", "id": "a", "config": "@/home/.ssh/config", "name": "mlops", "state": "absent"},
    {"type": "ssh_host", "id": "b", "config": "@/home/.ssh/config", "name": "other", "state": "absent"}]})");
  CHECK(said(folder.run({"apply", "--json", gone})) == "a changed\nb changed\n");
  CHECK(AgentFolder::read(made) == own);
  CHECK(said(folder.run({"apply", "--json", gone})) == "a ok\nb ok\n");
}
