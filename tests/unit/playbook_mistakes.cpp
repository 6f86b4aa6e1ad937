// Every kind of mistake, as it is shown.
#include "support/catch.hpp"
#include "support/site.hpp"

using mlops::test::Site;

TEST_CASE("bad JSON ends the reading, with its place") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file" "path": "/a"}
  ]
}
)") ==
        R"(site.json:3:20: error: expected a comma or `}` after this member, found a text
      {"type": "file" "path": "/a"}
                     ^
site.json:3:5: note: the object begins here
      {"type": "file" "path": "/a"}
      ^
)");
}

TEST_CASE("a key that comes twice is reported with its first place") {
  Site site;
  CHECK(site.mistakes(R"({
  "name": "a",
  "resources": [{"type": "file", "path": "/a", "path": "/b"}],
  "name": "b"
}
)") ==
        R"(site.json:3:48: error: the key `path` is already there
    "resources": [{"type": "file", "path": "/a", "path": "/b"}],
                                                 ^
site.json:3:34: note: first here
    "resources": [{"type": "file", "path": "/a", "path": "/b"}],
                                   ^
site.json:4:3: error: the key `name` is already there
    "name": "b"
    ^
site.json:2:3: note: first here
    "name": "a",
    ^
)");
}

TEST_CASE("a playbook must be an object") {
  Site site;
  CHECK(site.mistakes(R"(["x"]
)") ==
        R"(site.json:1:1: error: a playbook must be an object, found a list
  ["x"]
  ^
  hint: write {"resources": […]}
)");
}

TEST_CASE("a playbook needs resources or plays") {
  Site site;
  CHECK(site.mistakes(R"({"name": "x"}
)") ==
        R"(site.json:1:1: error: `resources` is missing
  {"name": "x"}
  ^
  hint: or `plays`, where there are several
)");
}

TEST_CASE("resources and plays cannot stand together") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [],
  "plays": []
}
)") ==
        R"(site.json:3:3: error: `plays` and `resources` cannot stand together
    "plays": []
    ^
  hint: `resources` is short for a single play
)");
}

TEST_CASE("unknown keys of a playbook and of a play") {
  Site site;
  CHECK(site.mistakes(R"({
  "titel": "x",
  "varz": {},
  "plays": [
    {"nme": "x", "resources": []}
  ]
}
)") ==
        R"(site.json:2:3: error: unknown key `titel`
    "titel": "x",
    ^
  hint: the keys are name, vars, secrets, plays, resources, show, $schema
site.json:3:3: error: unknown key `varz`
    "varz": {},
    ^
  hint: did you mean `vars`?
site.json:5:6: error: unknown key `nme`
      {"nme": "x", "resources": []}
       ^
  hint: did you mean `name`?
)");
}

TEST_CASE("wrong kinds of what stands at the top") {
  Site site;
  CHECK(site.mistakes(R"({
  "name": 1,
  "vars": [],
  "show": [1],
  "resources": {}
}
)") ==
        R"(site.json:2:11: error: `name` must be a text, found an integer
    "name": 1,
            ^
site.json:3:11: error: `vars` must be an object, found a list
    "vars": [],
            ^
site.json:4:12: error: `show` must be a list of texts, found an integer
    "show": [1],
             ^
site.json:5:16: error: `resources` must be a list of objects, found an object
    "resources": {}
                 ^
)");
}

TEST_CASE("wrong kinds inside plays") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [
    "x",
    {"name": [], "on": 3, "when": [], "resources": "y"},
    {}
  ]
}
)") ==
        R"(site.json:3:5: error: `plays` must be a list of objects, found a text
      "x",
      ^
site.json:4:14: error: `name` must be a text, found a list
      {"name": [], "on": 3, "when": [], "resources": "y"},
               ^
site.json:4:24: error: `on` must be a list of texts, found an integer
      {"name": [], "on": 3, "when": [], "resources": "y"},
                         ^
site.json:4:35: error: a condition is an object, found a list
      {"name": [], "on": 3, "when": [], "resources": "y"},
                                    ^
  hint: write {"facts.os.id": "debian"}
