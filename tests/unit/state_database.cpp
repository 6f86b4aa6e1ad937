// The state database as a file: made, brought up to date, refused, and set aside where it is damaged.
#include "state/state_database.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <array>
#include <random>

#include "base/process.hpp"
#include "state/recorded_runs.hpp"
#include "state/run_id.hpp"
#include "state/schema.hpp"
#include "state/state_folder.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace mlops;
using mlops::test::TemporaryFolder;
using For = StateDatabaseSettings::For;

constexpr const char* table = "CREATE TABLE notes (number INTEGER PRIMARY KEY, text TEXT)";
constexpr std::array notes{table};

struct Opened {
  std::unique_ptr<Database> database;
  std::vector<std::string> told;
};

Opened open(const std::string& folder, For use = For::writing, std::span<const char* const> versions = notes) {
  Opened o;
  o.database =
      open_state_database({folder, use, [&](const std::string& text) { o.told.push_back(text); }, versions});
  return o;
}

std::string failure(const std::function<void()>& work) try {
  work();
  return "none";
} catch (const Error& e) {
  return e.what();
}

void note(Database& database, const std::string& text) {
  Transaction transaction(database);
  database.statement("INSERT INTO notes (text) VALUES (?)").with(text).run();
  transaction.commit();
}

// What is in the folder, but for what SQLite has beside an open database.
std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a state database is made when one is to be written to, for its owner alone") {
  const TemporaryFolder top;
  const mode_t before = ::umask(0);
  const std::string folder = prepare_state_folder(top / "a/b/state");
  {
    const Opened o = open(folder);
    REQUIRE(o.database);
    note(*o.database, "kept");
    CHECK(o.told.empty());
    for (const char* part : {"", "-wal", "-shm"}) CHECK(test::mode_of(folder + "/state.db" + part) == 0600);
  }
  ::umask(before);
  CHECK(test::mode_of(folder) == 0700);
  CHECK(test::mode_of(top / "a/b") == 0755);
  CHECK(open(folder).database->integer("SELECT count(*) FROM notes") == 1);
  CHECK(files_of(folder) == std::vector<std::string>{"state.db"});
}

TEST_CASE("where a state database is only read, none is made") {
  const TemporaryFolder top;
  CHECK(find_state_folder(top / "none") == "");
  const std::string folder = prepare_state_folder(top / "state");
  CHECK_FALSE(open(folder, For::reading).database);
  CHECK(files_of(folder).empty());
}

TEST_CASE("an open state folder is closed to others; one of another user is refused") {
  const TemporaryFolder top;
  top.folder("state", 0777);
  prepare_state_folder(top / "state");
  CHECK(test::mode_of(top / "state") == 0700);
  if (!test::is_root("a state folder of another user")) return;
  top.folder("theirs", 0700, 1234);
  CHECK_THAT(failure([&] { prepare_state_folder(top / "theirs"); }),
             Catch::Contains("belongs to another user (uid 1234)"));
  CHECK_THAT(failure([&] { find_state_folder(top / "theirs"); }), Catch::Contains("belongs to another user"));
  top.file("file", "");
  CHECK_THAT(failure([&] { prepare_state_folder(top / "file"); }), Catch::Contains("state folder"));
}

TEST_CASE("the state folder is root's, the person's own, or one for those who have no home") {
  const TemporaryFolder top;
  CHECK(state_folder({"root", "/root", "", 0, 0}, "") == "/var/lib/mlops-agent");
  CHECK(state_folder({"ada", top / "", "", ::geteuid(), 0}, "/srv/state") == "/srv/state/ada");
  CHECK(state_folder({"daemon", "/nonexistent", "", 1, 1}, "") == "/var/tmp/mlops-agent-1");
  CHECK(state_folder({"bin", "/bin", "", 4321, 1}, "") == "/var/tmp/mlops-agent-4321");
  if (!test::is_root("the state folder of a person")) return;
  top.folder("ada", 0755, 1234);
  ::setenv("XDG_STATE_HOME", "/elsewhere", 1);
  CHECK(state_folder({"ada", top / "ada", "", 1234, 0}, "") == (top / "ada") + "/.local/state/mlops-agent");
  CHECK(state_folder({"root", "/root", "", 0, 0}, "") == "/var/lib/mlops-agent");
  ::unsetenv("XDG_STATE_HOME");
}

TEST_CASE("a link that another user made where everyone may write is not followed to a state folder") {
  if (!test::is_root("another user's link")) return;
  const TemporaryFolder top;
  top.folder("tmp", 01777);
  top.folder("own", 0755);
  top.link("tmp/mlops-agent-0", top / "own", 1234);
  CHECK_THAT(failure([&] { prepare_state_folder(top / "tmp/mlops-agent-0"); }),
             Catch::Contains("is not safe: ") && Catch::Contains("another user made this link"));
  CHECK_THAT(failure([&] { find_state_folder(top / "tmp/mlops-agent-0"); }), Catch::Contains("is not safe: "));
  CHECK(test::mode_of(top / "own") == 0755);
  // One's own, such as a home on another disk, is.
  top.link("home", top / "own");
  CHECK(prepare_state_folder(top / "home/state") == top / "own/state");
  CHECK(find_state_folder(top / "home/state") == top / "own/state");
}

