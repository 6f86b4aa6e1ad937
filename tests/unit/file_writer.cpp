// Every action on files for real, in a temporary folder.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "domains/accounts/local.hpp"
#include "domains/files/local.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr uid_t person = 4711, mallory = 4712;

struct Writing {
  LocalAccounts accounts;
  OwnerNames names{accounts};
  Walker walker{::geteuid() == 0, person};
  std::vector<std::string> notices;
  FileWriter writer{walker, names, [this](const std::string& text) { notices.push_back(text); }};
  LocalFiles files{walker, names};

  template <class A>
  std::string perform(const A& action) {  // "" or the error
    try {
      writer.perform(action);
      return "";
    } catch (const Error& e) {
      return e.what();
    }
  }
};

std::string temporary_of(const std::string& path) {
  const auto slash = path.rfind('/') + 1;
  return path.substr(0, slash) + temporary_name(path.substr(slash));
}

struct Umask {
  mode_t before;
  explicit Umask(mode_t mask) : before(::umask(mask)) {}
  ~Umask() { ::umask(before); }
};

// A child with a mount table of its own does the work; its exit status, or -1 where mounting is not allowed.
template <class Work>
int with_own_mounts(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      ::_exit(99);
    int status = 98;
    try {
      status = work();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) != 99) return WEXITSTATUS(status);
  std::fprintf(stderr, "!!! NOT TESTED, needs the right to mount\n");
  return -1;
}

}  // namespace

TEST_CASE("what is made has the mode asked for, or the usual one, whatever the umask") {
  const TemporaryFolder t;
  Writing w;
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{077}}) {
    const Umask set(mask);
    const std::string name = fmt::format("{:o}", mask);
    CHECK(w.perform(WriteFile{.path = t / ("f" + name), .content = "x"}) == "");
    CHECK(mode_of(t / ("f" + name)) == 0644);
    CHECK(w.perform(WriteFile{.path = t / ("g" + name), .content = "x", .mode = 0666}) == "");
    CHECK(mode_of(t / ("g" + name)) == 0666);
    CHECK(w.perform(CreateDirectory{.path = t / ("d" + name)}) == "");
    CHECK(mode_of(t / ("d" + name)) == 0755);
    CHECK(w.perform(CreateDirectory{.path = t / ("e" + name), .mode = 01777}) == "");
    CHECK(mode_of(t / ("e" + name)) == 01777);
  }
}

TEST_CASE("a secret is random, of the length asked for, and its owner's alone") {
  const TemporaryFolder t;
  Writing w;
  t.file("b", "known to others", 0644);
  CHECK(w.perform(CreateSecret{.path = t / "a", .bytes = 24}) == "");
  CHECK(w.perform(CreateSecret{.path = t / "b", .bytes = 24}) == "");
  const std::string a = content_of(t / "a"), b = content_of(t / "b");
  for (const std::string& text : {a, b}) {
    CHECK(text.size() == 48);
    CHECK(text.find_first_not_of("0123456789abcdef") == text.npos);
  }
  CHECK(a != b);
  CHECK(mode_of(t / "a") == 0600);
  CHECK(mode_of(t / "b") == 0600);
  CHECK(w.perform(CreateSecret{.path = t / "missing/a"}) ==
        "the folder of " + (t / "missing/a") + " does not exist");
}

TEST_CASE("below a set-group-ID folder new entries have its group, and folders the bit") {
  if (!is_root("set-group-ID folders")) return;
  const TemporaryFolder t;
  t.folder("shared", 0775, 0);
  REQUIRE(::chown((t / "shared").c_str(), 0, person) == 0);
  REQUIRE(::chmod((t / "shared").c_str(), 02775) == 0);
  Writing w;
  CHECK(w.perform(CreateDirectory{.path = t / "shared/d"}) == "");
  CHECK(mode_of(t / "shared/d") == 02755);
  CHECK(status_of(t / "shared/d").st_gid == person);
  CHECK(w.perform(CreateDirectory{.path = t / "shared/e", .mode = 0700}) == "");
  CHECK(mode_of(t / "shared/e") == 0700);
  CHECK(w.perform(WriteFile{.path = t / "shared/f", .content = "x"}) == "");
  CHECK(status_of(t / "shared/f").st_gid == person);
}

