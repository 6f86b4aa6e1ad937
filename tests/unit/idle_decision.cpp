// When an idle machine warns and powers off: the decision, its state between checks, and requests to keep it
// on.
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "idle/decision.hpp"
#include "idle/keep.hpp"
#include "idle/state.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const IdleSettings settings{600, 120, 20, {}};
const Observation quiet{"load", false, "", false}, used{"logins", true, "", false},
    unseen{"kernels", false, "", true};

// Checks each minute from a state at second 1000, with the observation of each minute; what each decided, as
// letters: - nothing, w warn, P power off.
std::string course(IdleState& state, const std::vector<Observation>& minutes, std::uint64_t kept_until = 0,
                   std::uint64_t step = 60) {
  std::string letters;
  for (const Observation& o : minutes) {
    const std::uint64_t now = state.checked ? *state.checked + step : 1000;
    const IdleDecision d = decide(settings, state, {quiet, o}, kept_until > now ? kept_until : 0, now);
    letters += d.step == IdleStep::warn ? 'w' : d.step == IdleStep::power_off ? 'P' : '-';
  }
  return letters;
}
std::string course(const std::vector<Observation>& minutes, std::uint64_t kept_until = 0) {
  IdleState state;
  return course(state, minutes, kept_until);
}
std::vector<Observation> times(std::size_t n, const Observation& o) { return std::vector<Observation>(n, o); }

}  // namespace

TEST_CASE("idle: a machine that nobody uses warns, and powers off when the time is over") {
  CHECK(course(times(12, quiet)) == "--------w-PP");
}

TEST_CASE("idle: activity, and what cannot be observed, begin the time anew") {
  for (const Observation& o : {used, unseen}) {
    auto minutes = times(10, quiet);
    minutes[9] = o;
    IdleState state;
    CHECK(course(state, minutes) == "--------w-");
    CHECK(state.idle == 0);
    CHECK_FALSE(state.warned);
    CHECK(course(state, times(11, quiet)) == "-------w-PP");
  }
}

TEST_CASE("idle: a request keeps it on until its end, with the warning before that") {
  CHECK(course(times(24, quiet), 1000 + 20 * 60) == "------------------w-PPPP");
  IdleState warned;
  CHECK(course(warned, times(9, quiet)) == "--------w");
  CHECK(course(warned, times(12, quiet), 1480 + 10 * 60) == "-------w-PPP");
}

TEST_CASE("idle: after a sleep, or checks that failed, the time and the warning begin anew") {
  IdleState state;
  CHECK(course(state, times(8, quiet)) == "--------");
  CHECK(course(state, {quiet}, 0, longest_counted + 1) == "-");
  CHECK(state.idle == 0);
  CHECK(course(state, times(10, quiet)) == "-------w-P");

  IdleState warned;
  CHECK(course(warned, times(10, quiet)) == "--------w-");
  CHECK(course(warned, {quiet}, 0, 240) == "-");
  CHECK(warned.idle == 0);
  CHECK_FALSE(warned.warned);
  CHECK(course(warned, times(11, quiet)) == "-------w-PP");
}

TEST_CASE("idle: a check that comes late, but not too late, counts whole") {
  IdleState state;
  CHECK(course(state, times(8, quiet)) == "--------");
  CHECK(course(state, {quiet}, 0, longest_counted) == "w");
  CHECK(state.idle == 7 * 60 + longest_counted);
}

TEST_CASE("idle: a time that runs backwards counts nothing") {
  IdleState state;
  course(state, times(5, quiet));
  const std::uint64_t idle = state.idle;
  CHECK(decide(settings, state, {quiet}, 0, 10).step == IdleStep::nothing);
  CHECK(state.idle == idle);
}