site.json:4:52: error: `resources` must be a list of objects, found a text
      {"name": [], "on": 3, "when": [], "resources": "y"},
                                                     ^
site.json:5:5: error: `resources` is missing
      {}
      ^
)");
}

TEST_CASE("what a play is on must be names of hosts that are known at once") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [{"on": ["local", "-oProxyCommand=x"], "resources": []},
            {"on": "{{facts.host.name}}", "resources": []},
            {"on": [], "resources": []}]
}
)") ==
        R"(site.json:2:30: error: `-oProxyCommand=x` is no name of a host
    "plays": [{"on": ["local", "-oProxyCommand=x"], "resources": []},
                               ^
  hint: "local", a name that ssh knows, or user@host:port
site.json:3:20: error: `on` must be known before any host is looked at
              {"on": "{{facts.host.name}}", "resources": []},
                     ^
  hint: it may refer to vars and env that refer to nothing else, and to resources of earlier plays on local
site.json:4:20: error: `on` names no host
              {"on": [], "resources": []}]
                     ^
)");
}

TEST_CASE("a play's hosts may come from vars") {
  Site site;
  const mlops::Playbook p = site.load(R"({"vars": {"all": ["web1", "me@web2:2222"]}, "plays": [
    {"on": "{{vars.all}}", "resources": []}, {"on": "local", "resources": []}, {"resources": []}]})");
  CHECK(p.plays[0].on == std::vector<std::string>{"web1", "me@web2:2222"});
  CHECK(p.plays[1].on == std::vector<std::string>{"local"});
  CHECK(p.plays[2].on.empty());
}

TEST_CASE("what of a host is known by name is checked") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [{"resources": [{"type": "package", "id": "g", "names": ["a"]}]},
            {"on": "local", "resources": [
    {"type": "package", "names": ["{{hosts.web1.adress}}"]},
    {"type": "package", "names": ["{{hosts.web1.facts.os.idd}}"]},
    {"type": "package", "names": ["{{hosts.web1.resources.gg.name}}"]},
    {"type": "package", "names": ["{{hosts.web1.resources.g.name}}"]}]}]
}
)") ==
        R"(site.json:4:38: error: there is no `hosts.web1.adress`
      {"type": "package", "names": ["{{hosts.web1.adress}}"]},
                                       ^
  hint: did you mean `address`?
site.json:5:38: error: there is no `hosts.web1.facts.os.idd`
      {"type": "package", "names": ["{{hosts.web1.facts.os.idd}}"]},
                                       ^
  hint: did you mean `id`?
site.json:6:38: error: there is no resource with the id `gg`
      {"type": "package", "names": ["{{hosts.web1.resources.gg.name}}"]},
                                       ^
  hint: did you mean `g`?
)");
}

TEST_CASE("wrong kinds of what every resource may have") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    "x",
    {
      "type": "file",
      "path": "/a",
      "id": 3,
      "when": "facts.os.id",
      "for_each": 3,
      "tags": [1],
      "as": true,
      "after": {},
      "notify": "{{vars.x}}"
    }
  ]
}
)") ==
        R"(site.json:3:5: error: a resource must be an object, found a text
      "x",
      ^
site.json:7:13: error: `id` must be a text, found an integer
        "id": 3,
              ^
site.json:8:15: error: a condition is an object, found a text
        "when": "facts.os.id",
                ^
  hint: write {"facts.os.id": "debian"}
site.json:9:19: error: `for_each` must be a list, an object or a reference to one, found an integer
        "for_each": 3,
                    ^
site.json:10:16: error: `tags` must be a list of texts, found an integer
        "tags": [1],
                 ^
site.json:11:13: error: `as` must be a text, found true or false
        "as": true,
              ^
site.json:12:16: error: `after` must be a list of texts, found an object
        "after": {},
                 ^
site.json:13:17: error: `notify` cannot hold `{{`: it must be known before a run
        "notify": "{{vars.x}}"
                  ^
)");
}

