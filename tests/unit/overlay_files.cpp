// The simulated tree against the real one: the same actions on both, then every answer compared.
#include "domains/files/overlay.hpp"

#include <functional>

#include "domains/accounts/local.hpp"
#include "domains/files/local.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

struct Reading {
  LocalAccounts accounts;
  OwnerNames names{accounts};
  Walker walker{false};
  LocalFiles files{walker, names};
};

// Two equal trees: in one the actions are performed, over the other they are thought.
struct Twins {
  TemporaryFolder real, thought;
  Reading reading;
  FileWriter writer{reading.walker, reading.names, {}};
  OverlayFiles overlay;
  OverlayFiles::Maker maker{reading.names.user(::geteuid()), reading.names.group(::getegid()), "file[x]"};

  Twins() {
    for (const TemporaryFolder* t : {&real, &thought}) {
      t->folder("d/e");
      t->file("d/f", "in d", 0640);
      t->file("d/e/deep", "deep");
      t->folder("empty");
      t->folder("shared", 02775);
      t->file("f", "at the top", 0600);
      t->link("to-d", "d");
      t->link("to-f", "d/../f");
      t->link("dangling", "d/new");
    }
  }
  // Paths in the action are relative to the tree.
  template <class A>
  void both(A action) {
    const auto in = [&](const TemporaryFolder& t) {
      A a = action;
      if constexpr (std::is_same_v<A, RenamePath>) {
        a.from = t / a.from;
        a.to = t / a.to;
      } else {
        a.path = t / a.path;
      }
      return a;
    };
    const std::string done = said(real, [&] { writer.perform(in(real)); });
    const std::string would = said(thought, [&] { overlay.apply(in(thought), reading.files, maker); });
    reading.walker.forget();
    CHECK(would == done);
    compare();
  }
  static std::string said(const TemporaryFolder& t, const std::function<void()>& work) {
    try {
      work();
      return "";
    } catch (const Error& e) {
      return relative(t, e.what());
    }
  }
  static std::string relative(const TemporaryFolder& t, std::string text) {
    for (std::size_t at; (at = text.find(t / "")) != std::string::npos;) text.erase(at, (t / "").size());
    return text;
  }
  static std::string text(const TemporaryFolder& t, const std::optional<FileView>& v) {
    if (!v) return "absent";
    const FileStatus& s = v->status;
    const std::string size = s.type == FileType::regular ? std::to_string(s.size) : "";
    return std::string(to_text(s.type)) + " " + std::to_string(s.mode) + " " + s.owner + " " + s.group + " " +
           size + " " + relative(t, v->target) + " " + v->content.value_or("(no content)");
  }
  static std::string text(const TemporaryFolder& t, const std::optional<std::string>& path) {
    return path ? relative(t, *path) : "absent";
  }
  void compare() const {
    for (const char* path :
         {"d",          "d/e",     "d/f",          "d/e/deep", "d/new",    "d/new/x",    "empty",
          "empty/deep", "empty/f", "empty/e/deep", "shared",   "shared/n", "shared/n/m", "f",
          "to-d",       "to-d/f",  "to-d/e/deep",  "to-d/new", "to-f",     "to-f/x",     "dangling",
          "g",          "g/f",     "g/e/deep",     "g/f/x",    "l",        "l/f",        "l/e",
          "l/new",      "l/e/deep"}) {
      INFO(path);
      const std::string r = real / path, t = thought / path;
      CHECK(text(thought, overlay.view(reading.files, t, 1000)) == text(real, reading.files.view(r, 1000)));
      CHECK(text(thought, overlay.resolve(reading.files, t)) == text(real, reading.files.resolve(r)));
      CHECK(overlay.list(reading.files, t) == reading.files.list(r));
      CHECK(overlay.sha256(reading.files, t) == reading.files.sha256(r));
      CHECK(overlay.grants(reading.files, t) == reading.files.grants(r));
    }
  }
};

