// The rules of security groups that follow this machine's address, and the accounts that have them.
#include "domains/cloud/here_rules.hpp"

#include <filesystem>

#include "base/person.hpp"
#include "domains/accounts/acting_user.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("A rule's description names the machine in what EC2 takes") {
  CHECK(here_description("laptop\n") == "mlops-agent laptop");
  CHECK(here_description("li\"st<e>r") == "mlops-agent li-st-e-r");
  CHECK(here_description(std::string(300, 'x')).size() == 12 + 200);
  CHECK(is_group_text(here_description("größe")));
  CHECK(is_group_text("web (a/b) #1"));
  CHECK_FALSE(is_group_text(""));
  CHECK_FALSE(is_group_text("a\"b"));
  CHECK_FALSE(is_group_text(std::string(256, 'x')));
}

TEST_CASE("Of the variables, those by which an account is found are kept, and no secret") {
  CHECK(account_variables({{"AWS_PROFILE", "work"},
                           {"AWS_ENDPOINT_URL", ""},
                           {"AWS_SECRET_ACCESS_KEY", "s"},
                           {"AWS_ACCESS_KEY_ID", "i"},
                           {"AWS_SESSION_TOKEN", "t"},
                           {"PATH", "/bin"}}) == std::map<std::string, std::string>{{"AWS_PROFILE", "work"}});
}

TEST_CASE("Accounts with rules for this machine are recorded once each, for the person alone") {
  const TemporaryFolder folder;
  const HereAccounts accounts(folder / "cloud", {{}, acting_user(effective_person().name)});
  CHECK(accounts.read().empty());
  const HereAccount one{{"", "eu-central-1"}, {{"AWS_PROFILE", "a"}}}, other{{"b", "us-east-1"}, {}};
  accounts.add(one);
  accounts.add(other);
  accounts.add(one);
  CHECK(accounts.read() == std::vector<HereAccount>{one, other});
  const HereAccount changed{one.scope, {{"AWS_PROFILE", "c"}}};
  accounts.add(changed);
  CHECK(accounts.read() == std::vector<HereAccount>{other, changed});
  const std::string file = folder / "cloud/here.json";
  const auto mode = [&] { return std::filesystem::status(file).permissions() & std::filesystem::perms::mask; };
  CHECK(mode() == std::filesystem::perms(0600));
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  CHECK_THROWS(accounts.read());
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  folder.file("cloud/here.json", "[]", 0600);
  CHECK_THROWS_WITH(accounts.read(), Catch::Contains("is no list of accounts"));
}
