// What the journal has on disk at every moment of a run, whatever happens to the process.
#include "state/journal.hpp"

#include <sys/mount.h>
#include <sys/wait.h>

#include <deque>
#include <random>
#include <set>

#include "base/person.hpp"
#include "machine/local.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"
#include "state/run_id.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace mlops;
using mlops::test::TemporaryFolder;

RunHeader header(const std::string& id = new_run_id("")) {
  return {.id = id,
          .kind = "apply",
          .playbook = "site.json",
          .playbook_key = "/site.json",
          .starter = "tester",
          .started = 1};
}

// A run of one identity on the real machine, in a folder of its own.
struct Bench {
  explicit Bench(std::string state, CaptureLimits limits = {}) : folder(std::move(state)) {
    machine = make_local_machine(
        {acting_user(effective_person().name), "", folder + "/cache", effective_person().uid}, cancellation,
        {});
    journal = std::make_unique<StateJournal>(
        JournalSettings{.identity = "tester",
                        .folder = folder,
                        .limits = limits,
                        .notice = [this](const std::string& text) { told.push_back(text); },
                        .dpkg_folder = "/nonexistent"},
        *machine);
  }
  std::vector<std::optional<Error>> perform(const std::string& label, std::vector<Action> actions,
                                            std::vector<std::string> notifies = {},
                                            std::vector<StepName> recovers = {}) {
    kept.push_back(std::move(actions));
    const Step step{{.sequence = ++sequence,
                     .resource = label,
                     .type = "file",
                     .notifies = std::move(notifies),
                     .changes = {{.property = "content", .after = label}},
                     .claims = {{Claim::Kind::path, label}},
                     .recovers = std::move(recovers)},
                    kept.back()};
    return perform_steps({&step, 1}, *machine, journal.get());
  }
  std::string folder;
  Cancellation cancellation;
  std::vector<std::string> told;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<StateJournal> journal;
  std::deque<std::vector<Action>> kept;
  std::uint64_t sequence = 0;
};

// A database as another process finds it.
struct Found {
  explicit Found(const std::string& folder)
      : database(open_state_database({folder, StateDatabaseSettings::For::reading, {}, {}})) {}
  // The rows of a query, columns separated by |.
  std::vector<std::string> rows(const char* sql, int columns = 1) {
    std::vector<std::string> all;
    if (!database) return all;
    Statement& query = database->statement(sql).with();
    while (query.step()) {
      std::string row = query.text(0);
      for (int i = 1; i < columns; ++i) row += "|" + query.text(i);
      all.push_back(row);
    }
    return all;
  }
  std::vector<std::string> states() {
    return rows("SELECT resource, state FROM steps ORDER BY run, sequence", 2);
  }
  std::unique_ptr<Database> database;
};

using Rows = std::vector<std::string>;

// work in a process of its own; its status, or 128 + the signal that ended it.
int in_child(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      work();
      ::_exit(0);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void die() { ::kill(::getpid(), SIGKILL); }

}  // namespace

