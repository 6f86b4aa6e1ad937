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

TEST_CASE("a path continues behind the value of a reference") {
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

namespace {

// a0 is first; each of the others is made of the one before it.
Value chain(Texts& texts, int length, const std::string& first, const std::string& with,
            bool backwards = false) {
  std::string json;
  for (int i = 0; i < length; ++i) {
    const int n = backwards ? length - 1 - i : i;
    std::string value = n == 0 ? first : with;
    const std::string before = "{{vars.a" + std::to_string(n - 1) + "}}";
    for (std::size_t at = value.find('@'); at != std::string::npos; at = value.find('@', at + before.size()))
      value.replace(at, 1, before);
    json += (i ? "," : "") + ("\n\"a" + std::to_string(n) + "\": ") + value;
  }
  return texts("{" + json + "}");
}

Diagnostic mistake_of(const Value& vars, const std::string& name) {
  const Variables variables(vars, nullptr);
  try {
    variables.lookup({"vars", name});
  } catch (const InterpolationError& error) {
    return error.diagnostic;
  }
  return {};
}

}  // namespace

TEST_CASE("vars may refer to each other 200 deep, and a longer chain is a mistake however it is entered") {
  Texts texts;
  CHECK(Variables(chain(texts, 201, R"("x")", R"("@")"), nullptr).lookup({"vars", "a200"}) == Value("x"));
  const Value all = chain(texts, 20'000, R"("x")", R"("@")");
  for (const char* entered : {"a201", "a300", "a19999"}) {
    CAPTURE(entered);
    const Diagnostic d = mistake_of(all, entered);
    CHECK(d.message == "a chain of more than 200 vars that refer to each other");
    CHECK(d.where.line == std::stoul(entered + 1) + 2);
  }
  const Variables one_by_one(all, nullptr);
  for (int i = 0; i <= 200; ++i) CHECK(one_by_one.lookup({"vars", "a" + std::to_string(i)}));
  for (int i = 201; i < 20'000; i += 99) {
    CAPTURE(i);
    try {
      one_by_one.lookup({"vars", "a" + std::to_string(i)});
      FAIL("it was filled in");
    } catch (const InterpolationError& error) {
      CHECK(error.diagnostic.where.line == 203);  // one mistake, where the chain is too long
    }
  }
}

TEST_CASE("vars that are doubled again and again are a mistake before they fill the memory") {
  Texts texts;
  CHECK(mistake_of(chain(texts, 41, R"("xx")", R"("@@")"), "a40").message ==
        "filled in, it is larger than 16 MiB");
  CHECK(mistake_of(chain(texts, 41, R"(["x"])", R"(["@", "@"])"), "a40").message ==
        "filled in, it is larger than 16 MiB");
  CHECK(mistake_of(chain(texts, 41, R"({"k": "x"})", R"({"l": "@", "m": "@"})"), "a40").where.line > 10);
}

TEST_CASE("vars that put lists into lists are a mistake where they nest too deep") {
  Texts texts;
  const Value vars = chain(texts, 190, "[]", R"([["@"]])");
  CHECK(mistake_of(vars, "a99").message == "");
  const Diagnostic d = mistake_of(vars, "a189");
  CHECK(d.message == "filled in, more than 200 lists and objects stand inside each other");
  CHECK(d.where.line == 102);
}
