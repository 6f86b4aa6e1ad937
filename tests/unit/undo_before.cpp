// undo: what a run replaced comes back as it was, or is named as not kept.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>

#include "support/playbook_site.hpp"
#include "support/temporary_folder.hpp"

namespace {

using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::Words;

struct Site : mlops::test::PlaybookSite {
  void apply(const char* resources) const { done(PlaybookSite::apply(resources)); }
  void undo() const { done(PlaybookSite::undo()); }
  // The current state, by path: mode, owner, which names are one file, content.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    std::map<ino_t, std::string> first;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.tree())) {
      struct stat s {};
      ::lstat(entry.path().c_str(), &s);
      std::string text =
          std::to_string(s.st_mode) + " " + std::to_string(s.st_uid) + " " + std::to_string(s.st_gid);
      if (S_ISREG(s.st_mode)) text += " " + AgentFolder::read(entry.path());
      if (S_ISREG(s.st_mode) && s.st_nlink > 1) text += " of " + std::to_string(s.st_nlink) + " names";
      all[entry.path()] = text;
    }
    return all;
  }
};

}  // namespace

TEST_CASE("undo puts back what a folder was forced into the place of, also behind a link") {
  const Site site;
  site.put("real/x", "a file\n", 0640);
  std::filesystem::create_directory_symlink("real", site.at("lnk"));
  const auto before = site.content();
  site.apply(R"({"resources": [{"type": "directory", "path": "@/lnk/x", "force": true}]})");
  CHECK(std::filesystem::is_directory(site.at("real/x")));
  site.undo();
  CHECK(site.content() == before);
}

TEST_CASE("undo puts back the folder that a file was forced into the place of, also behind a link") {
  const Site site;
  site.put("d/a", "one\n", 0600);
  site.put("d/e/b", "two\n");
  site.put("real/x/c", "three\n");
  std::filesystem::create_directory_symlink("real", site.at("lnk"));
  const auto before = site.content();
  site.apply(R"({"resources": [
    {"type": "file", "path": "@/d", "content": "f\n", "force": true, "recursive": true},
    {"type": "file", "path": "@/lnk/x", "content": "f\n", "force": true, "recursive": true}]})");
  CHECK(std::filesystem::is_regular_file(site.at("real/x")));
  site.undo();
  CHECK(site.content() == before);
}

TEST_CASE("undo makes the names of a file one again, and an earlier mode is that of all of them") {
  const Site site;
  site.put("a", "shared\n");
  std::filesystem::create_hard_link(site.at("a"), site.at("b"));
  const auto before = site.content();
  site.apply(R"({"resources": [
    {"type": "file", "path": "@/b", "mode": "0600"},
    {"type": "file", "path": "@/a", "content": "its own\n"}]})");
  site.undo();
  CHECK(site.content() == before);
}

TEST_CASE("undo makes two names one file again that the run gave contents of their own") {
  const Site site;
  site.put("a", "shared\n");
  std::filesystem::create_hard_link(site.at("a"), site.at("b"));
  const auto before = site.content();
  site.apply(R"({"resources": [
    {"type": "file", "path": "@/a", "content": "one\n"},
    {"type": "file", "path": "@/b", "content": "two\n", "mode": "0600"}]})");
  site.undo();
  CHECK(site.content() == before);
}

TEST_CASE("undo names the hard links that do not come back, before anything is done") {
  const Site site;
  site.put("d/a", "shared\n");
  site.put("e/x", "");
  std::filesystem::create_hard_link(site.at("d/a"), site.at("e/b"));
  site.apply(R"({"resources": [{"type": "file", "path": "@/d/a", "content": "its own\n"}]})");
  const Ended shown = site.folder.run({"undo", "--dry-run", "--state", site.state});
  CHECK_THAT(shown.out, Catch::Contains("the hard links of " + site.at("d/a") + " to 1 other name"));
}

