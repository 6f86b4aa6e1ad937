// A real sshd on the loopback as the user that runs the tests, with keys and configuration of its own in a
// temporary folder, and the configuration of an ssh client that knows it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace mlops::test {

// Runs a program to its end, without input and with its output thrown away. Throws when it fails.
inline void must_run(const std::vector<std::string>& argv) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
    std::vector<char*> words;
    for (const std::string& a : argv) words.push_back(const_cast<char*>(a.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error(argv[0] + " failed");
}

inline std::uint16_t free_port() {
  // Below the ports that the kernel gives to connections (ip_local_port_range), and at random: a port that was
  // free a moment ago is not another test's by then.
  static std::mt19937 random(std::random_device{}());
  for (int tries = 0; tries < 1000; ++tries) {
    const auto port = static_cast<std::uint16_t>(std::uniform_int_distribution(12'000, 32'000)(random));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (free) return port;
  }
  throw std::runtime_error("no port is free");
}

// A socket connected to a port of the loopback, or -1. What is not answered in a minute is cut.
inline int connect_to_port(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval minute{60, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

// The processes that have this one among their ancestors.
inline std::vector<pid_t> descendants(pid_t ancestor) {
  std::vector<pid_t> all{ancestor};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::string stat;  // empty when the process has gone since
      std::getline(std::ifstream(entry.path() / "stat"), stat, '\0');
      const auto at = stat.rfind(") ");
      if (at == std::string::npos) continue;
      pid_t parent = 0;
      char state = 0;
      if (std::sscanf(stat.c_str() + at + 2, "%c %d", &state, &parent) == 2 && parent == all[i])
        all.push_back(std::stoi(name));
    }
  all.erase(all.begin());
  return all;
}

// Keys of hosts and of a person, made once for all servers of this process: an RSA key takes a second.
inline const TemporaryFolder& ssh_keys() {
  static const TemporaryFolder folder;
  static const bool made = [] {
    for (const char* type : {"ed25519", "ecdsa", "rsa"})
      must_run({"ssh-keygen", "-q", "-N", "", "-C", "host", "-t", type, "-f",
                folder / (std::string("host_") + type)});
    must_run({"ssh-keygen", "-q", "-N", "", "-C", "person", "-t", "ed25519", "-f", folder / "key"});
    return true;
  }();
  (void)made;
  return folder;
}

// Who can log in: whoever runs the tests, with a key; or, for root only, also `person` with the password
// "correct horse", made known to this sshd alone by a mount namespace of its own.
enum class Accounts { own, with_password };
// Whether runs there take the lock of this machine, and use its /run; or, for root only, are as on another
// machine: also the folder state() is not that of this machine.
enum class Runs { shared, apart };

class SshServer {
 public:
  // more: lines for sshd_config, before the usual ones: the first of a keyword counts. shell: the login shell
  // of whoever runs the tests, as this sshd sees it, for root only; "": the account's own.
  explicit SshServer(const std::string& more = "", Accounts accounts = Accounts::own,
                     const std::string& shell = "", Runs runs = Runs::shared)
      : port_(free_port()), accounts_(accounts), shell_(shell), runs_(runs) {
    std::filesystem::copy(ssh_keys() / "", folder_ / "");
    std::filesystem::copy_file(folder_ / "key.pub", folder_ / "authorized_keys");
    std::filesystem::create_directory(state());
    if (accounts == Accounts::with_password) make_account();
    if (!shell.empty()) change_shell();
    configure(more);
    start();
    know({"ed25519"});
  }
  ~SshServer() { stop(); }
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  std::uint16_t port() const { return port_; }
  const TemporaryFolder& folder() const { return folder_; }
  std::string state() const { return folder_ / "state"; }
  std::string user() const { return ::getpwuid(::geteuid())->pw_name; }
  std::string host_key(const std::string& type) const {
    return content_of(folder_ / ("host_" + type + ".pub"));
  }
  std::string log() const { return content_of(folder_ / "log"); }

  // Writes known_hosts with these of the server's keys.
  void know(const std::vector<std::string>& types) const {
    std::string text;
    for (const std::string& type : types) text += "[127.0.0.1]:" + std::to_string(port_) + " " + host_key(type);
    folder_.file("known_hosts", text, 0600);
  }

  // The file of an ssh client's configuration in which `box` is this server. more: lines for it, which count
  // first.
  std::string config(const std::string& more = "") const {
    const std::string text = more + "\nHost box box2\n  HostName 127.0.0.1\n  Port " + std::to_string(port_) +
                             "\nHost *\n  User " + user() + "\n  IdentityFile " + (folder_ / "key") +
                             "\n  IdentityAgent none\n  UserKnownHostsFile " + (folder_ / "known_hosts") +
                             "\n  GlobalKnownHostsFile /dev/null\n  HashKnownHosts no\n";
    return folder_.file("config", text, 0600);
  }

  void configure(const std::string& more) const {
    std::string text = more + "\nListenAddress 127.0.0.1\nPort " + std::to_string(port_) +
                       "\nPidFile none\nUsePAM no\nStrictModes no\nMaxStartups 200\nLogLevel VERBOSE\n" +
                       "AuthorizedKeysFile " + (folder_ / "authorized_keys") + "\n";
    if (more.find("HostKey ") == std::string::npos)
      for (const char* type : {"ed25519", "ecdsa", "rsa"})
        text += "HostKey " + (folder_ / "host_") + type + "\n";
    folder_.file("sshd_config", text);
  }

  void start() {
    if (::geteuid() == 0) std::filesystem::create_directories("/run/sshd");
    const std::size_t said_before = is_there(folder_ / "log") ? log().size() : 0;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves none behind
      const int null = ::open("/dev/null", O_RDWR),
                log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(null, 0);
      ::dup2(log, 1);
      ::dup2(log, 2);
      const std::string sshd = "exec /usr/sbin/sshd -D -e -f " + (folder_ / "sshd_config");
      const bool has_accounts = accounts_ == Accounts::with_password || !shell_.empty();
      if (!has_accounts && runs_ == Runs::shared) ::execl("/bin/sh", "sh", "-c", sshd.c_str(), nullptr);
      std::string mounts;
      if (runs_ == Runs::apart)
        mounts += "mount -t tmpfs none /run && mkdir /run/sshd && mount -t tmpfs none " + state() + " && ";
      if (has_accounts) mounts += "mount --bind " + (folder_ / "passwd") + " /etc/passwd && ";
      if (accounts_ == Accounts::with_password)
        mounts += "mount --bind " + (folder_ / "shadow") + " /etc/shadow && mount --bind " + (folder_ / "pam") +
                  " /etc/pam.d/sshd && ";
      mounts += sshd;
      ::execlp("unshare", "unshare", "-m", "--propagation", "private", "sh", "-c", mounts.c_str(), nullptr);
      ::_exit(127);
    }
    // Its own message, for its own port: another process may answer there, and it also reports ports that it
    // forwards.
    const std::string ready = "Server listening on 127.0.0.1 port " + std::to_string(port_) + ".";
    for (int i = 0; i < 24'000; ++i) {  // two minutes: beside a load it only takes longer
      if (log().find(ready, said_before) != std::string::npos) return;
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
      ::poll(nullptr, 0, 5);
    }
    pid_ = -1;
    throw std::runtime_error("sshd does not start: " + log());
  }

  // The listener ends, and with it every connection.
  void stop() {
    if (pid_ < 0) return;
    std::vector<pid_t> all = descendants(pid_);
    all.push_back(pid_);
    for (const pid_t pid : all) ::kill(pid, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // Ends the connections, not the listener.
  void cut() const { signal_connections(SIGKILL); }
  void freeze() const { signal_connections(SIGSTOP); }
  void thaw() const { signal_connections(SIGCONT); }
  std::vector<pid_t> processes() const { return descendants(pid_); }

 private:
  void make_account() const {
    const std::string hash =
        "$6$mlopstest$kjBv4.3m1GQRhKFNZ/IiIJXqcQBDWtmYqMOD9VBnexmOW1327kJmtlWK.R0Baukx//yfdaWX5r2YlDS/7pIMQ.";
    folder_.file("passwd",
                 content_of("/etc/passwd") + "person:x:64999:65534::" + (folder_ / "") + ":/bin/sh\n");
    folder_.file("shadow", content_of("/etc/shadow") + "person:" + hash + ":19000:0:99999:7:::\n", 0600);
    folder_.file("pam",
                 "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n");
  }

  void change_shell() const {
    std::istringstream accounts(content_of("/etc/passwd"));
    std::string text;
    for (std::string line; std::getline(accounts, line); text += line + "\n")
      if (line.starts_with(user() + ":")) line = line.substr(0, line.rfind(':') + 1) + shell_;
    folder_.file("passwd", text);
  }

  void signal_connections(int number) const {
    for (const pid_t pid : descendants(pid_)) ::kill(pid, number);
  }

  TemporaryFolder folder_;
  std::uint16_t port_;
  Accounts accounts_;
  std::string shell_;
  Runs runs_;
  pid_t pid_ = -1;
};

// A real ssh-agent with these keys, for as long as this lives.
class KeyAgentProcess {
 public:
  KeyAgentProcess(const TemporaryFolder& folder, const std::vector<std::string>& keys)
      : path_(folder / "agent") {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int null = ::open("/dev/null", O_RDWR);
      for (const int fd : {0, 1, 2}) ::dup2(null, fd);
      ::execlp("ssh-agent", "ssh-agent", "-D", "-a", path_.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 1000 && !is_there(path_); ++i) ::poll(nullptr, 0, 5);
    for (const std::string& key : keys) must_run({"env", "SSH_AUTH_SOCK=" + path_, "ssh-add", "-q", key});
  }
  ~KeyAgentProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  KeyAgentProcess(const KeyAgentProcess&) = delete;
  KeyAgentProcess& operator=(const KeyAgentProcess&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  pid_t pid_ = -1;
};

// A key; passphrase may be empty. Returns the private key's file. An RSA key without a passphrase is always the
// same.
inline std::string make_key(const TemporaryFolder& folder, const std::string& name,
                            const std::string& passphrase = "", const std::string& type = "ed25519") {
  if (type == "rsa" && passphrase.empty()) {
    std::filesystem::copy_file(ssh_keys() / "host_rsa", folder / name);
    std::filesystem::copy_file(ssh_keys() / "host_rsa.pub", folder / (name + ".pub"));
  } else {
    must_run({"ssh-keygen", "-q", "-N", passphrase, "-C", name, "-t", type, "-f", folder / name});
  }
  return folder / name;
}

}  // namespace mlops::test
