// Claims: which resources of a playbook conflict, and claims as text.
#include "model/claim.hpp"
#include "support/catch.hpp"
#include "support/site.hpp"

using namespace mlops;
using mlops::test::Site;

TEST_CASE("two that own the same object with different desired states") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"folder": "/etc"},
  "resources": [
    {"type": "file", "path": "/etc/motd", "content": "a"},
    {"type": "package", "id": "tools", "names": ["git", "curl"]},
    {"type": "file", "id": "greeting", "path": "{{vars.folder}}/motd", "content": "b"},
    {"type": "package", "names": "curl", "state": "absent"}
  ]
}
)") ==
        R"(site.json:6:5: error: file[/etc/motd] and file[greeting] want different things of the path /etc/motd
      {"type": "file", "id": "greeting", "path": "{{vars.folder}}/motd", "cont…
      ^
site.json:4:5: note: file[/etc/motd] stands here
      {"type": "file", "path": "/etc/motd", "content": "a"},
      ^
site.json:7:5: error: package[tools] and package[curl] want different things of the package curl
      {"type": "package", "names": "curl", "state": "absent"}
      ^
site.json:5:5: note: package[tools] stands here
      {"type": "package", "id": "tools", "names": ["git", "curl"]},
      ^
)");
}

TEST_CASE("two that edit the same part with different desired states") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "line", "path": "/etc/hosts", "name": "one", "text": "1"},
    {"type": "line", "path": "/etc/hosts", "name": "two", "text": "2"},
    {"type": "line", "path": "/etc/hosts", "name": "one", "text": "3"}
  ]
}
)") ==
        R"(site.json:5:5: error: line[one] and line[one] want different things of `one` in the path /etc/hosts
      {"type": "line", "path": "/etc/hosts", "name": "one", "text": "3"}
      ^
site.json:3:5: note: line[one] stands here
      {"type": "line", "path": "/etc/hosts", "name": "one", "text": "1"},
      ^
)");
}

TEST_CASE("something in a folder that another resource removes") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/srv/old/app/x", "content": ""},
    {"type": "file", "path": "/srv/old", "absent": true}
  ]
}
)") ==
        R"(site.json:3:5: error: the path /srv/old/app/x lies in /srv/old, which file[/srv/old] removes
      {"type": "file", "path": "/srv/old/app/x", "content": ""},
      ^
site.json:4:5: note: file[/srv/old] stands here
      {"type": "file", "path": "/srv/old", "absent": true}
      ^
)");
}

TEST_CASE("equal desired states, other objects, other parts and mere reading are no conflict") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/a", "content": "x"},
    {"type": "file", "path": "/a", "content": "x"},
    {"type": "package", "names": ["git", "curl"]},
    {"type": "package", "names": ["curl", "vim"]},
    {"type": "line", "path": "/a", "name": "one", "text": "1"},
    {"type": "line", "path": "/a", "name": "two", "text": "2"},
    {"type": "file", "path": "/srv/old", "absent": true},
    {"type": "file", "path": "/srv/older", "content": ""},
    {"type": "file", "path": "/srv/old/x", "absent": true}
  ]
})") == "");
}

TEST_CASE("resources that may be skipped, and those that are not known yet, conflict with none") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"small": false},
  "resources": [
    {"type": "file", "path": "/a", "content": "x", "when": {"facts.os.id": "debian"}},
    {"type": "file", "path": "/a", "content": "y", "when": {"facts.os.id": "ubuntu"}},
    {"type": "file", "path": "/b", "content": "x"},
    {"type": "file", "path": "/b", "content": "y", "when": {"vars.small": true}},
    {"type": "file", "path": "/c", "content": "{{facts.os.id}}"},
    {"type": "file", "path": "/c", "content": "{{facts.host.name}}"}
  ]
})") == "");
}

TEST_CASE("what for_each makes of one resource can conflict too") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "for_each": {"a": "1", "b": "2"}, "path": "/x", "content": "{{item.value}}"}
  ]
})") ==
        R"(site.json:3:5: error: file[/x][a] and file[/x][b] want different things of the path /x
      {"type": "file", "for_each": {"a": "1", "b": "2"}, "path": "/x", "conten…
      ^
site.json:3:5: note: file[/x][a] stands here
      {"type": "file", "for_each": {"a": "1", "b": "2"}, "path": "/x", "conten…
      ^
)");
}

TEST_CASE("a claim is stored as its access, kind and key, and read back") {
  const std::vector<std::pair<Claim, std::string>> rows{
      {{Claim::Kind::path, "/etc/my motd"}, "owns path /etc/my motd"},
      {{.key = "/srv", .access = Claim::Access::edits, .tree = true}, "edits tree /srv"},
      {{.kind = Claim::Kind::user, .key = "ada", .access = Claim::Access::reads}, "reads user ada"},
      {{.kind = Claim::Kind::tunnel, .key = "web"}, "owns tunnel web"},
      {{.kind = Claim::Kind::cloud, .key = "ec2_instance box region=eu-central-1"},
       "owns cloud ec2_instance box region=eu-central-1"}};
  for (const auto& [claim, text] : rows) {
    CHECK(to_string(claim) == text);
    const auto back = parse_claim(text);
    REQUIRE(back);
    CHECK(back->access == claim.access);
    CHECK(object_of(*back) == object_of(claim));
  }
}

TEST_CASE("every kind of object is read back from its text") {
  for (const auto kind :
       {Claim::Kind::path, Claim::Kind::user, Claim::Kind::group, Claim::Kind::package, Claim::Kind::service,
        Claim::Kind::port, Claim::Kind::tunnel, Claim::Kind::cloud, Claim::Kind::image}) {
    const ClaimedObject object{kind, "a b"};
    CHECK(parse_object(to_string(object)) == object);
  }
}

TEST_CASE("text of another form is no claim") {
  for (const char* text : {"", "owns", "owns path", "has path /a", "owns thing /a", "path /a"}) {
    CAPTURE(text);
    CHECK(!parse_claim(text));
  }
  CHECK(!parse_object("thing a"));
  CHECK(!parse_object(""));
}
