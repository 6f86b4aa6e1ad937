// torture: a playbook's run is disturbed at its 1st, 2nd, 3rd … changing system call, run again, and compared
// with an undisturbed run.
//
//   torture --agent BUILD [--setup PROGRAM] [--fault FAULT] [--every N | --points N] PLAYBOOK
//   torture --agent BUILD [--setup PROGRAM] --run -- PROGRAM ARGUMENT…
//
// Needs root. Every run is in a world of its own: an overlay of this machine's root on a tmpfs, with mounts,
// process ids and a network (the loopback) of its own, so nothing outside is touched. In it lie
// /opt/mlops-agent (BUILD, read-only), /opt/playbook (the playbook's folder, read-only), and what the set-up
// made before; http://127.0.0.1:8099 serves the folder of --serve.
//
// At each point: a new world; the run, disturbed; the same command again, which must end with 0; the world
// compared with that of an undisturbed run (files, modes, owners, extended attributes; so also accounts and
// dpkg's database); a third run, which must find nothing to change; the state databases, which must be sound,
// say of all that it ended, and have the ledger of the undisturbed run; and each --check. A disturbed run that
// itself claims success is compared, too. What two undisturbed runs differ in (a git index, say) is compared
// but for its content.
//
// A program that ends with 0 although its call failed (git does, for parts of its configuration) is counted
// apart: what is asked of such a run is that the next one finds nothing to change.
//
// Faults: kill (SIGKILL to every process), kill-one (to the one that makes the call), enospc, eio, eintr (this
// call fails so), full and read-only (all such calls fail from this one on). power: nothing is killed; what an
// undisturbed run wrote, renamed and synced is done again up to each point in a new world, without the data
// that was not synced, and once more with nothing but what was synced, and with a part of the rest. There each
// file that is put in place by a rename must be old or new, the state databases must be sound, and the command
// must converge.
//
// Prints points, converged, and the first difference. Exit status: 0 all converged; 1 some did not; 3 wrong
// usage, or the undisturbed run is not right.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "state_check.hpp"
#include "world.hpp"
#include "write_log.hpp"

namespace torture {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string agent, playbook, setup, serve, person, only;
  std::vector<std::string> faults, checks, ignored, agent_options;
  std::uint64_t every = 1, from = 1, points = 0;
  unsigned jobs = 2;
  int timeout_s = 120;
  bool run = false, service_manager = false, as_person = false, calls = false, quiet = false;
  Words words;
};

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const auto begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

// What the agent said of resources that did not end well, shortened.
std::string complaints(const Ran& ran) {
  std::string text;
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    Json event = Json::parse(line, nullptr, false);
    if (!event.is_object() || event.value("event", "") != "resource") continue;
    const std::string outcome = event["outcome"].is_string() ? event["outcome"].get<std::string>() : "";
    if (outcome == "ok" || outcome == "changed" || outcome == "skipped") continue;
    const Json nothing;
    text += fmt::format(" [{} {}: {}]", event.value("id", nothing).dump(), outcome,
                        event.value("reason", nothing).dump());
  }
  if (!ran.err.empty()) text += " stderr: " + ran.err;
  return text.substr(0, 1500);
}

std::uint64_t changed(const Ran& ran) {
  const Json summary = Json::parse(last_line(ran.out), nullptr, false);
  return summary.is_object() && summary.contains("changed") ? summary["changed"].get<std::uint64_t>() : ~0ull;
}

struct Reference {
  Snapshot world;
  std::map<std::string, std::vector<std::string>> ledgers;  // by database; without what differs each time
  std::map<std::string, bool> noise;
  std::uint64_t calls = 0;
};

// What the disk may contain of a run at each moment.
struct Power {
  std::vector<WriteOp> log;
  // Of each path that a rename led to, or that lay below: its content then, and in the beginning.
  std::map<std::string, std::vector<Entry>> whole;
};

