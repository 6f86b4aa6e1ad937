// LocalDownloads against a real server on the loopback.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/cancellation.hpp"
#include "base/digest.hpp"
#include "domains/downloads/local.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/http_server.hpp"

using namespace mlops;
using namespace mlops::test;
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

unsigned mode_of(const fs::path& path) {
  struct stat s {};
  stat(path.c_str(), &s);
  return s.st_mode & 07777;
}

// Bytes that differ everywhere, so that a piece in the wrong place shows.
std::string large_body(std::size_t size = 3u << 20) {
  std::string body(size, '\0');
  std::uint32_t x = 1;
  for (char& c : body) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return body;
}

struct World {
  fs::path folder;
  Cancellation cancellation;
  Walker walker{geteuid() == 0};
  FakeAccounts accounts;
  OwnerNames names{accounts};
  std::vector<std::chrono::milliseconds> waits;
  std::vector<Progress> progress;
  std::string mirror, ca_file;
  std::chrono::milliseconds stall{stall_ms};

  World() {
    std::string name = (fs::temp_directory_path() / "mlops-downloads-XXXXXX").string();
    folder = mkdtemp(name.data());
    for (const char* proxy : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"})
      unsetenv(proxy);
  }
  ~World() { fs::remove_all(folder); }

  LocalDownloads downloads() {
    DownloadSettings settings{mirror,  (folder / "cache").string(),
                              {},      (folder / "shared").string(),
                              ca_file, [this](std::chrono::milliseconds t) { waits.push_back(t); },
                              stall};
    return LocalDownloads(std::move(settings), walker, names, cancellation,
                          [this](const Progress& p) { progress.push_back(p); });
  }
  std::string target() const { return (folder / "file").string(); }
  fs::path part() const { return folder / ".file.mlops-agent-part"; }

  // What performing it threw; "" when it went well.
  std::string failure(const Download& action) {
    try {
      downloads().perform(action);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  bool only(const std::set<std::string>& names_wanted) const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path().filename());
    found.erase("cache");
    return found == names_wanted;
  }
};

}  // namespace

// ---- state afterwards
// --------------------------------------------------------------------------------

TEST_CASE("a download is put in place with mode 0644 whatever the umask, and nothing else is left") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "hello", "\"1\""); });
  const mode_t mask = umask(077);
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  umask(mask);
  CHECK(content_of(w.target()) == "hello");
  CHECK(mode_of(w.target()) == 0644);
  CHECK(w.only({"file"}));
  REQUIRE(server.seen().size() == 1);
  CHECK(server.seen()[0].header("user-agent").starts_with("mlops-agent/"));
}

TEST_CASE("an existing file keeps its mode unless another is asked for") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "new", "\"1\""); });
  write_file(w.target(), "old");
  chmod(w.target().c_str(), 0700);
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == "new");
  CHECK(mode_of(w.target()) == 0700);
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .mode = 0600}) == "");
  CHECK(mode_of(w.target()) == 0600);
}

TEST_CASE("a link to a file stays, and what it points at is replaced") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "new", "\"1\""); });
  write_file(w.folder / "real", "old");
  fs::create_symlink("real", w.target());
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(fs::is_symlink(w.target()));
  CHECK(content_of(w.folder / "real") == "new");
}

TEST_CASE("a folder at the path, or no parent folder, is an error before any request") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "new", "\"1\""); });
  fs::create_directory(w.target());
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        w.target() + " is a folder; it is not replaced");
  const std::string lost = (w.folder / "no" / "x").string();
  CHECK(w.failure({.url = server.url("/x"), .path = lost}) == "the folder of " + lost + " does not exist");
  CHECK(server.seen().empty());
}

TEST_CASE("an owner that does not exist is an error before any request") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "new", "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .owner = "nobody-here"}) ==
        "user `nobody-here` does not exist");
  CHECK(server.seen().empty());
}

