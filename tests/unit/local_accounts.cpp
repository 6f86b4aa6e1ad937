#include "domains/accounts/local.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/person.hpp"
#include "domains/accounts/owner_names.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

struct Etc {
  std::filesystem::path path;
  Etc() {
    std::string name = (std::filesystem::temp_directory_path() / "etc-XXXXXX").string();
    path = ::mkdtemp(name.data());
    write("passwd",
          "root:x:0:0:root:/root:/bin/bash\n"
          "ubuntu:x:1000:1000:Ubuntu,,,:/home/ubuntu:/bin/zsh\n"
          "broken:x:ten:1000::/:/bin/sh\n"
          "short:x:1\n"
          "noshell:x:1001:4242::/srv:\n"
          "ubuntu:x:2000:2000:second:/tmp:/bin/sh\n"
          "+nis::::::\n");
    write("group",
          "root:x:0:\n"
          "ubuntu:x:1000:ubuntu\n"
          "docker:x:998:zoe,ubuntu,ubuntu\n"
          "adm:x:4:ubuntu");
  }
  ~Etc() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path / (name + "+")) << text;
    std::filesystem::rename(path / (name + "+"), path / name);
  }
};

}  // namespace

TEST_CASE("a user has its groups by name, without the primary, sorted") {
  const Etc etc;
  const auto user = LocalAccounts(etc.path).user("ubuntu");
  REQUIRE(user);
  const UserAccount expected{"ubuntu",       1000,       "ubuntu",         "Ubuntu,,,",
                             "/home/ubuntu", "/bin/zsh", {"adm", "docker"}};
  CHECK(*user == expected);
}

TEST_CASE("a group has its members once, sorted") {
  const Etc etc;
  const auto group = LocalAccounts(etc.path).group("docker");
  REQUIRE(group);
  const GroupAccount expected{"docker", 998, {"ubuntu", "zoe"}};
  CHECK(*group == expected);
}

TEST_CASE("lines that are not well formed are left out, and absent is a value") {
  const Etc etc;
  const LocalAccounts accounts(etc.path);
  CHECK_FALSE(accounts.user("broken"));
  CHECK_FALSE(accounts.user("short"));
  CHECK_FALSE(accounts.user("+nis"));
  CHECK_FALSE(accounts.user("nobody-of-that-name"));
  CHECK_FALSE(accounts.group("games"));
  CHECK_FALSE(accounts.user_by_uid(2000));
}

TEST_CASE("a primary group without a name is its number, and no shell is /bin/sh") {
  const Etc etc;
  const auto user = LocalAccounts(etc.path).user_by_uid(1001);
  REQUIRE(user);
  CHECK(user->name == "noshell");
  CHECK(user->group == "4242");
  CHECK(user->shell == "/bin/sh");
}

TEST_CASE("accounts are read again when a file changed") {
  Etc etc;
  const LocalAccounts accounts(etc.path);
  CHECK_FALSE(accounts.group("games"));
  etc.write("group", "games:x:60:ubuntu\n");
  CHECK(accounts.group("games")->gid == 60u);
  CHECK(accounts.user("ubuntu")->groups == std::vector<std::string>{"games"});
}

TEST_CASE("files that are not there mean no accounts") {
  const LocalAccounts accounts("/nonexistent");
  CHECK_FALSE(accounts.user("root"));
  CHECK_FALSE(accounts.group("root"));
}

TEST_CASE("owners are names where there is one, numbers else, both ways") {
  Etc etc;
  const LocalAccounts accounts(etc.path);
  OwnerNames names(accounts);
  CHECK(names.user(1000) == "ubuntu");
  CHECK(names.user(54321) == "54321");
  CHECK(names.group(998) == "docker");
  CHECK(&names.group(998) == &names.group(998));
  CHECK(names.uid("ubuntu") == 1000u);
  CHECK(names.uid("77") == 77u);
  CHECK_FALSE(names.uid("nobody-of-that-name"));
  CHECK_FALSE(names.uid("4294967295"));
  CHECK_FALSE(names.gid(""));
  CHECK(names.gid("docker") == 998u);
  etc.write("group", "docker:x:60:\n");
  CHECK(names.gid("docker") == 998u);
  names.forget();
  CHECK(names.gid("docker") == 60u);
}

TEST_CASE("this process runs for a user of passwd") {
  const Person person = effective_person();
  CHECK(person.uid == ::geteuid());
  CHECK_FALSE(person.name.empty());
  CHECK(person.home.starts_with("/"));
}
