// The root `secrets`: how it is declared, where it may be used, and that nothing shows it.
#include "playbook/secrets.hpp"

#include "base/error.hpp"
#include "playbook/condition.hpp"
#include "playbook/scopes.hpp"
#include "support/catch.hpp"
#include "support/site.hpp"
#include "support/tree_scope.hpp"

using namespace mlops;
using test::Site;

namespace {

using Map = std::map<std::string, std::string>;

// Has texts by name, and counts how often each is read.
struct Known : SecretReader {
  std::map<std::string, std::string> texts;
  std::map<std::string, int>& reads;
  Known(std::map<std::string, std::string> t, std::map<std::string, int>& r) : texts(std::move(t)), reads(r) {}
  std::string read(const std::string& name, const SecretOrigin&) override {
    ++reads[name];
    if (!texts.contains(name)) throw Error("nobody has it");
    return texts[name];
  }
};

struct Opened {
  Secrets secrets;
  std::map<std::string, int> reads;
  explicit Opened(std::map<std::string, std::string> texts) {
    for (const auto& [name, text] : texts) secrets.declare(name, {});
    secrets.declare("missing", {});
    secrets.open(std::make_unique<Known>(std::move(texts), reads));
  }
};

}  // namespace

TEST_CASE("secrets are declared with where they are read from") {
  Site site;
  const Playbook p = site.load(R"({"secrets": {
    "token": {"env": "HF_TOKEN"}, "key": {"file": "~/key"}, "beside": {"file": "key"}, "far": {"file": "/run/key"},
    "pw": {"command": ["pass", "x"]}, "db": {"prompt": "Database password"}}, "resources": []})");
  const auto& all = p.secrets->declared();
  REQUIRE(all.size() == 6);
  CHECK(all[0].name == "token");
  CHECK(all[0].origin.kind == SecretOrigin::Kind::env);
  CHECK(all[0].origin.text == "HF_TOKEN");
  CHECK(all[1].origin.kind == SecretOrigin::Kind::file);
  CHECK(all[1].origin.text == "/home/ubuntu/key");
  CHECK_THAT(all[2].origin.text, Catch::StartsWith("/") && Catch::EndsWith("/key"));
  CHECK(all[3].origin.text == "/run/key");
  CHECK(all[4].origin.argv == std::vector<std::string>{"pass", "x"});
  CHECK(all[5].origin.kind == SecretOrigin::Kind::prompt);
  CHECK(all[5].origin.text == "Database password");
  CHECK(all[5].origin.where.line == 3);
}

TEST_CASE("a secret that is written in the playbook is refused, and its line is not shown") {
  Site site;
  CHECK(site.mistakes(R"({
  "secrets": {"token": "hunter2"},
  "resources": []
})") == R"(site.json: error: the secret `token` (line 2) must say where it is read from, found a text
  hint: write {"env": "NAME"}, {"file": "~/key"}, {"command": ["pass", "x"]} or {"prompt": "Question"}
)");
}

TEST_CASE("mistakes of a declaration are shown where they stand") {
  Site site;
  CHECK(site.mistakes(R"({
  "secrets": {
    "a b": {"env": "X"},
    "two": {"env": "X", "file": "/x"},
    "typo": {"evn": "X"},
    "open": {"file": "{{vars.x}}"},
    "shell": {"command": "pass x"},
    "none": {"prompt": ""}
  },
  "resources": []
})") == R"(site.json:3:5: error: a secret's name is of letters, digits, `_` and `-`, found "a b"
      "a b": {"env": "X"},
      ^
site.json:4:12: error: the secret `two` must be read from one place
      "two": {"env": "X", "file": "/x"},
             ^
  hint: write {"env": "NAME"}, {"file": "~/key"}, {"command": ["pass", "x"]} or {"prompt": "Question"}
site.json:5:14: error: unknown key `evn`
      "typo": {"evn": "X"},
               ^
  hint: did you mean `env`?
site.json:6:22: error: `file` cannot hold `{{`: secrets are read as they are written
      "open": {"file": "{{vars.x}}"},
                       ^
site.json:7:26: error: `command` must be a list of texts: a program and its arguments
      "shell": {"command": "pass x"},
                           ^
  hint: no shell is involved
site.json:8:24: error: `prompt` must be a text, found an empty one
      "none": {"prompt": ""}
                         ^
)");
}

