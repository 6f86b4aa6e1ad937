// What is captured at a path is put back as it was: content, attributes, times, links.
#include <fcntl.h>
#include <sys/xattr.h>

#include "base/digest.hpp"
#include "domains/accounts/local.hpp"
#include "domains/files/capture.hpp"
#include "domains/files/local.hpp"
#include "domains/files/overlay.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace mlops;
using mlops::test::TemporaryFolder;
using Kind = SavedPath::Kind;
using Depth = FileReader::Depth;

struct Bench {
  LocalAccounts accounts;
  OwnerNames names{accounts};
  Walker walker{false};
  LocalFiles files{walker, names};
  FileWriter writer{walker, names, {}};
  std::map<std::string, std::string> kept;
  KeepContent keep = [this](std::string_view content) {
    const std::string digest = sha256_hex(content);
    kept[digest] = content;
    return digest;
  };

  void restore(const SavedPath& saved) {
    RestorePath action{saved, {}};
    if (saved.kind == Kind::file) action.content = kept.at(saved.digest);
    writer.perform(action);
  }
  void restore(const std::vector<SavedPath>& saved) {
    RestorePath action{saved.front(), {}};
    for (std::size_t i = 1; i < saved.size(); ++i) {
      const auto content = kept.find(saved[i].digest);
      action.below.push_back({saved[i], content == kept.end() ? std::nullopt : std::optional(content->second)});
    }
    writer.perform(action);
  }
  SavedPath now(const std::string& path) { return capture_path(walker, names, path, {}, keep).paths.front(); }
};

// Looking at folders and files moves when they were last looked at.
std::vector<SavedPath> without_access(std::vector<SavedPath> paths) {
  for (SavedPath& one : paths) one.accessed_ns = 0;
  return paths;
}

