// Names of hosts, and what ssh -G says of them.
#include "ssh/settings.hpp"

#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using Strict = SshSettings::Strict;

struct Row {
  const char *name, *user, *host;
  int port;  // 0: not said
};

const SshSurroundings here{"/home/ann", "ann", "desk.example.com", 1000, [](const char* name) -> const char* {
                             return std::string(name) == "WHERE" ? "/where" : nullptr;
                           }};

SshSettings parse(const std::string& text, const std::string& name = "box") {
  return parse_ssh_settings(name, "host box\nuser bob\nhostname box.example.com\nport 22\n" + text, here);
}

}  // namespace

TEST_CASE("a host's name is taken apart", "[ssh]") {
  const auto row =
      GENERATE(Row{"box", "", "box", 0}, Row{"ann@box", "ann", "box", 0}, Row{"box:2222", "", "box", 2222},
               Row{"ann@box:22", "ann", "box", 22}, Row{"a@b@box", "a@b", "box", 0},
               Row{"192.0.2.7:2222", "", "192.0.2.7", 2222}, Row{"2001:db8::1", "", "2001:db8::1", 0},
               Row{"[2001:db8::1]:2222", "", "2001:db8::1", 2222}, Row{"[box]", "", "box", 0},
               Row{"fe80::1%eth0", "", "fe80::1%eth0", 0}, Row{"ssh://ann@box:2222/", "ann", "box", 2222},
               Row{"ssh://box", "", "box", 0}, Row{"DOMAIN\\ann@box", "DOMAIN\\ann", "box", 0});
  const SshDestination d = ssh_destination(row.name);
  CHECK(d.user == row.user);
  CHECK(d.host == row.host);
  CHECK(d.port.value_or(0) == row.port);
}

TEST_CASE("what a shell or an option parser would take for something else is no host", "[ssh]") {
  const std::string name =
      GENERATE("", "-oProxyCommand=x", "ann@-x", "-l@box", "box;reboot", "$(reboot)", "a b", "box\n", "`x`",
               "@box", "ann@", "box:", "box:0", "box:65536", "box:22x", "[box", "[box]22", "a|b", "x'y",
               "ann;x@box", "ann\\@box", "ssh://");
  INFO(name);
  CHECK_THROWS_AS(ssh_destination(name), Error);
}

TEST_CASE("the settings are those of ssh -G", "[ssh]") {
  const SshSettings s = parse(
      "port 2222\nhostkeyalias alias\nidentityfile ~/.ssh/id_%r\nidentityfile /keys/a b\ncertificatefile %d/c\n"
      "identityagent ${WHERE}/agent\nidentitiesonly yes\nuserknownhostsfile /a ~/b none\nglobalknownhostsfile "
      "none\n"
      "hashknownhosts yes\nstricthostkeychecking accept-new\nproxyjump a,b\nproxycommand nc %h %p %r %n %%\n"
      "passwordauthentication no\nkbdinteractiveauthentication no\npubkeyauthentication unbound\nbatchmode "
      "yes\n"
      "preferredauthentications publickey,password\nnumberofpasswordprompts 1\nconnecttimeout 7\ncompression "
      "yes\n"
      "addressfamily inet6\nbindaddress 192.0.2.1\nrevokedhostkeys /r\nrequiredrsasize 2048\n"
      "nohostauthenticationforlocalhost yes\nciphers a,b\nmacs c\nkexalgorithms d\nhostkeyalgorithms e,f\n"
      "pubkeyacceptedalgorithms g\nknownhostscommand /x\nunheardof 1\n");
  CHECK(s.host == "box.example.com");
  CHECK(s.user == "bob");
  CHECK(s.port == 2222);
  CHECK(s.host_key_alias == "alias");
  CHECK(s.identity_files == std::vector<std::string>{"/home/ann/.ssh/id_bob", "/keys/a b"});
  CHECK(s.certificate_files == std::vector<std::string>{"/home/ann/c"});
  CHECK(s.identity_agent == "/where/agent");
  CHECK(s.identities_only);
  CHECK(s.user_known_hosts == std::vector<std::string>{"/a", "/home/ann/b"});
  CHECK(s.global_known_hosts.empty());
  CHECK(s.hash_known_hosts);
  CHECK(s.strict == Strict::accept_new);
  CHECK(s.proxy_jump == "a,b");
  CHECK(s.proxy_command == "nc box.example.com 2222 bob box %");
  CHECK_FALSE(s.password_authentication);
  CHECK_FALSE(s.keyboard_interactive);
  CHECK(s.public_key);
  CHECK(s.batch);
  CHECK(s.preferred_authentications == std::vector<std::string>{"publickey", "password"});
  CHECK(s.password_prompts == 1);
  CHECK(s.connect_timeout == 7u);
  CHECK(s.compression);
  CHECK(s.family == SshSettings::Family::ipv6);
  CHECK(s.bind_address == "192.0.2.1");
  CHECK(s.revoked_host_keys == "/r");
  CHECK(s.least_rsa_bits == 2048);
  CHECK(s.no_check_for_loopback);
  CHECK(s.ciphers == std::vector<std::string>{"a", "b"});
  CHECK(s.host_key_algorithms == std::vector<std::string>{"e", "f"});
  CHECK(s.unsupported == std::vector<std::string>{"KnownHostsCommand /x"});
}