TEST_CASE("a replaced file keeps its mode, owner, group and attributes") {
  const TemporaryFolder t;
  const uid_t owner = ::geteuid() == 0 ? person : ::geteuid();
  t.file("f", "old", 0710, owner);
  const bool attributes = ::setxattr((t / "f").c_str(), "user.note", "kept", 4, 0) == 0;
  const auto before = status_of(t / "f");
  Writing w;
  CHECK(w.perform(WriteFile{.path = t / "f", .content = "new"}) == "");
  CHECK(content_of(t / "f") == "new");
  CHECK(mode_of(t / "f") == 0710);
  CHECK(status_of(t / "f").st_uid == owner);
  CHECK(status_of(t / "f").st_gid == before.st_gid);
  CHECK(status_of(t / "f").st_ino != before.st_ino);
  CHECK_FALSE(is_there(temporary_of(t / "f")));
  if (attributes) {
    char value[8] = {};
    CHECK(::getxattr((t / "f").c_str(), "user.note", value, sizeof value) == 4);
    CHECK(std::string(value) == "kept");
  }
}

TEST_CASE(
    "another owner, group or content takes the set-user-ID and set-group-ID bits, unless they are asked for") {
  const TemporaryFolder t;
  Writing w;
  t.file("a", "old", 06755);
  CHECK(w.perform(WriteFile{.path = t / "a", .content = "new"}) == "");
  CHECK(mode_of(t / "a") == 0755);
  t.file("a", "old", 06755);
  CHECK(w.perform(WriteFile{.path = t / "a", .content = "new", .mode = 04755}) == "");
  CHECK(mode_of(t / "a") == 04755);
  if (!is_root("files of other owners")) return;
  const std::string me = "0", other = std::to_string(person);
  // A copy of a shell that its owner gave the bit, which becomes another's.
  for (const auto& set :
       {SetAttributes{.path = t / "b", .owner = me}, SetAttributes{.path = t / "b", .group = me}}) {
    t.file("b", "shell", 06755, person);
    CHECK(w.perform(set) == "");
    CHECK(mode_of(t / "b") == 0755);
  }
  t.file("b", "shell", 04755, person);
  CHECK(w.perform(SetAttributes{.path = t / "b", .mode = 04711, .owner = me}) == "");
  CHECK(mode_of(t / "b") == 04711);
  // Nothing changes hands.
  t.file("b", "shell", 04755, person);
  CHECK(w.perform(SetAttributes{.path = t / "b", .owner = other, .group = other}) == "");
  CHECK(mode_of(t / "b") == 04755);
  // A folder's bit gives nobody rights: what is made in it gets its group.
  t.folder("d", 02775, person);
  CHECK(w.perform(SetAttributes{.path = t / "d", .owner = me, .group = me}) == "");
  CHECK(mode_of(t / "d") == 02775);
}