TEST_CASE("a type that is missing, of a wrong kind, unknown") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"path": "/a"}, {"typ": "file"}, {"package": {"names": "a"}},
    {"type": 3},
    {"type": "pakage", "names": "a"},
    {"type": "cron", "names": "a"}
  ]
}
)") ==
        R"(site.json:3:5: error: `type` is missing
      {"path": "/a"}, {"typ": "file"}, {"package": {"names": "a"}},
      ^
  hint: each resource says what it is, as in {"type": "file", "path": "/etc/motd"}
site.json:3:21: error: `type` is missing
      {"path": "/a"}, {"typ": "file"}, {"package": {"names": "a"}},
                      ^
  hint: write `type` for `typ`
site.json:3:38: error: `type` is missing
      {"path": "/a"}, {"typ": "file"}, {"package": {"names": "a"}},
                                       ^
  hint: write {"type": "package", …}
site.json:4:14: error: `type` must be a text, found an integer
      {"type": 3},
               ^
site.json:5:14: error: unknown type `pakage`
      {"type": "pakage", "names": "a"},
               ^
  hint: did you mean `package`?
site.json:6:14: error: unknown type `cron`
      {"type": "cron", "names": "a"}
               ^
  hint: the types are file, line, package, service
)");
}

TEST_CASE("a retry that is none") {
  Site site;
  CHECK(
      site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/a", "retry": 3},
    {"type": "file", "path": "/b", "retry": {"delay": 5, "tmes": 1}},
    {"type": "file", "path": "/c", "retry": {"times": 0}}
  ]
}
)") ==
      R"(site.json:3:45: error: `retry` must be an object such as {"times": 3, "delay": "5s"}, found an integer
      {"type": "file", "path": "/a", "retry": 3},
                                              ^
site.json:4:45: error: `times` is missing
      {"type": "file", "path": "/b", "retry": {"delay": 5, "tmes": 1}},
                                              ^
  hint: it is how often it is tried again after a failure
site.json:4:55: error: `delay` must be a time such as "10s" (ms, s, m, h, d), found the number 5
      {"type": "file", "path": "/b", "retry": {"delay": 5, "tmes": 1}},
                                                        ^
  hint: write "5s"
site.json:4:58: error: unknown key `tmes`
      {"type": "file", "path": "/b", "retry": {"delay": 5, "tmes": 1}},
                                                           ^
  hint: did you mean `times`?
site.json:5:55: error: `times` must be an integer from 1 to 1000, found the number 0
      {"type": "file", "path": "/c", "retry": {"times": 0}}
                                                        ^
)");
}

TEST_CASE("parameters that are unknown, missing, of a wrong kind") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "pth": "/a"},
    {"type": "file", "path": "/b", "mode": 644, "notfy": "x"},
    {"type": "service", "name": ["x"]}
  ]
}
)") ==
        R"(site.json:3:5: error: `path` is missing
      {"type": "file", "pth": "/a"},
      ^
  hint: `path` is a path: Where it is.
site.json:3:22: error: unknown parameter `pth`
      {"type": "file", "pth": "/a"},
                       ^
  hint: did you mean `path`?
site.json:4:44: error: `mode` must be a text such as "0644", found the number 644
      {"type": "file", "path": "/b", "mode": 644, "notfy": "x"},
                                             ^
  hint: write "0644"
site.json:4:49: error: unknown parameter `notfy`
      {"type": "file", "path": "/b", "mode": 644, "notfy": "x"},
                                                  ^
  hint: did you mean `notify`?
site.json:5:33: error: `name` must be a text, found a list
      {"type": "service", "name": ["x"]}
                                  ^
)");
}

TEST_CASE("an id has to be of certain characters") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/a", "id": "a[b]"},
    {"type": "file", "path": "/b", "id": ""}
  ]
}
)") ==
        R"(site.json:3:42: error: an id is of letters, digits, `_`, `.` and `-`, found "a[b]"
      {"type": "file", "path": "/a", "id": "a[b]"},
                                           ^
