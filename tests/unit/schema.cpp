#include "resource/schema.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/document.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

enum class State { present, absent };

struct Everything {
  std::string name;
  std::optional<std::string> comment;
  std::optional<std::string> password;
  bool force = false;
  std::int64_t count = 3;
  std::optional<std::uint32_t> uid;
  std::optional<Path> path;
  std::optional<Mode> mode;
  Duration timeout{10'000};
  ByteSize limit{64u << 20};
  SourceFile source;
  Texts names;
  std::vector<std::string> groups;
  TextMap env;
  State state = State::present;
};

const Schema<Everything>& schema() {
  static const Schema<Everything> schema = [] {
    Schema<Everything> s;
    s.summary("All kinds of parameters.").named_by("name").example("One", "{}");
    s.required("name", &Everything::name, "Login name.");
    s.optional("comment", &Everything::comment, "Full name.");
    s.optional("password", &Everything::password, "Never shown.").secret();
    s.optional("force", &Everything::force, "Do it.");
    s.optional("count", &Everything::count, "How many.");
    s.optional("uid", &Everything::uid, "Number.");
    s.optional("path", &Everything::path, "Where.");
    s.optional("mode", &Everything::mode, "Bits.");
    s.optional("timeout", &Everything::timeout, "How long.");
    s.optional("limit", &Everything::limit, "How large.");
    s.optional("source", &Everything::source, "From where.");
    s.optional("names", &Everything::names, "Which.");
    s.optional("groups", &Everything::groups, "Groups.");
    s.optional("env", &Everything::env, "Environment.");
    s.one_of("state", &Everything::state, {{"present", State::present}, {"absent", State::absent}}, "There?");
    s.check([](const Everything& e, Checker& c) {
      if (e.count > 9) c.error("count", "`count` is more than 9", "take fewer");
      if (e.force && !c.given("comment")) c.error("comment", "`force` needs a `comment`");
    });
    return s;
  }();
  return schema;
}

struct Decoded {
  bool good = false;
  Everything value;
  std::string mistakes;
};

Decoded decode(const std::string& json, const std::string& file = "p",
               const std::function<bool(const Value&)>& skip = {}) {
  const Source source{file, json};
  Diagnostics diagnostics;
  const auto params = parse_document(source, diagnostics);
  REQUIRE(params);
  Decoder decoder{diagnostics, "/home/ubuntu", params->where};
  Decoded d;
  d.good = schema().decode(*params, &d.value, decoder, skip);
  for (const Diagnostic& m : diagnostics.list()) {
    d.mistakes += std::to_string(m.where.line) + ":" + std::to_string(m.where.column) + " " + m.message;
    d.mistakes += (m.hint.empty() ? "" : "; " + m.hint) + "\n";
  }
  CHECK(d.good == diagnostics.empty());
  return d;
}

// Of one parameter's value beside a good name; the value stands on line 3.
std::string mistake(const std::string& parameter, const std::string& value) {
  const Decoded d = decode("{\"name\":\"a\",\n\"" + parameter + "\":\n" + value + "}");
  CHECK_FALSE(d.good);
  return d.mistakes.substr(0, d.mistakes.find('\n'));
}

Everything with(const std::string& members) {
  const Decoded d = decode("{\"name\":\"a\"," + members + "}");
  INFO(d.mistakes);
  CHECK(d.good);
  return d.value;
}

}  // namespace

