#include "world.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "service_manager.hpp"
#include "support/http_server.hpp"

namespace torture {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

void mount(const std::string& what, const std::string& where, const char* type, unsigned long flags = 0,
           const std::string& data = "") {
  if (::mount(what.c_str(), where.c_str(), type, flags, data.c_str()) != 0) fail("cannot mount " + where);
}
// An existing one stays as it is.
void make_folder(const std::string& path, mode_t mode = 0755) {
  if (::mkdir(path.c_str(), mode) == 0)
    ::chmod(path.c_str(), mode);
  else if (errno != EEXIST)
    fail("cannot make " + path);
}
// The folders of place below root, which is there.
void make_folders(const std::string& root, const std::string& place) {
  for (auto at = place.find('/', 1); at != std::string::npos; at = place.find('/', at + 1))
    make_folder(root + place.substr(0, at));
  make_folder(root + place);
}

void mount_overlay(const std::string& lower, const std::string& disk, const std::string& where) {
  const std::string options = "metacopy=off,redirect_dir=off,index=off,xino=off,lowerdir=" + lower;
  if (disk.empty()) return mount("overlay", where, "overlay", MS_RDONLY, options);
  mount("overlay", where, "overlay", 0, options + ",upperdir=" + disk + "/upper,workdir=" + disk + "/work");
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

void mount_devices() {
  mount("dev", "/dev", "tmpfs", MS_NOSUID, "mode=0755,size=1m");
  const struct {
    const char* name;
    unsigned minor;
  } nodes[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};
  for (const auto& node : nodes) {
    const std::string path = std::string("/dev/") + node.name;
    if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, node.minor)) != 0) fail("cannot make " + path);
    ::chmod(path.c_str(), 0666);
  }
  ::mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0));
  for (const char* folder : {"/dev/pts", "/dev/shm"}) make_folder(folder, 01777);
  if (::symlink("/proc/self/fd", "/dev/fd") != 0 || ::symlink("/proc/self/fd/1", "/dev/stdout") != 0 ||
      ::symlink("pts/ptmx", "/dev/ptmx") != 0)
    fail("cannot make /dev");
  ::mount("devpts", "/dev/pts", "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620");
}

void start_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("the loopback cannot be started");
  ::close(fd);
}

// A process of its own that serves the folder's files until it is killed.
void start_server(const std::string& folder, unsigned port) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) fail("no pipe");
  if (::fork() == 0) {
    ::signal(SIGPIPE, SIG_IGN);  // a client that is killed goes away in the middle of an answer
    mlops::test::HttpServer server(
        [folder](const mlops::test::HttpRequestSeen& request) {
          std::ifstream file(folder + request.path, std::ios::binary);
          if (!file || !std::filesystem::is_regular_file(folder + request.path))
            return mlops::test::http_answer("404 Not Found", "");
          const std::string body{std::istreambuf_iterator<char>(file), {}};
          return mlops::test::http_file(request, body, "\"" + std::to_string(body.size()) + "\"");
        },
        port);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char byte = 0;
  if (::read(ready[0], &byte, 1) != 1) throw std::runtime_error("the server of files did not start");
  ::close(ready[0]);
}

// Everything of both pipes until both are closed.
void read_both(int out, int err, Ran& ran) {
  pollfd ends[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string* texts[2] = {&ran.out, &ran.err};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends, 2, -1) < 0 && errno != EINTR) fail("poll");
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || !ends[i].revents) continue;
      char part[65536];
      const ssize_t n = ::read(ends[i].fd, part, sizeof part);
      if (n > 0) texts[i]->append(part, static_cast<std::size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) ends[i].fd = -1;
    }
  }
}

}  // namespace

// ---- Machine ----------------------------------------------------------------------------------------------

Machine::Machine(Settings settings) : settings_(std::move(settings)), maker_(::getpid()) {
  if (::unshare(CLONE_NEWNS) != 0) fail("no mount namespace (is this root?)");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    fail("the mounts cannot be made private");
  std::string pattern = "/tmp/torture-XXXXXX";
  if (!::mkdtemp(pattern.data())) fail("no temporary folder");
  folder_ = pattern;
  mount("torture", folder_, "tmpfs", 0, "size=16g,mode=0755");
  make_folder(base());
}

