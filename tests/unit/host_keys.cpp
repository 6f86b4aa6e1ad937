// Hosts' keys judged by known_hosts files, and the files of keys and certificates.
#include "ssh/host_keys.hpp"

#include "base/base64.hpp"
#include "ssh/key_text.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

using Case = HostKeyJudgement::Case;

// A key that is well-formed and nothing else.
HostKey key(const std::string& type, const std::string& body) {
  std::string blob;
  put_text(blob, type);
  put_text(blob, body);
  return {type, to_base64(blob)};
}

const HostKey ours = key("ssh-ed25519", "ours"), other = key("ssh-ed25519", "other"),
              ecdsa = key("ecdsa-sha2-nistp256", "ours"), rsa = key("ssh-rsa", "ours");

std::string line(const std::string& hosts, const HostKey& k, const std::string& marker = "") {
  return marker + hosts + " " + k.type + " " + k.base64 + "\n";
}

HostKeyJudgement judge(const std::string& text, const HostKey& shown = ours, const std::string& name = "box") {
  return judge_host_key(shown, name, {{"known", text}});
}

}  // namespace

TEST_CASE("a host's key is known, new, changed or revoked", "[ssh]") {
  struct Row {
    std::string text;
    Case what;
    std::string where;
  };
  const auto row = GENERATE(
      Row{"", Case::fresh, ""}, Row{line("box", ours), Case::known, "known:1"},
      Row{line("elsewhere", ours), Case::fresh, ""}, Row{line("box", other), Case::changed, "known:1"},
      Row{line("box", other) + line("box", ours), Case::known, "known:2"},
      Row{line("box", ours) + line("box", other), Case::known, "known:1"},
      Row{line("box", ecdsa), Case::changed, "known:1"},
      Row{line("box", ecdsa) + line("box", other), Case::changed, "known:2"},
      Row{line("box", ours) + line("*", ours, "@revoked "), Case::revoked, "known:2"},
      Row{line("box", ours, "@revoked ") + line("box", ours), Case::revoked, "known:1"},
      Row{line("elsewhere", ours, "@revoked ") + line("box", ours), Case::known, "known:2"},
      Row{line("box", other, "@revoked "), Case::fresh, ""},
      Row{line("box", ours, "@cert-authority "), Case::fresh, ""},
      Row{line("box", other, "@cert-authority ") + line("box", ours), Case::known, "known:2"},
      Row{line("box", ours, "@else "), Case::fresh, ""}, Row{"# " + line("box", ours), Case::fresh, ""},
      Row{"\n\n" + line("box", ours), Case::known, "known:3"},
      Row{"  \t" + line("box", ours), Case::known, "known:1"},
      Row{"box " + ours.type + " " + ours.base64, Case::known, "known:1"},
      Row{"box " + ours.type + " " + ours.base64 + " a comment # here\r\n", Case::known, "known:1"},
      Row{"box\t" + ours.type + "\t" + ours.base64 + "\n", Case::known, "known:1"});
  INFO(row.text);
  const auto j = judge(row.text);
  CHECK(j.what == row.what);
  CHECK(j.where == row.where);
}

TEST_CASE("lines that are no entries do not count", "[ssh]") {
  const std::string bad = GENERATE(
      std::string("box\n"), std::string("box ssh-ed25519\n"), std::string("box ssh-ed25519 !!!!\n"),
      std::string("@revoked\n"), std::string("box 1024 35 1234567\n"),
      "box ssh-rsa " + key("ssh-ed25519", "ours").base64 + "\n",  // the type is not the key's
      "box ssh-ed25519 " + key("ssh-ed25519", "ours").base64.substr(0, 9) + "\n",
      std::string("|1|x|y ssh-ed25519 AAAA\n"), std::string("|1| ") + ours.type + " " + ours.base64 + "\n",
      "|2|abc|def " + ours.type + " " + ours.base64 + "\n");
  INFO(bad);
  CHECK(judge(bad).what == Case::fresh);
  CHECK(judge(bad + line("box", ours)).what == Case::known);
}

TEST_CASE("patterns of hosts: lists, wildcards, negation, either case", "[ssh]") {
  struct Row {
    const char* patterns;
    bool matches;
  };
  const auto row = GENERATE(Row{"box", true}, Row{"BOX", true}, Row{"a,box,b", true}, Row{"a,b", false},
                            Row{"b?x", true}, Row{"b?", false}, Row{"*", true}, Row{"b*x", true},
                            Row{"*x*", true}, Row{"*y", false}, Row{"*,!box", false}, Row{"!box,*", false},
                            Row{"!other,*", true}, Row{"!other", false}, Row{",", false}, Row{"!,box", true},
                            Row{"b**x", true}, Row{"?*?*?", true}, Row{"?*?*?*?", false});
  INFO(row.patterns);
  CHECK((judge(line(row.patterns, ours)).what == Case::known) == row.matches);
}