TEST_CASE("another owner, group or content takes a program's capabilities") {
  if (!is_root("capabilities")) return;
  const TemporaryFolder t;
  Writing w;
  // struct vfs_cap_data, revision 2, of linux/capability.h: cap_net_raw=ep
  const unsigned char raw[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto program = [&] {
    t.file("ping", "old", 0755);
    return ::setxattr((t / "ping").c_str(), "security.capability", raw, sizeof raw, 0) == 0;
  };
  if (!program()) return;  // the file system has none
  CHECK(w.files.grants(t / "ping")->capabilities == "cap_net_raw=ep");
  CHECK(w.perform(SetAttributes{.path = t / "ping", .mode = 0750}) == "");
  CHECK(w.files.grants(t / "ping")->capabilities == "cap_net_raw=ep");
  CHECK(w.perform(SetAttributes{.path = t / "ping", .group = std::to_string(person)}) == "");
  CHECK(w.files.grants(t / "ping")->capabilities == "");
  REQUIRE(program());
  CHECK(w.perform(WriteFile{.path = t / "ping", .content = "new"}) == "");
  CHECK(w.files.grants(t / "ping")->capabilities == "");
  // Its inverse restores them.
  const std::map<std::string, std::string> were{
      {"security.capability", {reinterpret_cast<const char*>(raw), sizeof raw}}};
  CHECK(w.perform(SetAttributes{.path = t / "ping", .owner = std::to_string(person), .extended = were}) == "");
  CHECK(w.files.grants(t / "ping")->capabilities == "cap_net_raw=ep");
}

TEST_CASE("the ACL of a former owner goes, and the group gets what its own entry gave it") {
  if (!is_root("files of other owners")) return;
  const TemporaryFolder t;
  Writing w;
  // user::rw- user:4712:rwx group::r-- mask::rwx other::---, as linux/posix_acl_xattr.h has it
  const unsigned char acl[] = {2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  7,
                               0, 0x68, 0x12, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                               7, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  const auto give = [&](const std::string& name, const char* kind) {
    return ::setxattr((t / name).c_str(), kind, acl, sizeof acl, 0) == 0;
  };
  t.file("f", "old", 0640, person);
  if (!give("f", "system.posix_acl_access")) return;  // the file system has none
  REQUIRE(mode_of(t / "f") == 0670);
  CHECK(w.files.grants(t / "f")->acl == std::vector<std::string>{"user:4712:rwx"});
  CHECK(w.files.grants(t / "f")->acl_group == 4u);
  CHECK(w.perform(SetAttributes{.path = t / "f", .owner = "0"}) == "");
  CHECK(mode_of(t / "f") == 0640);
  CHECK(w.files.grants(t / "f")->acl.empty());

  t.file("g", "old", 0640, person);
  REQUIRE(give("g", "system.posix_acl_access"));
  CHECK(w.perform(WriteFile{.path = t / "g", .content = "new", .owner = "0"}) == "");
  CHECK(mode_of(t / "g") == 0640);
  CHECK(w.files.grants(t / "g")->acl.empty());
  t.file("h", "old", 0640, person);
  REQUIRE(give("h", "system.posix_acl_access"));
  CHECK(w.perform(WriteFile{.path = t / "h", .content = "new", .group = "0"}) == "");
  CHECK(w.files.grants(t / "h")->acl == std::vector<std::string>{"user:4712:rwx"});

  t.folder("d", 0750, person);
  REQUIRE(give("d", "system.posix_acl_default"));
  REQUIRE(give("d", "system.posix_acl_access"));
  CHECK(w.files.grants(t / "d")->acl.size() == 6);
  CHECK(w.perform(SetAttributes{.path = t / "d", .owner = "0"}) == "");
  CHECK(w.files.grants(t / "d")->acl.empty());
  CHECK(mode_of(t / "d") == 0640);
}

TEST_CASE("a new file with a secret is its owner's alone, unless a mode is given") {
  const TemporaryFolder t;
  Writing w;
  CHECK(w.perform(WriteFile{.path = t / "a", .content = "s", .sensitive = true}) == "");
  CHECK(mode_of(t / "a") == 0600);
  CHECK(w.perform(WriteFile{.path = t / "b", .content = "s", .mode = 0640, .sensitive = true}) == "");
  CHECK(mode_of(t / "b") == 0640);
  t.file("c", "old", 0644);
  CHECK(w.perform(WriteFile{.path = t / "c", .content = "s", .sensitive = true}) == "");
  CHECK(mode_of(t / "c") == 0644);
}

TEST_CASE("an ACL is kept, and never gives more than the new mode") {
  const TemporaryFolder t;
  t.file("f", "old", 0640);
  // user::rw- user:4711:r-- group::r-- mask::r-- other::---, as linux/posix_acl_xattr.h has it
  const unsigned char acl[] = {2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                               0, 0x67, 0x12, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                               4, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  if (::setxattr((t / "f").c_str(), "system.posix_acl_access", acl, sizeof acl, 0) != 0) {
    std::fprintf(stderr, "!!! NOT TESTED, this file system has no ACLs\n");
    return;
  }
  Writing w;
  CHECK(w.perform(WriteFile{.path = t / "f", .content = "new"}) == "");
  unsigned char now[sizeof acl] = {};
  REQUIRE(::getxattr((t / "f").c_str(), "system.posix_acl_access", now, sizeof now) == sizeof acl);
  CHECK(std::equal(std::begin(acl), std::end(acl), std::begin(now)));
  CHECK(w.perform(WriteFile{.path = t / "f", .content = "secret", .mode = 0600}) == "");
  CHECK(mode_of(t / "f") == 0600);
  REQUIRE(::getxattr((t / "f").c_str(), "system.posix_acl_access", now, sizeof now) == sizeof acl);
  CHECK(now[30] == 0);  // the mask
}

TEST_CASE("owner and group are those asked for") {
  if (!is_root("owners")) return;
  const TemporaryFolder t;
  Writing w;
  CHECK(w.perform(WriteFile{.path = t / "f", .content = "x", .mode = 0600, .owner = "4711", .group = "4712"}) ==
        "");
  CHECK(status_of(t / "f").st_uid == 4711);
  CHECK(status_of(t / "f").st_gid == 4712);
  CHECK(w.perform(CreateDirectory{.path = t / "d", .owner = "4711"}) == "");
  CHECK(status_of(t / "d").st_uid == 4711);
  CHECK(w.perform(CreateLink{.path = t / "l", .target = "f", .owner = "4711"}) == "");
  CHECK(status_of(t / "l").st_uid == 4711);
  CHECK(w.perform(WriteFile{.path = t / "g", .owner = "no-such-user"}) == "user `no-such-user` does not exist");
  CHECK(w.perform(CreateDirectory{.path = t / "e", .group = "no-such-group"}) ==
        "group `no-such-group` does not exist");
  CHECK_FALSE(is_there(t / "e"));
}

TEST_CASE("what a killed run left beside the file is replaced, what another user put there is not") {
  const TemporaryFolder t;
  Writing w;
  t.file("f", "old");
  t.file(temporary_name("f"), "half a f", 0600);
  CHECK(w.perform(WriteFile{.path = t / "f", .content = "new"}) == "");
  CHECK(content_of(t / "f") == "new");
  CHECK_FALSE(is_there(temporary_of(t / "f")));

  const std::string in_the_way =
      temporary_name("f") + " is in the way of writing " + (t / "f") + ", and is not ours";
  SECTION("a folder") {
    t.folder(temporary_name("f"));
    CHECK(w.perform(WriteFile{.path = t / "f", .content = "newer"}) == in_the_way);
  }
  SECTION("a link") {
    t.file("victim", "untouched");
    t.link(temporary_name("f"), "victim");
    CHECK(w.perform(WriteFile{.path = t / "f", .content = "newer"}) == in_the_way);
    CHECK(content_of(t / "victim") == "untouched");
  }
  SECTION("a file that was already given to its owner") {
    if (!is_root("given temporary files")) return;
    t.file(temporary_name("f"), "half", 0600, person);
    CHECK(w.perform(WriteFile{.path = t / "f", .content = "newer", .owner = "4711"}) == "");
  }
  SECTION("another user's file in a folder for everyone") {
    if (!is_root("foreign temporary files")) return;
    t.folder("tmp", 01777);
    t.file("tmp/" + temporary_name("f"), "trap", 0666, mallory);
    CHECK(w.perform(WriteFile{.path = t / "tmp/f", .content = "x"}) ==
          temporary_name("f") + " is in the way of writing " + (t / "tmp/f") + ", and is not ours");
    CHECK_FALSE(is_there(t / "tmp/f"));
  }
}

TEST_CASE("through a trusted link its target is written, unless the link itself is to be replaced") {
  const TemporaryFolder t;
  Writing w;
  t.folder("stow");
  t.file("stow/rc", "old", 0600);
  t.link("rc", "stow/rc");
  CHECK(w.perform(WriteFile{.path = t / "rc", .content = "new"}) == "");
  CHECK(content_of(t / "stow/rc") == "new");
  CHECK(S_ISLNK(status_of(t / "rc").st_mode));
  CHECK(w.perform(WriteFile{.path = t / "rc", .content = "own", .replace_link = true}) == "");
  CHECK(content_of(t / "stow/rc") == "new");
  CHECK(S_ISREG(status_of(t / "rc").st_mode));
  CHECK(mode_of(t / "rc") == 0644);
  t.link("dangling", "stow/made");
  CHECK(w.perform(WriteFile{.path = t / "dangling", .content = "x"}) == "");
  CHECK(content_of(t / "stow/made") == "x");
}

TEST_CASE("only files are replaced, and folders have to be there") {
  const TemporaryFolder t;
  Writing w;
  t.folder("d");
  ::mkfifo((t / "pipe").c_str(), 0600);
  CHECK(w.perform(WriteFile{.path = t / "d"}) == (t / "d") + " is a folder; it is not replaced");
  CHECK(w.perform(WriteFile{.path = t / "pipe"}) == (t / "pipe") + " is a named pipe; it is not replaced");
  CHECK(w.perform(WriteFile{.path = t / "a/b"}) == "the folder of " + (t / "a/b") + " does not exist");
  CHECK(w.perform(CreateDirectory{.path = t / "d"}) == "cannot make the folder " + (t / "d") + ": File exists");
  CHECK(w.perform(CreateLink{.path = t / "d", .target = "x"}) ==
        "cannot make the link " + (t / "d") + ": File exists");
}

TEST_CASE("attributes are set through links, and what is not asked for stays") {
  const TemporaryFolder t;
  Writing w;
  t.file("f", "x", 0600);
  t.link("l", "f");
  CHECK(w.perform(SetAttributes{.path = t / "l", .mode = 04755}) == "");
  CHECK(mode_of(t / "f") == 04755);
  CHECK(w.perform(SetAttributes{.path = t / "gone", .mode = 0600}) ==
        "cannot open " + (t / "gone") + ": No such file or directory");
  if (!is_root("owners of attributes")) return;
  CHECK(w.perform(SetAttributes{.path = t / "f", .owner = "4711"}) == "");
  CHECK(status_of(t / "f").st_uid == 4711);
  CHECK(mode_of(t / "f") == 0755);
  CHECK(w.perform(SetAttributes{.path = t / "f", .mode = 0600, .group = "4712"}) == "");
  CHECK(mode_of(t / "f") == 0600);
}

TEST_CASE("root gives no file away that a user linked into a folder of theirs") {
  if (!is_root("hard links")) return;
  const TemporaryFolder t;
  Writing w;
  t.folder("home", 0755, person);
  t.folder("tmp", 01777);
  t.file("shadow", "secret", 0600);
  for (const char* name : {"home/file", "tmp/file"}) {
    REQUIRE(::link((t / "shadow").c_str(), (t / name).c_str()) == 0);
    CHECK(w.perform(SetAttributes{.path = t / name, .mode = 0644, .owner = "4711"}) ==
          "unsafe path: " + (t / name) +
              " has further names, and lies in a folder that another user may write to");
  }
  CHECK(mode_of(t / "shadow") == 0600);
  CHECK(status_of(t / "shadow").st_uid == 0);
}

TEST_CASE("removing takes a link and not its target, and a full folder only when asked") {
  const TemporaryFolder t;
  Writing w;
  t.folder("d/e");
  t.file("d/f", "");
  t.link("l", "d");
  CHECK(w.perform(RemovePath{t / "l", true}) == "");
  CHECK(is_there(t / "d/f"));
  CHECK(w.perform(RemovePath{t / "d"}) == "the folder " + (t / "d") + " is not empty; it is not removed");
  CHECK(w.perform(RemovePath{t / "d", true}) == "");
  CHECK_FALSE(is_there(t / "d"));
  CHECK(w.perform(RemovePath{t / "d", true}) == "");
  CHECK(w.perform(RemovePath{t / "d/e/f", true}) == "");
  CHECK(w.perform(RemovePath{"/", true}) == "/ is a mount of its own; it is not removed");
}

TEST_CASE("a tree deeper than there are descriptors is removed") {
  const TemporaryFolder t;
  Writing w;
  std::string path = t / "";
  for (int i = 0; i < 1200; ++i) REQUIRE(::mkdir((path += "/d").c_str(), 0755) == 0);
  struct rlimit before {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  struct rlimit low = before;
  low.rlim_cur = 64;
  ::setrlimit(RLIMIT_NOFILE, &low);
  const std::string error = w.perform(RemovePath{t / "d", true});
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(error == "");
  CHECK_FALSE(is_there(t / "d"));
}

TEST_CASE("nothing is removed where something is mounted below, also from the same file system") {
  if (!is_root("mounts")) return;
  const TemporaryFolder t;
  t.folder("data");
  t.file("data/precious", "x");
  t.folder("tree/a/mounted");
  t.file("tree/a/file", "x");
  t.file("tree/z", "x");
  const int status = with_own_mounts([&] {
    if (::mount((t / "data").c_str(), (t / "tree/a/mounted").c_str(), nullptr, MS_BIND, nullptr) != 0)
      return 99;
    Writing w;
    const std::string error = w.perform(RemovePath{t / "tree", true});
    if (error != (t / "tree/a/mounted") + " is a mount of its own; what is around it is not removed") return 1;
    return w.perform(RemovePath{t / "tree/a/mounted", true}) ==
                   (t / "tree/a/mounted") + " is a mount of its own; it is not removed"
               ? 0
               : 2;
  });
  CHECK((status == 0 || status == -1));
  for (const char* name : {"data/precious", "tree/a/file", "tree/z"}) CHECK(is_there(t / name));
}

TEST_CASE("a file that is a mount is written in place, and that is said") {
  if (!is_root("a mounted file")) return;
  const TemporaryFolder t;
  t.file("source", "a longer text that was there", 0644);
  t.file("hosts", "");
  const int status = with_own_mounts([&] {
    if (::mount((t / "source").c_str(), (t / "hosts").c_str(), nullptr, MS_BIND, nullptr) != 0) return 99;
    Writing w;
    if (!w.perform(WriteFile{.path = t / "hosts", .content = "new", .mode = 0640}).empty()) return 1;
    const std::vector<std::string> said = {(t / "hosts") +
                                           " is a mount of its own: written in place, which is not atomic"};
    return w.notices == said ? 0 : 2;
  });
  CHECK((status == 0 || status == -1));
  if (status < 0) return;
  CHECK(content_of(t / "source") == "new");
  CHECK(mode_of(t / "source") == 0640);
  CHECK_FALSE(is_there(temporary_of(t / "hosts")));
}

TEST_CASE("on a full disk the old file stays and nothing is left beside it") {
  if (!is_root("a full disk")) return;
  const TemporaryFolder t;
  t.folder("disk");
  const int status = with_own_mounts([&] {
    if (::mount("tmpfs", (t / "disk").c_str(), "tmpfs", 0, "size=64k") != 0) return 99;
    t.file("disk/f", "old");
    Writing w;
    const WriteFile large{.path = t / "disk/f", .content = std::string(1 << 20, 'x')};
    if (w.perform(large) != "cannot write " + large.path + ": No space left on device") return 1;
    if (content_of(large.path) != "old" || is_there(temporary_of(large.path))) return 2;
    const WriteFile small{.path = t / "disk/g", .content = "fits"};
    const WriteFile* both[] = {&large, &small};
    const auto errors = w.writer.write_together(both);
    return errors[0] && !errors[1] && content_of(small.path) == "fits" && content_of(large.path) == "old" ? 0
                                                                                                          : 3;
  });
  CHECK((status == 0 || status == -1));
}

TEST_CASE("a rename replaces nothing but an empty folder by a folder") {
  const TemporaryFolder t;
  Writing w;
  t.folder("from");
  t.file("from/x", "");
  t.folder("empty");
  t.folder("full/y");
  t.file("file", "");
  const auto wrong = [&](const char* from, const char* to, const char* why) {
    CHECK(w.perform(RenamePath{t / from, t / to}) ==
          "cannot rename " + (t / from) + " to " + (t / to) + ": " + why);
  };
  wrong("from", "full", "Directory not empty");
  wrong("from", "file", "File exists");
  wrong("file", "empty", "File exists");
  wrong("gone", "new", "No such file or directory");
  CHECK(w.perform(RenamePath{t / "from", t / "empty"}) == "");
  CHECK(is_there(t / "empty/x"));
  CHECK(w.perform(RenamePath{t / "file", t / "empty/file"}) == "");
  CHECK(is_there(t / "empty/file"));
}

TEST_CASE("a thousand files in three hundred folders are written together, and failures stay apart") {
  const TemporaryFolder t;
  Writing w;
  std::vector<WriteFile> files;
  for (int i = 0; i < 1000; ++i) {
    const std::string folder = fmt::format("d{}", i % 300);
    t.folder(folder);
    files.push_back({.path = t / fmt::format("{}/f{}", folder, i), .content = std::to_string(i), .mode = 0600});
  }
  t.folder("d5/f605");  // in the way
  files[7].path = t / "missing/f";
  files[9].path = files[8].path;  // the same twice
  std::vector<const WriteFile*> all;
  for (const WriteFile& file : files) all.push_back(&file);
  struct rlimit before {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  struct rlimit low = before;
  low.rlim_cur = 1024;
  ::setrlimit(RLIMIT_NOFILE, &low);
  const auto errors = w.writer.write_together(all);
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(errors.size() == 1000);
  int wrong = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    if (i == 7 || i == 605 || i == 8) continue;
    wrong += errors[i] || content_of(files[i].path) != files[i].content || mode_of(files[i].path) != 0600;
  }
  CHECK(wrong == 0);
  REQUIRE(errors[7]);
  CHECK(errors[7]->message() == "the folder of " + (t / "missing/f") + " does not exist");
  REQUIRE(errors[605]);
  CHECK(errors[605]->message() == (t / "d5/f605") + " is a folder; it is not replaced");
  CHECK_FALSE(errors[8]);
  int left = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(t / ""))
    left += entry.path().filename().string().find(".mlops-agent-") != std::string::npos;
  CHECK(left == 0);
}

TEST_CASE("temporary names fit, and long names that begin alike have different ones") {
  CHECK(temporary_name("f") == ".f.mlops-agent-new");
  CHECK(temporary_name("f", "part") == ".f.mlops-agent-part");
  const std::string a = std::string(254, 'x') + "a", b = std::string(254, 'x') + "b";
  CHECK(temporary_name(a).size() == 255);
  CHECK(temporary_name(a) != temporary_name(b));
  const TemporaryFolder t;
  Writing w;
  const WriteFile one{.path = t / a, .content = "a"}, two{.path = t / b, .content = "b"};
  const WriteFile* both[] = {&one, &two};
  for (const auto& error : w.writer.write_together(both)) CHECK_FALSE(error);
  CHECK(content_of(t / a) == "a");
  CHECK(content_of(t / b) == "b");
}

TEST_CASE("what belongs neither to the folder's owner nor to who is to have it is not given away") {
  if (!is_root("what is not given away")) return;
  const TemporaryFolder t;
  t.folder("home", 0755, person);
  const std::string moved = t.file("home/moved", "root's own", 0600);
  Writing w;
  const std::string refused = "unsafe path: " + moved +
                              " belongs to root, neither to its folder's owner nor to who is to have it: "
                              "another user may have moved it there";
  const std::string theirs = std::to_string(person);
  CHECK(w.perform(SetAttributes{.path = moved, .owner = theirs}) == refused);
  CHECK(w.perform(SetAttributes{.path = moved, .mode = 0644}) == refused);
  CHECK(w.perform(SetAttributes{.path = moved, .group = theirs}) == refused);
  CHECK(w.perform(WriteFile{.path = moved, .content = "root's own, and a line", .owner = theirs}) == refused);
  CHECK(w.perform(WriteFile{.path = moved, .content = "root's own, and a line", .mode = 0644}) == refused);
  CHECK(content_of(moved) == "root's own");
  CHECK(mode_of(moved) == 0600);
  CHECK(status_of(moved).st_uid == 0);
  const std::string folder = t.folder("home/folder", 0700);
  CHECK_THAT(w.perform(SetAttributes{.path = folder, .owner = theirs}),
             Catch::StartsWith("unsafe path: " + folder));
}

TEST_CASE("what is the folder's owner's, or stays whose it is, is written to and given on") {
  if (!is_root("what is given on")) return;
  const TemporaryFolder t;
  t.folder("home", 0755, person);
  Writing w;
  const std::string own = t.file("home/own", "x", 0600, person), roots = t.file("home/roots", "x", 0600);
  CHECK(w.perform(SetAttributes{.path = own, .mode = 0644, .owner = std::to_string(mallory)}) == "");
  CHECK(status_of(own).st_uid == mallory);
  CHECK(w.perform(SetAttributes{.path = roots, .mode = 0644, .owner = "root"}) == "");
  CHECK(w.perform(SetAttributes{.path = roots, .mode = 0400}) == "");
  CHECK(w.perform(WriteFile{.path = roots, .content = "y"}) == "");
  CHECK(content_of(roots) == "y");
  const std::string system = t.file("system", "x", 0600, mallory);
  CHECK(w.perform(SetAttributes{.path = system, .owner = std::to_string(person)}) == "");
}

TEST_CASE("in a folder that everyone may write to, only what is to be theirs already is given anybody") {
  if (!is_root("folders of everyone")) return;
  const TemporaryFolder t;
  t.folder("open", 0777);
  t.folder("sticky", 01777);
  Writing w;
  CHECK_THAT(w.perform(SetAttributes{.path = t.file("open/f", "x", 0600), .mode = 0644}),
             Catch::StartsWith("unsafe path"));
  CHECK(w.perform(SetAttributes{.path = t.file("open/g", "x", 0600), .mode = 0644, .owner = "root"}) == "");
  CHECK(w.perform(SetAttributes{.path = t.file("sticky/f", "x", 0600), .mode = 0644}) == "");
  CHECK_THAT(
      w.perform(SetAttributes{.path = t.file("sticky/g", "x", 0600, mallory), .owner = std::to_string(person)}),
      Catch::StartsWith("unsafe path"));
}