site.json:4:42: error: an id is of letters, digits, `_`, `.` and `-`, found ""
      {"type": "file", "path": "/b", "id": ""}
                                           ^
)");
}

TEST_CASE("an id that is used twice, in another play too") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [
    {"resources": [{"type": "file", "path": "/a", "id": "x"}]},
    {"resources": [{"type": "file", "path": "/b", "id": "x"}]}
  ]
}
)") ==
        R"(site.json:4:57: error: the id `x` is used twice
      {"resources": [{"type": "file", "path": "/b", "id": "x"}]}
                                                          ^
site.json:3:57: note: first used here
      {"resources": [{"type": "file", "path": "/a", "id": "x"}]},
                                                          ^
)");
}

TEST_CASE("references to a later resource, to itself, to none") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "id": "one", "path": "{{resources.two.path}}"},
    {"type": "file", "id": "two", "path": "{{resources.two.path}}"},
    {"type": "file", "path": "/x", "content": "{{resources.ones.path}} {{resources}}"},
    {"type": "file", "path": "/y", "content": "{{resources.one.path}}"}
  ]
}
)") ==
        R"(site.json:3:46: error: `two` comes later: only an earlier resource can be referred to
      {"type": "file", "id": "one", "path": "{{resources.two.path}}"},
                                               ^
site.json:4:28: note: it stands here
      {"type": "file", "id": "two", "path": "{{resources.two.path}}"},
                             ^
site.json:4:46: error: `two` refers to itself
      {"type": "file", "id": "two", "path": "{{resources.two.path}}"},
                                               ^
site.json:5:50: error: there is no resource with the id `ones`
  …{"type": "file", "path": "/x", "content": "{{resources.ones.path}} {{resourc…
                                                ^
  hint: did you mean `one`?
site.json:5:74: error: `resources` wants an id behind it
  …: "file", "path": "/x", "content": "{{resources.ones.path}} {{resources}}"},
                                                                 ^
  hint: write `resources.ID.NAME`
)");
}

