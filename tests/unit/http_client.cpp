// Requests beyond a plain GET.
#include "http/client.hpp"

#include <fcntl.h>

#include <cstdlib>
#include <fstream>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "support/catch.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using mlops::test::http_answer;
using mlops::test::HttpRequestSeen;
using mlops::test::HttpServer;
using mlops::test::TemporaryFolder;

namespace {

struct Asking {
  Cancellation cancellation;
  HttpClient http{cancellation, "", std::chrono::seconds(10)};
};

HttpRequest post(const std::string& url, const std::string& body) {
  HttpRequest request{.url = url};
  request.method = "POST";
  request.body = body;
  return request;
}

}  // namespace

TEST_CASE("a body is sent whole, with its length, and without waiting to be asked for it", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "yes"); });
  const std::string body = std::string(100'000, 'x') + '\0' + "end";
  const HttpAnswer answer = asking.http.ask(post(server.url("/p"), body), 10);
  CHECK(answer.body == "yes");
  REQUIRE(server.seen().size() == 1);
  CHECK(server.seen()[0].method == "POST");
  CHECK(server.seen()[0].body == body);
  CHECK(server.seen()[0].header("expect").empty());
  HttpRequest put{.url = server.url("/q")};
  put.method = "PUT";
  put.body = "";
  asking.http.ask(put, 10);
  CHECK(server.seen()[1].method == "PUT");
  CHECK(server.seen()[1].header("content-length") == "0");
}

TEST_CASE("a socket of the file system is asked instead of the host, and a file is sent as the body",
          "[http]") {
  Asking asking;
  const TemporaryFolder folder;
  const std::string path = folder / "socket", body = std::string(300'000, 'y') + '\0' + "end";
  const HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "yes"); }, path);
  std::ofstream(folder / "body", std::ios::binary) << body;
  const Handle file(open((folder / "body").c_str(), O_RDONLY | O_CLOEXEC));
  HttpRequest request{.url = "http://nobody.invalid/load?quiet=1"};
  request.method = "POST";
  request.unix_socket = path;
  request.body_file = file.get();
  request.body_file_size = body.size();
  for (int i = 0; i < 2; ++i) CHECK(asking.http.ask(request, 10).body == "yes");
  REQUIRE(server.seen().size() == 2);
  for (const HttpRequestSeen& seen : server.seen()) {
    CHECK(seen.method == "POST");
    CHECK(seen.path == "/load?quiet=1");
    CHECK(seen.body == body);
    CHECK(seen.header("expect").empty());
  }
  request.unix_socket = folder / "none";
  const HttpAnswer none = asking.http.ask(request, 10);
  CHECK(none.result.end == HttpResult::End::connection);
  CHECK_FALSE(none.result.sent);
}

TEST_CASE("after a body comes a plain GET again", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "yes"); });
  asking.http.ask(post(server.url("/p"), "x"), 10);
  asking.http.ask({.url = server.url("/g")}, 10);
  CHECK(server.seen()[1].method == "GET");
  CHECK(server.seen()[1].body.empty());
}

TEST_CASE("a redirect is followed, or is the answer", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen& seen) {
    return seen.path == "/to" ? http_answer("200 OK", "there")
                              : http_answer("302 Found", "moved", "Location: /to\r\nX-Note: n\r\n");
  });
  CHECK(asking.http.ask({.url = server.url("/from")}, 100).body == "there");
  HttpRequest request{.url = server.url("/from")};
  request.redirects = Redirects::refuse;
  request.response_headers = {"Location", "X-Note", "X-None"};
  const HttpAnswer answer = asking.http.ask(request, 100);
  CHECK(answer.result.response.status == 302);
  CHECK(answer.body == "moved");
  CHECK(answer.result.response.headers ==
        std::map<std::string, std::string>{{"Location", "/to"}, {"X-Note", "n"}});
}

TEST_CASE("an answer that is too long is refused", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "12345"); });
  CHECK(asking.http.ask({.url = server.url("/")}, 5).body == "12345");
  const HttpAnswer answer = asking.http.ask({.url = server.url("/")}, 4);
  CHECK(answer.result.end == HttpResult::End::refused);
  CHECK(answer.result.cause == "it answered more than 4 bytes");
  CHECK(answer.result.sent);
}

TEST_CASE("a lost answer is told from a request that was not sent", "[http]") {
  Asking asking;
  std::string gone;
  {
    const HttpServer server([](const HttpRequestSeen&) { return mlops::test::HttpBytes{}; });
    const HttpAnswer answer = asking.http.ask(post(server.url("/"), "x"), 10);
    CHECK(answer.result.end == HttpResult::End::connection);
    CHECK(answer.result.sent);
    gone = server.url("/");
  }
  const HttpAnswer answer = asking.http.ask(post(gone, "x"), 10);
  CHECK(answer.result.end == HttpResult::End::connection);
  CHECK_FALSE(answer.result.sent);
}

TEST_CASE("a time limit ends what does not answer", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen&) { return mlops::test::HttpBytes{"", true}; });
  HttpRequest request{.url = server.url("/")};
  request.time_limit = std::chrono::milliseconds(50);
  const HttpAnswer answer = asking.http.ask(request, 10);
  CHECK(answer.result.end == HttpResult::End::connection);
  CHECK(answer.result.sent);
}

TEST_CASE("the proxy variables are honoured, or not", "[http]") {
  Asking asking;
  const HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "yes"); });
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  HttpRequest request{.url = server.url("/")};
  const HttpResult::End by_proxy = asking.http.ask(request, 10).result.end;
  request.proxy = Proxy::none;
  const std::string direct = asking.http.ask(request, 10).body;
  ::unsetenv("http_proxy");
  CHECK(by_proxy == HttpResult::End::connection);
  CHECK(direct == "yes");
}
