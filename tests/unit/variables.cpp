#include "playbook/variables.hpp"

#include <cstdlib>

#include "support/catch.hpp"
#include "support/tree_scope.hpp"

using namespace mlops;
using test::Texts;
using test::TreeScope;

namespace {

struct CountingScope : TreeScope {
  using TreeScope::TreeScope;
  mutable int lookups = 0;
  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    ++lookups;
    return TreeScope::lookup(path);
  }
};

std::string message_of(const Value& vars, const std::vector<std::string>& path) {
  const Variables variables(vars, nullptr);
  try {
    variables.lookup(path);
  } catch (const InterpolationError& error) {
    return error.diagnostic.message;
  }
  return "";
}

}  // namespace

TEST_CASE("vars may refer to vars, to facts and to the environment") {
  Texts texts;
  const Value vars = texts(R"({"home": "/srv", "data": "{{vars.home}}/data", "file": "{{vars.data}}/x",
                               "os": "{{facts.os}}", "env": "{{env.MLOPS_TEST_VARIABLE}}"})");
  const TreeScope inner(texts(R"({"facts": {"os": "debian"}})"));
  ::setenv("MLOPS_TEST_VARIABLE", "from outside", 1);
  const Variables variables(vars, &inner);
  CHECK(variables.lookup({"vars", "file"}) == Value("/srv/data/x"));
  CHECK(variables.lookup({"vars", "os"}) == Value("debian"));
  CHECK(variables.lookup({"vars", "env"}) == Value("from outside"));
  CHECK(variables.lookup({"facts", "os"}) == Value("debian"));
  CHECK_FALSE(variables.lookup({"vars", "none"}));
  CHECK_FALSE(variables.lookup({"env", "MLOPS_TEST_NOT_SET"}));
}

TEST_CASE("a var is filled in on first use, and once") {
  Texts texts;
  const Value vars = texts(R"({"a": "{{facts.os}}", "b": "{{facts.other}}"})");
  const CountingScope inner(texts(R"({"facts": {"os": "debian"}})"));
  const Variables variables(vars, &inner);
  CHECK(inner.lookups == 0);
  CHECK(variables.lookup({"vars", "a"}) == Value("debian"));
  CHECK(variables.lookup({"vars", "a"}) == Value("debian"));
  CHECK(inner.lookups == 1);
}

TEST_CASE("members of one object may refer to each other") {
  Texts texts;
  const Value vars =
      texts(R"({"at": {"home": "/srv", "data": "{{vars.at.home}}/data", "list": ["{{vars.at.data}}"]}})");
  const Variables variables(vars, nullptr);
  CHECK(variables.lookup({"vars", "at", "data"}) == Value("/srv/data"));
  CHECK(to_json(*variables.lookup({"vars", "at"})) ==
        R"({"home":"/srv","data":"/srv/data","list":["/srv/data"]})");
  CHECK(variables.lookup({"vars", "at", "list", "0"}) == Value("/srv/data"));
}

TEST_CASE("a path goes on behind what a reference brings") {
  Texts texts;
  const Value vars = texts(R"({"all": {"a": {"x": 1}}, "one": "{{vars.all.a}}"})");
  const Variables variables(vars, nullptr);
  CHECK(variables.lookup({"vars", "one", "x"}) == Value(1));
  CHECK_FALSE(variables.lookup({"vars", "one", "y"}));
  CHECK(variables.names({"vars", "one"}) == std::vector<std::string>{"x"});
  CHECK(variables.names({"vars"}) == std::vector<std::string>{"all", "one"});
}

TEST_CASE("a circle of vars names its members, the first written one first") {
  Texts texts;
  const Value vars =
      texts(R"({"a": "{{vars.b}}", "b": "{{vars.c}}", "c": "x{{vars.a}}", "self": "{{vars.self}}",
                               "out": "{{vars.c}}"})");
  const std::string message = "vars that refer to each other in a circle: vars.a -> vars.b -> vars.c -> vars.a";
  CHECK(message_of(vars, {"vars", "a"}) == message);
  CHECK(message_of(vars, {"vars", "b"}) == message);
  CHECK(message_of(vars, {"vars", "out"}) == message);
  CHECK(message_of(vars, {"vars", "self"}) == "a var that refers to itself: vars.self -> vars.self");
}

TEST_CASE("a failure leaves the other vars usable") {
  Texts texts;
  const Value vars = texts(R"({"a": "{{vars.nme}}", "name": "x"})");
  const Variables variables(vars, nullptr);
  CHECK_THROWS_AS(variables.lookup({"vars", "a"}), InterpolationError);
  CHECK_THROWS_AS(variables.lookup({"vars", "a"}), InterpolationError);
  CHECK(variables.lookup({"vars", "name"}) == Value("x"));
}