TEST_CASE("conditions refer to earlier resources too") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [
    {"when": {"resources.one.path": "x"}, "resources": [
      {"type": "file", "id": "one", "path": "/a", "when": {"resources.two.path": {"exists": true}}},
      {"type": "file", "id": "two", "path": "/b", "when": {"facts.os.idd": "debian"}}
    ]}
  ]
}
)") ==
        R"(site.json:3:15: error: `one` comes later: only an earlier resource can be referred to
      {"when": {"resources.one.path": "x"}, "resources": [
                ^
site.json:4:30: note: it stands here
        {"type": "file", "id": "one", "path": "/a", "when": {"resources.two.pa…
                               ^
site.json:4:60: error: `two` comes later: only an earlier resource can be referred to
  … "file", "id": "one", "path": "/a", "when": {"resources.two.path": {"exists"…
                                                ^
site.json:5:30: note: it stands here
        {"type": "file", "id": "two", "path": "/b", "when": {"facts.os.idd": "…
                               ^
site.json:5:60: error: there is no `facts.os.idd`
  …ype": "file", "id": "two", "path": "/b", "when": {"facts.os.idd": "debian"}}
                                                     ^
  hint: did you mean `id`?
)");
}

TEST_CASE("names that no one knows") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"version": "1", "nested": {"port": 80}},
  "resources": [
    {"type": "file", "path": "/a", "content": "{{vars.versoin}} {{vars.nested.prt}} {{fcts.os.id}}"},
    {"type": "file", "path": "/b", "content": "{{facts.os.nme}} {{facts.oss.id}} {{facts.os.id.x}} {{item}}"},
    {"type": "file", "path": "/c", "content": "{{env.MLOPS_TEST_NOT_SET}} {{secrets.x}}"},
    {"type": "file", "path": "/d", "as": "{{vars.owner}}"},
    {"type": "file", "path": "/e", "content": "{{facts.os.nme | default('x')}} {{vars.none | default('x')}}"}
  ],
  "show": ["{{vars.nme}}"]
}
)") ==
        R"(site.json:4:50: error: there is no `vars.versoin`
  …{"type": "file", "path": "/a", "content": "{{vars.versoin}} {{vars.nested.pr…
                                                ^
  hint: did you mean `version`?
site.json:4:67: error: there is no `vars.nested.prt`
  …"path": "/a", "content": "{{vars.versoin}} {{vars.nested.prt}} {{fcts.os.id}…
                                                ^
  hint: did you mean `port`?
site.json:4:87: error: there is no `fcts`
  …h": "/a", "content": "{{vars.versoin}} {{vars.nested.prt}} {{fcts.os.id}}"},
                                                                ^
  hint: did you mean `facts`?
site.json:5:50: error: there is no `facts.os.nme`
  …{"type": "file", "path": "/b", "content": "{{facts.os.nme}} {{facts.oss.id}}…
                                                ^
  hint: did you mean `name`?
site.json:5:67: error: there is no `facts.oss`
  …"path": "/b", "content": "{{facts.os.nme}} {{facts.oss.id}} {{facts.os.id.x}…
                                                ^
  hint: did you mean `os`?
site.json:5:84: error: there is no `facts.os.id.x`
  … "content": "{{facts.os.nme}} {{facts.oss.id}} {{facts.os.id.x}} {{item}}"},
                                                    ^
site.json:5:102: error: `item` is only there with `for_each`
  … "content": "{{facts.os.nme}} {{facts.oss.id}} {{facts.os.id.x}} {{item}}"},
                                                                      ^
site.json:6:50: error: the environment has no variable `MLOPS_TEST_NOT_SET`
  …{"type": "file", "path": "/c", "content": "{{env.MLOPS_TEST_NOT_SET}} {{secr…
                                                ^
site.json:6:77: error: there is no `secrets.x`
  …file", "path": "/c", "content": "{{env.MLOPS_TEST_NOT_SET}} {{secrets.x}}"},
                                                                 ^
  hint: declare it at the top: "secrets": {"NAME": {"env": "NAME"}}
site.json:7:45: error: there is no `vars.owner`
      {"type": "file", "path": "/d", "as": "{{vars.owner}}"},
                                              ^
site.json:8:50: error: there is no `facts.os.nme`
  …{"type": "file", "path": "/e", "content": "{{facts.os.nme | default('x')}} {…
                                                ^
  hint: did you mean `name`?
site.json:10:15: error: there is no `vars.nme`
    "show": ["{{vars.nme}}"]
                ^
)");
}

TEST_CASE("mistakes of syntax and of filters") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/a", "content": "{{ facts.os.id | uper }} {{ facts. }} {{ facts.os.id"},
    {"type": "file", "path": "/b", "content": "{{ facts.os.id | join }}"}
  ]
}
)") ==
        R"(site.json:3:65: error: unknown filter `uper`
  …, "path": "/a", "content": "{{ facts.os.id | uper }} {{ facts. }} {{ facts.o…
                                                ^
  hint: did you mean `upper`?
site.json:3:82: error: expected a name, found ` `
  …": "/a", "content": "{{ facts.os.id | uper }} {{ facts. }} {{ facts.os.id"},
                                                          ^
  hint: write `{{{{` for a literal `{{`
site.json:3:86: error: `{{` without `}}`
  …": "/a", "content": "{{ facts.os.id | uper }} {{ facts. }} {{ facts.os.id"},
                                                              ^
  hint: write `{{{{` for a literal `{{`
site.json:4:65: error: the filter `join` takes a text as its argument
      {"type": "file", "path": "/b", "content": "{{ facts.os.id | join }}"}
                                                                  ^
  hint: write `join(', ')`
)");
}

TEST_CASE("a filter on a wrong kind of value, as far as it is known") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"list": ["a"]},
  "resources": [{"type": "file", "path": "/a", "content": "{{ vars.list | lower }}"}]
}
)") ==
        R"(site.json:3:75: error: the filter `lower` needs a text, found a list
  …ces": [{"type": "file", "path": "/a", "content": "{{ vars.list | lower }}"}]
                                                                    ^
)");
}