Machine::~Machine() {
  if (::getpid() != maker_) return;  // a worker's copy
  remove_groups();
  ::umount2(base().c_str(), MNT_DETACH);
  ::umount2(folder_.c_str(), MNT_DETACH);
  ::rmdir(folder_.c_str());
}

// What the stand-in for systemd made in the kernel's one tree of control groups.
void Machine::remove_groups() const {
  const std::string tree = folder_ + "/groups";
  if (!settings_.service_manager || ::mkdir(tree.c_str(), 0700) != 0) return;
  if (::mount("cgroup2", tree.c_str(), "cgroup2", 0, nullptr) == 0) {
    std::error_code none;
    for (const auto& group : std::filesystem::directory_iterator(tree + "/torture", none))
      ::rmdir(group.path().c_str());
    ::rmdir((tree + "/torture").c_str());
    ::umount2(tree.c_str(), MNT_DETACH);
  }
}

void Machine::prepare(const Words& words) {
  const std::string disk = folder_ + "/prepared";
  {
    World world(*this, "setup");
    make_folder(world.root() + "/opt");
    make_folder(world.root() + "/opt/mlops-agent");
    for (const auto& [place, folder] : settings_.shown) make_folders(world.root(), place);
    if (!words.empty()) {
      const Ran ran = world.run(words);
      if (ran.how.status != 0)
        throw std::runtime_error(
            fmt::format("the preparation ended with status {}:\n{}{}", ran.how.status, ran.out, ran.err));
    }
    const std::string copy = fmt::format("cp -a {} {}", world.upper(), disk);
    if (std::system(copy.c_str()) != 0) throw std::runtime_error("the prepared world cannot be kept");
  }
  lower_ = disk + ":/";
  mount_overlay(lower_, "", base());
}

// ---- World ------------------------------------------------------------------------------------------------

World::World(const Machine& machine, const std::string& name)
    : machine_(machine), folder_(machine.folder() + "/" + name) {
  for (const char* part : {"", "/root", "/disk", "/volatile"}) make_folder(folder_ + part);
  mount("world", folder_ + "/disk", "tmpfs", 0, "mode=0755,size=" + machine.settings().size);
  make_folder(folder_ + "/disk/upper");
  make_folder(folder_ + "/disk/work");
  mount_overlay(machine.lower(), folder_ + "/disk", root());
  make_volatile();
}

World::~World() {
  for (const char* part : {"/root", "/disk", "/volatile"}) ::umount2((folder_ + part).c_str(), MNT_DETACH);
  for (const char* part : {"/root", "/disk", "/volatile", ""}) ::rmdir((folder_ + part).c_str());
}

void World::make_volatile() const {
  mount("volatile", folder_ + "/volatile", "tmpfs", 0, "mode=0755,size=1g");
  make_folder(folder_ + "/volatile/run");
  make_folder(folder_ + "/volatile/run/lock", 01777);
  make_folder(folder_ + "/volatile/tmp", 01777);
  std::ofstream(folder_ + "/volatile/run/boot_id") << std::ifstream("/proc/sys/kernel/random/uuid").rdbuf();
}

void World::forget_volatile() {
  ::umount2((folder_ + "/volatile").c_str(), MNT_DETACH);
  make_volatile();
}

