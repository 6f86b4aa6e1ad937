// The first connection to a machine that the run has made: its host key is replaced at once, by a real sshd,
// and nobody else gets anything at any moment.
#include "hosts/first_contact.hpp"

#include "base/error.hpp"
#include "hosts/arrival_watch.hpp"
#include "hosts/host_key_change.hpp"
#include "ssh/pinned_keys.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops;
using namespace mlops::test;
using Catch::Contains;

namespace {

const Cancellation never;
constexpr const char* alias = "i-0123456789abcdef0";

std::string key_in(const std::string& file) {
  const std::string line = content_of(file);
  return line.substr(0, line.find_first_of(" \n", line.find(' ') + 1));
}

// A machine whose sshd has the key that travelled in user data, and the person who knows it by that.
class NewMachine {
 public:
  NewMachine() {
    server.stop();
    etc = server.folder().folder("etc");
    make_key(server.folder(), "etc/ssh_host_ed25519_key");
    handed = key_in(etc + "/ssh_host_ed25519_key.pub");
    server.configure("HostKey " + etc + "/ssh_host_ed25519_key\n");
    server.start();
    known_hosts = server.folder() / "known_hosts";
    server.folder().file("known_hosts", "# mine\nother " + server.host_key("rsa"), 0600);
    write_pinned_keys(known_hosts, alias, {{handed, true}});
  }
  std::unique_ptr<Connection> connect() const {
    RemoteSettings settings;
    settings.ssh_config = server.config(std::string("HostKeyAlias ") + alias + "\n");
    return connect_to("box", settings, never);
  }
  std::string refusal() const {
    try {
      connect();
    } catch (const NotArrived& e) {
      return std::string(name_of(e.stage())) + ": " + e.what();
    }
    return "";
  }
  std::string replace(Connection& connection) const {
    return replace_handed_key(connection, handed_key(connection.settings()).value(), never, etc);
  }
  std::vector<PinnedKey> pinned() const { return read_pinned_keys(known_hosts, alias); }
  std::string shown() const { return key_in(etc + "/ssh_host_ed25519_key.pub"); }
  // Another machine at its address, with this private key.
  void answer_with(const std::string& key) {
    server.stop();
    server.configure("HostKey " + key + "\n");
    std::filesystem::resize_file(server.folder() / "log", 0);
    server.start();
  }

  SshServer server;
  std::string etc, handed, known_hosts;
};

// A connection whose controller is killed before, or after, the nth thing that it asks for.
class CutConnection : public Connection {
 public:
  CutConnection(std::unique_ptr<Connection> whole, int asks, bool is_after)
      : whole_(std::move(whole)), left_(asks), is_after_(is_after) {}
  std::unique_ptr<Channel> run(const std::string& command) override {
    if (--left_ > 0) return whole_->run(command);
    if (!is_after_) throw Error("killed");
    return std::make_unique<Deaf>(whole_->run(command));
  }
  void forward(Handle, const std::string&, std::uint16_t, ForwardOptions) override { throw Error("not here"); }
  std::unique_ptr<RemoteListener> listen(const std::string&, std::uint16_t, JoinTo) override {
    throw Error("not here");
  }
  std::optional<std::string> lost() const override { return {}; }
  int lost_fd() const override { return -1; }
  bool answers(std::chrono::milliseconds) override { return true; }
  const SshSettings& settings() const override { return whole_->settings(); }

 private:
  // The program there comes to its end, and nobody hears of it.
  struct Deaf : Channel {
    explicit Deaf(std::unique_ptr<Channel> of) : channel(std::move(of)) {}
    int fd() const override { return channel->fd(); }
    std::string complaints() const override { return ""; }
    std::optional<int> wait() override {
      channel->wait();
      throw Error("killed");
    }
    std::unique_ptr<Channel> channel;
  };
  std::unique_ptr<Connection> whole_;
  int left_;
  bool is_after_;
};

}  // namespace