struct Outcome {
  bool reached = false;
  bool hidden = false;                 // a program's call failed, and the program said that all went well
  std::string where = "", wrong = "";  // wrong: "" when it converged
};

class Torture {
 public:
  Torture(const Options& options, const Machine& machine) : options_(options), machine_(machine) {
    for (const std::string& pattern : options.ignored) ignored_.add(pattern);
    apply_ = {"/opt/mlops-agent/mlops-agent", "apply", "--json"};
    apply_.insert(apply_.end(), options.agent_options.begin(), options.agent_options.end());
    apply_.push_back("/opt/playbook/" + std::filesystem::path(options.playbook).filename().string());
  }

  // Two undisturbed runs in worlds of their own, apart in time.
  void undisturbed() {
    std::vector<Snapshot> worlds;
    std::vector<Ledgers> ledgers;
    for (const char* name : {"first", "second"}) {
      World world(machine_, name);
      const Clock::time_point begin = Clock::now();
      const Ran first = world.run(apply_, watch({}, 0));
      need(first.how.status == 0, "an undisturbed run", first);
      reference_.calls = first.how.calls;
      seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
      const std::string wrong = not_settled(world);
      if (!wrong.empty()) throw std::runtime_error("after an undisturbed run: " + wrong);
      worlds.push_back(world.snapshot(ignored_));
      ledgers.push_back(ledgers_of(world));
      ::usleep(1'100'000);
    }
    reference_.ledgers = common(ledgers[0], ledgers[1]);
    reference_.noise = noise_of(worlds[0], worlds[1]);
    reference_.world = worlds[0];
    const auto left = torture::differences(worlds[0], worlds[1], machine_.base(), reference_.noise);
    if (!left.empty()) throw std::runtime_error("two undisturbed runs differ: " + left[0]);
  }

  // Records a run's writes, and checks that doing them again makes the same world.
  void record() {
    const int memory = ::memfd_create("log", MFD_CLOEXEC);
    {
      World world(machine_, "recorded");
      auto recorder = std::make_shared<WriteRecorder>();
      Watch w = watch({}, 0);
      w.before = [recorder](const Call& call) { recorder->before(call); };
      w.after = [recorder](const Call& call, std::int64_t result) { recorder->after(call, result); };
      w.finish = [recorder, memory] { write_all(memory, to_bytes(recorder->log())); };
      need(world.run(apply_, w).how.status == 0, "a recorded run", {});
    }
    power_.log = from_bytes(read_all(memory));
    ::close(memory);
    World world(machine_, "replayed");
    for (const WriteOp& op : power_.log)
      if (op.kind == WriteOp::Kind::rename && op.program == "mlops-agent")
        note_whole(op.other, machine_.base());
    std::vector<std::size_t> all(power_.log.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::size_t done = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const WriteOp& op = power_.log[i];
      if (op.kind != WriteOp::Kind::rename || op.program != "mlops-agent") continue;
      redo(world, std::span(all).subspan(done, i + 1 - done));
      done = i + 1;
      note_whole(op.other, world.root());
    }
    redo(world, std::span(all).subspan(done));
    // What the stand-in for systemd writes is not the run's.
    Ignored others = ignored_;
    for (const char* path : {"etc/systemd/system/*.wants", "srv/torture/*.read"}) others.add(path);
    if (const std::string wrong = unlike(world, others); !wrong.empty())
      throw std::runtime_error("what was recorded, done again, is not what the run made: " + wrong);
    fmt::print(
        "power: {} changes recorded, of which done again the same world comes; {} paths are put in place\n",
        power_.log.size(), power_.whole.size());
  }
  std::uint64_t changes() const { return power_.log.size(); }