TEST_CASE("a secret goes only where a parameter may take one") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"url": "https://u:{{secrets.token}}@host", "fine": "{{facts.os.id}}"},
  "secrets": {"token": {"env": "NOT_READ_WHILE_CHECKED"}},
  "resources": [
    {"type": "file", "path": "/a", "content": "x {{secrets.token | upper}}"},
    {"type": "file", "path": "/{{secrets.token}}"},
    {"type": "line", "path": "/b", "name": "n", "text": "{{vars.url}} on {{vars.fine}}"},
    {"type": "package", "names": ["a", "{{item}}"], "for_each": ["{{secrets.token | json}}"]},
    {"type": "file", "path": "/c", "as": "{{secrets.token}}"}
  ],
  "show": ["{{vars.url}}"]
})") == R"(site.json:6:30: error: `path` cannot hold a secret: it would be visible
      {"type": "file", "path": "/{{secrets.token}}"},
                               ^
  hint: of this type, `content` can
site.json:7:57: error: `text` cannot hold a secret: it would be visible
  …: "line", "path": "/b", "name": "n", "text": "{{vars.url}} on {{vars.fine}}"…
                                                ^
  hint: no parameter of this type can
site.json:8:40: error: `names` cannot hold a secret: it would be visible
      {"type": "package", "names": ["a", "{{item}}"], "for_each": ["{{secrets.…
                                         ^
  hint: no parameter of this type can
site.json:9:45: error: `as` cannot hold a secret: it would be visible
      {"type": "file", "path": "/c", "as": "{{secrets.token}}"}
                                              ^
site.json:11:15: error: `show` cannot hold a secret: it would be visible
    "show": ["{{vars.url}}"]
                ^
)");
}

TEST_CASE("a name that is not declared, with the nearest that is") {
  Site site;
  CHECK(site.mistakes(R"({"secrets": {"token": {"env": "X"}}, "resources": [{"type": "file", "path": "/a",
  "content": "{{secrets.tokn}} {{secrets}} {{secrets.token.x}}"}]})") ==
        R"(site.json:2:17: error: there is no `secrets.tokn`
    "content": "{{secrets.tokn}} {{secrets}} {{secrets.token.x}}"}]}
                  ^
  hint: did you mean `token`?
site.json:2:34: error: `secrets` wants a name behind it
    "content": "{{secrets.tokn}} {{secrets}} {{secrets.token.x}}"}]}
                                   ^
  hint: write `secrets.NAME`
site.json:2:46: error: there is no `secrets.token.x`
    "content": "{{secrets.tokn}} {{secrets}} {{secrets.token.x}}"}]}
                                               ^
)");
}

TEST_CASE("a secret is read when it is used, and once") {
  Opened o(Map{{"a", "number one"}, {"b", "number two"}});
  CHECK(o.reads.empty());
  CHECK(o.secrets.value("a") == Value("number one"));
  CHECK(o.secrets.value("a")->secret);
  CHECK(o.reads == std::map<std::string, int>{{"a", 1}});
  CHECK_FALSE(o.secrets.value("c"));
  CHECK_FALSE(o.secrets.failed());
  for (int i = 0; i < 2; ++i) {
    try {
      o.secrets.value("missing");
      FAIL("it was read");
    } catch (const InterpolationError& e) {
      CHECK(e.diagnostic.message == "the secret `missing` cannot be read: nobody has it");
    }
  }
  CHECK(o.reads["missing"] == 1);
  CHECK(o.secrets.failed());
}

TEST_CASE("an empty secret, a short one, and one with a NUL, cannot be meant") {
  Opened o(Map{{"empty", ""}, {"short", "abc"}, {"nul", std::string("a\0bcd", 5)}});
  for (const char* name : {"empty", "short", "nul"}) CHECK_THROWS_AS(o.secrets.value(name), InterpolationError);
}

TEST_CASE("what went through filters and into longer texts stays secret") {
  Opened o(Map{{"a", "Number One"}});
  Playbook p;
  p.vars = Value(Value::Object{});
  p.vars.set("with", "x {{secrets.a}}");
  p.vars.set("without", "x");
  p.secrets->declare("a", {});
  std::map<std::string, int> reads;
  p.secrets->open(std::make_unique<Known>(std::map<std::string, std::string>{{"a", "Number One"}}, reads));
  const Scopes scopes(p, nullptr);
  for (const char* text :
       {"{{secrets.a}}", "{{secrets.a | lower}}", "{{secrets.a | quote}}", "{{secrets.a | json}}",
        "{{vars.with}}", "{{vars.with | upper}} and {{vars.without}}", "{{secrets.a | default('x')}}"}) {
    CAPTURE(text);
    CHECK(interpolate(Value(text), scopes.of()).secret);
  }
  CHECK_FALSE(interpolate(Value("{{vars.without}}"), scopes.of()).secret);
}

TEST_CASE("a condition over a secret is true or false, and says no more than that") {
  Playbook p;
  p.vars = Value(Value::Object{});
  p.secrets->declare("a", {});
  std::map<std::string, int> reads;
  p.secrets->open(std::make_unique<Known>(std::map<std::string, std::string>{{"a", "hunter2"}}, reads));
  const Scopes scopes(p, nullptr);
  test::Texts texts;
  const auto reason = [&](const char* when) { return evaluate(texts(when), scopes.of()).reason; };
  CHECK(reason(R"({"secrets.a": "hunter2"})") == "");
  CHECK(reason(R"({"secrets.a": "other"})") == "secrets.a is ***, expected other");
  CHECK(reason(R"({"secrets.a": {"not": "{{secrets.a}}"}})") == "secrets.a is ***, expected anything else");
  CHECK(reason(R"({"secrets.a": {"below": "a"}})") == "secrets.a is ***, expected below a");
  CHECK(reason(R"({"secrets.a": {"matches": "^x"}})") == "secrets.a is ***, expected a match of ^x");
  CHECK(reason(R"({"secrets.a": ["x", "y"]})") == "secrets.a is ***, expected x or y");
}