TEST_CASE("A key that travelled in user data is replaced over the connection that it proved", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  const std::string fingerprint = machine.replace(*machine.connect());
  const std::string made = machine.shown();
  CHECK_THAT(fingerprint, Catch::StartsWith("SHA256:"));
  CHECK(made != machine.handed);
  CHECK(machine.pinned() == std::vector<PinnedKey>{{made, false}});
  CHECK_THAT(content_of(machine.known_hosts), Contains("# mine\nother ssh-rsa "));
  CHECK_FALSE(handed_key(machine.connect()->settings()));
  for (const auto& file : std::filesystem::directory_iterator(machine.etc))
    CHECK(file.path().filename().string().find("mlops") == std::string::npos);
}

TEST_CASE("The replacement that is interrupted anywhere is finished by the next connection", "[ssh]") {
  if (!is_root("a host's keys")) return;
  const int asks = GENERATE(1, 2);
  const bool is_after = GENERATE(false, true);
  INFO(asks << is_after);
  NewMachine machine;
  CutConnection cut(machine.connect(), asks, is_after);
  CHECK_THROWS_WITH(machine.replace(cut), Contains("killed"));
  CHECK(machine.pinned().size() == static_cast<std::size_t>(asks));
  CHECK(machine.pinned().front() == PinnedKey{machine.handed, true});
  machine.replace(*machine.connect());
  CHECK(machine.pinned() == std::vector<PinnedKey>{{machine.shown(), false}});
  CHECK(machine.shown() != machine.handed);
  CHECK(machine.refusal().empty());
}

TEST_CASE("What a killed machine left of the replacement is no obstacle", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  const TemporaryFolder& folder = machine.server.folder();
  SECTION("half a new key") { folder.file("etc/ssh_host_ed25519_key.mlops-agent", "-----BEGIN OPEN", 0600); }
  SECTION("a new key in place, and the old public half") {
    const auto connection = machine.connect();
    make_key(folder, "etc/next");
    const std::string next = key_in(machine.etc + "/next.pub");
    write_pinned_keys(machine.known_hosts, alias, {{machine.handed, true}, {next, false}});
    std::filesystem::rename(machine.etc + "/next", machine.etc + "/ssh_host_ed25519_key");
    std::filesystem::remove(machine.etc + "/next.pub");
    machine.replace(*connection);
    CHECK(machine.shown() == next);
  }
  if (machine.pinned().front().handed) machine.replace(*machine.connect());
  CHECK(machine.pinned() == std::vector<PinnedKey>{{machine.shown(), false}});
  CHECK(machine.refusal().empty());
}

