#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/error.hpp"
#include "base/proc_file.hpp"
#include "support/catch.hpp"
#include "support/listening_socket.hpp"

using namespace mlops;
using namespace std::chrono_literals;

namespace {

const ActingUser nobody_special{"ubuntu", "/", "/bin/bash", 1000, 1000};

Command shell(const std::string& text) { return {.argv = {"/bin/sh", "-c", text}}; }

CommandResult run(const Command& command, const ProcessOptions& options = {}) {
  return run_process(command, nobody_special, options);
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return false;
  return text.substr(text.rfind(')') + 2, 1) != "Z";
}

// True as soon as f is, within a minute.
bool soon(const std::function<bool()>& f) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!f()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/mlops-process-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { [[maybe_unused]] const int status = std::system(("rm -r " + path).c_str()); }
  std::string write(const std::string& name, const std::string& text, unsigned mode) const {
    std::ofstream(path + "/" + name) << text;
    ::chmod((path + "/" + name).c_str(), mode);
    return path + "/" + name;
  }
};

}  // namespace

TEST_CASE("a program's output, errors and status come back") {
  const CommandResult r = run(shell("echo out; echo err >&2; exit 3"));
  CHECK(r.status == 3);
  CHECK(r.output == "out\n");
  CHECK(r.errors == "err\n");
  CHECK_FALSE(r.timed_out);
  CHECK_FALSE(has_children());
}

TEST_CASE("the end by a signal is 128 and its number") {
  CHECK(run(shell("kill -9 $$")).status == 137);
  CHECK(run(shell("kill -TERM $$")).status == 143);
}

TEST_CASE("argv[0] is handed over as it was written") {
  CHECK(run({.argv = {"sh", "-c", "echo $0 $1", "zero", "a b"}}).output == "zero a b\n");
  CHECK(run({.argv = {"cat", "/proc/self/cmdline"}}).output == std::string("cat\0/proc/self/cmdline\0", 23));
}

