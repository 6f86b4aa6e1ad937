#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

std::string changes(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property + " " + c.before.to_text() + ">" + c.after.to_text();
  return text;
}

std::string failure(const std::string& json, const FakeMachine& machine) {
  try {
    try_module("file", json, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

// A unified diff without its first line, the hunk's place.
std::string body(const std::string& diff) { return diff.empty() ? "" : diff.substr(diff.find('\n') + 1); }

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A machine that counts how often its files are looked at.
struct CountingFiles : FakeFiles {
  mutable int looks = 0;
  mutable std::uint64_t limit = 0;
  std::optional<FileView> view(const std::string& path, std::uint64_t content_limit) const override {
    ++looks;
    limit = content_limit;
    return FakeFiles::view(path, content_limit);
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    ++looks;
    return FakeFiles::resolve(path);
  }
};
struct CountingMachine : FakeMachine {
  CountingFiles counting;
  const FileReader& files() const override { return counting; }
};

}  // namespace

TEST_CASE("file: nothing there, present: it is made with mode 0644 and a diff of its lines") {
  FakeMachine machine;
  machine.f.folder("/etc");
  const Tried t = try_module("file", R"({"path": "/etc/motd", "content": "one\ntwo\n"})", machine);
  CHECK(changes(t.diff) == "exists false>true, content null>8 bytes, mode null>0644");
  CHECK(body(t.diff.changes[1].text_diff) == "+one\n+two\n");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* write = action<WriteFile>(t.diff, 0);
  REQUIRE(write);
  CHECK(write->path == "/etc/motd");
  CHECK(write->content == "one\ntwo\n");
  CHECK(write->mode == 0644u);
  CHECK(write->owner == "");
  CHECK(!write->replace_link);
}

TEST_CASE("file: a new one without content is empty, and has the desired rights at once") {
  FakeMachine machine;
  machine.f.folder("/etc");
  const Tried t =
      try_module("file", R"({"path": "/etc/x", "mode": "0600", "owner": "ann", "group": "team"})", machine);
  CHECK(changes(t.diff) == "exists false>true, mode null>0600, owner null>ann, group null>team");
  const auto* write = action<WriteFile>(t.diff, 0);
  REQUIRE(write);
  CHECK(write->content == "");
  CHECK(write->mode == 0600u);
  CHECK(write->owner == "ann");
  CHECK(write->group == "team");
}

TEST_CASE("file: without the folder that it is to lie in it cannot be made") {
  const FakeMachine machine;
  CHECK(failure(R"({"path": "/srv/a/b", "content": "x"})", machine) ==
        "/srv/a does not exist, so /srv/a/b cannot be made: give it a directory resource before this one");
}

TEST_CASE("file: a converged one needs nothing, and is read once") {
  CountingMachine machine;
  machine.counting.file("/etc/motd", "hello\n", 0640, "ann");
  CHECK(try_module("file", R"({"path": "/etc/motd", "content": "hello\n"})", machine).diff.empty());
  CHECK(machine.counting.looks == 1);
  CHECK(machine.counting.limit == 7);
  CHECK(try_module(
            "file",
            R"({"path": "/etc/motd", "content": "hello\n", "mode": "0640", "owner": "ann", "group": "ann"})",
            machine)
            .diff.empty());
  CHECK(machine.counting.looks == 2);
}

TEST_CASE("file: without content only the rights count, and nothing is read") {
  CountingMachine machine;
  machine.counting.file("/etc/key", "secret", 0644);
  const Tried t = try_module("file", R"({"path": "/etc/key", "mode": "0400"})", machine);
  CHECK(machine.counting.limit == 0);
  CHECK(changes(t.diff) == "mode 0644>0400");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* set = action<SetAttributes>(t.diff, 0);
  REQUIRE(set);
  CHECK(set->mode == 0400u);
  CHECK(set->owner == "");
}

TEST_CASE("file: other content is written, and what is not given is kept") {
  FakeMachine machine;
  machine.f.file("/etc/motd", "one\ntwo\n", 0640, "ann");
  const Tried t =
      try_module("file", R"({"path": "/etc/motd", "content": "one\n2\n", "mode": "0640"})", machine);
  CHECK(changes(t.diff) == "content 8 bytes>6 bytes");
  CHECK(body(t.diff.changes[0].text_diff) == " one\n-two\n+2\n");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* write = action<WriteFile>(t.diff, 0);
  REQUIRE(write);
  CHECK(write->content == "one\n2\n");
  CHECK(!write->mode);
  CHECK(write->owner == "");
  CHECK(write->group == "");
}

TEST_CASE("file: content and rights that differ are changed in one action") {
  FakeMachine machine;
  machine.f.file("/etc/motd", "a", 0640, "ann");
  const Tried t = try_module(
      "file", R"({"path": "/etc/motd", "content": "b", "mode": "0600", "owner": "bob", "group": "team"})",
      machine);
  CHECK(changes(t.diff) == "content 1 byte>1 byte, mode 0640>0600, owner ann>bob, group ann>team");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* write = action<WriteFile>(t.diff, 0);
  REQUIRE(write);
  CHECK(write->mode == 0600u);
  CHECK(write->owner == "bob");
  CHECK(write->group == "team");
}

TEST_CASE("file: content that is empty is content") {
  FakeMachine machine;
  machine.f.file("/etc/motd", "a\n");
  const Tried t = try_module("file", R"({"path": "/etc/motd", "content": ""})", machine);
  CHECK(changes(t.diff) == "content 2 bytes>0 bytes");
  machine.f.file("/etc/motd", "");
  CHECK(try_module("file", R"({"path": "/etc/motd", "content": ""})", machine).diff.empty());
}

TEST_CASE("file: a longer file is recognised as different without reading it, and read for its diff") {
  FakeMachine machine;
  machine.f.file("/etc/motd", "a\nb\nc\nd\n");
  const Tried t = try_module("file", R"({"path": "/etc/motd", "content": "a\n"})", machine);
  CHECK(body(t.diff.changes.at(0).text_diff) == " a\n-b\n-c\n-d\n");
  CHECK(t.current.has_value());
}

TEST_CASE("file: what is no text has sizes and no diff") {
  FakeMachine machine;
  machine.f.file("/x", std::string("\0\1\2", 3));
  const Tried t = try_module("file", R"({"path": "/x", "content": "text"})", machine);
  CHECK(changes(t.diff) == "content 3 bytes>4 bytes");
  CHECK(body(t.diff.changes[0].text_diff) == "");
}

TEST_CASE("file: what is lost with another owner, group or content is in the plan, unless it is asked for") {
  FakeMachine machine;
  machine.f.file("/x", "old", 06755, "ann");
  machine.f.entries["/x"].status.links = 3;
  machine.f.granted["/x"] = {"cap_net_raw=ep", {"user:bob:rwx"}, 5};
  const auto planned = [&](const char* more) {
    return try_module("file", R"({"path": "/x", )" + std::string(more) + "}", machine).diff;
  };
  CHECK(changes(planned(R"("owner": "root")")) ==
        "mode 6755>0755, owner ann>root, capabilities cap_net_raw=ep>null, access list [\"user:bob:rwx\"]>[]");
  CHECK_FALSE(action<SetAttributes>(planned(R"("owner": "root")"), 0)->mode);
  CHECK(changes(planned(R"("group": "team")")) ==
        "mode 6755>0755, group ann>team, capabilities cap_net_raw=ep>null");
  CHECK(changes(planned(R"("content": "new")")) ==
        "content 3 bytes>3 bytes, mode 6755>0755, capabilities cap_net_raw=ep>null, hard links 3>1");
  const Diff asked = planned(R"("owner": "root", "mode": "6755")");
  CHECK(changes(asked) ==
        "owner ann>root, capabilities cap_net_raw=ep>null, access list [\"user:bob:rwx\"]>[]");
  CHECK(action<SetAttributes>(asked, 0)->mode == 06755u);
  CHECK(planned(R"("owner": "ann", "content": "old")").empty());
  // The group gets what its own entry gave it, not what the ACL gave to others.
  machine.f.file("/x", "old", 0670, "ann");
  machine.f.granted["/x"] = {"", {"user:bob:rwx"}, 4};
  CHECK(changes(planned(R"("owner": "root")")) ==
        "mode 0670>0640, owner ann>root, access list [\"user:bob:rwx\"]>[]");
}

TEST_CASE("file: a new one whose content is a secret has mode 0600, unless a mode is given") {
  FakeMachine machine;
  machine.f.folder("/etc");
  const Tried t =
      try_module("file", R"({"path": "/etc/key", "content": "s3cret", "sensitive": true})", machine);
  CHECK(changes(t.diff) == "exists false>true, content null>6 bytes, mode null>0600");
  CHECK(action<WriteFile>(t.diff, 0)->mode == 0600u);
  const Tried given = try_module(
      "file", R"({"path": "/etc/key", "content": "s3cret", "sensitive": true, "mode": "0640"})", machine);
  CHECK(action<WriteFile>(given.diff, 0)->mode == 0640u);
  machine.f.file("/etc/key", "old", 0644);
  const Tried there =
      try_module("file", R"({"path": "/etc/key", "content": "s3cret", "sensitive": true})", machine);
  CHECK_FALSE(action<WriteFile>(there.diff, 0)->mode);
}

TEST_CASE("file: sensitive content is marked and has no diff") {
  FakeMachine machine;
  machine.f.file("/x", "old");
  const Tried t = try_module("file", R"({"path": "/x", "content": "new", "sensitive": true})", machine);
  REQUIRE(t.diff.changes.size() == 1);
  CHECK(t.diff.changes[0].sensitive);
  CHECK(body(t.diff.changes[0].text_diff) == "");
  machine.f.entries.clear();
  const Tried made = try_module("file", R"({"path": "/x", "content": "new", "sensitive": true})", machine);
  CHECK(made.diff.changes.at(1).sensitive);
  CHECK(body(made.diff.changes.at(1).text_diff) == "");
}

TEST_CASE("file: a link to a file is followed; only force replaces it") {
  FakeMachine machine;
  machine.f.link("/home/ubuntu/.bashrc", "dotfiles/bashrc");
  machine.f.file("/home/ubuntu/dotfiles/bashrc", "a\n", 0600);
  CHECK(try_module("file", R"({"path": "~/.bashrc", "content": "a\n", "mode": "0600"})", machine).diff.empty());
  const Tried followed = try_module("file", R"({"path": "~/.bashrc", "content": "b\n"})", machine);
  CHECK(changes(followed.diff) == "content 2 bytes>2 bytes");
  CHECK(body(followed.diff.changes[0].text_diff) == "-a\n+b\n");
  REQUIRE(action<WriteFile>(followed.diff, 0));
  CHECK(action<WriteFile>(followed.diff, 0)->path == "/home/ubuntu/.bashrc");
  CHECK(!action<WriteFile>(followed.diff, 0)->replace_link);
  const Tried forced = try_module("file", R"({"path": "~/.bashrc", "content": "a\n", "force": true})", machine);
  CHECK(changes(forced.diff) ==
        "type a symbolic link to dotfiles/bashrc>a file, content null>2 bytes, mode null>0644");
  REQUIRE(forced.diff.actions.size() == 1);
  REQUIRE(action<WriteFile>(forced.diff, 0));
  CHECK(action<WriteFile>(forced.diff, 0)->replace_link);
}

TEST_CASE("file: a link to nothing or to a folder is an error, and replaced with force") {
  FakeMachine machine;
  machine.f.link("/x", "/y");
  if (GENERATE(false, true)) machine.f.folder("/y");
  CHECK(failure(R"({"path": "/x", "content": "a"})", machine) ==
        "/x is a symbolic link to /y, not a file; with `force` it would be replaced");
  const Tried t = try_module("file", R"({"path": "/x", "content": "a", "force": true})", machine);
  REQUIRE(t.diff.actions.size() == 1);
  REQUIRE(action<WriteFile>(t.diff, 0));
  CHECK(action<WriteFile>(t.diff, 0)->replace_link);
}

TEST_CASE("file: a folder is replaced only with force, and recursive when it has content") {
  FakeMachine machine;
  machine.f.folder("/x");
  CHECK(failure(R"({"path": "/x"})", machine) ==
        "/x is a folder, not a file; with `force` it would be replaced");
  const Tried t = try_module("file", R"({"path": "/x", "force": true})", machine);
  CHECK(changes(t.diff) == "type a folder>a file, mode null>0644");
  REQUIRE(t.diff.actions.size() == 2);
  REQUIRE(action<RemovePath>(t.diff, 0));
  CHECK(!action<RemovePath>(t.diff, 0)->recursive);
  CHECK(action<WriteFile>(t.diff, 1));
  machine.f.file("/x/y", "");
  CHECK(failure(R"({"path": "/x", "force": true})", machine) ==
        "/x is a folder that has content; with `recursive` besides `force` it would be replaced");
  const Tried all = try_module("file", R"({"path": "/x", "force": true, "recursive": true})", machine);
  REQUIRE(action<RemovePath>(all.diff, 0));
  CHECK(action<RemovePath>(all.diff, 0)->recursive);
}

TEST_CASE("file: what is neither file nor folder is replaced only with force") {
  FakeMachine machine;
  machine.f.entries["/x"] = {{FileType::fifo, 0644, "root", "root"}, "", {}};
  const std::string what = to_text(FileType::fifo);
  CHECK(failure(R"({"path": "/x"})", machine) ==
        "/x is " + what + ", not a file; with `force` it would be replaced");
  const Tried t = try_module("file", R"({"path": "/x", "force": true})", machine);
  CHECK(action<RemovePath>(t.diff, 0));
  CHECK(action<WriteFile>(t.diff, 1));
}

TEST_CASE("file: absent") {
  FakeMachine machine;
  const std::string absent = R"({"path": "/x", "state": "absent"})";
  SECTION("nothing there needs nothing") { CHECK(try_module("file", absent, machine).diff.empty()); }
  SECTION("a file goes") {
    machine.f.file("/x", "a");
    const Tried t = try_module("file", absent, machine);
    CHECK(changes(t.diff) == "exists true>false");
    CHECK(action<RemovePath>(t.diff, 0));
  }
  SECTION("a link goes, not what it points at") {
    machine.f.link("/x", "/y");
    machine.f.file("/y", "a");
    const Tried t = try_module("file", absent, machine);
    REQUIRE(t.diff.actions.size() == 1);
    REQUIRE(action<RemovePath>(t.diff, 0));
    CHECK(action<RemovePath>(t.diff, 0)->path == "/x");
  }
  SECTION("a folder needs force, and recursive when it has content") {
    machine.f.folder("/x");
    CHECK(failure(absent, machine) == "/x is a folder, not a file; with `force` it would be removed");
    machine.f.file("/x/y", "");
    CHECK(failure(R"({"path": "/x", "state": "absent", "force": true})", machine) ==
          "/x is a folder that has content; with `recursive` besides `force` it would be removed");
    const Tried t =
        try_module("file", R"({"path": "/x", "state": "absent", "force": true, "recursive": true})", machine);
    REQUIRE(action<RemovePath>(t.diff, 0));
    CHECK(action<RemovePath>(t.diff, 0)->recursive);
  }
}

TEST_CASE("file: an owner given by number is the account of that number") {
  FakeMachine machine;
  machine.f.file("/x", "", 0644, "ann");
  machine.a.users["ann"] = {.name = "ann", .uid = 1000};
  CHECK(try_module("file", R"({"path": "/x", "owner": "1000"})", machine).diff.empty());
}

TEST_CASE("file: parameters that contradict each other are reported") {
  const FakeMachine machine;
  CHECK(says(failure(R"({"path": "/x", "recursive": true})", machine), "`recursive` is for `force`"));
  CHECK(says(failure(R"({"path": "/"})", machine), "the root folder is no file"));
}

TEST_CASE("file: claims its path and runs as the path's owner") {
  FakeMachine machine;
  machine.f.file("/home/ubuntu/x", "");
  const Tried t = try_module("file", R"({"path": "~/x", "owner": "ubuntu"})", machine);
  const Module& module = *find_module("file");
  const Claims claims = module.claims(t.desired);
  REQUIRE(claims.size() == 2);
  CHECK(claims[0].key == "/home/ubuntu/x");
  CHECK(claims[0].access == Claim::Access::owns);
  CHECK(claims[1].key == "ubuntu");
  CHECK(module.actor(t.desired).path == "/home/ubuntu/x");
  CHECK(to_json(module.outputs(t.desired, t.current).values) == R"({"path":"/home/ubuntu/x"})");
}