std::vector<std::string> waits_for(const std::function<void()>& read) {
  try {
    read();
  } catch (const Unknown& u) {
    return u.waits_for;
  }
  return {};
}

}  // namespace

TEST_CASE("files written in a simulation are as they would be") {
  Twins t;
  t.both(WriteFile{.path = "g", .content = "new"});
  t.both(WriteFile{.path = "f", .content = "changed"});
  t.both(WriteFile{.path = "d/f", .content = "changed", .mode = 0604});
  t.both(WriteFile{.path = "to-d/new", .content = "through a folder's link"});
  t.both(WriteFile{.path = "shared/n", .content = "of the group"});
  t.both(WriteFile{.path = "d", .content = "x"});
  t.both(WriteFile{.path = "missing/x", .content = "x"});
  t.both(WriteFile{.path = "f/x", .content = "x"});
}

TEST_CASE("links are written through, also dangling ones, or replaced") {
  Twins t;
  t.both(WriteFile{.path = "to-f", .content = "through"});
  t.both(WriteFile{.path = "dangling", .content = "made"});
  t.both(WriteFile{.path = "to-f", .content = "own", .replace_link = true});
  t.both(WriteFile{.path = "to-d", .content = "no folder any more", .replace_link = true});
}

TEST_CASE("simulated folders contain what is put into them") {
  Twins t;
  t.both(CreateDirectory{.path = "shared/n"});
  t.both(CreateDirectory{.path = "shared/n/m", .mode = 0700});
  t.both(CreateDirectory{.path = "g"});
  t.both(WriteFile{.path = "g/f", .content = "x"});
  t.both(CreateDirectory{.path = "d"});
  t.both(CreateDirectory{.path = "missing/x"});
}

TEST_CASE("simulated links are followed") {
  Twins t;
  t.both(CreateLink{.path = "l", .target = "to-d"});
  t.both(WriteFile{.path = "l/new", .content = "through two links"});
  t.both(CreateLink{.path = "l", .target = "x"});
  t.both(RemovePath{.path = "l"});
  t.both(CreateLink{.path = "l", .target = "./d/e/.."});
  t.both(RemovePath{.path = "d/e", .recursive = true});
  t.both(RemovePath{.path = "l"});
  for (const char* loop : {"l", "l/x"}) {
    const auto view = [&](const TemporaryFolder& in, auto read) {
      return Twins::said(in, [&] { read(in / loop); });
    };
    t.reading.walker.forget();
    if (!is_there(t.real / "l")) {
      t.writer.perform(CreateLink{.path = t.real / "l", .target = "l"});
      t.overlay.apply(CreateLink{.path = t.thought / "l", .target = "l"}, t.reading.files, t.maker);
    }
    CHECK(view(t.thought, [&](const std::string& path) { t.overlay.list(t.reading.files, path); }) ==
          view(t.real, [&](const std::string& path) { t.reading.files.list(path); }));
    CHECK_FALSE(t.overlay.resolve(t.reading.files, t.thought / loop));
  }
}

TEST_CASE("a removed link makes way for a folder") {
  Twins t;
  t.both(RemovePath{.path = "to-d"});
  t.both(CreateDirectory{.path = "to-d"});
  t.both(WriteFile{.path = "to-d/f", .content = "not the one in d"});
}

TEST_CASE("simulated changes of attributes leave the content as it is") {
  Twins t;
  t.both(SetAttributes{.path = "to-f", .mode = 0644});
  t.both(SetAttributes{.path = "d", .mode = 0700});
  t.both(SetAttributes{.path = "missing", .mode = 0700});
  t.both(WriteFile{.path = "f", .content = "new"});
  t.both(SetAttributes{.path = "f", .mode = 0600});
  t.both(RemovePath{.path = "d", .recursive = true});
}