TEST_CASE("an action is on disk with what it replaces before it begins") {
  const TemporaryFolder top;
  const std::string state = top / "state", path = top.file("f", "earlier", 0640);
  const int status = in_child([&] {
    Bench bench(state);
    bench.journal->open(header());
    const std::vector<Action> actions{WriteFile{.path = path, .content = "later"}};
    const Step step{{1, "file[f]", "file", {"svc"}, {{.property = "content"}}}, actions};
    bench.journal->begin({&step, 1});
    die();
  });
  CHECK(status == 128 + SIGKILL);
  CHECK(test::content_of(path) == "earlier");
  Found found(state);
  CHECK(found.states() == Rows{"file[f]|0"});
  CHECK(found.rows("SELECT target, source FROM notifications", 2) == Rows{"svc|file[f]"});
  const Value before = parse_kept(found.rows("SELECT before FROM steps").at(0));
  REQUIRE(before.as_array().size() == 1);
  const Before was = kept_before(before.as_array()[0]);
  CHECK(was.paths.at(0).path == path);
  CHECK(was.paths.at(0).mode == 0640);
  CHECK(found.rows("SELECT content FROM images") == Rows{"earlier"});
  CHECK(
      std::get<WriteFile>(*kept_action(parse_kept(found.rows("SELECT actions FROM steps").at(0)).as_array()[0]))
          .path == path);

  // The next run finds it interrupted, and records how it was left once it does something itself.
  Bench next(state);
  const PriorRunState earlier = next.journal->open(header());
  REQUIRE(earlier.runs.size() == 1);
  CHECK(earlier.runs[0].playbook == "site.json");
  CHECK(earlier.runs[0].resources == Rows{"file[f]"});
  REQUIRE(earlier.steps.size() == 1);
  CHECK(earlier.steps[0].resource == "file[f]");
  CHECK_FALSE(earlier.steps[0].program);
  REQUIRE(earlier.notifications.size() == 1);
  CHECK(earlier.notifications[0].target == "svc");
  CHECK(Found(state).states() == Rows{"file[f]|0"});
  next.perform("other", {WriteFile{.path = top / "other", .content = ""}});
  Found then(state);
  CHECK(then.states().at(0) == "file[f]|3");
  CHECK(then.rows("SELECT outcome FROM runs WHERE ended IS NULL AND outcome IS NOT NULL") == Rows{"cut off"});
  CHECK_THAT(then.rows("SELECT after FROM steps").at(0), Catch::Contains("file 0640"));
  // Done again, it is recovered.
  CHECK_FALSE(
      next.perform("file[f]", {WriteFile{.path = path, .content = "later"}}, {}, {earlier.steps[0].name})[0]);
  next.journal->delivered("svc");
  next.journal->conclude("done", "");
  CHECK(Found(state).rows("SELECT count(*) FROM notifications") == Rows{"0"});
  CHECK(Found(state).states() == Rows{"file[f]|4", "other|1", "file[f]|1"});
  CHECK(next.told.empty());
}

TEST_CASE("that a file was written is recorded with the next step, that a command ran at once") {
  const TemporaryFolder top;
  const std::string state = top / "state";
  in_child([&] {
    Bench bench(state);
    bench.journal->open(header());
    bench.perform("one", {WriteFile{.path = top / "one", .content = "1"}});
    bench.perform("two", {WriteFile{.path = top / "two", .content = "2"}});
    die();
  });
  CHECK(Found(state).states() == Rows{"one|1", "two|0"});
  in_child([&] {
    Bench bench(state);
    bench.journal->open(header());
    RunCommand run;
    run.command = {.argv = {"/bin/true"}, .cwd = "/"};
    bench.perform("three", {run});
    die();
  });
  CHECK(Found(state).states() == Rows{"one|1", "two|3", "three|1"});
}

TEST_CASE("a run that ends well is listed with how, and leaves word that nothing is unfinished") {
  const TemporaryFolder top;
  const std::string state = top / "state";
  CleanMarker mark;
  CHECK(read_mark(state, mark) == MarkState::none);
  {
    Bench bench(state);
    bench.journal->open(header());
    bench.perform("one", {WriteFile{.path = top / "one", .content = "1"}});
    CHECK(read_mark(bench.folder, mark) == MarkState::unknown);
    bench.journal->account({}, 0xabc);
    bench.journal->conclude("done", R"({"changed":1})");
  }
  CHECK(read_mark(state, mark) == MarkState::settled);
  CHECK(mark.playbooks["/site.json"] == ListedResources{0xabc, false});
  CHECK(Found(state).rows("SELECT outcome, counts FROM runs", 2) == Rows{R"(done|{"changed":1})"});
  CHECK(Found(state)
            .rows("SELECT thing, fingerprint FROM things", 2)
            .at(0)
            .starts_with("path " + (top / "one") + "|file 0644"));

  Bench bench(state);
  CHECK(bench.journal->open(header()).listed == ListedResources{0xabc, false});
  CHECK(read_mark(state, mark) == MarkState::settled);  // nothing is written before something is done
  bench.perform("two", {WriteFile{.path = top / "two", .content = "2"}}, {"svc"});
  CHECK(read_mark(state, mark) == MarkState::unknown);
  bench.journal->conclude("done", "");
  CHECK(read_mark(state, mark) == MarkState::unknown);  // a notification is pending
}

