// Walks along paths with real folders, links and owners: what is followed, and what root refuses to follow.
#include "domains/files/safe_path.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/error.hpp"
#include "domains/files/remove_tree.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr uid_t person = 4711, mallory = 4712;

// "" when the walk went well.
std::string refusal(Walker& walker, const std::string& path, bool followed = false) {
  try {
    if (followed)
      walker.target_place(path);
    else
      walker.place(path);
    return "";
  } catch (const Error& e) {
    return e.kind() == ErrorKind::unsafe_path ? e.message() : "not unsafe: " + e.message();
  }
}

std::string step(const std::string& from, const std::string& to, const std::string& why) {
  return "unsafe path: the step from " + from + " to " + to + " is not taken: " + why;
}

}  // namespace

TEST_CASE("a walk ends at the folder of the last component") {
  const TemporaryFolder t;
  t.folder("a/b");
  Walker walker(false);
  const auto place = walker.place(t / "a/b/c");
  REQUIRE(place);
  CHECK(place->name == "c");
  CHECK(place->owner == ::geteuid());
  struct ::stat s {};
  REQUIRE(::fstat(place->folder, &s) == 0);
  CHECK(s.st_ino == status_of(t / "a/b").st_ino);
  CHECK(walker.place("/")->name == ".");
}

TEST_CASE("where a folder on the way is absent or no folder, the walk finds nothing") {
  const TemporaryFolder t;
  t.file("file", "");
  Walker walker(false);
  CHECK_FALSE(walker.place(t / "missing/x"));
  CHECK_FALSE(walker.place(t / "missing/x/y"));
  CHECK_FALSE(walker.place(t / "file/x"));
  CHECK_FALSE(walker.canonical(t / "file/x"));
  CHECK(walker.place(t / "missing"));
  CHECK_FALSE(walker.canonical(t / "missing"));
}

TEST_CASE("links before the last component are followed, absolute and relative, with .. in them") {
  const TemporaryFolder t;
  t.folder("srv/home/u");
  t.link("home", "srv/home");
  t.link("absolute", t / "srv/home");
  t.link("srv/up", "../srv/./home//");
  Walker walker(::geteuid() == 0);
  for (const char* way : {"home/u", "absolute/u", "srv/up/u"})
    CHECK(walker.canonical(t / way) == t / "srv/home/u");
  CHECK(walker.canonical_folder(t / "home/u/new") == t / "srv/home/u");
}

TEST_CASE("a final link is followed only by target_place") {
  const TemporaryFolder t;
  t.folder("d");
  t.file("d/file", "");
  t.link("to-file", "d/file");
  Walker walker(false);
  CHECK(walker.place(t / "to-file")->name == "to-file");
  CHECK(walker.target_place(t / "to-file")->name == "file");
  SECTION("through several links") {
    t.link("first", "second");
    t.link("second", t / "to-file");
    CHECK(walker.canonical(t / "first") == t / "d/file");
  }
  SECTION("to a folder written with a slash at the end") {
    t.link("slash", "d/");
    CHECK(walker.canonical(t / "slash") == t / "d");
  }
  SECTION("to a folder above") {
    t.link("d/up", "..");
    t.link("d/here", ".");
    CHECK(walker.canonical(t / "d/up") == t / "");
    CHECK(walker.canonical(t / "d/here") == t / "d");
  }
  SECTION("to the root folder") {
    t.link("root", "/");
    CHECK(walker.canonical(t / "root") == "/");
  }
  SECTION("to what does not exist yet") {
    t.link("dangling", "d/new");
    CHECK(walker.target_place(t / "dangling")->name == "new");
    CHECK_FALSE(walker.canonical(t / "dangling"));
  }
  SECTION("to a folder that does not exist") {
    t.link("lost", "nowhere/new");
    CHECK_FALSE(walker.target_place(t / "lost"));
  }
}

TEST_CASE("links that go round are an error on the way, and absent to canonical") {
  const TemporaryFolder t;
  t.link("a", "b");
  t.link("b", "a");
  Walker walker(false);
  CHECK(refusal(walker, t / "a/x") == "not unsafe: too many links on the way to " + (t / "a"));
  CHECK(refusal(walker, t / "a", true) == "not unsafe: too many links on the way to " + (t / "a"));
  CHECK_FALSE(walker.canonical(t / "a"));
  CHECK_FALSE(walker.canonical(t / "a/x"));
}

TEST_CASE("what is remembered is dropped when asked") {
  const TemporaryFolder t;
  t.folder("a/b");
  Walker walker(false);
  REQUIRE(walker.place(t / "a/b/x"));
  std::filesystem::rename(t / "a", t / "old");
  walker.forget();
  CHECK_FALSE(walker.place(t / "a/b/x"));
}

