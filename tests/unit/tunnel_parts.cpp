// The parts of tunnels that need no host: records, questions, SOCKS, waiting, units of systemd.
#include <sys/stat.h>

#include "base/error.hpp"
#include "domains/tunnels/control.hpp"
#include "domains/tunnels/keeper/back_off.hpp"
#include "domains/tunnels/keeper/log.hpp"
#include "domains/tunnels/keeper/socks.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "domains/tunnels/login_unit.hpp"
#include "domains/tunnels/tunnel_text.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const Tunnel jupyter{.name = "jupyter",
                     .direction = Tunnel::Direction::remote,
                     .via = "ann@box:2222",
                     .listen = {"::1", 8888, ""},
                     .target = {"", 0, "/run/a b.sock"},
                     .at_login = true,
                     .ssh_config = "/home/ann/ssh \"x\""};

// What SOCKS makes of the bytes, read as it asks for them: the replies in hexadecimal, then how it ended.
std::string socks(std::string_view bytes) {
  SocksRequest request;
  std::string told;
  auto step = SocksRequest::Step::reading;
  while (step == SocksRequest::Step::reading) {
    const std::size_t n = std::min(request.wanted(), bytes.size());
    if (n == 0) return told + "wants more";
    step = request.take(bytes.substr(0, n));
    bytes.remove_prefix(n);
    for (const char c : request.reply()) told += fmt::format("{:02x}", static_cast<unsigned char>(c));
    if (!told.empty() && told.back() != ' ') told += ' ';
  }
  if (step == SocksRequest::Step::refused) return told + "refused: " + request.problem();
  return told + fmt::format("{} {} left {}", request.host(), request.port(), bytes.size());
}
template <std::size_t N>
std::string socks(const char (&bytes)[N]) {
  return socks(std::string_view(bytes, N - 1));
}

}  // namespace

TEST_CASE("a tunnel's record comes back as it was written") {
  const TemporaryFolder files;
  const TunnelFolder folder(files / "a/b/tunnels", ::geteuid());
  CHECK(folder.names().empty());
  CHECK_FALSE(folder.settings("jupyter"));
  folder.prepare();
  folder.write(jupyter);
  CHECK(folder.settings("jupyter") == jupyter);
  CHECK(folder.names() == std::vector<std::string>{"jupyter"});
  CHECK(mode_of(files / "a/b/tunnels") == 0700);
  CHECK(mode_of(files / "a/b") == 0700);
  CHECK(mode_of(folder.file("jupyter", ".json")) == 0600);
  folder.remove("jupyter");
  folder.remove("jupyter");
  CHECK(std::filesystem::is_empty(files / "a/b/tunnels"));
}

TEST_CASE(
    "a record that is broken, or another's, is that of a tunnel without settings, so that it can be stopped") {
  const TemporaryFolder files;
  const TunnelFolder folder(files / "tunnels", ::geteuid());
  folder.prepare();
  folder.write(jupyter);
  const std::string good = content_of(folder.file("jupyter", ".json"));
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), good.substr(0, good.size() / 2)}) {
    files.file("tunnels/jupyter.json", text);
    CHECK(folder.settings("jupyter") == Tunnel{.name = "jupyter"});
  }
  files.file("tunnels/other.json", good);
  CHECK(folder.settings("other") == Tunnel{.name = "other"});
  ::unlink(folder.file("jupyter", ".json").c_str());
  ::mkfifo(folder.file("jupyter", ".json").c_str(), 0600);  // does not wait for who writes
  CHECK(folder.settings("jupyter") == Tunnel{.name = "jupyter"});
}

TEST_CASE("a folder of tunnels that belongs to another user is refused") {
  if (!is_root("a folder of tunnels that belongs to another user is refused")) return;
  const TemporaryFolder files;
  files.folder("tunnels", 0755, 65534);
  const TunnelFolder folder(files / "tunnels", ::geteuid());
  CHECK_THROWS_AS(folder.prepare(), Error);
  CHECK_THROWS_AS(folder.names(), Error);
  CHECK_THROWS_AS(folder.settings("jupyter"), Error);
}