TEST_CASE("the environment is clean") {
  ::setenv("MLOPS_LEAK", "1", 1);
  ::setenv("https_proxy", "http://proxy.test:3128", 1);
  Command c{.argv = {"env"}, .env = {{"LANG", "de_DE.UTF-8"}, {"EXTRA", "a=b"}}, .path = {"/opt/a", "/opt/b"}};
  std::istringstream lines(run(c).output);
  ::unsetenv("MLOPS_LEAK");
  ::unsetenv("https_proxy");
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);)
    if (line.find("_proxy=") == std::string::npos && line.find("_PROXY=") == std::string::npos)
      seen.insert(line);
    else if (line.starts_with("https_proxy"))
      CHECK(line == "https_proxy=http://proxy.test:3128");
  CHECK(seen ==
        std::set<std::string>{"HOME=/", "USER=ubuntu", "LOGNAME=ubuntu", "SHELL=/bin/bash", "LANG=de_DE.UTF-8",
                              "PATH=/opt/a:/opt/b:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                              "EXTRA=a=b"});
}

TEST_CASE("it starts in the home, in cwd, or in / where the home is missing") {
  const Folder folder;
  CHECK(run_process({.argv = {"pwd"}}, {"u", folder.path, "/bin/sh", 1, 1}).output == folder.path + "\n");
  CHECK(run({.argv = {"pwd"}, .cwd = "/usr/bin"}).output == "/usr/bin\n");
  CHECK(run_process({.argv = {"pwd"}}, {"u", "/nonexistent", "/bin/sh", 1, 1}).output == "/\n");
  CHECK(message_of([] { run({.argv = {"pwd"}, .cwd = "/nonexistent"}); }) ==
        "cannot start `pwd` in /nonexistent: No such file or directory");
}

TEST_CASE("what cannot be started says which program and why") {
  const Folder folder;
  CHECK(message_of([] { run({.argv = {"no-such-program-x"}}); }) ==
        "cannot start `no-such-program-x`: no such program in PATH");
  CHECK(message_of([] { run({.argv = {"/no/such"}}); }) == "cannot start `/no/such`: no such file");
  CHECK(message_of([] { run({.argv = {"/usr"}}); }) == "cannot start `/usr`: it is a folder");
  const std::string plain = folder.write("plain", "#!/bin/sh\n", 0644);
  CHECK(message_of([&] { run({.argv = {plain}}); }) == "cannot start `" + plain + "`: permission denied");
  const std::string script = folder.write("script", "#!/no/interpreter\n", 0755);
  CHECK(message_of([&] { run({.argv = {script}}); }) ==
        "cannot start `" + script + "`: the interpreter that " + script + " names is not there");
  CHECK(message_of([] { run({.argv = {}}); }) == "a command needs the name of a program");
  CHECK(message_of([] {
          run({.argv = {"true", std::string("a\0b", 3)}});
        }) == "cannot start `true`: an argument holds a NUL byte");
  CHECK_FALSE(has_children());
}

TEST_CASE("programs are found as execvp finds them") {
  const Folder folder;
  folder.write("tool", "#!/bin/sh\necho found\n", 0755);
  folder.write("data", "x", 0644);
  const Command with_path{.argv = {"tool"}, .path = {folder.path}};
  CHECK(find_program("tool", with_path, nobody_special) == folder.path + "/tool");
  CHECK(find_program("data", with_path, nobody_special).empty());
  CHECK(find_program("tool", {.argv = {"tool"}}, nobody_special).empty());
  CHECK(find_program("./tool", {.argv = {"tool"}, .cwd = folder.path}, nobody_special) ==
        folder.path + "/./tool");
  CHECK(find_program("tool", {.argv = {}, .env = {{"PATH", "/nowhere:" + folder.path}}}, nobody_special) ==
        folder.path + "/tool");
  CHECK(find_program("", with_path, nobody_special).empty());
  CHECK(run(with_path).output == "found\n");
}

TEST_CASE("root finds no program in a folder that others may write to, though the run put it on PATH") {
  const ActingUser root{"root", "/root", "/bin/sh", 0, 0};
  Folder folder;
  folder.write("tool", "#!/bin/sh\necho theirs\n", 0755);
  const Command tool{.argv = {"tool"}, .path = {folder.path}};
  CHECK(find_program("tool", tool, root) == folder.path + "/tool");
  ::chmod(folder.path.c_str(), 01777);
  CHECK(find_program("tool", tool, nobody_special) == folder.path + "/tool");
  CHECK(find_program("tool", tool, root).empty());
  CHECK(message_of([&] { run_process(tool, root); }) ==
        "cannot start `tool`: no such program in PATH; " + folder.path +
            " is left out of root's: " + folder.path + " is writable by everyone (mode 1777)");
  const CommandResult r = run_process({.argv = {"/bin/sh", "-c", "echo $PATH"}, .path = {folder.path}}, root);
  CHECK(r.output == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_CASE("a program that is not there is known of without starting it") {
  Folder folder;
  folder.write("data", "", 0644);
  const auto why = [](const Command& c) {
    const auto error = program_error(c, nobody_special);
    return error ? std::string(error->what()) : "";
  };
  CHECK(why({.argv = {"sh"}}) == "");
  CHECK(why({.argv = {"no-such-program-x"}}) == "cannot start `no-such-program-x`: no such program in PATH");
  CHECK(why({.argv = {"/nowhere/x"}}) == "cannot start `/nowhere/x`: no such file");
  CHECK(why({.argv = {folder.path + "/data"}}) == "");  // its mode may change until then
}

TEST_CASE("only stdin, stdout and stderr are open in a child, however many are open here") {
  std::vector<int> open;
  for (int i = 0; i < 50; ++i) open.push_back(::open("/dev/null", O_RDONLY));  // without CLOEXEC
  const int high = ::fcntl(open.back(), F_DUPFD, 900);
  const CommandResult r = run({.argv = {"ls", "/proc/self/fd"}});
  for (const int fd : open) ::close(fd);
  ::close(high);
  CHECK(r.output == "0\n1\n2\n3\n");  // 3 is ls reading the folder
  const ProcessOptions outliving{.outlive_us = true};
  CHECK(run({.argv = {"ls", "/proc/self/fd"}}, outliving).output == "0\n1\n2\n3\n");
}

TEST_CASE("a child has no signal blocked or ignored, whatever we do") {
  sigset_t mask, before;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGUSR1);
  ::sigaddset(&mask, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &mask, &before);
  const auto pipe_before = ::signal(SIGPIPE, SIG_IGN);
  const CommandResult r = run({.argv = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  ::signal(SIGPIPE, pipe_before);
  CHECK(r.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK(::sigismember(&after, SIGUSR1));  // ours is as it was
}

TEST_CASE("a child leads a session of its own and has umask 022") {
  const ::mode_t before = ::umask(077);
  const CommandResult r = run(shell("umask; [ $(ps -o sid= -p $$) = $$ ] && echo leader"));
  ::umask(before);
  CHECK(r.output == "0022\nleader\n");
}

TEST_CASE("ten megabytes go through stdin and stdout at once, and the last MiB is kept") {
  std::string big(10 * 1024 * 1024, 'x');
  for (std::size_t i = 0; i < big.size(); i += 1000) big[i] = '\n';
  Command c{.argv = {"cat"}, .input = big};
  std::size_t bytes = 0;
  const CommandResult r = run(c, {.on_line = [&](std::string_view line) { bytes += line.size() + 1; }});
  CHECK((r.output == big.substr(big.size() - 1024 * 1024)));
  CHECK(bytes == big.size() + 1);  // the last line has no newline
  CHECK(run({.argv = {"wc", "-c"}, .input = big}).output == "10485760\n");
  const CommandResult both =
      run(shell("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; echo end; echo end >&2"));
  CHECK(both.output.size() == 1024 * 1024);
  CHECK(both.errors.size() == 1024 * 1024);
  CHECK((both.output.ends_with("end\n")));
  CHECK((both.errors.ends_with("end\n")));
}

TEST_CASE("input that is not read hurts nobody, and without input there is none") {
  CHECK(run({.argv = {"true"}, .input = std::string(5'000'000, 'x')}).status == 0);
  CHECK(run({.argv = {"cat"}}).output.empty());
  CHECK(run({.argv = {"cat"}, .input = ""}).output.empty());
}

TEST_CASE("lines come as they are printed, the last one without its newline too") {
  std::vector<std::string> lines;
  const ProcessOptions options{.on_line = [&](std::string_view l) { lines.emplace_back(l); }};
  run(shell("printf 'one\\n\\ntwo'; printf 'unheard\\n' >&2"), options);
  CHECK(lines == std::vector<std::string>{"one", "", "two"});

  lines.clear();
  ProcessOptions merged = options;
  merged.merge_output = true;
  const CommandResult r = run(shell("echo a; echo b >&2; echo c"), merged);
  CHECK(lines == std::vector<std::string>{"a", "b", "c"});
  CHECK(r.output == "a\nb\nc\n");
  CHECK(r.errors.empty());
}

TEST_CASE("a line reaches the callback while the program still runs") {
  const Folder folder;
  const std::string flag = folder.path + "/go";
  for (const bool outlive : {false, true}) {
    CAPTURE(outlive);
    ::unlink(flag.c_str());
    const ProcessOptions options{.outlive_us = outlive, .on_line = [&](std::string_view l) {
                                   if (l == "ready") std::ofstream(flag) << "x";
                                 }};
    Command c = shell("echo ready; until [ -e " + flag + " ]; do sleep 0.01; done; echo done");
    c.timeout_ms = 20000;
    CHECK(run(c, options).output == "ready\ndone\n");
  }
}

TEST_CASE("a callback that throws ends the program") {
  pid_t pid = 0;
  const ProcessOptions options{.on_line = [&](std::string_view l) {
    pid = static_cast<pid_t>(std::stol(std::string(l)));
    throw Error("enough");
  }};
  CHECK(message_of([&] { run(shell("echo $$; exec sleep 1000"), options); }) == "enough");
  CHECK_FALSE(alive(pid));
  CHECK_FALSE(has_children());
}

TEST_CASE("a program whose time is up is ended with all its group") {
  const Folder folder;
  Command c = shell("sleep 1000 & echo $! > " + folder.path + "/pid; echo begun; wait");
  c.timeout_ms = 300;
  const CommandResult r = run(c);
  CHECK(r.timed_out);
  CHECK(r.status == 124);
  CHECK(r.output == "begun\n");
  CHECK_FALSE(has_children());
  pid_t child = 0;
  std::ifstream(folder.path + "/pid") >> child;
  REQUIRE(child > 0);
  CHECK(soon([&] { return !alive(child); }));
}

TEST_CASE("a program whose server gives nothing any more is ended") {
  const test::ListeningSocket silent(AF_INET, "127.0.0.1");
  const std::string url = "git://127.0.0.1:" + std::to_string(silent.port()) + "/x";
  Folder folder;
  const CommandResult r =
      run({.argv = {"git", "clone", "-q", url, folder.path + "/x"}, .timeout_ms = 60'000, .stall_ms = 300});
  CHECK(r.stalled);
  CHECK_FALSE(r.timed_out);
  CHECK(r.status == 124);
}

TEST_CASE("a program that does a little every now and then does not stand still") {
  Command slow = shell("i=0; while [ $i -lt 8 ]; do sleep 0.25; echo; i=$((i + 1)); done");
  slow.stall_ms = 1500;
  const CommandResult r = run(slow);
  CHECK_FALSE(r.stalled);
  CHECK(r.status == 0);
}

TEST_CASE("a program that does not heed SIGTERM is killed after five seconds", "[long]") {
  Command c = shell("trap '' TERM; echo begun; while :; do sleep 1; done");
  c.timeout_ms = 200;
  const auto began = std::chrono::steady_clock::now();
  const CommandResult r = run(c);
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(r.timed_out);
  CHECK(took > 5s);
  CHECK(took < 9s);
  CHECK_FALSE(has_children());
}

TEST_CASE("cancellation ends the program and is an error of its own kind") {
  Cancellation cancellation;
  pid_t pid = 0;
  const ProcessOptions options{.cancellation = &cancellation, .on_line = [&](std::string_view l) {
                                 pid = static_cast<pid_t>(std::stol(std::string(l)));
                                 cancellation.cancel();
                               }};
  try {
    run(shell("echo $$; exec sleep 1000"), options);
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::cancelled);
    CHECK(std::string(e.what()) == "interrupted");
  }
  CHECK_FALSE(alive(pid));
  CHECK_FALSE(has_children());
  CHECK(message_of([&] { run({.argv = {"touch", "/nonexistent/x"}}, options); }) == "interrupted");
}

TEST_CASE("cancellation from another thread is seen at once") {
  Cancellation cancellation;
  std::atomic<bool> begun{false};
  std::thread other([&] {
    while (!begun) std::this_thread::yield();
    cancellation.cancel();
  });
  const ProcessOptions options{.cancellation = &cancellation,
                               .on_line = [&](std::string_view) { begun = true; }};
  CHECK(message_of([&] { run(shell("echo x; exec sleep 1000"), options); }) == "interrupted");
  other.join();
}

TEST_CASE("with on_cancel finish the program ends as it would") {
  Cancellation cancellation;
  const ProcessOptions options{.cancellation = &cancellation,
                               .on_cancel = ProcessOptions::OnCancel::finish,
                               .outlive_us = true,
                               .on_line = [&](std::string_view) { cancellation.cancel(); }};
  const CommandResult r = run(shell("echo a; sleep 0.2; echo b"), options);
  CHECK(r.output == "a\nb\n");
  CHECK(r.status == 0);
}

TEST_CASE("what a program leaves behind does not delay us") {
  const auto began = std::chrono::steady_clock::now();
  const CommandResult r = run(shell("sleep 300 & echo $!"));
  CHECK(std::chrono::steady_clock::now() - began < 60s);
  const pid_t left = static_cast<pid_t>(std::stol(r.output));
  CHECK(alive(left));  // it was started on purpose
  ::kill(left, SIGKILL);
}

TEST_CASE("a child dies with us unless it shall outlive us") {
  for (const bool outlive : {false, true}) {
    CAPTURE(outlive);
    const Folder folder;
    const std::string pid_file = folder.path + "/pid";
    const pid_t middle = ::fork();
    if (middle == 0) {
      try {
        run(shell("echo $$ > " + pid_file + ".new; mv " + pid_file + ".new " + pid_file +
                  "; i=0; while [ $i -lt 3000 ]; do echo line; sleep 0.01; i=$((i+1)); [ -e " + folder.path +
                  "/end ] && break; done; echo ended > " + folder.path + "/ended"),
            {.outlive_us = outlive});
      } catch (...) {
      }
      ::_exit(0);
    }
    pid_t child = 0;
    REQUIRE(soon([&] { return static_cast<bool>(std::ifstream(pid_file) >> child); }));
    ::kill(middle, SIGKILL);
    ::waitpid(middle, nullptr, 0);
    if (outlive) {
      std::ofstream(folder.path + "/end") << "x";  // it still prints, into nothing, and comes to its own end
      CHECK(soon([&] { return std::ifstream(folder.path + "/ended").good(); }));
    } else {
      CHECK(soon([&] { return !alive(child); }));
      CHECK_FALSE(std::ifstream(folder.path + "/ended").good());
    }
  }
}

TEST_CASE("many threads start programs at once") {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string text = std::to_string(t * 100 + i);
        if (run({.argv = {"cat"}, .input = text}).output == text) ++good;
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(good == 100);
  CHECK_FALSE(has_children());
}

TEST_CASE("what the kernel does not say of a process is empty, and no failure") {
  CHECK(read_proc_file("/proc/self/comm") == "unit-tests\n");
  CHECK(read_proc_file("/proc/0/stat").empty());
  CHECK(
      read_proc_file("/proc/self").empty());  // it opens, and reading it fails, as that of a process that ended
}
