#include "domains/accounts/account_change.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "domains/accounts/local.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace mlops {
namespace {

// A folder with the files of two users and their groups.
class Etc {
 public:
  Etc() {
    write("passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n");
    write("group", "root:x:0:\ncrew:x:50:bob\nbob:x:1001:\n");
    write("shadow", "root:*:1::::::\nbob:!:1::::::\n");
    write("gshadow", "root:*::\ncrew:!::bob\nbob:!::\n");
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  std::string root() const { return folder_ / ""; }
  // As useradd leaves it when it is killed behind shadow.
  void half_add_ada() const {
    write("passwd", read("passwd") + "ada:x:1002:1002::/home/ada:/bin/sh\n");
    write("shadow", read("shadow") + "ada:!:20000::::::\n");
    write("group.lock", "812");
    write("group+", "half");
    write("group.812", "812");
  }

 private:
  test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("What a killed change of accounts left is read as it was before, and put so") {
  const Etc etc;
  const AccountChange change(etc.root());
  const std::string passwd = etc.read("passwd"), shadow = etc.read("shadow");
  change.begin({{"ada"}, {"ada", "crew"}});
  etc.half_add_ada();

  const LocalAccounts accounts(etc.root());
  CHECK_FALSE(accounts.user("ada"));
  CHECK(accounts.user("bob"));
  change.revert();
  CHECK(etc.read("passwd") == passwd);
  CHECK(etc.read("shadow") == shadow);
  for (const char* left :
       {"group.lock", "group+", "group.812", ".mlops-agent-accounts", ".mlops-agent-accounts-secret"})
    CHECK_FALSE(etc.has(left));
}

TEST_CASE("Lines that changed in between are put back in their places, others stay as they are now") {
  const Etc etc;
  const AccountChange change(etc.root());
  change.begin({{"bob"}, {"bob", "crew"}});
  etc.write("passwd", "root:x:0:0:new comment:/root:/bin/sh\n");
  etc.write("group", "root:x:0:\ncrew:x:50:\nbob:x:1001:\nother:x:60:\n");
  change.revert();
  CHECK(etc.read("passwd") == "root:x:0:0:new comment:/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n");
  CHECK(etc.read("group") == "root:x:0:\ncrew:x:50:bob\nbob:x:1001:\nother:x:60:\n");
}

TEST_CASE("A group that a program took along is put back as it was, without its member") {
  const Etc etc;
  etc.write("group", "root:x:0:\ncrew:x:50:bob,eve\nbob:x:1001:bob,eve\n");
  const AccountChange change(etc.root());
  change.begin({{"bob"}, {"bob", "crew"}});
  etc.write("group", "root:x:0:\ncrew:x:50:eve\n");
  etc.write("gshadow", "root:*::\ncrew:!::\n");
  change.put_group_back("bob", "bob");
  change.end();
  CHECK(etc.read("group") == "root:x:0:\ncrew:x:50:eve\nbob:x:1001:eve\n");
  CHECK(etc.read("gshadow") == "root:*::\ncrew:!::\nbob:!::\n");
}

TEST_CASE("A change that ended well is not reverted") {
  const Etc etc;
  const AccountChange change(etc.root());
  change.begin({{"ada"}, {"ada"}});
  etc.half_add_ada();
  change.end();
  CHECK(LocalAccounts(etc.root()).user("ada"));
  change.revert();
  CHECK(etc.read("passwd").find("ada") != std::string::npos);
}

TEST_CASE("An account that got a password since is not reverted") {
  const Etc etc;
  const AccountChange change(etc.root());
  change.begin({{"ada"}, {"ada"}});
  etc.half_add_ada();
  etc.write("shadow", "root:*:1::::::\nbob:!:1::::::\nada:$y$hash:20000::::::\n");
  change.revert();
  CHECK(etc.read("passwd").find("ada") != std::string::npos);
  CHECK(etc.read("shadow").find("$y$hash") != std::string::npos);
  CHECK_FALSE(etc.has(".mlops-agent-accounts"));
}

TEST_CASE("Only root reads what is kept of shadow, and everyone what is kept of passwd") {
  const Etc etc;
  AccountChange(etc.root()).begin({{"bob"}, {"bob"}});
  struct ::stat open {
  }, secret{};
  REQUIRE(::stat(etc.path(".mlops-agent-accounts").c_str(), &open) == 0);
  REQUIRE(::stat(etc.path(".mlops-agent-accounts-secret").c_str(), &secret) == 0);
  CHECK((open.st_mode & 0777) == 0644);
  CHECK((secret.st_mode & 0777) == 0600);
  CHECK(etc.read(".mlops-agent-accounts").find("!") == std::string::npos);
}

}  // namespace mlops