TEST_CASE("a tunnel's name is a part of a file's name") {
  for (const char* good : {"a", "8888", "box-8888", "a.b_c-d"}) CHECK(is_tunnel_name(good));
  for (const char* bad : {"", ".", "..", "-a", "a/b", "a b", "\xc3\xa4", "a\n"})
    CHECK_FALSE(is_tunnel_name(bad));
  CHECK(is_tunnel_name(std::string(64, 'a')));
  CHECK_FALSE(is_tunnel_name(std::string(65, 'a')));
}

TEST_CASE("what a tunnel's process says of itself is understood, and nothing else") {
  TunnelStatus status{.settings = jupyter,
                      .build = "0.1.0-1-2",
                      .state = TunnelView::State::needs_you,
                      .reason = "a \"reason\"\n\xff",
                      .since = 1,
                      .started = 2,
                      .sent = 3,
                      .received = std::uint64_t{1} << 63,
                      .open = 5,
                      .connections = 6,
                      .reconnected = 7};
  const TunnelStatus back = decode_status(encode(status));
  CHECK(back.settings == jupyter);
  CHECK(back.state == status.state);
  CHECK(back.reason == "a \"reason\"\n\xef\xbf\xbd");
  CHECK(back.received == status.received);
  CHECK(back.reconnected == 7);
  for (const char* wrong : {"", "{}", "[]", "null", R"({"settings": 1})"})
    CHECK_THROWS_AS(decode_status(wrong), Error);
  using Ask = TunnelQuestion;
  for (const auto question : {Ask::status, Ask::probe, Ask::retry, Ask::stop})
    CHECK(decode_question(encode(question)) == question);
  for (const char* wrong : {"", "stop", "mlops-tunnel 2 stop", "mlops-tunnel 1 stop "})
    CHECK_FALSE(decode_question(wrong));
}

TEST_CASE("the first words of a tunnel's process are one line") {
  using Kind = KeeperReport::Kind;
  CHECK(to_line({Kind::stands, ""}) == "up\n");
  CHECK(to_line({Kind::needs_you, "two\nlines"}) == "needs you: two lines\n");
  CHECK(parse_report("away: no route").kind == Kind::away);
  CHECK(parse_report("away: no route").reason == "no route");
  CHECK(parse_report("failed: taken").reason == "taken");
  CHECK(parse_report("Segmentation fault").kind == Kind::failed);
  CHECK(parse_report("Segmentation fault").reason == "it says `Segmentation fault`");
}

TEST_CASE("a host is tried again after longer and longer, up to a minute") {
  using namespace std::chrono_literals;
  BackOff back_off;
  std::vector<BackOff::Time> times;
  for (int i = 0; i < 10; ++i) times.push_back(back_off.next(0.5));
  CHECK(times == std::vector<BackOff::Time>{250ms, 500ms, 1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s});
  CHECK(back_off.next(0) == 48s);
  CHECK(back_off.next(1) == 72s);
  back_off.stood(59s);
  CHECK(back_off.next(0.5) == 60s);
  back_off.stood(60s);
  CHECK(back_off.next(0.5) == 250ms);
}

TEST_CASE("SOCKS 4, 4a and 5 are read to the end of the request and no further") {
  CHECK(socks("\4\1\0\120\12\0\0\1me\0rest") == "10.0.0.1 80 left 4");
  CHECK(socks("\4\1\0\120\12\0\0\1\0") == "10.0.0.1 80 left 0");
  CHECK(socks("\4\1\0\120\0\0\0\7me\0box.example\0rest") == "box.example 80 left 4");
  CHECK(socks("\5\2\2\0\5\1\0\1\12\0\0\1\0\120rest") == "0500 10.0.0.1 80 left 4");
  CHECK(socks("\5\1\0\5\1\0\3\3box\0\120rest") == "0500 box 80 left 4");
  CHECK(socks("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120rest") == "0500 ::1 80 left 4");
  CHECK(socks("\5\1\0\5\1\0\4\0\0\0\0") == "0500 wants more");
  CHECK(socks("\4\1\0\120\12\0\0\1me") == "wants more");
}