TEST_CASE("an older state database is brought up to date, with what is in it") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  note(*open(folder).database, "old");
  const std::array both{table, "ALTER TABLE notes ADD COLUMN kind TEXT NOT NULL DEFAULT 'plain'"};
  const std::string bytes = test::content_of(folder + "/state.db");
  const char* known = "SELECT count(*) FROM notes WHERE kind = 'plain' AND text = 'old'";
  {
    const Opened reading = open(folder, For::reading, both);
    REQUIRE(reading.database);
    CHECK(reading.told.empty());
    CHECK(reading.database->integer(known) == 1);
  }
  // Who only reads leaves it to the next who writes.
  CHECK(test::content_of(folder + "/state.db") == bytes);
  const Opened o = open(folder, For::writing, both);
  CHECK(o.database->integer(known) == 1);
  CHECK(o.told.empty());
}

TEST_CASE("what any version wrote can be listed before it is brought up to date") {
  for (std::size_t version = 1; version <= migrations().size(); ++version) {
    INFO("schema " << version);
    const TemporaryFolder top;
    const std::string folder = prepare_state_folder(top / "state");
    open(folder, For::writing, migrations().first(version))
        .database->run(
            "INSERT INTO runs (id, kind, playbook, playbook_key, starter, version, process, process_started, "
            "boot, "
            "started, outcome) VALUES ('r', 'apply', 'p.json', 'p', 'root', '1', 1, 1, 'b', 1, 'done');"
            "INSERT INTO steps (run, sequence, resource, type, identity, state, program, makes, claims) VALUES "
            "(1, 1, 'file[f]', 'file', 'root', 1, 0, 1, '[]')");
    const Opened reading = open(folder, For::reading, {});
    REQUIRE(reading.database);
    CHECK(reading.told.empty());
    const RecordedRuns runs(*reading.database);
    REQUIRE(runs.all().size() == 1);
    CHECK(runs.steps(runs.all().front().number).size() == 1);
  }
}

TEST_CASE("a step to a newer schema that fails leaves the database as it was") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  note(*open(folder).database, "old");
  const std::array broken{table, "ALTER TABLE notes ADD COLUMN kind TEXT; CREATE TABLE notes (n INTEGER)"};
  CHECK_THAT(failure([&] { open(folder, For::writing, broken); }), Catch::Contains("already exists"));
  const Opened o = open(folder);
  CHECK(o.database->integer("PRAGMA user_version") == 1);
  CHECK(o.database->integer("SELECT count(*) FROM pragma_table_info('notes')") == 2);
}

TEST_CASE("a state database of a newer program is refused and left as it is") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  const std::array both{table, "CREATE TABLE more (n INTEGER)"};
  open(folder, For::writing, both);
  const std::string bytes = test::content_of(folder + "/state.db");
  for (const For use : {For::reading, For::writing})
    CHECK_THAT(failure([&] { open(folder, use); }),
               Catch::Contains("written by a newer mlops-agent (its schema is 2, this program knows up to 1)"));
  CHECK(test::content_of(folder + "/state.db") == bytes);
  CHECK(files_of(folder) == std::vector<std::string>{"state.db"});
}

TEST_CASE("what is no state database is set aside with a message, and only where one is to be written") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  const std::string content =
      GENERATE(std::string(""), std::string("not a database at all"), std::string(8192, '\0'));
  std::ofstream(folder + "/state.db") << content;
  const Opened reading = open(folder, For::reading);
  CHECK_FALSE(reading.database);
  REQUIRE(reading.told.size() == 1);
  CHECK_THAT(reading.told[0], Catch::Contains("cannot be read"));
  CHECK(test::content_of(folder + "/state.db") == content);

  const Opened o = open(folder);
  REQUIRE(o.database);
  note(*o.database, "new");
  REQUIRE(o.told.size() == 1);
  CHECK_THAT(o.told[0],
             Catch::Contains("is damaged") && Catch::Contains("set aside as " + folder + "/state.db.damaged-"));
  const std::string aside = files_of(folder).at(3);
  CHECK(aside.starts_with("state.db.damaged-"));
  CHECK(test::content_of(folder + "/" + aside) == content);
}

TEST_CASE("another program's database is set aside") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  Database(folder + "/state.db", Database::Open::make).run("CREATE TABLE theirs (n INTEGER)");
  const Opened o = open(folder);
  REQUIRE(o.told.size() == 1);
  CHECK_THAT(o.told[0], Catch::Contains("no state database of mlops-agent"));
}