TEST_CASE("a hashed name is found, as ssh-keygen -H makes it", "[ssh]") {
  // Of `box` and `[box]:2222`, by OpenSSH 9.2.
  CHECK(judge(line("|1|nNhGg5xpZwFGBL38ksN0gednSaE=|XmhWY0pT8wPFcnuERuCnZip6uwU=", ours)).what == Case::known);
  CHECK(judge(line("|1|DnAd9uOppH4GbITrHXz7vAmPzH8=|AXjtDiZhd/RNo9X/uCzXSNTM44o=", ours), ours, "[box]:2222")
            .what == Case::known);
  const std::string salt = "abcdefghijklmnopqrst";
  CHECK(judge(known_hosts_line(ours, "box", salt)).what == Case::known);
  CHECK(judge(known_hosts_line(other, "box", salt)).what == Case::changed);
  CHECK(judge(known_hosts_line(ours, "boy", salt)).what == Case::fresh);
  CHECK(judge("@revoked " + known_hosts_line(ours, "box", salt)).what == Case::revoked);
  CHECK(judge(known_hosts_line(ours, "[box]:2222", salt), ours, "[box]:2222").what == Case::known);
}

TEST_CASE("the name in known_hosts has the port where it is not 22, and an alias as it is", "[ssh]") {
  CHECK(known_hosts_name("Box.Example.com", 22, "") == "box.example.com");
  CHECK(known_hosts_name("box", 2222, "") == "[box]:2222");
  CHECK(known_hosts_name("2001:db8::1", 22, "") == "2001:db8::1");
  CHECK(known_hosts_name("box", 2222, "alias") == "alias");
}

TEST_CASE("with another port, a key known for the plain name is known, another one does not count", "[ssh]") {
  CHECK(judge(line("box", ours), ours, "[box]:2222").what == Case::known);
  CHECK(judge(line("box", other), ours, "[box]:2222").what == Case::fresh);
  CHECK(judge(line("box", ours, "@revoked "), ours, "[box]:2222").what == Case::revoked);
  CHECK(judge(line("[box]:2222", other) + line("box", ours), ours, "[box]:2222").what == Case::changed);
  CHECK(judge(line("[box]:2222", ours), ours, "box").what == Case::fresh);
}

TEST_CASE("several files count together, in order", "[ssh]") {
  const std::vector<KnownHosts> files{{"mine", line("box", ours)}, {"global", line("box", ours, "@revoked ")}};
  CHECK(judge_host_key(ours, "box", files).where == "global:1");
  CHECK(judge_host_key(other, "box", files).where == "mine:1");
  CHECK(known_key_types("box", {{"a", line("box", rsa)}, {"b", line("box", ours) + line("box", rsa)}}) ==
        std::vector<std::string>{"ssh-rsa", "ssh-ed25519"});
}

TEST_CASE("an authority for the host is reported, never taken for its key", "[ssh]") {
  CHECK(judge(line("*", ours, "@cert-authority ")).authority);
  CHECK_FALSE(judge(line("elsewhere", ours, "@cert-authority ")).authority);
}

TEST_CASE("the algorithms of known keys are asked for first", "[ssh]") {
  const std::vector<std::string> wanted{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"};
  CHECK(prefer_known(wanted, {}) == wanted);
  CHECK(prefer_known(wanted, {"ssh-rsa"}) ==
        std::vector<std::string>{"rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256"});
  CHECK(prefer_known(wanted, {"ecdsa-sha2-nistp256", "unheard-of"}).front() == "ecdsa-sha2-nistp256");
}

TEST_CASE("a fingerprint is ssh-keygen's", "[ssh]") {
  // ssh-keygen -lf of this line says so.
  const HostKey real{"ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"};
  CHECK(fingerprint(real) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  CHECK(short_type("ecdsa-sha2-nistp384") == "ECDSA");
  CHECK(fingerprint({"ssh-ed25519", "!"}) == "");
}

TEST_CASE("a list of revoked keys is one key a line", "[ssh]") {
  CHECK(lists_key(
      ours, "# revoked\n" + other.type + " " + other.base64 + "\n" + ours.type + " " + ours.base64 + " x\n"));
  CHECK_FALSE(lists_key(ours, other.type + " " + other.base64));
  CHECK_FALSE(lists_key(ours, ""));
}

TEST_CASE("the public half of a key's file is read, locked or not; so is the key of a certificate", "[ssh]") {
  CHECK(public_key_in("ssh-ed25519 " + ours.base64 + " me\n") == from_base64(ours.base64));
  CHECK(public_key_in("") == std::nullopt);
  CHECK(public_key_in("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n") ==
        std::nullopt);
  std::string certificate;
  put_text(certificate, "ssh-ed25519-cert-v01@openssh.com");
  put_text(certificate, "nonce");
  put_text(certificate, "ours");
  CHECK(certified_key(certificate) == from_base64(ours.base64));
  CHECK(certified_key(*from_base64(ours.base64)) == std::nullopt);
  CHECK(certified_key("") == std::nullopt);
}