TEST_CASE("what another user planted under the partial file's name is not written to") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "new", "\"1\""); });
  write_file(w.folder / "victim", "precious");
  fs::create_symlink("victim", w.part());
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.folder / "victim") == "precious");
  fs::create_hard_link(w.folder / "victim", w.part());
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.folder / "victim") == "precious");
}

TEST_CASE("progress shows the URL, the bytes and their total") {
  World w;
  const std::string body = large_body();
  const HttpServer server([&](const auto& r) { return http_file(r, body, "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  REQUIRE_FALSE(w.progress.empty());
  CHECK(w.progress[0].doing == "downloading " + server.url("/x"));
  CHECK(w.progress[0].total == body.size());
  CHECK(w.progress[0].done > 0);
}

// ---- digests
// -------------------------------------------------------------------------------------------------

TEST_CASE("content with another digest is removed, and the error names both and the URL") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "hello", "\"1\""); });
  write_file(w.target(), "old");
  const std::string wanted = sha256_hex("other");
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .sha256 = wanted}) ==
        server.url("/x") + " has the SHA-256 " + sha256_hex("hello") + ", expected " + wanted +
            "; it was removed");
  CHECK(content_of(w.target()) == "old");
  CHECK(w.only({"file"}));
}

TEST_CASE("the digest is taken from the published checksum file, which is asked for once") {
  World w;
  const HttpServer server([](const auto& r) {
    if (r.path == "/sums")
      return http_answer("200 OK", sha256_hex("hello") + " *x\n" + sha256_hex("y") + " *y\n");
    return http_file(r, "hello", "\"1\"");
  });
  LocalDownloads downloads = w.downloads();
  downloads.perform(
      {.url = server.url("/v1/x?download=1"), .path = w.target(), .sha256_url = server.url("/sums")});
  CHECK(content_of(w.target()) == "hello");
  CHECK(downloads.published_sha256(server.url("/sums"), "y", 0) == sha256_hex("y"));
  CHECK(server.seen().size() == 2);
  CHECK(w.failure({.url = server.url("/y"), .path = w.target(), .sha256_url = server.url("/sums")}) ==
        server.url("/y") + " has the SHA-256 " + sha256_hex("hello") + ", expected " + sha256_hex("y") +
            "; it was removed");
  CHECK(w.failure({.url = server.url("/z"), .path = w.target(), .sha256_url = server.url("/sums")}) ==
        server.url("/sums") + ": it does not list z");
}

TEST_CASE("a checksum file that is not there fails with its URL, and is not asked for again") {
  World w;
  const HttpServer server([](const auto&) { return http_answer("404 Not Found", "no"); });
  LocalDownloads downloads = w.downloads();
  for (int i = 0; i < 2; ++i) {
    std::string message;
    try {
      downloads.published_sha256(server.url("/sums"), "x", 0);
    } catch (const Error& e) {
      message = e.what();
    }
    CHECK(message == "GET " + server.url("/sums") + ": 404 Not Found");
  }
  CHECK(server.seen().size() == 1);
}

// ---- trying again
// --------------------------------------------------------------------------------------------