  Outcome try_power(std::uint64_t at) const {
    Outcome outcome{.reached = true};
    std::vector<std::size_t> before;
    for (const Loss loss : {Loss::data, Loss::strict, Loss::torn}) {
      const std::vector<std::size_t> kept = survivors(power_.log, at, loss);
      if (kept == before) continue;
      before = kept;
      World world(machine_, fmt::format("world-{}", ::getpid()));
      redo(world, kept);
      world.forget_volatile();
      outcome.wrong = half(world);
      for (const std::string& database : state_databases(world.root()))
        if (outcome.wrong.empty()) outcome.wrong = unsound(database);
      if (outcome.wrong.empty()) outcome.wrong = not_recovered(world);
      if (outcome.wrong.empty()) continue;
      const WriteOp& last = power_.log[at - 1];
      outcome.where = fmt::format("{}, after {}: {} {}", name_of(loss), last.program, last.path, last.other);
      break;
    }
    return outcome;
  }

  std::uint64_t calls() const { return reference_.calls; }
  void describe() const {
    fmt::print(
        "undisturbed: {} changing system calls, {} paths changed, {} of them different each time, {:.2f} s\n",
        reference_.calls, reference_.world.size(), reference_.noise.size(), seconds_);
  }

  void list_calls() {
    World world(machine_, "calls");
    Watch w = watch({}, 0);
    std::uint64_t n = 0;
    w.before = [&n](const Call& call) {
      fmt::print("{:5} {}\n", ++n, description(call));
      std::fflush(stdout);
    };
    world.run(apply_, w);
  }

  Outcome try_at(Fault fault, std::uint64_t at) const {
    World world(machine_, fmt::format("world-{}", ::getpid()));
    const Ran disturbed = world.run(apply_, watch(fault, at));
    Outcome outcome{.reached = disturbed.how.reached, .where = disturbed.how.where};
    if (disturbed.how.timed_out) {
      outcome.wrong = "the disturbed run did not end";
    } else if (fault != Fault::kill && disturbed.how.status == 0) {
      outcome.wrong = unlike(world);
      outcome.hidden =
          !outcome.wrong.empty() && !outcome.where.starts_with("mlops-agent: ") && is_one_call(fault);
      if (outcome.hidden) {
        // What it hid nobody can make good; but it is no change that is left to do.
        outcome.wrong = not_settled(world);
        return outcome;
      }
      if (!outcome.wrong.empty()) outcome.wrong = "it claimed success, but " + outcome.wrong;
    } else if (fault != Fault::kill && fault != Fault::kill_one && disturbed.how.status > 4) {
      outcome.wrong = fmt::format("it ended with status {}:{}", disturbed.how.status, complaints(disturbed));
    }
    if (outcome.wrong.empty()) outcome.wrong = not_recovered(world);
    return outcome;
  }

 private:
  static bool is_one_call(Fault fault) {
    return fault == Fault::eio || fault == Fault::enospc || fault == Fault::eintr;
  }

