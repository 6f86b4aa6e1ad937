#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// "before | action", or "|".
std::string fetched(const FakeMachine& machine, const std::string& parameters = "{}") {
  const Tried t = try_module("apt_index", parameters, machine);
  std::string text;
  for (const Change& c : t.diff.changes) text += c.property + " " + c.before.to_text() + " ";
  text += "|";
  if (const auto* refresh = action<RefreshIndex>(t.diff, 0))
    text += " refresh " + std::to_string(refresh->lock_timeout);
  return text;
}

FakeMachine machine(std::optional<std::uint64_t> age, bool outdated = false) {
  FakeMachine m;
  m.p.age = age;
  m.p.outdated = outdated;
  m.p.present["git"] = {"git", "amd64", "1", PackageState::installed};
  m.p.present["nano"] = {"nano", "amd64", "1", PackageState::config_files};
  return m;
}

}  // namespace

TEST_CASE("apt_index: it is fetched when it is too old, or older than the sources") {
  CHECK(fetched(machine(60)) == "|");
  CHECK(fetched(machine(86'399)) == "|");
  CHECK(fetched(machine(86'400)).ends_with("ago | refresh 600"));
  CHECK(fetched(machine({})) == "fetched never | refresh 600");
  CHECK(fetched(machine(60, true)).starts_with("fetched before the sources changed, "));
  CHECK(fetched(machine(3'600), R"({"max_age": "1h", "lock_timeout": "5s"})").ends_with("| refresh 5"));
}

TEST_CASE("apt_index: while the named packages are installed it may be of any age") {
  CHECK(fetched(machine({}), R"({"unless_installed": ["git"]})") == "|");
  CHECK(fetched(machine({}), R"({"unless_installed": ["git", "jq"]})") == "fetched never | refresh 600");
  CHECK(fetched(machine({}), R"({"unless_installed": ["nano"]})") == "fetched never | refresh 600");
  CHECK(fetched(machine(60), R"({"unless_installed": ["jq"]})") == "|");
}

TEST_CASE("apt_index: an age that could never be proved is a mistake, and nothing of it can be removed") {
  CHECK_THROWS(try_module("apt_index", R"({"max_age": "1s"})", machine(60)));
  const Module& module = *find_module("apt_index");
  const Tried t = try_module("apt_index", "{}", machine({}));
  CHECK(module.removal(t.desired) == Value(false));
  CHECK_FALSE(module.made(t.desired, t.diff.changes));
  CHECK(to_json(module.outputs(t.desired, t.current).values) == R"({"age":null})");
}