TEST_CASE("vars may not refer to resources, to items, to unknown names, to themselves") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {
    "a": "{{vars.b}}",
    "b": "x{{vars.a}}",
    "c": "{{resources.x.y}}",
    "d": {"e": "{{item}}"},
    "f": "{{facts.os.idd}}"
  },
  "resources": []
}
)") ==
        R"(site.json:3:10: error: vars that refer to each other in a circle: vars.a -> vars.b -> vars.a
      "a": "{{vars.b}}",
           ^
site.json:5:13: error: vars cannot refer to `resources`
      "c": "{{resources.x.y}}",
              ^
  hint: they may refer to vars, facts, env and secrets
site.json:6:19: error: vars cannot refer to `item`
      "d": {"e": "{{item}}"},
                    ^
  hint: they may refer to vars, facts, env and secrets
site.json:7:13: error: there is no `facts.os.idd`
      "f": "{{facts.os.idd}}"
              ^
  hint: did you mean `id`?
)");
}

TEST_CASE("what is notified has to be later, of the same play, and able to") {
  Site site;
  CHECK(site.mistakes(R"({
  "plays": [
    {"resources": [
      {"type": "service", "id": "early", "name": "a"},
      {"type": "file", "id": "self", "path": "/a", "notify": ["early", "self", "plain", "lat", "far", "late"]},
      {"type": "file", "id": "plain", "path": "/b"},
      {"type": "service", "id": "late", "name": "b"}
    ]},
    {"resources": [{"type": "service", "id": "far", "name": "c"}]}
  ]
}
)") ==
        R"(site.json:5:63: error: `early` comes earlier: only a later resource can be notified
  …ile", "id": "self", "path": "/a", "notify": ["early", "self", "plain", "lat"…
                                                ^
site.json:4:33: note: it stands here
        {"type": "service", "id": "early", "name": "a"},
                                  ^
site.json:5:72: error: `self` cannot notify itself
  …": "self", "path": "/a", "notify": ["early", "self", "plain", "lat", "far", …
                                                ^
site.json:5:80: error: `plain` is of the type file, which cannot be notified
  …", "path": "/a", "notify": ["early", "self", "plain", "lat", "far", "late"]}…
                                                ^
site.json:6:30: note: it stands here
        {"type": "file", "id": "plain", "path": "/b"},
                               ^
site.json:5:89: error: there is no resource with the id `lat`
  …, "path": "/a", "notify": ["early", "self", "plain", "lat", "far", "late"]},
                                                        ^
  hint: did you mean `late`?
site.json:5:96: error: `far` is in another play: only a resource of the same one can be notified
  …, "path": "/a", "notify": ["early", "self", "plain", "lat", "far", "late"]},
                                                               ^
site.json:9:46: note: it stands here
      {"resources": [{"type": "service", "id": "far", "name": "c"}]}
                                               ^
)");
}

TEST_CASE("what a resource comes after has to be earlier") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "id": "one", "path": "/a", "after": ["two", "one", "tree"]},
    {"type": "file", "id": "two", "path": "/b", "after": "one"}
  ]
}
)") ==
        R"(site.json:3:59: error: `two` comes later: resources take effect in the order written
  …"type": "file", "id": "one", "path": "/a", "after": ["two", "one", "tree"]},
                                                        ^
site.json:4:28: note: it stands here
      {"type": "file", "id": "two", "path": "/b", "after": "one"}
                             ^
site.json:3:66: error: `one` cannot come after itself
  …"type": "file", "id": "one", "path": "/a", "after": ["two", "one", "tree"]},
                                                               ^
site.json:3:73: error: there is no resource with the id `tree`
  …"type": "file", "id": "one", "path": "/a", "after": ["two", "one", "tree"]},
                                                                      ^
)");
}