TEST_CASE("what is not given keeps its default") {
  const Decoded d = decode(R"({"name":"ubuntu"})");
  CHECK(d.good);
  CHECK(d.value.name == "ubuntu");
  CHECK_FALSE(d.value.comment);
  CHECK_FALSE(d.value.mode);
  CHECK(d.value.count == 3);
  CHECK(d.value.timeout == Duration{10'000});
  CHECK(d.value.state == State::present);
}

TEST_CASE("texts, switches, words and integers are decoded") {
  CHECK(with(R"("comment":"ä b")").comment == "ä b");
  CHECK(with(R"("comment":"")").comment == "");
  CHECK(with(R"("force":true,"comment":"")").force);
  CHECK(with(R"("state":"absent")").state == State::absent);
  CHECK(with(R"("count":-7)").count == -7);
  CHECK(with(R"("count":2.0)").count == 2);
  CHECK(with(R"("uid":4294967295)").uid == 4294967295u);
}

TEST_CASE("lists, texts that stand for a list, and objects are decoded") {
  CHECK(with(R"("names":"a")").names.list == std::vector<std::string>{"a"});
  CHECK(with(R"("names":["a","b"])").names.list == std::vector<std::string>{"a", "b"});
  CHECK(with(R"("groups":[])").groups.empty());
  CHECK(with(R"("groups":["b","a"])").groups == std::vector<std::string>{"b", "a"});
  CHECK(with(R"("env":{"A":"1","B":""})").env == TextMap{{"A", "1"}, {"B", ""}});
}

TEST_CASE("paths are absolute or below the person's home, and normalised as text") {
  const auto path = [](const std::string& text) { return with("\"path\":\"" + text + "\"").path->text; };
  CHECK(path("/etc/hosts") == "/etc/hosts");
  CHECK(path("/") == "/");
  CHECK(path("//a///b/") == "/a/b");
  CHECK(path("/a/./b/../c/.") == "/a/c");
  CHECK(path("/../..") == "/");
  CHECK(path("/a/..") == "/");
  CHECK(path("/.a/..b/...") == "/.a/..b/...");
  CHECK(path("~") == "/home/ubuntu");
  CHECK(path("~/") == "/home/ubuntu");
  CHECK(path("~/soft/../x") == "/home/ubuntu/x");
}

TEST_CASE("modes, times and sizes are decoded") {
  CHECK(with(R"("mode":"0644")").mode->bits == 0644);
  CHECK(with(R"("mode":"755")").mode->bits == 0755);
  CHECK(with(R"("mode":"7777")").mode->bits == 07777);
  CHECK(with(R"("timeout":"500ms")").timeout.ms == 500);
  CHECK(with(R"("timeout":"2h")").timeout.ms == 7'200'000);
  CHECK(with(R"("timeout":"1d")").timeout.ms == 86'400'000);
  CHECK(with(R"("limit":"512")").limit.bytes == 512);
  CHECK(with(R"("limit":"10kB")").limit.bytes == 10'000);
  CHECK(with(R"("limit":"2GiB")").limit.bytes == 2ull << 30);
  CHECK(with(R"("limit":8e9)").limit.bytes == 8'000'000'000);
}

TEST_CASE(
    "a value of the wrong kind is reported at its place, with the parameter, the expected kind and the found "
    "one") {
  CHECK(mistake("comment", "5") == "3:1 `comment` must be a text, found the number 5; write \"5\"");
  CHECK(mistake("comment", "null") == "3:1 `comment` must be a text, found null");
  CHECK(mistake("comment", "[]") == "3:1 `comment` must be a text, found a list");
  CHECK(mistake("force", "\"yes\"") ==
        "3:1 `force` must be true or false, found the text \"yes\"; write true, without quotes");
  CHECK(mistake("force", "0") == "3:1 `force` must be true or false, found the number 0; write false");
  CHECK(mistake("force", "{}") == "3:1 `force` must be true or false, found an object");
  CHECK(mistake("count", "\"5\"") ==
        "3:1 `count` must be an integer, found the text \"5\"; write it without quotes");
  CHECK(mistake("count", "1.5") == "3:1 `count` must be an integer, found the number 1.5");
  CHECK(mistake("uid", "-1") == "3:1 `uid` must be an integer from 0 to 4294967295, found the number -1");
  CHECK(mistake("names", "5") ==
        "3:1 `names` must be a text or a list of texts, found the number 5; write \"5\"");
  CHECK(mistake("names", "[\"a\", 5]") ==
        "3:7 each of `names` must be a text, found the number 5; write \"5\"");
  CHECK(mistake("groups", "\"a\"") ==
        "3:1 `groups` must be a list of texts, found the text \"a\"; write [\"a\"]");
  CHECK(mistake("groups", "[[]]") == "3:2 each of `groups` must be a text, found a list");
  CHECK(mistake("env", "[]") == "3:1 `env` must be an object of texts, found a list");
  CHECK(mistake("env", "{\"PORT\": 80}") ==
        "3:10 each of `env` must be a text, found the number 80; write \"80\"");
}

TEST_CASE("a mode must be a text of octal digits") {
  CHECK(mistake("mode", "644") ==
        "3:1 `mode` must be a text such as \"0644\", found the number 644; write \"0644\"");
  CHECK(mistake("mode", "1.5") == "3:1 `mode` must be a text such as \"0644\", found the number 1.5");
  for (const char* text : {"0648", "u+x", "44", "00644", "-644", "06 4"})
    CHECK(mistake("mode", json_quote(text)) ==
          "3:1 `mode` must be three or four octal digits such as \"0644\", found the text " + json_quote(text));
}

TEST_CASE("a path must be absolute, and may not contain what no path can") {
  const std::string wanted = "3:1 `path` must be an absolute path, or one that begins with ~/, found ";
  CHECK(mistake("path", "\"soft\"") == wanted + "the text \"soft\"");
  CHECK(mistake("path", "\"\"") == wanted + "an empty text");
  CHECK(mistake("path", "1") == wanted + "the number 1");
  CHECK(mistake("path", "\"~bob/x\"") ==
        wanted + "the text \"~bob/x\"; only the person's own home is known here: `~` or `~/…`");
  CHECK(mistake("path", "\"$HOME/x\"") ==
        wanted +
            "the text \"$HOME/x\"; variables of the shell are not filled in: write "
            "`~/…` or `{{env.NAME}}`");
  CHECK(mistake("path", "\"/a\\u0000b\"") ==
        "3:1 `path` must be a path without NUL characters, found the text \"/a\\u0000b\"");
}

TEST_CASE("a time needs its unit, a size may have one") {
  const std::string time = "3:1 `timeout` must be a time such as \"10s\" (ms, s, m, h, d), found ";
  CHECK(mistake("timeout", "10") == time + "the number 10; write \"10s\"");
  CHECK(mistake("timeout", "\"10\"") == time + "the text \"10\"");
  CHECK(mistake("timeout", "\"s\"") == time + "the text \"s\"");
  CHECK(mistake("timeout", "\"10 min\"") == time + "the text \"10 min\"");
  CHECK(mistake("timeout", "\"99999999999999999d\"") ==
        "3:1 `timeout` must be a shorter time, found the text \"99999999999999999d\"");
  const std::string size = "3:1 `limit` must be a size such as \"64MiB\" or a number of bytes, found ";
  CHECK(mistake("limit", "-1") == size + "the number -1");
  CHECK(mistake("limit", "\"1XB\"") ==
        size + "the text \"1XB\"; the units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB");
  CHECK(mistake("limit", "\"99999999999999TiB\"") ==
        "3:1 `limit` must be a smaller size, found the text \"99999999999999TiB\"");
}

TEST_CASE("a wrong word is answered with the words that there are, and the nearest") {
  CHECK(mistake("state", "\"presnt\"") ==
        "3:1 `state` must be \"present\" or \"absent\", found the text \"presnt\"; did you mean `present`?");
  CHECK(mistake("state", "true") == "3:1 `state` must be \"present\" or \"absent\", found true");
}

TEST_CASE("a long text is cut in a message, a sensitive one is not shown at all") {
  const std::string long_text(100, 'x');
  CHECK(mistake("mode", json_quote(long_text)) ==
        "3:1 `mode` must be three or four octal digits such as \"0644\", found the text \"" +
            std::string(60, 'x') + "…\"");
  CHECK(mistake("password", "12345") == "3:1 `password` must be a text, found an integer");
}

TEST_CASE("an unknown parameter is answered with the nearest, or with all") {
  CHECK(decode(R"({"name":"a","cmment":"x"})").mistakes ==
        "1:13 unknown parameter `cmment`; did you mean `comment`?\n");
  CHECK(decode(R"({"name":"a","notfy":"x"})").mistakes ==
        "1:13 unknown parameter `notfy`; did you mean `notify`?\n");
  CHECK(decode(R"({"name":"a","zebra":"x"})").mistakes ==
        "1:13 unknown parameter `zebra`; expected `name`, `comment`, `password`, `force`, `count`, `uid`, "
        "`path`, "
        "`mode`, `timeout`, `limit`, `source`, `names`, `groups`, `env` or `state`\n");
}

TEST_CASE("a missing parameter is reported at the resource, with its type and what it is for") {
  CHECK(decode("\n {}").mistakes == "2:2 `name` is missing; `name` is a text: Login name.\n");
}

TEST_CASE("all mistakes of a resource are reported at once") {
  CHECK(decode(R"({"mode":1,"force":2,"x":3})").mistakes ==
        "1:9 `mode` must be a text such as \"0644\", found the number 1\n"
        "1:19 `force` must be true or false, found the number 2\n"
        "1:21 unknown parameter `x`; expected `name`, `comment`, `password`, `force`, `count`, `uid`, `path`, "
        "`mode`, `timeout`, `limit`, `source`, `names`, `groups`, `env` or `state`\n"
        "1:1 `name` is missing; `name` is a text: Login name.\n");
}

TEST_CASE("rules between parameters are checked when each is good, at the parameter or the resource") {
  CHECK(decode(R"({"name":"a","count":10})").mistakes == "1:21 `count` is more than 9; take fewer\n");
  CHECK(decode(R"( {"name":"a","force":true})").mistakes == "1:2 `force` needs a `comment`\n");
  CHECK(decode(R"({"name":1,"count":10})").mistakes ==
        "1:9 `name` must be a text, found the number 1; write \"1\"\n");
}

TEST_CASE("what is skipped counts as given, and leaves the rules out") {
  const auto skip = [](const Value& v) { return v == Value("{{x}}"); };
  const Decoded d = decode(R"({"name":"{{x}}","count":10})", "p", skip);
  CHECK(d.good);
  CHECK(d.value.name.empty());
  CHECK(d.value.count == 10);
}

TEST_CASE("a value that no one wrote is reported at the resource") {
  const Source source{"p", "{}"};
  Diagnostics diagnostics;
  Decoder decoder{diagnostics, "/root", {&source, 4, 2}};
  Value params;
  params.set("name", 1);
  params.set("nam", 1);
  Everything e;
  CHECK_FALSE(schema().decode(params, &e, decoder));
  REQUIRE(diagnostics.size() == 2);
  for (const Diagnostic& d : diagnostics.list()) CHECK(d.where.line == 4);
}

TEST_CASE("a source is a file beside the one that names it") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("schema-test-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "folder");
  std::ofstream(folder / "motd.txt") << "Be kind.\n";
  const std::string playbook = folder / "playbook.json";

  const Decoded d = decode(R"({"name":"a","source":"motd.txt"})", playbook);
  CHECK(d.good);
  CHECK(d.value.source.content == "Be kind.\n");
  CHECK(d.value.source.path == folder / "motd.txt");
  CHECK(decode(R"({"name":"a","source":"modt.txt"})", playbook).mistakes ==
        "1:22 cannot read " + (folder / "modt.txt").string() +
            ": No such file or directory; did you mean `motd.txt`?\n");
  CHECK(decode(R"({"name":"a","source":"folder"})", playbook).mistakes ==
        "1:22 " + (folder / "folder").string() + " is a folder, not a file\n");
  CHECK(decode(R"({"name":"a","source":""})", playbook).mistakes ==
        "1:22 `source` must be the path of a file beside the playbook, found an empty text\n");

  Diagnostics diagnostics;
  Decoder validating{.diagnostics = diagnostics, .home = "/root", .resource = {}, .load_sources = false};
  SourceFile file;
  CHECK(Codec<SourceFile>::decode(Value((folder / "motd.txt").string()), file, validating));
  CHECK(file.content.empty());
  std::filesystem::remove_all(folder);
}

TEST_CASE("documentation says type, default and whether a parameter is required") {
  const auto type = [](const char* name) { return schema().find(name)->type_text; };
  CHECK(type("name") == "text");
  CHECK(type("force") == "true or false");
  CHECK(type("uid") == "integer");
  CHECK(type("path") == "path");
  CHECK(type("mode") == "mode");
  CHECK(type("timeout") == "time");
  CHECK(type("limit") == "size");
  CHECK(type("source") == "file beside the playbook");
  CHECK(type("names") == "text or list of texts");
  CHECK(type("groups") == "list of texts");
  CHECK(type("env") == "object of texts");
  CHECK(type("state") == "\"present\" or \"absent\"");
  CHECK(schema().find("name")->required);
  CHECK_FALSE(schema().find("mode")->required);
  CHECK(schema().find("nobody") == nullptr);
  CHECK(schema().find("timeout")->default_value == Value("10s"));
  CHECK(schema().find("limit")->default_value == Value("64MiB"));
  CHECK(schema().find("count")->default_value == Value(3));
  CHECK(schema().find("state")->default_value == Value("present"));
  CHECK(schema().find("mode")->default_value.is_null());
  CHECK(schema().find("password")->sensitive);
}

TEST_CASE("each kind of parameter has its JSON Schema") {
  const auto json = [](const char* name) { return to_json(schema().find(name)->json_schema); };
  CHECK(json("name") == R"({"type":"string"})");
  CHECK(json("mode") == R"({"type":"string","pattern":"^[0-7]{3,4}$"})");
  CHECK(json("uid") == R"({"type":"integer","minimum":0,"maximum":4294967295})");
  CHECK(json("groups") == R"({"type":"array","items":{"type":"string"}})");
  CHECK(json("state") == R"({"enum":["present","absent"]})");
}