TEST_CASE("a server's trouble is waited out with longer and longer waits") {
  World w;
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    return ++n <= 3 ? http_answer("503 Service Unavailable", "busy") : http_file(r, "hello", "\"1\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  using std::chrono_literals::operator""ms;
  CHECK(w.waits == std::vector{500ms, 1000ms, 2000ms});
}

TEST_CASE("Retry-After is honoured up to a minute") {
  World w;
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    if (++n == 1) return http_answer("429 Too Many Requests", "", "Retry-After: 7\r\n");
    if (n == 2) return http_answer("503 Service Unavailable", "", "Retry-After: 3600\r\n");
    return http_file(r, "hello", "\"1\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  using std::chrono_literals::operator""ms;
  CHECK(w.waits == std::vector{7000ms, 60000ms});
}

TEST_CASE("after five attempts it fails and says so") {
  World w;
  const HttpServer server([](const auto&) { return http_answer("500 Internal Server Error", ""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        "GET " + server.url("/x") + ": 500 Internal Server Error (tried 5 times)");
  CHECK(server.seen().size() == 5);
  CHECK(w.only({}));
}

TEST_CASE("a refusal is not tried again") {
  World w;
  const HttpServer server([](const auto&) { return http_answer("403 Forbidden", ""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        "GET " + server.url("/x") + ": 403 Forbidden");
  CHECK(server.seen().size() == 1);
}

TEST_CASE("a server that cannot be reached is tried again, and the error names URL and cause") {
  World w;
  std::string url;
  {
    const HttpServer gone([](const auto&) { return HttpBytes{}; });
    url = gone.url("/x");
  }
  const std::string message = w.failure({.url = url, .path = w.target()});
  CHECK(message.starts_with("GET " + url + ": "));
  CHECK(message.ends_with(" (tried 5 times)"));
  CHECK(w.waits.size() == 4);
}

TEST_CASE("a transfer that moves no byte is ended, and tried again") {
  World w;
  w.stall = std::chrono::seconds(1);
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto&) {
    if (++n < 5) return http_answer("503 Service Unavailable", "busy");
    HttpBytes begun = http_cut("200 OK", "hello", 2);
    begun.hold = true;
    return begun;
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        "GET " + server.url("/x") + ": it moved no byte for 1 s after 2 of 5 bytes (tried 5 times)");
  CHECK(w.waits.size() == 4);
  CHECK(mlops::stall_ms == 60'000);
}

TEST_CASE(
    "a transfer has to end within its timeout, the waits between its tries with it, and keeps what came") {
  World w;
  const HttpServer server([](const auto& r) {
    if (r.path == "/busy") return http_answer("503 Service Unavailable", "", "Retry-After: 60\r\n");
    HttpBytes begun = http_cut("200 OK", "hello", 2, "ETag: \"1\"\r\n");
    begun.hold = true;
    return begun;
  });
  LocalDownloads downloads({.cache_dir = (w.folder / "cache").string()}, w.walker, w.names, w.cancellation, {});
  const auto failure = [&](const auto& work) -> std::string {
    try {
      work();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  for (const std::string path : {"/x", "/busy"}) {
    const std::string url = server.url(path), late = "GET " + url + " did not end within 100 ms";
    CHECK(failure([&] { downloads.perform({.url = url, .path = w.target(), .timeout_ms = 100}); }) == late);
    if (path == "/x") CHECK(content_of(w.part()) == "he");
    write_file(w.target(), "other");
    CHECK(failure([&] { static_cast<void>(downloads.unchanged(w.target(), url, 100)); }) == late);
    CHECK(failure([&] { downloads.published_sha256(url, "x", 100); }) == late);
    fs::remove(w.target());
  }
}

TEST_CASE("a chain of redirects has one timeout") {
  World w;
  const HttpServer server([](const auto& r) {
    if (r.path == "/x") return HttpBytes{"", true};
    ::poll(nullptr, 0, 60);
    return http_answer("302 Found", "",
                       "Location: " + (r.path == "/b" ? std::string("/x") : r.path + "b") + "\r\n");
  });
  const std::string url = server.url("/");
  CHECK(w.failure({.url = url, .path = w.target(), .timeout_ms = 300}) ==
        "GET " + url + " did not end within 300 ms");
}

// ---- resuming a transfer
// ------------------------------------------------------------------------------------

TEST_CASE("an interrupted transfer resumes where it ended, in the same version") {
  World w;
  const std::string body = large_body();
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    return ++n == 1 ? http_cut("200 OK", body, 1000, "ETag: \"1\"\r\n") : http_file(r, body, "\"1\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == body);
  REQUIRE(server.seen().size() == 2);
  CHECK(server.seen()[1].header("range") == "bytes=1000-");
  CHECK(server.seen()[1].header("if-range") == "\"1\"");
}

TEST_CASE("a later run resumes what an earlier one left") {
  World w;
  const std::string body = large_body();
  std::atomic<bool> cut = true;
  const HttpServer server([&](const auto& r) {
    if (!cut) return http_file(r, body, "\"1\"");
    return r.header("range").empty() ? http_cut("200 OK", body, 5000, "ETag: \"1\"\r\n") : HttpBytes{};
  });
  const Download action{.url = server.url("/x"), .path = w.target()};
  CHECK(w.failure(action) == "GET " + action.url + ": Empty reply from server (tried 5 times)");
  CHECK(content_of(w.part()) == body.substr(0, 5000));
  CHECK(mode_of(w.part()) == 0600);
  cut = false;
  CHECK(w.failure(action) == "");
  CHECK(content_of(w.target()) == body);
  CHECK(server.seen().back().header("range") == "bytes=5000-");
  CHECK(w.only({"file"}));
}

TEST_CASE("when the version changed in between, it starts over") {
  World w;
  const std::string old_body = large_body(), new_body = large_body(2u << 20) + "new";
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    return ++n == 1 ? http_cut("200 OK", old_body, 1000, "ETag: \"1\"\r\n") : http_file(r, new_body, "\"2\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == new_body);
}

TEST_CASE("a server that overlooks If-Range and gives the rest of another version is seen through") {
  World w;
  const std::string old_body = large_body(), new_body = "new" + large_body();
  std::atomic<int> n = 0;
  const HttpServer server([&](HttpRequestSeen r) {
    if (++n == 1) return http_cut("200 OK", old_body, 1000, "ETag: \"1\"\r\n");
    r.headers.erase("if-range");
    return http_file(r, new_body, "\"2\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == new_body);
}

TEST_CASE("without a version that the server vouches for, an interrupted transfer starts over") {
  World w;
  const std::string body = large_body();
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto&) {
    return ++n == 1 ? http_cut("200 OK", body, 1000, "ETag: W/\"weak\"\r\n") : http_answer("200 OK", body);
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == body);
  CHECK(server.seen()[1].header("range") == "");
}

TEST_CASE("a part of another version under a known digest is found by the digest, and it starts over") {
  World w;
  const std::string body = large_body();
  write_file(w.part(), "rubbish");
  chmod(w.part().c_str(), 0600);
  const HttpServer server([&](const auto& r) { return http_file(r, body, "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .sha256 = sha256_hex(body)}) == "");
  CHECK(content_of(w.target()) == body);
  REQUIRE(server.seen().size() == 2);
  CHECK(server.seen()[0].header("range") == "bytes=7-");
  CHECK(server.seen()[1].header("range") == "");
}

TEST_CASE("a part that nothing is known of is not resumed without a digest to check") {
  World w;
  write_file(w.part(), "rubbish");
  chmod(w.part().c_str(), 0600);
  const HttpServer server([&](const auto& r) { return http_file(r, "hello, world", "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == "hello, world");
  CHECK(server.seen()[0].header("range") == "");
}

TEST_CASE("a run that was killed when all had come needs no request") {
  World w;
  write_file(w.part(), "hello");
  chmod(w.part().c_str(), 0600);
  const HttpServer server([&](const auto&) { return http_answer("500 Internal Server Error", ""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .sha256 = sha256_hex("hello")}) == "");
  CHECK(content_of(w.target()) == "hello");
  CHECK(server.seen().empty());
}

TEST_CASE("a part as long as the whole, or longer, is fetched again") {
  World w;
  write_file(w.part(), "longer than hello");
  chmod(w.part().c_str(), 0600);
  const HttpServer server([&](const auto& r) { return http_file(r, "hello", "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target(), .sha256 = sha256_hex("hello")}) == "");
  CHECK(content_of(w.target()) == "hello");
}

TEST_CASE("a server that cuts each time fails after five attempts without progress, and keeps what came") {
  World w;
  const std::string body = large_body(100);
  const HttpServer server([&](const auto&) { return http_cut("200 OK", body, 40); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        "GET " + server.url("/x") + ": it ended after 40 of 100 bytes (tried 5 times)");
  CHECK(w.only({".file.mlops-agent-part"}));
}

// ---- sizes
// ---------------------------------------------------------------------------------------------------

TEST_CASE("a file larger than the limit is refused, whether the server says its length or not") {
  World w;
  const std::string body = large_body(5000);
  std::atomic<bool> tell = true;
  const HttpServer server([&](const auto&) {
    return tell ? http_answer("200 OK", body)
                : HttpBytes{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body};
  });
  const Download action{.url = server.url("/x"), .path = w.target(), .size_limit = 4999};
  CHECK(w.failure(action) == action.url + " is larger than the limit of 4999 bytes");
  tell = false;
  CHECK(w.failure(action) == action.url + " is larger than the limit of 4999 bytes");
  CHECK_FALSE(fs::exists(w.target()));
  Download enough = action;
  enough.size_limit = 5000;
  CHECK(w.failure(enough) == "");
  CHECK(content_of(w.target()) == body);
}

TEST_CASE("a rest that contradicts its own length is not used") {
  World w;
  const std::string body = large_body(3000);
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    if (++n == 1) return http_cut("200 OK", body, 1000, "ETag: \"1\"\r\n");
    if (n == 2)
      return http_answer("206 Partial Content", body.substr(500), "Content-Range: bytes 1000-2999/3000\r\n");
    return http_file(r, body, "\"1\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == body);
  CHECK(server.seen().size() == 3);
}

// ---- redirects
// -----------------------------------------------------------------------------------------------

TEST_CASE("a redirect is followed, and the range goes with it") {
  World w;
  const std::string body = large_body();
  std::atomic<int> n = 0;
  const HttpServer server([&](const auto& r) {
    if (r.path == "/x") return http_answer("302 Found", "elsewhere", "Location: /y\r\n");
    return ++n == 1 ? http_cut("200 OK", body, 1000, "ETag: \"1\"\r\n") : http_file(r, body, "\"1\"");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == body);
  CHECK(server.seen().back().path == "/y");
  CHECK(server.seen().back().header("range") == "bytes=1000-");
}

TEST_CASE("more than ten redirects are not followed") {
  World w;
  const HttpServer server([&](const auto&) { return http_answer("301 Moved", "", "Location: /x\r\n"); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) ==
        "GET " + server.url("/x") + ": more than 10 redirects");
  CHECK(server.seen().size() == 11);
}

TEST_CASE("a redirect to another protocol is not followed") {
  World w;
  const HttpServer server(
      [&](const auto&) { return http_answer("301 Moved", "", "Location: file:///etc/passwd\r\n"); });
  const std::string message = w.failure({.url = server.url("/x"), .path = w.target()});
  CHECK(message.starts_with("GET " + server.url("/x") + ": "));
  CHECK_FALSE(fs::exists(w.target()));
  CHECK(w.waits.empty());
}

// ---- interruption
// --------------------------------------------------------------------------------------------

TEST_CASE("an interruption ends a transfer at once and keeps what came") {
  World w;
  const std::string body = large_body();
  const HttpServer server([&](const auto&) {
    HttpBytes reply = http_cut("200 OK", body, 2u << 20, "ETag: \"1\"\r\n");
    reply.hold = true;
    return reply;
  });
  DownloadSettings settings{.cache_dir = (w.folder / "cache").string()};
  LocalDownloads downloads(settings, w.walker, w.names, w.cancellation,
                           [&](const Progress&) { w.cancellation.cancel(); });
  ErrorKind kind = ErrorKind::other;
  try {
    downloads.perform({.url = server.url("/x"), .path = w.target()});
  } catch (const Error& e) {
    kind = e.kind();
  }
  CHECK(kind == ErrorKind::cancelled);
  CHECK(w.only({".file.mlops-agent-part"}));
}

TEST_CASE("an interruption ends waiting for a server that says nothing") {
  World w;
  const HttpServer server([&](const auto&) {
    w.cancellation.cancel();
    return HttpBytes{"", true};
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "interrupted");
}

// ---- what is remembered
// --------------------------------------------------------------------------------------

TEST_CASE("what was downloaded is proved without a request until the file changes") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "hello", "\"1\""); });
  const std::string url = server.url("/x");
  CHECK_FALSE(w.downloads().proved(w.target(), url, ""));
  CHECK(w.failure({.url = url, .path = w.target()}) == "");
  CHECK(w.downloads().proved(w.target(), url, "") == sha256_hex("hello"));
  CHECK_FALSE(w.downloads().proved(w.target(), url, "https://sums"));
  CHECK_FALSE(w.downloads().proved(w.target(), url + "y", ""));
  SECTION("another mode does not change what was proved") {
    chmod(w.target().c_str(), 0755);
    CHECK(w.downloads().proved(w.target(), url, "") == sha256_hex("hello"));
  }
  SECTION("other content of the same size does") {
    write_file(w.target(), "jello");
    CHECK_FALSE(w.downloads().proved(w.target(), url, ""));
  }
  SECTION("so does its removal") {
    fs::remove(w.target());
    CHECK_FALSE(w.downloads().proved(w.target(), url, ""));
  }
  CHECK(server.seen().size() == 1);
}

TEST_CASE("what root proved in the shared cache is proved for everyone") {
  World w;
  const HttpServer server([](const auto& r) { return http_file(r, "hello", "\"1\""); });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  fs::rename(w.folder / "cache", w.folder / "shared");
  CHECK(w.downloads().proved(w.target(), server.url("/x"), "") == sha256_hex("hello"));
}

TEST_CASE("a server is asked whether a file is unchanged by its ETag") {
  World w;
  std::atomic<int> version = 1;
  const HttpServer server([&](const auto& r) {
    return http_file(r, version == 1 ? "hello" : "hallo", "\"" + std::to_string(version) + "\"");
  });
  const std::string url = server.url("/x");
  CHECK_FALSE(w.downloads().unchanged(w.target(), url, 0));
  CHECK(w.failure({.url = url, .path = w.target()}) == "");
  CHECK(w.downloads().unchanged(w.target(), url, 0));
  CHECK(server.seen().back().header("if-none-match") == "\"1\"");
  version = 2;
  CHECK_FALSE(w.downloads().unchanged(w.target(), url, 0));
  version = 1;
  write_file(w.target(), "other");
  CHECK_FALSE(w.downloads().unchanged(w.target(), url, 0));
}

TEST_CASE("where a server says nothing of versions, the bytes are compared, once a run") {
  World w;
  std::string body = "hello";
  const HttpServer server([&](const auto&) { return http_answer("200 OK", body); });
  const std::string url = server.url("/x");
  CHECK(w.failure({.url = url, .path = w.target()}) == "");
  const LocalDownloads downloads = w.downloads();
  CHECK(downloads.unchanged(w.target(), url, 0));
  CHECK(downloads.unchanged(w.target(), url, 0));
  CHECK(server.seen().size() == 2);
  body = "hullo";
  CHECK_FALSE(w.downloads().unchanged(w.target(), url, 0));
  body = "a longer text";
  CHECK_FALSE(w.downloads().unchanged(w.target(), url, 0));
  write_file(w.target(), body);  // by somebody else
  CHECK(w.downloads().unchanged(w.target(), url, 0));
}

TEST_CASE("a server that gives the content whatever it is asked does not make the same bytes a change") {
  World w;
  int version = 0;
  const HttpServer server([&](const auto&) {
    return http_answer("200 OK", "hello", "ETag: \"" + std::to_string(++version) + "\"\r\n");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(w.downloads().unchanged(w.target(), server.url("/x"), 0));
}

TEST_CASE("a body without a length that is longer than the file is read no further than that") {
  World w;
  const HttpServer server([&](const auto&) -> HttpBytes {
    return {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(100'000, 'x'), true};
  });
  write_file(w.target(), "x");
  CHECK_FALSE(w.downloads().unchanged(w.target(), server.url("/x"), 0));
}

// ---- mirrors
TEST_CASE("what this very run fetched is unchanged without asking, whatever the server says of versions") {
  World w;
  const HttpServer server([&](const auto&) { return http_answer("200 OK", "hello"); });
  LocalDownloads downloads = w.downloads();
  downloads.perform({.url = server.url("/x"), .path = w.target()});
  CHECK(downloads.unchanged(w.target(), server.url("/x"), 0));
  CHECK(server.seen().size() == 1);
  write_file(w.target(), "other");
  CHECK_FALSE(downloads.unchanged(w.target(), server.url("/x"), 0));
}

// -------------------------------------------------------------------------------------------------

TEST_CASE("a mirror's folder is read before the real place, which is not asked") {
  World w;
  w.mirror = (w.folder / "mirror").string();
  write_file(w.folder / "mirror" / "example.invalid" / "a b" / "x", "mirrored");
  const Download action{.url = "https://example.invalid/a%20b/x?y=1", .path = w.target()};
  CHECK(w.failure(action) == "");
  CHECK(content_of(w.target()) == "mirrored");
  CHECK(w.downloads().proved(w.target(), action.url, "") == sha256_hex("mirrored"));
  CHECK(w.downloads().unchanged(w.target(), action.url, 0));
  write_file(w.folder / "mirror" / "example.invalid" / "a b" / "x", "mirrored anew");
  CHECK_FALSE(w.downloads().unchanged(w.target(), action.url, 0));
}

TEST_CASE("what a mirror does not have is read from the real place; an error names both") {
  World w;
  w.mirror = (w.folder / "mirror").string();
  const HttpServer server([](const auto& r) {
    return r.path == "/x" ? http_file(r, "real", "\"1\"") : http_answer("404 Not Found", "");
  });
  CHECK(w.failure({.url = server.url("/x"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == "real");
  CHECK(w.failure({.url = server.url("/y"), .path = w.target()}) ==
        "GET " + server.url("/y") + ": 404 Not Found; the mirror: there is no " + w.mirror + "/" +
            server.host() + "/y");
}

TEST_CASE("a mirror at a URL is asked for HOST/PATH") {
  World w;
  const HttpServer mirror([](const auto& r) {
    return r.path == "/m/example.invalid/x" ? http_file(r, "mirrored", "\"1\"")
                                            : http_answer("404 Not Found", "");
  });
  w.mirror = mirror.url("/m/");
  CHECK(w.failure({.url = "https://example.invalid/x", .path = w.target()}) == "");
  CHECK(content_of(w.target()) == "mirrored");
  const HttpServer server([](const auto& r) { return http_file(r, "real", "\"1\""); });
  CHECK(w.failure({.url = server.url("/y"), .path = w.target()}) == "");
  CHECK(content_of(w.target()) == "real");
  CHECK(mirror.seen().back().path == "/m/" + server.host() + "/y");
}

TEST_CASE("a git remote of any form is found in a mirror's folder") {
  World w;
  w.mirror = (w.folder / "mirror").string();
  const std::string place = w.mirror + "/github.com/Org/x.git";
  fs::create_directories(place);
  for (const char* remote : {"git@github.com:Org/x.git", "ssh://git@github.com/Org/x.git",
                             "https://github.com/Org/x.git", "https://github.com/Org/x"})
    CHECK(w.downloads().mirrored(remote) == place);
  for (const char* remote : {"https://github.com/Org/y.git", "/srv/x.git", "./github.com:Org/x.git",
                             "https://github.com/../github.com/Org/x.git"})
    CHECK_FALSE(w.downloads().mirrored(remote));
}

TEST_CASE("a mirror at a URL has a git repository when it serves one") {
  World w;
  const HttpServer mirror([](const auto& r) {
    const bool has = r.path == "/github.com/Org/x.git/info/refs?service=git-upload-pack";
    return has ? http_answer("200 OK", "refs") : http_answer("404 Not Found", "");
  });
  w.mirror = mirror.url("");
  CHECK(w.downloads().mirrored("git@github.com:Org/x.git") == mirror.url("/github.com/Org/x.git"));
  CHECK_FALSE(w.downloads().mirrored("git@github.com:Org/y.git"));
}