TEST_CASE("what does not stay with another owner, group or content is gone in a simulation, too") {
  Twins t;
  const std::map<std::string, std::string> capability{
      {"security.capability", std::string("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)}};
  const std::map<std::string, std::string> acl{
      {"system.posix_acl_access",
       std::string("\2\0\0\0\1\0\6\0\377\377\377\377\2\0\7\0\x68\x12\0\0\4\0\4\0\377\377\377\377"
                   "\20\0\7\0\377\377\377\377\40\0\0\0\377\377\377\377",
                   44)}};
  const auto prepare = [&](const char* name, mode_t mode, const std::map<std::string, std::string>& extended) {
    for (const TemporaryFolder* tree : {&t.real, &t.thought}) {
      t.writer.perform(SetAttributes{.path = *tree / name, .mode = mode, .extended = extended});
      t.reading.walker.forget();
    }
  };
  prepare("f", 06755, {});
  t.both(WriteFile{.path = "f", .content = "new"});
  t.both(WriteFile{.path = "f", .content = "new", .mode = 04755});
  t.both(WriteFile{.path = "f", .content = "newer"});
  t.both(WriteFile{.path = "g", .content = "a secret", .sensitive = true});
  prepare("d/f", 0755, capability);
  t.both(WriteFile{.path = "d/f", .content = "new"});
  if (!is_root("files of other owners")) return;
  prepare("d/e/deep", 06755, capability);
  t.both(SetAttributes{.path = "d/e/deep", .owner = "4711"});
  prepare("shared", 02670, acl);
  t.both(SetAttributes{.path = "shared", .group = "4711"});
  t.both(SetAttributes{.path = "shared", .owner = "4711"});
  prepare("empty", 0670, acl);
  t.both(RenamePath{.from = "empty", .to = "g/f"});
  t.both(RemovePath{.path = "g"});
  t.both(RenamePath{.from = "empty", .to = "g"});
  t.both(SetAttributes{.path = "g", .owner = "4711"});
}

TEST_CASE("what a simulation removes is gone, and a new folder does not bring its entries back") {
  Twins t;
  t.both(RemovePath{.path = "d"});
  t.both(RemovePath{.path = "to-f"});
  t.both(RemovePath{.path = "d", .recursive = true});
  t.both(RemovePath{.path = "d", .recursive = true});
  t.both(CreateDirectory{.path = "d"});
  t.both(RemovePath{.path = "d"});
}

TEST_CASE("renamed trees are known at their new place") {
  Twins t;
  SECTION("a real one") { t.both(RenamePath{"d", "g"}); }
  SECTION("a real one after changes in it") {
    t.both(SetAttributes{.path = "d/f", .mode = 0777});
    t.both(SetAttributes{.path = "d/e", .mode = 0700});
    t.both(WriteFile{.path = "d/new", .content = "x"});
    t.both(RemovePath{.path = "d/e/deep"});
    t.both(RenamePath{"d", "g"});
    t.both(WriteFile{.path = "g/f", .content = "later"});
  }
  SECTION("onto an empty folder") { t.both(RenamePath{"d", "empty"}); }
  SECTION("there and back") {
    t.both(RenamePath{"d", "g"});
    t.both(RenamePath{"g", "d"});
  }
  SECTION("a new one with what was put into it, as homes are made") {
    t.both(CreateDirectory{.path = ".g.mlops-agent-new", .mode = 0700});
    t.both(WriteFile{.path = ".g.mlops-agent-new/f", .content = "rc"});
    t.both(CreateDirectory{.path = ".g.mlops-agent-new/e"});
    t.both(SetAttributes{.path = ".g.mlops-agent-new", .mode = 0755});
    t.both(RenamePath{".g.mlops-agent-new", "g"});
  }
  SECTION("a link") {
    t.both(RenamePath{"to-d", "l"});
    t.both(RenamePath{"f", "g"});
  }
  SECTION("never onto something") {
    t.both(RenamePath{"empty", "d"});
    t.both(RenamePath{"d", "f"});
    t.both(RenamePath{"f", "empty"});
    t.both(RenamePath{"missing", "g"});
    t.both(RenamePath{"d", "missing/x"});
  }
}

TEST_CASE("what a program will make is unknown, and names the resource that it waits for") {
  const TemporaryFolder t;
  Reading r;
  OverlayFiles overlay;
  const std::vector<std::string> conda = {"conda[c]"};
  overlay.assume_made(t / "conda", r.files, {"root", "root", "conda[c]"});
  const auto& base = r.files;
  CHECK(waits_for([&] { overlay.view(base, t / "conda", 0); }) == conda);
  CHECK(waits_for([&] { overlay.view(base, t / "conda/bin/python", 0); }) == conda);
  CHECK(waits_for([&] { overlay.list(base, t / "conda"); }) == conda);
  CHECK(waits_for([&] { overlay.sha256(base, t / "conda/x"); }) == conda);
  CHECK(overlay.resolve(base, t / "conda") == t / "conda");
  CHECK(overlay.touched(base, t / "conda/bin"));
  CHECK_FALSE(overlay.touched(base, t / "other"));
  CHECK(overlay.list(base, t / "") == std::vector<std::string>{"conda"});

  SECTION("but for what is written there later") {
    overlay.apply(WriteFile{.path = t / "conda/etc/rc", .content = "x"}, base, {"root", "root", "file[rc]"});
    CHECK(overlay.view(base, t / "conda/etc/rc", 10)->content == "x");
    CHECK(waits_for([&] { overlay.view(base, t / "conda/etc/other", 10); }) == conda);
  }
  SECTION("wherever it is renamed to") {
    overlay.apply(RenamePath{t / "conda", t / "final"}, base, {"root", "root", "git[g]"});
    CHECK_FALSE(overlay.view(base, t / "conda", 0));
    CHECK(waits_for([&] { overlay.view(base, t / "final/x", 0); }) == conda);
  }
  SECTION("until it is removed") {
    overlay.apply(RemovePath{t / "conda", true}, base, {"root", "root", "x"});
    CHECK_FALSE(overlay.view(base, t / "conda", 0));
    CHECK_FALSE(overlay.view(base, t / "conda/x", 0));
  }
}

TEST_CASE("a download is there with its digest, and its content is unknown") {
  const TemporaryFolder t;
  Reading r;
  OverlayFiles overlay;
  const std::string digest(64, 'a');
  overlay.apply(Download{.url = "https://x/y", .path = t / "y", .sha256 = digest, .mode = 0755}, r.files,
                {"root", "root", "download[y]"});
  CHECK(overlay.view(r.files, t / "y", 0)->status.mode == 0755);
  CHECK(overlay.sha256(r.files, t / "y") == digest);
  CHECK(waits_for([&] { overlay.view(r.files, t / "y", 100); }) == std::vector<std::string>{"download[y]"});
}

TEST_CASE("a simulated secret exists with its size and its rights, and an unknown value") {
  const TemporaryFolder t;
  t.file("old", "known", 0644);
  Reading r;
  OverlayFiles overlay;
  for (const char* name : {"new", "old"}) {
    overlay.apply(CreateSecret{.path = t / name, .bytes = 24, .owner = "ubuntu"}, r.files,
                  {"root", "root", "jupyter[j]"});
    const auto view = overlay.view(r.files, t / name, 0);
    REQUIRE(view);
    CHECK(view->status.mode == 0600);
    CHECK(view->status.size == 48);
    CHECK(view->status.owner == "ubuntu");
    CHECK(waits_for([&] { overlay.view(r.files, t / name, 100); }) == std::vector<std::string>{"jupyter[j]"});
    CHECK(waits_for([&] { overlay.sha256(r.files, t / name); }) == std::vector<std::string>{"jupyter[j]"});
  }
}