TEST_CASE("undo puts back a removed tree whose parts belong to several users") {
  if (!mlops::test::is_root("files of other owners")) return;
  const Site site;
  site.put("home/tree/roots/f", "root's\n", 0600);
  site.put("home/tree/others/g", "another's\n", 04755);
  const auto give = [&](const char* name, uid_t owner) {
    struct stat s {};
    ::stat(site.at(name).c_str(), &s);
    REQUIRE(::chown(site.at(name).c_str(), owner, owner) == 0);
    REQUIRE(::chmod(site.at(name).c_str(), s.st_mode & 07777) == 0);
  };
  for (const char* name : {"home/tree", "home/tree/others"}) give(name, 4711);
  give("home/tree/others/g", 4712);
  const auto before = site.content();
  site.apply(
      R"({"resources": [{"type": "directory", "path": "@/home/tree", "state": "absent", "recursive": true}]})");
  REQUIRE_FALSE(std::filesystem::exists(site.at("home/tree")));
  site.undo();
  CHECK(site.content() == before);
}

TEST_CASE(
    "undo gives what lies in a user's folder back to that user, and what that user put there since to nobody") {
  if (!mlops::test::is_root("files of other owners")) return;
  const Site site;
  site.put("home/f", "f\n", 0640);
  std::filesystem::create_directory(site.at("home/d"));
  std::filesystem::create_directory(site.at("home/roots"));
  for (const char* name : {"home", "home/f", "home/d"})
    REQUIRE(::chown(site.at(name).c_str(), 4711, 4711) == 0);
  const auto before = site.content();
  constexpr const char* playbook = R"({"resources": [
    {"type": "file", "path": "@/home/f", "content": "f\n", "owner": "root"},
    {"type": "directory", "path": "@/home/roots", "mode": "0700"},
    {"type": "directory", "path": "@/home/d", "owner": "root"}]})";
  site.apply(playbook);
  CHECK(site.content() != before);
  site.undo();
  CHECK(site.content() == before);
  site.apply(playbook);
  const auto after = site.content();
  std::filesystem::rename(site.at("home/f"), site.at("old"));
  site.put("home/f", "f\n", 0640);
  REQUIRE(::chown(site.at("home/f").c_str(), 0, 4711) == 0);
  const Ended undone = site.run({"undo", "--yes"});
  INFO(undone.out << undone.err);
  CHECK(undone.status == 1);
  CHECK_THAT(undone.out, Catch::Contains("neither to its folder's owner nor to who is to have it"));
  CHECK(site.content().at(site.at("home/f")) == after.at(site.at("home/f")));
}

TEST_CASE("undo gives set-user-ID bits and capabilities back with the owner") {
  if (!mlops::test::is_root("files of other owners")) return;
  const Site site;
  site.put("tool", "#!/bin/sh\n", 04755);
  // struct vfs_cap_data, revision 2, of linux/capability.h: cap_net_raw=ep
  const unsigned char raw[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const bool capable = ::setxattr(site.at("tool").c_str(), "security.capability", raw, sizeof raw, 0) == 0;
  const auto before = site.content();
  const Ended planned = site.run({"plan", site.folder.write("site.json", R"({"resources": [
    {"id": "t", "type": "file", "path": "@/tool", "owner": "daemon"}]})")});
  if (capable) CHECK_THAT(planned.out, Catch::Contains("cap_net_raw=ep"));
  CHECK_THAT(planned.out, Catch::Contains("4755") && Catch::Contains("0755"));
  site.apply(R"({"resources": [{"id": "t", "type": "file", "path": "@/tool", "owner": "daemon"}]})");
  CHECK(mlops::test::mode_of(site.at("tool")) == 0755);
  CHECK(::getxattr(site.at("tool").c_str(), "security.capability", nullptr, 0) == -1);
  site.undo();
  CHECK(site.content() == before);
  if (capable) CHECK(::getxattr(site.at("tool").c_str(), "security.capability", nullptr, 0) == sizeof raw);
}