TEST_CASE("for_each is checked for each item") {
  Site site;
  CHECK(site.mistakes(R"({
  "vars": {"no": 3},
  "resources": [
    {"type": "file", "for_each": ["a", "b", "a"], "path": "/x/{{item}}"},
    {"type": "file", "for_each": {"a": {"mode": 644}}, "path": "/y/{{item.key}}", "mode": "{{item.value.mode}}"},
    {"type": "file", "for_each": ["c"], "path": "/z/{{item.key}}"},
    {"type": "file", "for_each": "{{vars.no}}", "path": "/q/{{item}}"},
    {"type": "file", "for_each": ["d"], "path": "{{item}}"},
    {"type": "file", "for_each": ["{{item}}"], "path": "/r"}
  ]
}
)") ==
        R"(site.json:4:45: error: `a` comes twice in `for_each`
      {"type": "file", "for_each": ["a", "b", "a"], "path": "/x/{{item}}"},
                                              ^
site.json:5:91: error: `mode` must be a text such as "0644", found the number 644
  …: {"mode": 644}}, "path": "/y/{{item.key}}", "mode": "{{item.value.mode}}"},
                                                        ^
  hint: write "0644"
site.json:6:55: error: there is no `item.key`
      {"type": "file", "for_each": ["c"], "path": "/z/{{item.key}}"},
                                                        ^
site.json:7:34: error: `for_each` must be a list or an object, found an integer
      {"type": "file", "for_each": "{{vars.no}}", "path": "/q/{{item}}"},
                                   ^
site.json:8:49: error: `path` must be an absolute path, or one that begins with ~/, found the text "d"
      {"type": "file", "for_each": ["d"], "path": "{{item}}"},
                                                  ^
site.json:9:38: error: `item` is only there with `for_each`
      {"type": "file", "for_each": ["{{item}}"], "path": "/r"}
                                       ^
)");
}

TEST_CASE("ten different mistakes of one file are all reported, in the order of the file") {
  Site site;
  CHECK(site.mistakes(R"({
  "nmae": "all wrong",
  "vars": {"version": "{{vars.vresion}}"},
  "resources": [
    {"type": "fiel", "path": "/a"},
    {"type": "file", "pth": "/b"},
    {"type": "file", "path": "/c", "mode": 644},
    {"type": "file", "path": "/d", "id": "x", "content": "{{resources.y.path}}"},
    {"type": "file", "path": "/e", "id": "x"},
    {"type": "file", "path": "/f", "id": "y", "notify": "nobody"},
    {"type": "file", "path": "/f", "when": {"facts.os.id": {"is": "debian"}}, "tags": 3},
    {"type": "file", "path": "/f", "content": "{{vars.version | uper}}", "path": "/g"},
    {"type": "file", "path": "/e"}
  ]
}
)") ==
        R"(site.json:2:3: error: unknown key `nmae`
    "nmae": "all wrong",
    ^
  hint: did you mean `name`?
site.json:3:26: error: there is no `vars.vresion`
    "vars": {"version": "{{vars.vresion}}"},
                           ^
  hint: did you mean `version`?
site.json:5:14: error: unknown type `fiel`
      {"type": "fiel", "path": "/a"},
               ^
  hint: did you mean `file`?
site.json:6:5: error: `path` is missing
      {"type": "file", "pth": "/b"},
      ^
  hint: `path` is a path: Where it is.
site.json:6:22: error: unknown parameter `pth`
      {"type": "file", "pth": "/b"},
                       ^
  hint: did you mean `path`?
site.json:7:44: error: `mode` must be a text such as "0644", found the number 644
      {"type": "file", "path": "/c", "mode": 644},
                                             ^
  hint: write "0644"
site.json:8:61: error: `y` comes later: only an earlier resource can be referred to
  …"type": "file", "path": "/d", "id": "x", "content": "{{resources.y.path}}"},
                                                          ^
site.json:10:42: note: it stands here
      {"type": "file", "path": "/f", "id": "y", "notify": "nobody"},
                                           ^
site.json:9:42: error: the id `x` is used twice
      {"type": "file", "path": "/e", "id": "x"},
                                           ^