void set_times(const std::string& path, std::time_t at) {
  const timespec times[2] = {{at, 123456789}, {at + 5, 987654321}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

}  // namespace

TEST_CASE("a file that was replaced is put back with its mode, times and extended attributes") {
  const TemporaryFolder top;
  Bench bench;
  const std::string path = top.file("f", "earlier", 0640);
  const bool has_attributes = ::setxattr(path.c_str(), "user.note", "kept", 4, 0) == 0;
  set_times(path, 1'000'000'000);
  const SavedPath before = bench.now(path);
  CHECK(before.kind == Kind::file);
  CHECK(before.size == 7);
  CHECK(before.digest == sha256_hex("earlier"));
  CHECK(before.attributes.count("user.note") == (has_attributes ? 1 : 0));

  bench.writer.perform(WriteFile{path, "later, and longer", 0600});
  ::removexattr(path.c_str(), "user.note");
  ::setxattr(path.c_str(), "user.other", "x", 1, 0);
  bench.restore(before);
  CHECK(bench.now(path) == before);
  CHECK(test::content_of(path) == "earlier");
}

TEST_CASE("what was removed, or is something else now, is put back") {
  const TemporaryFolder top;
  Bench bench;
  const std::string file = top.file("f", "content"), link = top.link("l", "f");
  set_times(link, 1'100'000'000);
  const SavedPath saved_file = bench.now(file), saved_link = bench.now(link);
  CHECK(saved_link.kind == Kind::link);
  CHECK(saved_link.target == "f");
  std::filesystem::remove(file);
  std::filesystem::remove(link);
  SECTION("nothing is there") {}
  SECTION("each is what the other was") {
    top.link("f", "elsewhere");
    top.file("l", "a file");
  }
  bench.restore(saved_file);
  bench.restore(saved_link);
  CHECK(bench.now(file) == saved_file);
  CHECK(bench.now(link) == saved_link);
}

TEST_CASE("a folder with all that is in it is put back") {
  const TemporaryFolder top;
  Bench bench;
  top.folder("home/ada/.config", 0700);
  top.file("home/ada/.config/settings", "deep = true\n", 0600);
  top.file("home/ada/empty", "");
  top.link("home/ada/link", ".config/settings");
  for (const char* name : {".config/settings", ".config", "empty", "link", ""})
    set_times((top / "home/ada") + "/" + name, 1'200'000'000);
  const std::string home = top / "home/ada", fingerprint = bench.files.fingerprint(home, Depth::tree);
  const Captured before = capture_tree(bench.walker, bench.names, home, {}, bench.keep);
  CHECK(before.not_kept == "");
  REQUIRE(before.paths.size() == 5);
  CHECK(before.paths[0].path == home);
  bench.writer.perform(RemovePath{home, true});
  CHECK(bench.files.fingerprint(home, Depth::tree) == "absent");
  bench.restore(before.paths);
  CHECK(bench.files.fingerprint(home, Depth::tree) == fingerprint);
  CHECK(without_access(capture_tree(bench.walker, bench.names, home, {}, bench.keep).paths) ==
        without_access(before.paths));
}

TEST_CASE("a tree of several owners is put back whole, or not at all") {
  if (!test::is_root("files of other owners")) return;
  const TemporaryFolder top;
  Bench bench;
  Walker strict{true, 4711};
  FileWriter writer{strict, bench.names, {}};
  top.folder("home", 0755, 4711);
  top.folder("home/tree", 0750, 4711);
  top.folder("home/tree/roots", 0700, 0);
  top.file("home/tree/roots/f", "root's\n", 0600, 0);
  top.folder("home/tree/roots/others", 0755, 4712);
  top.file("home/tree/roots/others/g", "another's\n", 04755, 4712);
  top.link("home/tree/roots/others/l", "g", 4713);
  const std::string tree = top / "home/tree";
  for (const char* name : {"roots/others/g", "roots/others/l", "roots/others", "roots/f", "roots", ""})
    set_times(tree + "/" + name, 1'200'000'000);
  const Captured before = capture_tree(bench.walker, bench.names, tree, {}, bench.keep);
  REQUIRE(before.not_kept == "");
  RestorePath action{before.paths[0], {}};
  for (std::size_t i = 1; i < before.paths.size(); ++i) {
    const auto content = bench.kept.find(before.paths[i].digest);
    action.below.push_back(
        {before.paths[i], content == bench.kept.end() ? std::nullopt : std::optional(content->second)});
  }
  bench.writer.perform(RemovePath{tree, true});
  // What a killed run left is in nobody's way.
  top.folder("home/" + temporary_name("tree", "tree") + "/half");
  writer.perform(action);
  bench.names.forget();
  bench.walker.forget();
  CHECK(without_access(capture_tree(bench.walker, bench.names, tree, {}, bench.keep).paths) ==
        without_access(before.paths));
  CHECK(bench.files.list(top / "home") == std::vector<std::string>{"tree"});

  bench.writer.perform(RemovePath{tree, true});
  strict.forget();
  action.below.back().saved.owner = "no such user";
  CHECK_THROWS_WITH(writer.perform(action), Catch::Contains("no such user"));
  CHECK(bench.files.list(top / "home") == std::vector<std::string>{});
}

TEST_CASE("hard links are put back: within a tree, and to a name beside it") {
  const TemporaryFolder top;
  Bench bench;
  top.folder("d/e");
  top.file("d/a", "shared\n", 0640);
  std::filesystem::create_hard_link(top / "d/a", top / "d/e/b");
  const Captured tree = capture_tree(bench.walker, bench.names, top / "d", {}, bench.keep);
  CHECK(tree.paths.at(1).other_names == 0);
  CHECK(tree.paths.at(3).hard_link == top / "d/a");
  bench.writer.perform(RemovePath{top / "d", true});
  bench.restore(tree.paths);
  CHECK(test::status_of(top / "d/a").st_ino == test::status_of(top / "d/e/b").st_ino);
  CHECK(test::content_of(top / "d/e/b") == "shared\n");

  std::filesystem::create_hard_link(top / "d/a", top / "d/beside");
  const SavedPath beside = bench.now(top / "d/a");
  CHECK(beside.hard_link == top / "d/beside");
  CHECK(beside.other_names == 0);
  bench.writer.perform(WriteFile{.path = top / "d/a", .content = "its own now\n"});
  CHECK(test::status_of(top / "d/a").st_ino != beside.inode);
  bench.restore(beside);
  CHECK(test::status_of(top / "d/a").st_ino == beside.inode);
  CHECK_FALSE(test::is_there(top / ("d/" + temporary_name("a"))));

  // The names are not known: that is reported.
  top.file("f", "x");
  std::filesystem::create_hard_link(top / "f", top / "d/far");
  const SavedPath alone = bench.now(top / "f");
  CHECK(alone.hard_link == "");
  CHECK(alone.other_names == 1);
}

TEST_CASE("what cannot be kept is reported, with its size and names") {
  const TemporaryFolder top;
  Bench bench;
  const auto why = [&](const std::string& path, CaptureLimits limits) {
    const Captured found = capture_tree(bench.walker, bench.names, path, limits, bench.keep);
    CHECK(found.paths.size() == 1);
    return found.not_kept;
  };
  top.folder("d/e");
  top.file("d/a", std::string(600'000, 'x'));
  top.file("d/e/b", std::string(600'000, 'x'));
  CHECK(why(top / "d", {.bytes = 1'000'000}) == "1 MB are more than 1 MB");
  CHECK(why(top / "d/a", {.bytes = 100}) == "1 MB are more than 0 MB");
  CHECK(why(top / "d", {.entries = 3}) == "there are more than 3 files in it");
  REQUIRE(::mkfifo((top / "d/pipe").c_str(), 0600) == 0);
  CHECK(why(top / "d", {}) == (top / "d/pipe") + " is a device, a socket or a named pipe");
  CHECK(bench.now(top / "none").kind == Kind::absent);
  CHECK(bench.now(top / "none/below").kind == Kind::absent);
}

TEST_CASE("what was not kept, and what is in the way, is not put back") {
  const TemporaryFolder top;
  Bench bench;
  const SavedPath file = bench.now(top.file("f", "x"));
  CHECK_THROWS_WITH(bench.writer.perform(RestorePath{file, {}}), Catch::Contains("was not kept"));
  std::filesystem::remove(top / "f");
  top.folder("f");
  CHECK_THROWS_WITH(bench.restore(file), Catch::Contains("is a folder; it is not replaced"));
  CHECK_THROWS_WITH(bench.restore(SavedPath{.path = top / "g"}), Catch::Contains("cannot be made what it was"));
  CHECK_THROWS_WITH(bench.restore(SavedPath{.path = top / "no/folder", .kind = Kind::folder}),
                    Catch::Contains("does not exist"));
}

TEST_CASE("in a simulation, what is restored has the fingerprint that it had") {
  const TemporaryFolder top;
  Bench bench;
  const std::string file = top.file("f", "earlier", 0640), link = top.link("l", "f"),
                    folder = top.folder("d", 0700);
  const auto paths = {file, link, folder};
  std::vector<std::string> fingerprints;
  for (const std::string& path : paths) fingerprints.push_back(bench.files.fingerprint(path, Depth::itself));
  std::vector<SavedPath> saved;
  for (const std::string& path : paths) saved.push_back(bench.now(path));
  std::filesystem::remove(file);
  std::filesystem::remove(link);
  std::filesystem::remove(folder);

  struct Thought : FileReader {
    OverlayFiles overlay;
    const FileReader& base;
    explicit Thought(const FileReader& b) : base(b) {}
    std::optional<FileView> view(const std::string& p, std::uint64_t l) const override {
      return overlay.view(base, p, l);
    }
    std::optional<std::vector<std::string>> list(const std::string& p) const override {
      return overlay.list(base, p);
    }
    std::optional<std::string> resolve(const std::string& p) const override { return overlay.resolve(base, p); }
    std::optional<std::string> sha256(const std::string& p) const override { return overlay.sha256(base, p); }
    std::optional<Grants> grants(const std::string& p) const override { return overlay.grants(base, p); }
  } thought{bench.files};
  std::size_t i = 0;
  for (const std::string& path : paths) {
    CHECK(thought.fingerprint(path, Depth::itself) == "absent");
    thought.overlay.apply(RestorePath{saved[i], {}}, bench.files, {"ada", "ada", "undo"});
    CHECK(thought.fingerprint(path, Depth::itself) == fingerprints[i++]);
  }
  CHECK_FALSE(test::is_there(file));
}

TEST_CASE("a fingerprint changes with what it is of, and with nothing else") {
  const TemporaryFolder top;
  Bench bench;
  const auto of = [&](const std::string& name, Depth depth = Depth::itself) {
    bench.names.forget();
    bench.walker.forget();
    return bench.files.fingerprint(top / name, depth);
  };
  top.folder("d");
  top.file("d/f", "one\n", 0644);
  const std::string file = of("d/f"), folder = of("d"), tree = of("d", Depth::tree);
  CHECK_THAT(file, Catch::StartsWith("file 0644 ") && Catch::Contains(" 4 " + sha256_hex("one\n")));
  CHECK_THAT(folder, Catch::StartsWith("folder 0755 "));
  CHECK_THAT(tree, Catch::StartsWith(folder + " with 1 entries "));
  CHECK(of("d/none") == "absent");
  set_times(top / "d/f", 1'300'000'000);
  CHECK(of("d/f") == file);
  CHECK(of("d") == folder);
  CHECK(of("d", Depth::tree) != tree);
  top.file("d/f", "two\n", 0644);
  CHECK(of("d/f") != file);
  top.file("d/f", "one\n", 0600);
  CHECK(of("d/f") != file);
  top.link("d/l", "f");
  CHECK(of("d/l").ends_with(" -> f"));
  CHECK(of("d") == folder);
}
