// A small HTTP/1.1 server on the loopback, for tests of what servers and networks do: it answers each
// connection with the very bytes that the test wants, so it can cut, lie and stall.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mlops::test {

struct HttpRequestSeen {
  std::string method, path, body;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// What goes over the wire; then the connection is closed, or, with hold, kept open until the server ends.
struct HttpBytes {
  std::string bytes;
  bool hold = false;
};

inline HttpBytes http_answer(const std::string& status, const std::string& body,
                             const std::string& headers = "") {
  return {"HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n" + headers + "\r\n" + body};
}

// The same, with the connection cut after so many bytes of the body.
inline HttpBytes http_cut(const std::string& status, const std::string& body, std::size_t after,
                          const std::string& headers = "") {
  HttpBytes whole = http_answer(status, body, headers);
  whole.bytes.resize(whole.bytes.size() - body.size() + after);
  return whole;
}

// As a good server of static files: Range with If-Range, If-None-Match, ETag (RFC 9110).
inline HttpBytes http_file(const HttpRequestSeen& r, const std::string& body, const std::string& etag) {
  const std::string tag = "ETag: " + etag + "\r\n";
  if (r.header("if-none-match") == etag) return http_answer("304 Not Modified", "", tag);
  const std::string range = r.header("range"), condition = r.header("if-range");
  if (range.empty() || (!condition.empty() && condition != etag)) return http_answer("200 OK", body, tag);
  const std::size_t from = std::stoul(range.substr(std::string("bytes=").size()));
  const std::string total = std::to_string(body.size());
  if (from >= body.size())
    return http_answer("416 Range Not Satisfiable", "", "Content-Range: bytes */" + total + "\r\n");
  return http_answer("206 Partial Content", body.substr(from),
                     tag + "Content-Range: bytes " + std::to_string(from) + "-" +
                         std::to_string(body.size() - 1) + "/" + total + "\r\n");
}

class HttpServer {
 public:
  using Handler = std::function<HttpBytes(const HttpRequestSeen&)>;

  // port 0: any free one.
  explicit HttpServer(Handler handler, unsigned port = 0) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    socklen_t size = sizeof address;
    // A server that was there before may have left connections in TIME_WAIT.
    const int again = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
    if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 || pipe(stop_) != 0)
      throw std::runtime_error("the test's HTTP server cannot be started");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  // At a socket of the file system, which it removes at the end.
  HttpServer(Handler handler, const std::string& path) : handler_(std::move(handler)), path_(path) {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 16) != 0 || pipe(stop_) != 0)
      throw std::runtime_error("the test's HTTP server cannot be started");
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(listener_);
    for (const int fd : held_) close(fd);
    if (!path_.empty()) unlink(path_.c_str());
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(const std::string& path) const { return "http://" + host() + path; }
  std::vector<HttpRequestSeen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void serve() {
    for (;;) {
      pollfd fds[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents) return;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) answer(fd);
    }
  }

  void answer(int fd) {
    const HttpRequestSeen request = read_request(fd);
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(request);
    }
    const HttpBytes reply = handler_(request);
    for (std::size_t sent = 0; sent < reply.bytes.size();) {
      const ssize_t n = send(fd, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
    if (reply.hold)
      held_.push_back(fd);
    else
      close(fd);
  }

  static HttpRequestSeen read_request(int fd) {
    std::string head;
    char c;
    while (head.find("\r\n\r\n") == std::string::npos && read(fd, &c, 1) == 1) head += c;
    HttpRequestSeen r;
    r.method = head.substr(0, head.find(' '));
    const auto path = std::min(head.find(' ') + 1, head.size());
    r.path = head.substr(path, head.find(' ', path) - path);
    for (auto at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
      const auto end = head.find("\r\n", at + 2);
      const std::string line = head.substr(at + 2, end - at - 2);
      const auto colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char x) { return char(tolower(x)); });
      if (colon != std::string::npos) r.headers[name] = line.substr(colon + 2);
      at = end;
    }
    const std::string length = r.header("content-length");
    while (!length.empty() && r.body.size() < std::stoul(length) && read(fd, &c, 1) == 1) r.body += c;
    return r;
  }

  Handler handler_;
  int listener_ = -1, stop_[2] = {-1, -1};
  unsigned port_ = 0;
  std::string path_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<HttpRequestSeen> seen_;
  std::vector<int> held_;
};

}  // namespace mlops::test
