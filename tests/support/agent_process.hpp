// The program as it is called, in a temporary folder of its own.
#pragma once

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mlops::test {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

struct Ended {
  int status = -1;  // 128 + the signal when one ended it
  std::string out, err;
  // Each line of out as an object. Throws when one is none.
  std::vector<Json> lines() const {
    std::vector<Json> list;
    std::istringstream text(out);
    for (std::string line; std::getline(text, line);) list.push_back(Json::parse(line));
    return list;
  }
};

class AgentFolder {
 public:
  AgentFolder() {
    std::string pattern = (place() / "agent-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    root_ = std::filesystem::canonical(pattern).string();
    // As root all runs of the machine share one lock, and tests may run side by side.
    turn_ = ::open((std::filesystem::temp_directory_path() / "mlops-agent-tests.lock").c_str(),
                   O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (turn_ < 0 || ::flock(turn_, LOCK_EX) != 0)
      throw std::runtime_error("the lock of the tests cannot be had");
    std::filesystem::create_directory(tree());
  }
  ~AgentFolder() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_))
      if (entry.is_directory() && !entry.is_symlink()) ::chmod(entry.path().c_str(), 0755);
    std::filesystem::remove_all(root_);
    ::close(turn_);
  }
  AgentFolder(const AgentFolder&) = delete;
  AgentFolder& operator=(const AgentFolder&) = delete;

  const std::string& root() const { return root_; }
  std::string state() const {
    return root_ + "/state";
  }                                                     // --state of `plan` and `apply`, where it is not given
  std::string tree() const { return root_ + "/tree"; }  // what playbooks manage
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::string write(const std::string& name, std::string text) const {
    // @ stands for the tree.
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + tree().size()))
      text.replace(at, 1, tree());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Starts it with stdout and stderr in files. The words come after the program's name.
  pid_t start(const Words& words, const std::string& input = "/dev/null",
              const std::string& name = "run") const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    open_as(0, input, O_RDONLY);
    open_as(1, path(name + ".out"), O_WRONLY | O_CREAT | O_TRUNC);
    open_as(2, path(name + ".err"), O_WRONLY | O_CREAT | O_TRUNC);
    exec(words);
  }
  // Starts it under ptrace(2), stopped before its first instruction: see disturbed_process.hpp.
  pid_t start_traced(const Words& words) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    open_as(0, "/dev/null", O_RDONLY);
    open_as(1, path("run.out"), O_WRONLY | O_CREAT | O_TRUNC);
    open_as(2, path("run.err"), O_WRONLY | O_CREAT | O_TRUNC);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
    exec(words);
  }
  Ended wait(pid_t child, const std::string& name = "run") const {
    int status = 0;
    ::waitpid(child, &status, 0);
    return ended(status, name);
  }
  // What waitpid(2) said of it.
  Ended ended(int status, const std::string& name = "run") const {
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(path(name + ".out")),
            read(path(name + ".err"))};
  }
  Ended run(const Words& words, const std::string& input = "/dev/null") const {
    return wait(start(words, input));
  }

  // The same where no process can be started: fork and its like fail.
  Ended run_alone(const Words& words) const {
    const pid_t child = ::fork();
    if (child != 0) return wait(child);
    open_as(1, path("run.out"), O_WRONLY | O_CREAT | O_TRUNC);
    open_as(2, path("run.err"), O_WRONLY | O_CREAT | O_TRUNC);
    std::vector<sock_filter> rules{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
#ifdef SYS_fork
    const std::vector<unsigned> calls{SYS_clone, SYS_clone3, SYS_fork, SYS_vfork};
#else
    const std::vector<unsigned> calls{SYS_clone, SYS_clone3};
#endif
    for (const unsigned call : calls) {
      rules.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
      rules.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
    }
    rules.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
    // The search for leaks, with sanitizers, starts a process of its own; other runs have it.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      ::_exit(126);
    exec(words);
  }

  // Until the path is there; throws after a minute.
  static void await(const std::string& path) {
    for (int i = 0; i < 6000; ++i) {
      if (std::filesystem::exists(path)) return;
      ::poll(nullptr, 0, 10);
    }
    throw std::runtime_error("it did not come: " + path);
  }
  // Until no process of that id is left.
  static bool ends(pid_t process) {
    for (int i = 0; i < 1000; ++i) {
      if (::kill(process, 0) != 0) return true;
      ::poll(nullptr, 0, 10);
    }
    return false;
  }

  // Every path of the tree with all that a plan must leave as it was.
  std::map<std::string, std::string> picture() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree())) {
      struct stat s {};
      ::lstat(entry.path().c_str(), &s);
      std::ostringstream text;
      text << s.st_mode << ' ' << s.st_uid << ' ' << s.st_gid << ' ' << s.st_ino << ' ' << s.st_mtim.tv_sec
           << '.' << s.st_mtim.tv_nsec << ' ' << s.st_ctim.tv_sec << '.' << s.st_ctim.tv_nsec << ' ';
      if (S_ISREG(s.st_mode)) text << read(entry.path());
      if (S_ISLNK(s.st_mode)) text << std::filesystem::read_symlink(entry.path()).string();
      all[entry.path()] = text.str();
    }
    return all;
  }

 private:
  // In memory where that is to be had: most of a test's time would be the disk's. What survives a power cut is
  // not tried here, but by the torture.
  static std::filesystem::path place() {
    struct statvfs memory {};
    const bool large = ::statvfs("/dev/shm", &memory) == 0 && memory.f_bavail * memory.f_frsize >= 1u << 30;
    return large ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  }
  [[noreturn]] void exec(Words words) const {
    const bool runs = !words.empty() && (words[0] == "plan" || words[0] == "apply");
    if (runs && std::find(words.begin(), words.end(), "--state") == words.end())
      words.insert(words.begin() + 1, {"--state", state()});
    std::vector<char*> argv{const_cast<char*>(AGENT)};
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(AGENT, argv.data());
    ::_exit(127);
  }
  static void open_as(int number, const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags, 0644);
    ::dup2(fd, number);
    ::close(fd);
  }
  std::string root_;
  int turn_ = -1;
};

}  // namespace mlops::test