TEST_CASE("idle: the state comes back as it was left, and only in its boot") {
  const TemporaryFolder folder;
  IdleState state{current_boot(),
                  77,
                  5,
                  3,
                  99,
                  {{"12", 4096}},
                  {{"/dev/pts/0", 1'700'000'000}},
                  {{"8888", "2026-01-01T00:00:00Z"}},
                  {used, unseen}};
  CHECK_FALSE(load_idle_state(folder / ""));
  save_idle_state(folder / "", state);
  CHECK(load_idle_state(folder / "") == state);
  CHECK(mode_of(folder / "state.json") == 0644);
  state.boot = "another";
  save_idle_state(folder / "", state);
  CHECK_FALSE(load_idle_state(folder / ""));
  folder.file("state.json", "{\"boot\": ");
  CHECK_FALSE(load_idle_state(folder / ""));
}

TEST_CASE("idle: the settings come back as they were written, and mistakes in them are named") {
  for (const IdleSettings& s : {settings, IdleSettings{60, 10, 100, std::vector<std::uint16_t>{8888, 8890}},
                                IdleSettings{60, 10, 100, std::vector<std::uint16_t>{}}})
    CHECK(parse_idle_settings(to_json(s)) == s);
  CHECK_THROWS_AS(parse_idle_settings(""), Error);
  CHECK_THROWS_AS(parse_idle_settings("{"), Error);
  CHECK_THROWS_AS(parse_idle_settings(R"({"after": -1, "warn": 1, "load": 1})"), Error);
  CHECK_THROWS_AS(parse_idle_settings(R"({"after": 9, "warn": 1, "load": 1, "jupyter": [70000]})"), Error);
  CHECK_THROWS_AS(parse_idle_settings(R"({"after": 9, "warn": 1, "load": 1, "jupyter": 1})"), Error);
}

TEST_CASE("keep: the latest request of this boot holds, and a new one replaces the caller's own") {
  const TemporaryFolder folder;
  const std::string keep = folder / "keep";
  CHECK_THROWS_AS(requested_keep(keep, 100, true), Error);
  prepare_keep_folder(keep);
  CHECK(mode_of(keep) == 01777);
  CHECK(requested_keep(keep, 100, true) == 0);
  request_keep(keep, 500);
  CHECK(requested_keep(keep, 100, true) == 500);
  CHECK(requested_keep(keep, 500, false) == 0);
  request_keep(keep, 300);
  CHECK(requested_keep(keep, 100, true) == 300);
  request_keep(keep, 0);
  CHECK(requested_keep(keep, 100, true) == 0);
}

TEST_CASE("keep: what is no request of this boot is ignored, waits for nothing, and goes") {
  const TemporaryFolder folder;
  prepare_keep_folder(folder / "keep");
  const std::string boot = current_boot(), own = "keep/" + std::to_string(::geteuid()) + "-";
  folder.file(own + "another", "00000000-0000-0000-0000-000000000000 500\n");
  folder.file(own + "longer", boot + " 500\n" + std::string(1000, 'x'));
  folder.file(own + "negative", boot + " -1\n");
  folder.file(own + "endless", boot + " 99999999999\n");
  folder.file(own + "empty", "");
  folder.file(own + "half", boot + " 50");
  folder.file("keep/nobodys", boot + " 500\n");  // `keep 0s` would not find it
  folder.link(own + "link", folder.file("elsewhere", boot + " 500\n"));
  REQUIRE(::mkfifo((folder / (own + "pipe")).c_str(), 0666) == 0);
  folder.folder("keep/empty_folder");
  folder.folder("keep/folder/in_it");
  CHECK(requested_keep(folder / "keep", 100, false) == 0);
  CHECK(is_there(folder / (own + "another")));
  CHECK(requested_keep(folder / "keep", 100, true) == 0);
  for (const char* name : {"another", "longer", "negative", "endless", "empty", "half", "link", "pipe"})
    CHECK_FALSE(is_there(folder / (own + name)));
  CHECK_FALSE(is_there(folder / "keep/nobodys"));
  CHECK_FALSE(is_there(folder / "keep/empty_folder"));
  CHECK(is_there(folder / "elsewhere"));
}

TEST_CASE("keep: however much rubbish lies there, requests are found, made and withdrawn, and it goes") {
  const TemporaryFolder folder;
  const std::string keep = folder / "keep";
  prepare_keep_folder(keep);
  for (int i = 0; i < 10'500; ++i) folder.file("keep/" + std::to_string(i), "");
  CHECK(requested_keep(keep, 100, false) == 0);
  request_keep(keep, 500);
  CHECK(requested_keep(keep, 100, true) == 500);
  CHECK_FALSE(is_there(keep + "/0"));
  CHECK_FALSE(is_there(keep + "/10499"));
  CHECK(requested_keep(keep, 100, true) == 500);
  request_keep(keep, 0);
  CHECK(requested_keep(keep, 100, true) == 0);
}

TEST_CASE("keep: a request is never there by halves, and outlives a check at any moment") {
  const TemporaryFolder folder;
  const std::string keep = folder / "keep";
  prepare_keep_folder(keep);
  std::atomic<bool> done = false;
  std::thread checks([&] {
    while (!done) requested_keep(keep, 100, true);
  });
  int lost = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    request_keep(keep, 1000 + i);
    lost += requested_keep(keep, 100, false) != 1000 + i;
  }
  done = true;
  checks.join();
  CHECK(lost == 0);
}

TEST_CASE("keep: two that one user makes at once do not withdraw each other") {
  const TemporaryFolder folder;
  const std::string keep = folder / "keep";
  prepare_keep_folder(keep);
  for (int round = 0; round < 1000; ++round) {
    std::atomic<int> ready = 0;
    const auto make = [&] {
      for (++ready; ready < 2;) std::this_thread::yield();
      request_keep(keep, 700);
    };
    std::thread other(make);
    make();
    other.join();
    REQUIRE(requested_keep(keep, 100, false) == 700);
  }
}

TEST_CASE("keep: each user withdraws their own request alone") {
  if (!is_root("two users' requests")) return;
  const TemporaryFolder folder;
  const std::string keep = folder / "keep";
  prepare_keep_folder(keep);
  const auto as = [&](uid_t uid, std::uint64_t until) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        if (::setresuid(uid, uid, uid) == 0) status = (request_keep(keep, until), 0);
      } catch (const Error&) {
      }
      ::_exit(status);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
  };
  REQUIRE(as(4001, 500));
  REQUIRE(as(4002, 900));
  CHECK(requested_keep(keep, 100, true) == 900);
  REQUIRE(as(4001, 0));
  CHECK(requested_keep(keep, 100, true) == 900);
  REQUIRE(as(4002, 300));
  CHECK(requested_keep(keep, 100, true) == 300);
  REQUIRE(as(4002, 0));
  CHECK(requested_keep(keep, 100, true) == 0);
}