TEST_CASE("an item that is secret is named by its place") {
  Diagnostics mistakes;
  Value secret("hunter2");
  secret.secret = true;
  const auto items = expand_for_each(Value(Value::Array{Value("a"), secret}), mistakes);
  CHECK(items[0].first == "a");
  CHECK(items[1].first == "1");
}

TEST_CASE("texts are shown without a secret in any of its forms") {
  Opened o(Map{{"plain", "hunter2-hunter2"},
               {"odd", "it's \"q\"\\"},
               {"key", "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n-----END KEY-----"}});
  CHECK(o.secrets.concealed("hunter2-hunter2") == "hunter2-hunter2");  // not read yet
  for (const char* name : {"plain", "odd", "key"}) o.secrets.value(name);
  CHECK(o.secrets.concealed("a hunter2-hunter2, hunter2-hunter2.") == "a ***, ***.");
  CHECK(o.secrets.concealed(R"({"x": "it's \"q\"\\"})") == R"({"x": "***"})");
  CHECK(o.secrets.concealed(R"(echo 'it'\''s "q"\')") == "echo '***'");
  CHECK(o.secrets.concealed("one line: MIIEpAIBAAKCAQEA") == "one line: ***");
  // echo -n hunter2-hunter2 | base64; the same with "u:" and with "x" before it.
  CHECK(o.secrets.concealed("Basic aHVudGVyMi1odW50ZXIy") == "Basic ***");
  CHECK_THAT(o.secrets.concealed("dTpodW50ZXIyLWh1bnRlcjI="), !Catch::Contains("odW50ZXIyLWh1bnRlcj"));
  CHECK_THAT(o.secrets.concealed("eGh1bnRlcjItaHVudGVyMg=="), !Catch::Contains("h1bnRlcjItaHVudGVyMg"));
  CHECK(o.secrets.concealed("nothing of it") == "nothing of it");
  CHECK(o.secrets.shows_in("the hunter2-hunter2"));
  CHECK_FALSE(o.secrets.shows_in("the hunter"));
}

TEST_CASE("what a filter made of a secret is hidden as the secret is") {
  Playbook p;
  p.vars = Value(Value::Object{});
  p.vars.set("path", "/keys/{{secrets.a}}");
  p.secrets->declare("a", {});
  std::map<std::string, int> reads;
  p.secrets->open(std::make_unique<Known>(std::map<std::string, std::string>{{"a", "dir/Hunter Two"}}, reads));
  const Scopes scopes(p, nullptr);
  const auto filled = [&](const char* text) { return interpolate(Value(text), scopes.of()).as_string(); };
  for (const char* text :
       {"{{secrets.a | upper}}", "{{secrets.a | lower}}", "{{secrets.a | basename}}",
        "{{vars.path | basename}}", "{{vars.path | dirname}}", "{{secrets.a | upper | quote}}"}) {
    CAPTURE(text);
    const std::string derived = filled(text);
    CHECK(p.secrets->concealed("it is " + derived + ".") != "it is " + derived + ".");
    CHECK(p.secrets->shows_in(derived));
    CHECK(p.secrets->concealed("it is " + derived + ".").find("unter") == std::string::npos);
  }
  CHECK(filled("{{secrets.a | dirname}}") == "dir");  // shorter than what is hidden
  CHECK(p.secrets->concealed("a dir") == "a dir");
}

TEST_CASE("a secret shows neither percent-encoded nor in hexadecimal digits") {
  Opened o(Map{{"a", "p/w s3cr+t"}});
  o.secrets.value("a");
  for (const char* text :
       {"p%2Fw%20s3cr%2Bt", "p%2fw%20s3cr%2bt", "p/w%20s3cr+t", "p%2Fw+s3cr%2Bt", "%70/w s3cr+t",
        "702f7720733363722b74", "702F7720733363722B74", "70:2f:77:20:73:33:63:72:2b:74",
        "702f 7720 7333 6372 2b74", "70\\x2f\\x77\\x20\\x73\\x33\\x63\\x72\\x2b\\x74"}) {
    CAPTURE(text);
    CHECK(o.secrets.concealed("u=" + std::string(text) + "&") == "u=***&");
    CHECK(o.secrets.shows_in(text));
  }
  CHECK(o.secrets.concealed("p%2Fw%20s3cr%2Bu 702f77") == "p%2Fw%20s3cr%2Bu 702f77");
}

TEST_CASE("short lines of a secret are hidden, too, from four bytes on, and base64 of either alphabet") {
  Opened o(Map{{"a", "user: ann\r\n  pw: x1y2\n}\nabc\n"}, {"b", "\xff\xfe\xfd\xfc\xfb\xfa?>~"}});
  o.secrets.value("a");
  o.secrets.value("b");
  CHECK(o.secrets.concealed("| user: ann | pw: x1y2 | } abc") == "| *** | *** | } abc");
  CHECK(o.secrets.concealed("//79/Pv6Pz5+") == "***");
  CHECK(o.secrets.concealed("__79_Pv6Pz5-") == "***");
}