TEST_CASE("SOCKS that asks for anything else is refused, in its own words") {
  CHECK(socks("GET /") == "refused: it speaks no SOCKS");
  CHECK(socks("\4\2\0\120\12\0\0\1\0") == "005b000000000000 refused: only connections are made");
  CHECK(socks("\4\1\0\0\12\0\0\1\0") == "005b000000000000 refused: what it asks for is no host and port");
  CHECK(socks("\5\1\2") == "05ff refused: it wants authentication");
  CHECK(socks("\5\0") == "05ff refused: it wants authentication");
  CHECK(socks("\5\1\0\5\2\0\1\12\0\0\1\0\120") ==
        "0500 05070001000000000000 refused: only connections are made");
  CHECK(socks("\5\1\0\5\1\0\2\0\0\0") == "0500 05080001000000000000 refused: an address of an unknown kind");
  CHECK(socks("\5\1\0\5\1\0\3\3a b\0\120") ==
        "0500 05010001000000000000 refused: what it asks for is no host and port");
  CHECK(socks("\5\1\0\5\1\0\3\0\0\120") ==
        "0500 05010001000000000000 refused: what it asks for is no host and port");
  CHECK(socks(std::string("\4\1\0\120\12\0\0\1", 8) + std::string(300, 'x')) ==
        "005b000000000000 refused: the user's name is too long");
  CHECK(socks(std::string("\4\1\0\120\0\0\0\7\0", 9) + std::string(300, 'x')) ==
        "005b000000000000 refused: the host's name is too long");
}

TEST_CASE("a tunnel's log does not grow for ever, and contains no control characters") {
  const TemporaryFolder files;
  const std::string path = files / "t.log";
  TunnelLog log(path);
  log.write("a\nb\x1b[31m");
  CHECK(content_of(path).substr(20) == " a b [31m\n");
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) log.write(line);
  CHECK(std::filesystem::file_size(path) <= TunnelLog::largest);
  CHECK(std::filesystem::file_size(path + ".1") <= TunnelLog::largest);
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("a word of a unit is taken by systemd as it stands") {
  CHECK(unit_word("/opt/a b/x") == R"("/opt/a b/x")");
  CHECK(unit_word(R"(a"b\c%d$e)") == R"("a\"b\\c%%d$$e")");
}

TEST_CASE("a tunnel's unit exists, is enabled and as desired, or it has not converged") {
  const TemporaryFolder home;
  ::unsetenv("XDG_CONFIG_HOME");
  const ActingUser who{"ann", home / "", "/bin/sh", ::geteuid(), ::getegid()};
  const LoginUnit unit(who, TunnelFolder(home / "tunnels", ::geteuid()), "jupyter");
  const std::string units = home / ".config/systemd/user/", name = "mlops-agent-tunnel-jupyter.service";
  CHECK(unit.path() == units + name);
  CHECK_FALSE(unit.is_right());
  unit.write();
  unit.write();
  CHECK(unit.is_right());
  CHECK(std::filesystem::read_symlink(units + "default.target.wants/" + name) == "../" + name);
  CHECK(content_of(unit.path()).find("tunnel \"" + (home / "tunnels") + "\" jupyter\n") != std::string::npos);
  std::ofstream(unit.path(), std::ios::app) << "# more\n";
  CHECK_FALSE(unit.is_right());
  unit.write();
  std::filesystem::remove(units + "default.target.wants/" + name);
  CHECK_FALSE(unit.is_right());
  unit.remove();
  unit.remove();
  CHECK_FALSE(is_there(unit.path()));
}

TEST_CASE("tunnels are described in words") {
  CHECK(describe(jupyter) == "[::1]:8888 on ann@box:2222 → /run/a b.sock");
  CHECK(describe({.via = "box", .listen = {"127.0.0.1", 1, ""}, .target = {"localhost", 2, ""}}) ==
        "127.0.0.1:1 → localhost:2 via box");
  for (const char* word :
       {"stopped", "does not answer", "connecting", "away", "needs you", "target refuses", "up"}) {
    const auto state = tunnel_state_of(word);
    REQUIRE(state);
    CHECK(std::string(to_text(*state)) == word);
  }
  CHECK_FALSE(tunnel_state_of("down"));
}