TEST_CASE("a state database cut short anywhere opens whole, or is set aside with a message", "[long]") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  {
    const Opened o = open(folder);
    for (int i = 0; i < 300; ++i) note(*o.database, std::string(200, 'x'));
  }
  const std::string whole = test::content_of(folder + "/state.db");
  std::mt19937_64 random(4711);
  int aside = 0;
  for (int i = 0; i < 100; ++i) {
    std::filesystem::remove_all(folder);
    prepare_state_folder(folder);
    const std::size_t size = random() % whole.size();
    std::ofstream(folder + "/state.db", std::ios::binary) << whole.substr(0, size);
    const Opened o = open(folder);
    INFO("cut at " << size);
    REQUIRE(o.database);
    const auto left = o.database->integer("SELECT count(*) FROM notes");
    CHECK((o.told.empty() ? left == 300 : left == 0));
    note(*o.database, "goes on");
    aside += !o.told.empty();
  }
  CHECK(aside == 100);
}

TEST_CASE("many that make the same state database at once make one") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        for (int n = 0; n < 20; ++n) note(*open(folder).database, std::to_string(i));
        status = 0;
      } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(open(folder).database->integer("SELECT count(*) FROM notes") == 160);
  CHECK(files_of(folder) == std::vector<std::string>{"state.db"});
}

TEST_CASE("many that find the same damage set one file aside and lose nothing that was written since") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  std::ofstream(folder + "/state.db") << "damaged";
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        note(*open(folder).database, std::to_string(i));
        status = 0;
      } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(open(folder).database->integer("SELECT count(*) FROM notes") == 8);
  CHECK(files_of(folder).size() == 2);
}

TEST_CASE("a database that is deleted or replaced while it is open is seen to be") {
  const TemporaryFolder top;
  const std::string folder = prepare_state_folder(top / "state");
  const Opened o = open(folder);
  CHECK_FALSE(o.database->moved());
  std::filesystem::remove(folder + "/state.db");
  CHECK(o.database->moved());
  open(folder);
  CHECK(o.database->moved());
}

TEST_CASE("a state database on a full disk is an error, and what is in it stays") {
  if (!test::is_root("a full disk")) return;
  const TemporaryFolder top;
  top.folder("disk");
  REQUIRE(::mount("none", (top / "disk").c_str(), "tmpfs", 0, "size=512k") == 0);
  const std::string folder = prepare_state_folder(top / "disk/state");
  {
    const Opened o = open(folder);
    note(*o.database, "before");
    std::ofstream(top / "disk/ballast") << std::string(512 << 10, 'x');
    std::string told;
    for (int i = 0; i < 100 && told.empty(); ++i)
      if (const auto text = failure([&] { note(*o.database, std::string(100'000, 'x')); }); text != "none")
        told = text;
    CHECK_THAT(told, Catch::Contains("full"));
    std::filesystem::remove(top / "disk/ballast");
    note(*o.database, "after");
    CHECK(o.database->integer("SELECT count(*) FROM notes WHERE text IN ('before', 'after')") == 2);
  }
  std::filesystem::remove_all(folder);
  std::ofstream(top / "disk/ballast") << std::string(512 << 10, 'x');
  prepare_state_folder(folder);
  CHECK_THAT(failure([&] { open(folder); }), Catch::Contains("full") || Catch::Contains("No space left"));
  std::filesystem::remove(top / "disk/ballast");
  CHECK(open(folder).told.empty());
  CHECK(::umount((top / "disk").c_str()) == 0);
}

TEST_CASE(
    "a state database on a read-only file system is an error for who writes, and a message for who reads") {
  if (!test::is_root("a read-only file system")) return;
  const TemporaryFolder top;
  top.folder("disk");
  const std::string disk = top / "disk";
  REQUIRE(::mount("none", disk.c_str(), "tmpfs", 0, nullptr) == 0);
  const std::string folder = prepare_state_folder(disk + "/state");
  REQUIRE(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  CHECK_THAT(failure([&] { open(folder); }), Catch::Contains("Read-only file system"));
  CHECK_THAT(failure([&] { prepare_state_folder(disk + "/other"); }), Catch::Contains("Read-only file system"));
  REQUIRE(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT, nullptr) == 0);
  note(*open(folder).database, "kept");
  REQUIRE(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  CHECK_THAT(failure([&] { note(*open(folder).database, "more"); }),
             Catch::Contains("cannot be used") || Catch::Contains("readonly"));
  const Opened o = open(folder, For::reading);
  CHECK((o.database != nullptr || o.told.size() == 1));
  CHECK(::umount(disk.c_str()) == 0);
}

TEST_CASE("names of runs sort by time, even where the clock was set back") {
  const std::string first = new_run_id(""), second = new_run_id(first);
  CHECK(first.size() == 36);
  CHECK(first[14] == '7');
  CHECK(std::string("89ab").find(first[19]) != std::string::npos);
  CHECK(second > first);
  const std::string later = "ffffffff-0000-7000-8000-000000000000";
  CHECK(new_run_id(later) > later);
  CHECK(time_of_run_id(new_run_id(later)) == time_of_run_id(later) + 1);
  CHECK(time_of_run_id("no id") == 0);
}