void World::enter() const {
  const auto bind = [&](const std::string& from, const std::string& to, bool fixed) {
    mount(from, root() + to, nullptr, MS_BIND);
    if (fixed) mount("none", root() + to, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY);
  };
  bind(folder_ + "/volatile/run", "/run", false);
  bind(folder_ + "/volatile/tmp", "/tmp", false);
  struct stat status {};
  const auto there = [&](const std::string& place) { return ::stat((root() + place).c_str(), &status) == 0; };
  if (!machine_.settings().build.empty() && there("/opt/mlops-agent"))
    bind(machine_.settings().build, "/opt/mlops-agent", true);
  for (const auto& [place, folder] : machine_.settings().shown)
    if (there(place)) bind(folder, place, true);
  if (::chdir(root().c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    fail("cannot enter the world");
  mount("proc", "/proc", "proc");
  mount("sysfs", "/sys", "sysfs", MS_RDONLY);
  mount_devices();
  start_loopback();
  if (::sethostname("torture", 7) != 0) fail("the host cannot be named");
  // Process ids are not those of the run before, as on a machine that lives on.
  write_file("/proc/sys/kernel/ns_last_pid", std::to_string(1000 * runs_));
  // The kernel is shared with the machine outside.
  for (const char* path : {"/proc/sys", "/proc/sysrq-trigger"}) {
    if (::access(path, F_OK) != 0) continue;
    mount(path, path, nullptr, MS_BIND);
    mount("none", path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY);
  }
  // Each start of the machine is another.
  if (const std::string boot = "/proc/sys/kernel/random/boot_id"; ::access(boot.c_str(), F_OK) == 0)
    mount("/run/boot_id", boot, nullptr, MS_BIND);
  if (read_only) mount("none", "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY);
  if (machine_.settings().service_manager) start_service_manager();
  if (!machine_.settings().served.empty()) start_server(machine_.settings().served, machine_.settings().port);
}

void World::execute(const Words& words) const {
  ::clearenv();
  std::map<std::string, std::string> all{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/root"},
      {"USER", "root"},
      {"LOGNAME", "root"},
      {"LANG", "C.UTF-8"}};
  const Settings& settings = machine_.settings();
  const passwd* p = settings.person.empty() ? nullptr : ::getpwnam(settings.person.c_str());
  if (p && !settings.as_person) {
    all["SUDO_USER"] = p->pw_name;
    all["SUDO_UID"] = std::to_string(p->pw_uid);
    all["SUDO_GID"] = std::to_string(p->pw_gid);
  }
  if (p && settings.as_person) {
    all["HOME"] = p->pw_dir;
    all["USER"] = all["LOGNAME"] = p->pw_name;
    if (::initgroups(p->pw_name, p->pw_gid) != 0 || ::setgid(p->pw_gid) != 0 || ::setuid(p->pw_uid) != 0)
      ::_exit(126);
  }
  all.insert(environment.begin(), environment.end());
  for (const auto& [name, value] : all) ::setenv(name.c_str(), value.c_str(), 1);
  ::umask(022);
  ::setsid();
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

pid_t World::start(const std::function<void()>& inside) const {
  const long child =
      ::syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD,
                nullptr, nullptr, nullptr, nullptr);
  if (child < 0) fail("no namespaces (is this root?)");
  if (child > 0) return static_cast<pid_t>(child);
  try {
    enter();
    inside();
    ::_exit(0);
  } catch (const std::exception& e) {
    fmt::print(stderr, "torture: in the world: {}\n", e.what());
    std::fflush(stderr);
    ::_exit(1);
  }
}

Ran World::run(const Words& words, const Watch& wanted) {
  ++runs_;
  struct Shared {
    Watched how;
    char where[1024];
  };
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("no memory");
  Shared* shared = new (memory) Shared();
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) fail("no pipe");
  const pid_t child = start([&] {
    Watched how = watch(
        [&] {
          const int null = ::open("/dev/null", O_RDONLY);
          ::dup2(null, 0);
          ::dup2(out[1], 1);
          ::dup2(err[1], 2);
          if (null > 2) ::close(null);
          execute(words);
        },
        wanted);
    if (wanted.finish) wanted.finish();
    std::snprintf(shared->where, sizeof shared->where, "%s", how.where.c_str());
    shared->how.status = how.status;
    shared->how.calls = how.calls;
    shared->how.reached = how.reached;
    shared->how.timed_out = how.timed_out;
    shared->how.lingered = how.lingered;
  });
  ::close(out[1]);
  ::close(err[1]);
  Ran ran;
  read_both(out[0], err[0], ran);
  ::close(out[0]);
  ::close(err[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ran.how = shared->how;
  ran.how.where = shared->where;
  shared->~Shared();
  ::munmap(memory, sizeof(Shared));
  if (status != 0) throw std::runtime_error("a world could not be entered: " + ran.err);
  return ran;
}

void World::inside(const std::function<void()>& work) const {
  const pid_t child = start(work);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw std::runtime_error("work in a world failed");
}

int World::run_here(const Words& words) {
  ++runs_;
  const pid_t child = start([&] {
    const pid_t program = ::fork();
    if (program == 0) execute(words);
    int status = 0;
    while (::waitpid(program, &status, 0) < 0 && errno == EINTR) {
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  });
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace torture