TEST_CASE("Another machine at the address is sent nothing, whenever it answers", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  const std::string own = make_key(machine.server.folder(), "hostile"),
                    copy = make_key(machine.server.folder(), "copy");
  std::filesystem::copy_file(machine.etc + "/ssh_host_ed25519_key", copy,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(copy + ".pub");
  std::string answers = own;
  SECTION("before the key is replaced") {}
  SECTION("while it is replaced") {
    CutConnection cut(machine.connect(), 2, true);
    CHECK_THROWS(machine.replace(cut));
  }
  SECTION("after it") { machine.replace(*machine.connect()); }
  SECTION("after it, with the key that was in the user data") {
    machine.replace(*machine.connect());
    answers = copy;
  }
  const auto before = machine.pinned();
  machine.answer_with(answers);
  CHECK_THAT(machine.refusal(), Catch::StartsWith("host key: 127.0.0.1 answers as another machine than ") &&
                                    Contains("Nothing was sent there"));
  CHECK_THAT(machine.server.log(), !Contains("publickey") && !Contains("Accepted"));
  CHECK(machine.pinned() == before);
}

TEST_CASE("sshd that keeps the old key is refused; both are pinned until the next attempt", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  const std::string elsewhere = make_key(machine.server.folder(), "elsewhere");
  machine.answer_with(elsewhere);
  write_pinned_keys(machine.known_hosts, alias, {{key_in(elsewhere + ".pub"), true}});
  const auto connection = machine.connect();
  CHECK_THROWS_WITH(machine.replace(*connection), Contains("sshd there shows SHA256:") && Contains("By hand"));
  CHECK(machine.pinned().size() == 2);
  CHECK(machine.refusal().empty());
}

TEST_CASE("sshd whose configuration is wrong meanwhile is not told to read it, and keeps its key", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  const auto connection = machine.connect();
  machine.server.configure("HostKey " + machine.etc + "/ssh_host_ed25519_key\nNoSuchOption yes\n");
  CHECK_THROWS_WITH(machine.replace(*connection), Contains("NoSuchOption"));
  CHECK(machine.shown() == machine.handed);
  CHECK(machine.refusal().empty());
  machine.server.configure("HostKey " + machine.etc + "/ssh_host_ed25519_key\n");
  machine.replace(*machine.connect());
  CHECK(machine.pinned() == std::vector<PinnedKey>{{machine.shown(), false}});
}

TEST_CASE("A pin whose name was hashed meanwhile is replaced too", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  REQUIRE(std::system(("ssh-keygen -q -H -f " + machine.known_hosts + " >/dev/null 2>&1").c_str()) == 0);
  REQUIRE_THAT(content_of(machine.known_hosts), !Contains(alias));
  machine.replace(*machine.connect());
  CHECK(machine.pinned() == std::vector<PinnedKey>{{machine.shown(), false}});
  CHECK_THAT(content_of(machine.known_hosts), !Contains(machine.handed));
}

TEST_CASE("A list that others can write to marks no key, and is no obstacle") {
  const TemporaryFolder folder;
  SshSettings settings;
  settings.host_key_alias = alias;
  settings.user_known_hosts = {"/dev/null", folder / "none"};
  CHECK_FALSE(handed_key(settings));
  const std::string list = folder.file("known_hosts", "", 0600);
  write_pinned_keys(
      list, alias,
      {{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", true}});
  settings.user_known_hosts.push_back(list);
  CHECK(handed_key(settings));
  std::filesystem::permissions(list, std::filesystem::perms(0666));
  CHECK_FALSE(handed_key(settings));
}

TEST_CASE("Lists of keys are replaced whole, through links, and with their other lines") {
  const TemporaryFolder folder;
  const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
                    real = folder.file("real", "# mine\nother " + key, 0644), link = folder / "link";
  std::filesystem::create_symlink("real", link);
  write_pinned_keys(link, alias, {{key, true}});
  CHECK(std::filesystem::is_symlink(link));
  CHECK(content_of(real) == "# mine\nother " + key + "\n" + alias + " " + key + " " + handed_key_mark + "\n");
  CHECK((std::filesystem::status(real).permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0600));
  CHECK(read_pinned_keys(link, alias) == std::vector<PinnedKey>{{key, true}});
  write_pinned_keys(link, alias, {});
  CHECK(content_of(real) == "# mine\nother " + key + "\n");
}

TEST_CASE("The person is told of a replaced key at once, whatever comes of the host's first boot", "[ssh]") {
  if (!is_root("a host's keys")) return;
  NewMachine machine;
  std::vector<std::string> told;
  const auto tell = [&](const std::string& said) { told.push_back(said); };
  const FirstContact contact{true, false, false, machine.etc};
  SECTION("it is replaced") {
    make_contact(*machine.connect(), contact, tell, never);
    make_contact(*machine.connect(), contact, tell, never);
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], Contains("is replaced by SHA256:"));
  }
  SECTION("it cannot be") {
    const FirstContact elsewhere{true, false, false, machine.etc + "/none"};
    CHECK_THROWS_AS(make_contact(*machine.connect(), elsewhere, tell, never), NotUsable);
    CHECK(told.empty());
  }
}

TEST_CASE("A plan replaces no key, and says that it will be", "[ssh]") {
  NewMachine machine;
  std::vector<std::string> told;
  make_contact(
      *machine.connect(), FirstContact{}, [&](const std::string& said) { told.push_back(said); }, never);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], Contains("apply replaces it"));
  CHECK(machine.pinned() == std::vector<PinnedKey>{{machine.handed, true}});
}
