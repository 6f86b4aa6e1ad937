// The host keys that cloud-init prints on a machine's console.
#include "domains/cloud/console_keys.hpp"

#include "support/catch.hpp"

using namespace mlops;

namespace {

const std::string ed1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
                  ed2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                  ecdsa =
                      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEez"
                      "OmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";

std::string block(const std::string& lines) {
  return "-----BEGIN SSH HOST KEY KEYS-----\n" + lines + "-----END SSH HOST KEY KEYS-----\n";
}

}  // namespace

TEST_CASE("The keys of the console's last whole block are read, whatever stands in between") {
  using Keys = std::vector<std::string>;
  CHECK(keys_on_console("").empty());
  CHECK(keys_on_console("[    0.0] Linux\n" + ed1 + "\n").empty());
  CHECK(keys_on_console(block(ecdsa + " root@ip-172-31-0-9\r\n[   12.3] audit: type=1400\n\nbox login: \n" +
                              ed1 + " root@ip\n")) == Keys{ecdsa, ed1});
  CHECK(keys_on_console(block(ed1 + "\n") + "rebooted\n" + block(ed2 + "\n") + "box login: ") == Keys{ed2});
  CHECK(keys_on_console(block(ed1 + "\n") + "-----BEGIN SSH HOST KEY KEYS-----\n" + ed2) == Keys{ed1});
  CHECK(keys_on_console("-----END SSH HOST KEY KEYS-----\n").empty());
  CHECK(keys_on_console(block("ssh-ed25519 AAAA\nssh-rsa " + ed1.substr(12) + "\nssh-ed25519\n")).empty());
}

TEST_CASE("A console that shows other keys than the known one says by which the machine is known") {
  CHECK(key_against({}, ed1).empty());
  CHECK(key_against({ecdsa, ed1}, ed1).empty());
  CHECK(key_against({ecdsa, ed2}, ed1) == ed2);
  CHECK(key_against({ecdsa}, ed1) == ecdsa);
}