TEST_CASE("a failed step is listed with its reason") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  bench.journal->open(header());
  const auto errors = bench.perform("bad", {WriteFile{.path = top / "none/f", .content = "1"}});
  REQUIRE(errors.at(0));
  bench.journal->conclude("failed", "");
  Found found(top / "state");
  CHECK(found.states() == Rows{"bad|2"});
  CHECK_THAT(found.rows("SELECT reason FROM steps").at(0), Catch::Contains("does not exist"));
}

TEST_CASE("what another identity does is announced without what it does") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  bench.journal->open(header());
  const std::vector<Action> actions{WriteFile{.path = "/etc/shadow", .content = "x"}};
  const Step step{{1, "file[shadow]", "file", {"svc"}, {{.property = "content", .after = "x"}}}, actions};
  bench.journal->announce({&step, 1}, "root");
  Found found(top / "state");
  CHECK(found.rows("SELECT resource, identity, actions IS NULL, before IS NULL, changes IS NULL FROM steps",
                   5) == Rows{"file[shadow]|root|1|1|1"});
  CHECK(found.rows("SELECT identity FROM participants ORDER BY 1") == Rows{"root", "tester"});
  CHECK(found.rows("SELECT count(*) FROM images") == Rows{"0"});
  const std::vector<std::optional<Error>> well(1);
  bench.journal->end({&step, 1}, well);
  bench.journal->conclude("done", "");
  CHECK(Found(top / "state").states() == Rows{"file[shadow]|1"});
}

TEST_CASE("what was replaced is put back from the journal, small and large") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  std::mt19937 random(1);
  std::string noise(300'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::string content =
      GENERATE_COPY(std::string(), std::string("short"), std::string(200'000, 'a'), noise);
  const std::string path = top.file("f", content);
  bench.journal->open(header());
  REQUIRE_FALSE(bench.perform("f", {WriteFile{.path = path, .content = "new"}})[0]);
  const Value kept = parse_kept(Found(top / "state").rows("SELECT before FROM steps").at(0));
  const SavedPath saved = kept_before(kept.as_array()[0]).paths.at(0);
  REQUIRE_FALSE(bench.perform("f", {RestorePath{saved, {}}})[0]);
  CHECK(test::content_of(path) == content);
  bench.journal->conclude("done", "");
  const bool in_file = test::is_there(top / "state/images/" + saved.digest);
  CHECK(in_file == (content == noise));
}

TEST_CASE("what is too large is not kept, and said to be") {
  const TemporaryFolder top;
  Bench bench(top / "state", {.bytes = 10});
  const std::string path = top.file("f", "more than ten bytes");
  bench.journal->open(header());
  bench.perform("f", {WriteFile{.path = path, .content = "new"}});
  const Value kept = parse_kept(Found(top / "state").rows("SELECT before FROM steps").at(0));
  CHECK_THAT(kept_before(kept.as_array()[0]).not_kept, Catch::Contains("are more than"));
  CHECK(Found(top / "state").rows("SELECT count(*) FROM images") == Rows{"0"});
}

TEST_CASE("what may contain a secret is not kept, neither when it is replaced nor when it is removed") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  const std::string path = top.file("f", "an old secret", 0600);
  bench.journal->open(header());
  bench.perform("f", {WriteFile{.path = path, .content = "a new secret", .sensitive = true}});
  CHECK(test::content_of(path) == "a new secret");
  bench.perform("f", {RemovePath{.path = path, .sensitive = true}});
  CHECK_FALSE(test::is_there(path));
  bench.perform("f", {WriteFile{.path = path, .content = "a third secret", .sensitive = true}});
  bench.journal->conclude("done", "");
  Found found(top / "state");
  for (const std::string& row : found.rows("SELECT before FROM steps LIMIT 2")) {
    const Before before = kept_before(parse_kept(row).as_array()[0]);
    CHECK(before.not_kept == "it may hold a secret");
    CHECK(before.paths.at(0).mode == 0600);
    CHECK(before.paths.at(0).digest == "");
  }
  CHECK(found.rows("SELECT count(*) FROM images") == Rows{"0"});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top / "state"))
    if (entry.is_regular_file())
      for (const char* secret : {"an old secret", "a new secret", "a third secret"})
        CHECK(test::content_of(entry.path()).find(secret) == std::string::npos);
}