TEST_CASE("a path's tokens are those of ssh_config", "[ssh]") {
  CHECK(parse("identityfile %u/%i/%h/%p/%n/%k/%l/%L/%%/%z\n").identity_files.front() ==
        "ann/1000/box.example.com/22/box/box.example.com/desk.example.com/desk/%/%z");
  CHECK(parse("identityfile ${NONE}/x\n").identity_files.front() == "/x");
  CHECK(parse("identityfile ~root/x\n").identity_files.front() == "/root/x");
  CHECK(parse("identityfile ${x\n").identity_files.front() == "${x");
}

TEST_CASE("StrictHostKeyChecking has four meanings", "[ssh]") {
  const auto [text, meaning] = GENERATE(table<std::string, Strict>({{"ask", Strict::ask},
                                                                    {"true", Strict::yes},
                                                                    {"yes", Strict::yes},
                                                                    {"false", Strict::no},
                                                                    {"no", Strict::no},
                                                                    {"off", Strict::no},
                                                                    {"accept-new", Strict::accept_new},
                                                                    {"else", Strict::ask}}));
  CHECK(parse("stricthostkeychecking " + text + "\n").strict == meaning);
}

TEST_CASE("the agent is the configured one, the environment's or none", "[ssh]") {
  CHECK(parse("").identity_agent == "");
  CHECK(parse("identityagent SSH_AUTH_SOCK\n").identity_agent == "");
  CHECK(parse("identityagent none\n").identity_agent == "none");
  CHECK(parse("identityagent $WHERE\n").identity_agent == "/where");
  CHECK(parse("identityagent $NOWHERE\n").identity_agent == "none");
  CHECK(parse("identityagent ~/a\n").identity_agent == "/home/ann/a");
}

TEST_CASE("ssh itself reads the configuration: Include, Match and what the name says", "[ssh]") {
  const TemporaryFolder folder;
  folder.file("more", "Host box\n  HostName included.example.com\n");
  const std::string config = folder.file(
      "config",
      "Include " + (folder / "more") + "\nMatch host included.example.com\n  User matched\n  Port 2200\n",
      0600);
  const SshSettings s = ssh_settings("box", config);
  CHECK(s.name == "box");
  CHECK(s.host == "included.example.com");
  CHECK(s.user == "matched");
  CHECK(s.port == 2200);
  CHECK(s.config_file == config);
  const SshSettings named = ssh_settings("me@box:2201", config);
  CHECK(named.user == "me");
  CHECK(named.port == 2201);
}

TEST_CASE("another configuration is named from where the command was typed", "[ssh]") {
  const TemporaryFolder folder;
  folder.file("config", "Host box\n  Port 2200\n", 0600);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  const SshSettings s = ssh_settings("box", "config");
  std::filesystem::current_path(before);
  CHECK(s.port == 2200);
  CHECK(std::filesystem::path(s.config_file).is_absolute());
}

TEST_CASE("a configuration that ssh refuses is reported in its words", "[ssh]") {
  const TemporaryFolder folder;
  const std::string config = folder.file("config", "Hots box\n", 0600);
  try {
    ssh_settings("box", config);
    FAIL("taken");
  } catch (const Error& e) {
    CHECK(e.message().find("Bad configuration option: hots") != std::string::npos);
  }
}

TEST_CASE("a HostName that a shell would misread is refused", "[ssh]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(ssh_settings("box", folder.file("config", "Host box\n  HostName a;b\n", 0600)), Error);
}