site.json:8:42: note: first used here
      {"type": "file", "path": "/d", "id": "x", "content": "{{resources.y.path…
                                           ^
site.json:10:57: error: there is no resource with the id `nobody`
      {"type": "file", "path": "/f", "id": "y", "notify": "nobody"},
                                                          ^
site.json:11:61: error: unknown operator `is`
  …"file", "path": "/f", "when": {"facts.os.id": {"is": "debian"}}, "tags": 3},
                                                  ^
  hint: the operators are at_least, below, not, matches, exists
site.json:11:87: error: `tags` must be a list of texts, found an integer
  …"file", "path": "/f", "when": {"facts.os.id": {"is": "debian"}}, "tags": 3},
                                                                            ^
site.json:12:65: error: unknown filter `uper`
  …: "file", "path": "/f", "content": "{{vars.version | uper}}", "path": "/g"},
                                                        ^
  hint: did you mean `upper`?
site.json:12:74: error: the key `path` is already there
  …: "file", "path": "/f", "content": "{{vars.version | uper}}", "path": "/g"},
                                                                 ^
site.json:12:22: note: first here
      {"type": "file", "path": "/f", "content": "{{vars.version | uper}}", "pa…
                       ^
)");
}

TEST_CASE("a --set must name a var, and keep its kind") {
  Site site;
  site.options.sets = {"cuont=4", "count=four", "on=yes", "at.prt=1", "at.port=1.5",
                       "list=[1", "justname",   "=x",     "a b=c"};
  CHECK(site.mistakes(R"({"vars": {"count": 3, "on": true, "at": {"port": 80}, "list": []}, "resources": []}
)") ==
        R"(--set:1:1: error: there is no `vars.cuont` to be set
  cuont=4
  ^
  hint: did you mean `count`?
--set:1:7: error: `count` must be an integer as its default is, found `four`
  count=four
        ^
--set:1:4: error: `on` must be true or false as its default is, found `yes`
  on=yes
     ^
--set:1:1: error: there is no `vars.at.prt` to be set
  at.prt=1
  ^
  hint: did you mean `port`?
--set:1:9: error: `at.port` must be an integer as its default is, found `1.5`
  at.port=1.5
          ^
--set:1:6: error: `list` must be a list as its default is, found `[1`
  list=[1
       ^
--set:1:1: error: `justname` is not NAME=VALUE
  justname
  ^
--set:1:1: error: `=x` is not NAME=VALUE
  =x
  ^
--set:1:2: error: this is no name of a var: expected `.` or `[`, found ` `
  a b=c
   ^
)");
}

TEST_CASE("a number that {{ }} puts where a text belongs becomes text; one that is written there does not") {
  Site site;
  CHECK(site.mistakes(R"({"vars": {"n": 8080, "on": true}, "resources": [
    {"type": "file", "path": "/{{item}}", "content": "{{item}}", "for_each": [1, 2]},
    {"type": "file", "path": "/n", "content": "{{vars.n}}"},
    {"type": "file", "path": "/on", "content": "{{vars.on}}"},
    {"type": "package", "names": "{{item}}", "for_each": [7, 8]}
  ]})") == "");
  CHECK(site.mistakes(R"({"vars": {"list": [1]}, "resources": [
    {"type": "file", "path": "/a", "content": 1}, {"type": "package", "names": "{{vars.list}}"}]})") ==
        R"(site.json:1:20: error: each of `names` must be a text, found the number 1
  {"vars": {"list": [1]}, "resources": [
                     ^
  hint: write "1"
site.json:2:47: error: `content` must be a text, found an integer
  …   {"type": "file", "path": "/a", "content": 1}, {"type": "package", "names"…
                                                ^
)");
}

TEST_CASE(
    "a fact whose names are written together, a missing include and an argv in one text get the right word") {
  Site site;
  CHECK(site.mistakes(R"({"resources": [{"type": "file", "path": "/a", "content": "{{facts.hostname}}"}]})")
            .find("hint: did you mean `facts.host.name`?") != std::string::npos);
  CHECK(site.mistakes(R"({"resources": [{"include": "roles/web.json"}]})")
            .find("hint: it is looked for beside the file that includes it") != std::string::npos);
}