  static void write_all(int fd, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
      if (n <= 0) throw std::runtime_error("the log cannot be written");
      done += static_cast<std::size_t>(n);
    }
  }
  static std::string read_all(int fd) {
    std::string bytes(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    if (::pread(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      throw std::runtime_error("the log cannot be read");
    return bytes;
  }

  void redo(const World& world, std::span<const std::size_t> changes) const {
    world.inside([&] {
      for (const std::size_t i : changes) replay(power_.log[i]);
    });
  }

  // Remembers what is at the path and below it as one that may be found.
  void note_whole(const std::string& path, const std::string& root) {
    if (ignored_.holds(path.substr(1))) return;
    power_.whole[path].push_back(entry_at(root + path));
    std::error_code none;
    for (const auto& item : std::filesystem::recursive_directory_iterator(root + path, none))
      power_.whole[item.path().string().substr(root.size())].push_back(entry_at(item.path()));
  }

  // A path with neither its former content nor what was put there.
  std::string half(const World& world) const {
    for (const auto& [path, held] : power_.whole) {
      const Entry now = entry_at(world.root() + path);
      if (now.kind == 0 || now.kind == 'd') continue;
      if (std::none_of(held.begin(), held.end(),
                       [&](const Entry& e) { return e.content == now.content && e.kind == now.kind; }))
        return fmt::format("{} is neither old nor new: {}", path, text_of(now));
    }
    return "";
  }

  Watch watch(std::optional<Fault> fault, std::uint64_t at) const {
    Watch w;
    w.fault = fault.value_or(Fault::none);
    w.at = at;
    w.only = options_.only;
    w.timeout_s = options_.timeout_s;
    return w;
  }

  static void need(bool right, const std::string& what, const Ran& ran) {
    if (!right)
      throw std::runtime_error(
          fmt::format("{} ended with status {}:{}", what, ran.how.status, complaints(ran)));
  }

  std::string not_recovered(World& world) const {
    const Ran again = world.run(apply_, watch({}, 0));
    if (again.how.status != 0)
      return fmt::format("the next run ended with status {}:{}", again.how.status, complaints(again));
    if (const std::string wrong = unlike(world); !wrong.empty()) return wrong;
    if (const std::string wrong = state_wrong(world); !wrong.empty()) return wrong;
    return not_settled(world);
  }

  using Ledgers = std::map<std::string, std::vector<std::string>>;
  static Ledgers ledgers_of(const World& world) {
    Ledgers all;
    for (const std::string& database : state_databases(world.root()))
      all[database.substr(world.root().size())] = ledger(database);
    return all;
  }
  static Ledgers common(const Ledgers& one, const Ledgers& other) {
    Ledgers all;
    for (const auto& [database, lines] : one) {
      const auto found = other.find(database);
      if (found == other.end())
        throw std::runtime_error("two undisturbed runs differ: only one has " + database);
      for (const std::string& line : lines)
        if (std::find(found->second.begin(), found->second.end(), line) != found->second.end())
          all[database].push_back(line);
    }
    return all;
  }

  static std::string of_same_resource(const std::vector<std::string>& lines, const std::string& line) {
    const std::string start = line.substr(0, line.find("] ") + 1);
    for (const std::string& one : lines)
      if (one.starts_with(start)) return one;
    return fmt::format("{} others", lines.size());
  }

  // The state databases after a run that converged.
  std::string state_wrong(const World& world) const {
    for (const std::string& file : set_aside(world.root()))
      return "a state database was taken for damaged: " + file;
    const Ledgers now = ledgers_of(world);
    for (const auto& [database, wanted] : reference_.ledgers) {
      const std::string path = world.root() + database;
      if (!now.contains(database)) return database + " is missing";
      if (std::string wrong = unsound(path); !wrong.empty()) return wrong;
      if (std::string wrong = unfinished(path); !wrong.empty()) return wrong;
      const auto& lines = now.at(database);
      for (const std::string& line : wanted)
        if (std::find(lines.begin(), lines.end(), line) == lines.end())
          return fmt::format("the ledger of {} lacks: {}; it has: {}", database, line,
                             of_same_resource(lines, line));
    }
    return "";
  }

  std::string unlike(const World& world) const { return unlike(world, ignored_); }
  std::string unlike(const World& world, const Ignored& ignored) const {
    Snapshot wanted = reference_.world;
    std::erase_if(wanted, [&](const auto& item) { return ignored.holds(item.first); });
    const auto lines = torture::differences(wanted, world.snapshot(ignored), machine_.base(), reference_.noise);
    std::string text;
    for (std::size_t i = 0; i < lines.size() && i < 6; ++i) text += (i ? "; " : "") + lines[i];
    if (lines.size() > 6) text += fmt::format("; and {} more", lines.size() - 6);
    return text;
  }

  std::string not_settled(World& world) const {
    const Ran settled = world.run(apply_, watch({}, 0));
    if (settled.how.status != 0 || changed(settled) != 0)
      return fmt::format("a run after that ended with status {} and {} changes:{}", settled.how.status,
                         changed(settled), complaints(settled));
    for (const std::string& check : options_.checks) {
      const Ran ran = world.run({"/bin/sh", "-c", check});
      if (ran.how.status != 0)
        return fmt::format("`{}` ends with {}: {}{}", check, ran.how.status, ran.out, ran.err);
    }
    return "";
  }

  const Options& options_;
  const Machine& machine_;
  Ignored ignored_;
  Words apply_;
  Reference reference_;
  Power power_;
  double seconds_ = 0;
};

// Which calls of so many are disturbed.
std::vector<std::uint64_t> chosen_points(const Options& options, std::uint64_t calls) {
  std::vector<std::uint64_t> points;
  if (options.points == 0) {
    for (std::uint64_t at = options.from; at <= calls; at += options.every) points.push_back(at);
    return points;
  }
  for (std::uint64_t i = 0; i < options.points; ++i)
    points.push_back(1 + (calls - 1) * i / std::max<std::uint64_t>(1, options.points - 1));
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

// Tries the points, several at once, each worker a process. Returns whether all converged.
bool try_all(const Options& options, const Torture& torture, const std::string& fault) {
  const Clock::time_point begin = Clock::now();
  const bool power = fault == "power";
  const std::uint64_t total = power ? torture.changes() : torture.calls();
  const std::vector<std::uint64_t> points = chosen_points(options, total);
  auto* next = static_cast<std::atomic<std::size_t>*>(::mmap(
      nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int results[2];
  if (next == MAP_FAILED || ::pipe(results) != 0) throw std::runtime_error("no pipe");
  new (next) std::atomic<std::size_t>(0);
  std::fflush(stdout);
  for (unsigned job = 0; job < options.jobs; ++job) {
    if (::fork() != 0) continue;
    for (std::size_t i = 0; (i = next->fetch_add(1)) < points.size();) {
      Json line{{"at", points[i]}};
      try {
        const Outcome outcome =
            power ? torture.try_power(points[i]) : torture.try_at(fault_of(fault), points[i]);
        line["reached"] = outcome.reached;
        line["hidden"] = outcome.hidden;
        line["where"] = outcome.where.substr(0, 500);
        line["wrong"] = outcome.wrong.substr(0, 2500);
      } catch (const std::exception& e) {
        line["wrong"] = std::string("the torture itself failed: ") + e.what();
      }
      const std::string text = line.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
      if (::write(results[1], text.data(), text.size()) < 0) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(results[1]);
  std::size_t done = 0, wrong = 0, unreached = 0, hidden = 0;
  std::string first;
  std::uint64_t first_at = ~0ull;
  std::FILE* lines = ::fdopen(results[0], "r");
  char* text = nullptr;
  std::size_t size = 0;
  while (::getline(&text, &size, lines) > 0) {
    const Json line = Json::parse(text);
    ++done;
    const auto at = line["at"].get<std::uint64_t>();
    if (!line.value("reached", true)) ++unreached;
    if (line.value("hidden", false)) ++hidden;
    if (const std::string what = line.value("wrong", ""); !what.empty()) {
      ++wrong;
      const std::string said = fmt::format("{} at {} {} ({}): {}", fault, power ? "change" : "call", at,
                                           line.value("where", ""), what);
      if (!options.quiet) fmt::print("FAILED {}\n", said);
      if (at < first_at) first = said;
      first_at = std::min(at, first_at);
    }
    if (!options.quiet && done % 100 == 0)
      fmt::print("{}: {} of {} points, {} failed\n", fault, done, points.size(), wrong);
    std::fflush(stdout);
  }
  std::free(text);
  std::fclose(lines);
  while (::wait(nullptr) > 0) {
  }
  ::munmap(next, sizeof(std::atomic<std::size_t>));
  fmt::print("{}: {} points of {} {}, {} converged, {} failed, {} not reached, {:.1f} s\n", fault, done, total,
             power ? "recorded changes" : "changing system calls", done - wrong, wrong, unreached,
             std::chrono::duration<double>(Clock::now() - begin).count());
  if (hidden > 0) fmt::print("{}: {} times a program hid that its call failed\n", fault, hidden);
  fmt::print("{}: first difference: {}\n", fault, first.empty() ? "none" : first);
  std::fflush(stdout);
  return wrong == 0 && done == points.size() && done > 0;
}

int go(const Options& options) {
  namespace fs = std::filesystem;
  Settings settings;
  settings.build = fs::canonical(options.agent).string();
  settings.person = options.person;
  settings.as_person = options.as_person;
  settings.service_manager = options.service_manager;
  if (!options.playbook.empty())
    settings.shown["/opt/playbook"] = fs::canonical(options.playbook).parent_path();
  if (!options.setup.empty()) settings.shown["/opt/setup"] = fs::canonical(options.setup).parent_path();
  if (!options.serve.empty()) settings.served = options.serve;
  Machine machine(settings);
  machine.prepare(options.setup.empty() ? Words{}
                                        : Words{"/opt/setup/" + fs::path(options.setup).filename().string()});
  if (options.run) return World(machine, "world").run_here(options.words);
  Torture torture(options, machine);
  if (options.calls) {
    torture.list_calls();
    return 0;
  }
  torture.undisturbed();
  torture.describe();
  std::fflush(stdout);
  bool right = true;
  for (const std::string& fault : options.faults) {
    if (fault == "power") torture.record();
    right = try_all(options, torture, fault) && right;
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace torture

int main(int argc, char** argv) {
  torture::Options options;
  CLI::App app(
      "Disturbs a playbook's run at its changing system calls, and proves that the next run converges");
  app.add_option("playbook", options.playbook, "The playbook; its folder is seen as /opt/playbook");
  app.add_option("--agent", options.agent, "The agent's build folder")->required();
  app.add_option("--setup", options.setup,
                 "A program that prepares the world, run once; its folder is /opt/setup");
  app.add_option("--serve", options.serve, "A folder, as the world has it, that http://127.0.0.1:8099 serves");
  app.add_option("--person", options.person,
                 "Whose machine it is (an account of the world): root acts under their sudo");
  app.add_option("--fault", options.faults,
                 "kill, kill-one, enospc, eio, eintr, full, read-only, power (again for more)")
      ->allow_extra_args(false);
  app.add_option("--every", options.every, "Only every N-th call")->check(CLI::PositiveNumber);
  app.add_option("--from", options.from, "From this call on")->check(CLI::PositiveNumber);
  app.add_option("--points", options.points, "So many calls, spread evenly");
  app.add_option("--only", options.only, "Count only calls of this program");
  app.add_option("--check", options.checks, "A shell's text that must succeed in the end (again for more)")
      ->allow_extra_args(false);
  app.add_option("--ignore", options.ignored,
                 "A path, without its first slash, that is not compared (again for more)")
      ->allow_extra_args(false);
  app.add_option("--apply-option", options.agent_options, "An option for apply (again for more)")
      ->allow_extra_args(false);
  app.add_option("--jobs", options.jobs, "Points tried at once (2)")->check(CLI::PositiveNumber);
  app.add_option("--timeout", options.timeout_s, "Seconds that one run may take (120)");
  app.add_flag("--as-person", options.as_person, "The person types it, and root is reached through sudo");
  app.add_flag("--service-manager", options.service_manager, "A stand-in for systemd answers in the world");
  app.add_flag("--calls", options.calls, "List the changing calls of an undisturbed run");
  app.add_flag("--quiet", options.quiet, "Only the closing lines");
  app.add_flag("--run", options.run, "Run a program in a world, after --");
  app.add_option("words", options.words, "The program");
  CLI11_PARSE(app, argc, argv);
  if (options.faults.empty()) options.faults = {"kill"};
  if (options.run && !options.playbook.empty())
    options.words.insert(options.words.begin(), options.playbook), options.playbook.clear();
  try {
    for (const std::string& fault : options.faults)
      if (fault != "power") torture::fault_of(fault);
    return torture::go(options);
  } catch (const std::exception& e) {
    fmt::print(stderr, "torture: {}\n", e.what());
    return 3;
  }
}