TEST_CASE("a tree deeper than there are descriptors is walked", "[long]") {
  const TemporaryFolder t;
  struct rlimit before {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::string path = t / "";
  for (int i = 0; i < 1200; ++i) REQUIRE(::mkdir((path += "/d").c_str(), 0755) == 0);
  struct rlimit low = before;
  low.rlim_cur = 400;
  ::setrlimit(RLIMIT_NOFILE, &low);
  Walker walker(false);
  const bool found = walker.place(path + "/x").has_value();
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(found);
  remove_tree(walker.place(t / "d")->folder, "d", t / "d", true);
}

TEST_CASE("root is not led astray by what another user planted") {
  if (!is_root("planted links")) return;
  const TemporaryFolder t;
  t.folder("etc");
  t.folder("tmp", 01777);
  Walker walker(true, person);

  SECTION("a link under a folder that everyone may write to") {
    t.link("tmp/work", t / "etc", mallory);
    CHECK(refusal(walker, t / "tmp/work/x") ==
          step(t / "tmp", t / "tmp/work", "everyone may write there, and another user owns it"));
  }
  SECTION("a relative one") {
    t.link("tmp/work", "../etc", mallory);
    CHECK(refusal(walker, t / "tmp/work/x") ==
          step(t / "tmp", t / "tmp/work", "everyone may write there, and another user owns it"));
  }
  SECTION("a final link") {
    t.link("tmp/file", t / "etc/passwd", mallory);
    CHECK(refusal(walker, t / "tmp/file", true) ==
          step(t / "tmp", t / "tmp/file", "everyone may write there, and another user owns it"));
    CHECK(refusal(walker, t / "tmp/file") == "");
  }
  SECTION("a folder") {
    t.folder("tmp/work", 0755, mallory);
    CHECK(refusal(walker, t / "tmp/work/x") ==
          step(t / "tmp", t / "tmp/work", "everyone may write there, and another user owns it"));
  }
  SECTION("the person's own link there is not root's to follow either") {
    t.link("tmp/work", t / "etc", person);
    CHECK(refusal(walker, t / "tmp/work/x") ==
          step(t / "tmp", t / "tmp/work", "everyone may write there, and another user made this link"));
  }
  SECTION("root's own link there to a folder that another user made there") {
    t.folder("tmp/theirs", 0755, mallory);
    t.link("tmp/work", "theirs", 0);
    CHECK(refusal(walker, t / "tmp/work/x") ==
          step(t / "tmp/work", t / "tmp/theirs", "everyone may write there, and another user owns it"));
  }
  SECTION("the person's own folder there is fine, and so is root's") {
    t.folder("tmp/mine", 0755, person);
    t.folder("tmp/roots", 0755, 0);
    CHECK(refusal(walker, t / "tmp/mine/x") == "");
    CHECK(refusal(walker, t / "tmp/roots/x") == "");
  }
}

TEST_CASE("from what a user owns, root follows only to what the same user owns") {
  if (!is_root("steps between owners")) return;
  const TemporaryFolder t;
  t.folder("etc");
  t.folder("home/u/deep", 0755, person);
  t.folder("home/u", 0755, person);
  t.folder("home/u/roots", 0755, 0);
  Walker walker(true, person);

  CHECK(refusal(walker, t / "home/u/deep/x") == "");
  CHECK(refusal(walker, t / "home/u/roots/x") == step(t / "home/u", t / "home/u/roots", "its owner differs"));
  SECTION("an absolute link elsewhere") {
    t.link("home/u/config", t / "etc", person);
    CHECK(refusal(walker, t / "home/u/config/x") == step(t / "home/u/config", "/", "its owner differs"));
    CHECK(refusal(walker, t / "home/u/config", true) == step(t / "home/u/config", "/", "its owner differs"));
  }
  SECTION("a link up and out") {
    t.link("home/u/deep/out", "../../../etc", person);
    CHECK(refusal(walker, t / "home/u/deep/out/x") == step(t / "home/u", t / "home", "its owner differs"));
  }
  SECTION("a final link to root's file beside it") {
    t.file("home/u/secret", "", 0600, 0);
    t.link("home/u/file", "secret", person);
    CHECK(refusal(walker, t / "home/u/file", true) ==
          step(t / "home/u/file", t / "home/u/secret", "its owner differs"));
  }
  SECTION("links within the person's tree are fine") {
    t.link("home/u/short", "deep", person);
    t.file("home/u/deep/rc", "", 0644, person);
    t.link("home/u/rc", "deep/../deep/rc", person);
    CHECK(refusal(walker, t / "home/u/short/x") == "");
    CHECK(walker.canonical(t / "home/u/rc") == t / "home/u/deep/rc");
  }
  SECTION("root's links lead anywhere") {
    t.link("users", t / "home", 0);
    CHECK(refusal(walker, t / "users/u/x") == "");
  }
  SECTION("who does not act as root walks as the kernel does") {
    t.link("home/u/config", t / "etc", person);
    Walker lax(false);
    CHECK(refusal(lax, t / "home/u/config/x") == "");
  }
}

TEST_CASE("in a sticky folder nobody follows a third user's link") {
  if (!is_root("protected links")) return;
  const TemporaryFolder t;
  t.folder("etc");
  t.folder("tmp", 01777);
  t.link("tmp/work", t / "etc", mallory);
  Walker walker(false);
  CHECK(refusal(walker, t / "tmp/work/x") ==
        step(t / "tmp", t / "tmp/work", "everyone may write there, and another user made this link"));
}