TEST_CASE("a database that is deleted or spoilt during a run is created again, and the run continues") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  bench.journal->open(header());
  bench.perform("one", {WriteFile{.path = top / "one", .content = "1"}});
  SECTION("deleted") {
    for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove((top / "state/state.db") + part);
    CHECK_FALSE(bench.perform("two", {WriteFile{.path = top / "two", .content = "2"}})[0]);
    REQUIRE(bench.told.size() == 1);
    CHECK_THAT(bench.told[0], Catch::Contains("was removed during the run"));
  }
  SECTION("another one in its place") {
    TemporaryFolder other;
    Bench second(other / "state");
    second.journal->open(header());
    second.journal->conclude("done", "");
    std::filesystem::rename(other / "state/state.db", top / "state/state.db");
    CHECK_FALSE(bench.perform("two", {WriteFile{.path = top / "two", .content = "2"}})[0]);
  }
  bench.journal->conclude("done", "");
  CHECK(test::content_of(top / "two") == "2");
  Found found(top / "state");
  const auto states = found.states();
  CHECK(std::find(states.begin(), states.end(), "two|1") != states.end());
}

TEST_CASE(
    "a database whose pages are spoilt is set aside by the process that finds them, and the run continues") {
  const TemporaryFolder top;
  const std::string state = top / "state";
  {
    Bench bench(state);
    bench.journal->open(header());
    for (int i = 0; i < 100; ++i)
      bench.perform("r" + std::to_string(i), {WriteFile{.path = top / "f", .content = "x"}});
    bench.journal->conclude("done", "");
  }
  {
    // All but the first page, where the schema is.
    std::fstream file(state + "/state.db", std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(state + "/state.db");
    file.seekp(4096);
    file << std::string(size - 4096, '\x5a');
  }
  Bench bench(state);
  bench.journal->open(header());
  CHECK_FALSE(bench.perform("after", {WriteFile{.path = top / "f", .content = "y"}})[0]);
  bench.journal->conclude("done", "");
  REQUIRE(bench.told.size() == 1);
  CHECK_THAT(bench.told[0], Catch::Contains("is damaged") && Catch::Contains("set aside as"));
  CHECK(Found(state).states() == Rows{"after|1"});
}

TEST_CASE("on a full disk nothing begins that could not be written down") {
  if (!test::is_root("a full disk")) return;
  const TemporaryFolder top;
  top.folder("disk");
  const std::string disk = top / "disk", path = top.file("f", std::string(100'000, 'a'));
  REQUIRE(::mount("none", disk.c_str(), "tmpfs", 0, "size=1m") == 0);
  {
    Bench bench(disk + "/state");
    bench.journal->open(header());
    std::ofstream(disk + "/ballast") << std::string(1 << 20, 'x');
    std::optional<Error> error;
    for (int i = 0; i < 1000 && !error; ++i) {
      try {
        error = bench.perform("f", {WriteFile{.path = path, .content = std::to_string(i)}})[0];
      } catch (const Error& e) {
        error = e;
      }
      if (error) CHECK(test::content_of(path) == (i == 0 ? std::string(100'000, 'a') : std::to_string(i - 1)));
    }
    REQUIRE(error);
    CHECK_THAT(error->what(), Catch::Contains("it was not started, because it could not be recorded first") &&
                                  Catch::Contains("full"));
    std::filesystem::remove(disk + "/ballast");
    CHECK_FALSE(bench.perform("f", {WriteFile{.path = path, .content = "room again"}})[0]);
    bench.journal->conclude("done", "");
  }
  CHECK(::umount(disk.c_str()) == 0);
}

TEST_CASE("killed at any moment, nothing was done that was not written down, and the database opens",
          "[long]") {
  const TemporaryFolder top;
  const std::string state = top / "state";
  std::mt19937 random(7);
  int caught = 0;
  for (int round = 0; round < 20; ++round) {
    const std::string place = top.folder("r" + std::to_string(round));
    const pid_t child = ::fork();
    if (child == 0) {
      Bench bench(state);
      bench.journal->open(header());
      for (int batch = 0;; ++batch) {
        std::deque<std::vector<Action>> actions;
        std::vector<Step> steps;
        for (int i = 0; i < 8; ++i) {
          const std::string path = place + "/" + std::to_string(batch) + "-" + std::to_string(i);
          actions.push_back({WriteFile{.path = path, .content = "x"}});
          steps.push_back({{++bench.sequence, path, "file", {}, {}}, actions.back()});
        }
        perform_steps(steps, *bench.machine, bench.journal.get());
      }
    }
    ::usleep(static_cast<useconds_t>(20'000 + random() % 250'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Found found(state);
    std::set<std::string> recorded;
    for (const std::string& row : found.rows("SELECT resource FROM steps")) recorded.insert(row);
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
      if (entry.path().filename().string().starts_with(".")) continue;
      INFO(entry.path());
      CHECK(recorded.contains(entry.path()));
      ++caught;
    }
  }
  CHECK(caught > 0);
  Bench bench(state);
  bench.journal->open(header());
  CHECK(bench.told.empty());
  bench.journal->conclude("done", "");
}

TEST_CASE("what undoing needs is kept for the last 20 runs, that they were for all") {
  const TemporaryFolder top;
  const std::string path = top.file("f", "0");
  for (int i = 1; i <= 25; ++i) {
    Bench bench(top / "state");
    bench.journal->open(header());
    std::mt19937 random(static_cast<unsigned>(i));
    std::string noise(100'000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    bench.perform("f", {WriteFile{.path = path, .content = noise}});
    bench.journal->conclude("done", "");
  }
  Found found(top / "state");
  CHECK(found.rows("SELECT count(*), sum(whole) FROM runs", 2) == Rows{"25|20"});
  CHECK(found.rows("SELECT count(*) FROM steps WHERE before IS NOT NULL") == Rows{"20"});
  CHECK(found.rows("SELECT count(*) FROM steps WHERE changes IS NOT NULL") == Rows{"25"});
  CHECK(found.rows("SELECT count(*) FROM images") == Rows{"20"});
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(top / "state/images")) ++files;
  CHECK(files == 20);
}

TEST_CASE("content that is written is not in the state, only what it replaced") {
  const TemporaryFolder top;
  Bench bench(top / "state");
  bench.journal->open(header());
  const std::string secret = "s3cret-of-the-test";
  const std::vector<Action> actions{WriteFile{.path = top / "f", .content = secret}};
  const Change change{.property = "content", .after = secret, .sensitive = true, .text_diff = "+" + secret};
  const Step step{{1, "file[f]", "file", {}, {change}}, actions};
  perform_steps({&step, 1}, *bench.machine, bench.journal.get());
  bench.journal->conclude("done", "");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top / "state"))
    if (entry.is_regular_file()) CHECK(test::content_of(entry.path()).find(secret) == std::string::npos);
}
