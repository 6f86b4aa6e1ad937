// A stand-in for Docker's daemon: the part of its Engine API (1.41) that concerns images, on a socket of its
// own. What the API does not have is answered as a mistake, and noted.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "support/http_server.hpp"

namespace mlops::test {

// What `docker load` is given, as far as the stand-in reads it.
inline std::string archive_of(const std::string& tag) { return R"([{"RepoTags": [")" + tag + R"("]}])"; }

class DockerDaemon {
 public:
  struct Image {
    std::string id, digest;
    std::string platform = "amd64";
  };

  explicit DockerDaemon(const std::string& socket)
      : server_([this](const auto& r) { return answer(r); }, socket) {}

  // "sha256:" and 64 times the digit.
  static std::string sha256(char digit) { return "sha256:" + std::string(64, digit); }

  // What its registry has, by repository and tag or digest: "hello-world latest".
  void publish(const std::string& what, Image image) {
    locked([&] { registry_[what] = std::move(image); });
  }
  void put(const std::string& name, Image image) {
    locked([&] { images_[name] = std::move(image); });
  }
  // A pull ends with these words, …
  void fail_pulls(const std::string& words) {
    locked([&] { pull_failure_ = words; });
  }
  // … or each request with these bytes.
  void answer_always(const std::string& bytes) {
    locked([&] { always_ = bytes; });
  }
  void use(const std::string& name) {
    locked([&] { used_ = name; });
  }

  std::map<std::string, Image> images() const {
    const std::lock_guard lock(mutex_);
    return images_;
  }
  // "GET /images/x/json", without those that the API does not have.
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const HttpRequestSeen& r : server_.seen()) all.push_back(r.method + " " + r.path);
    return all;
  }
  std::string strange() const {
    const std::lock_guard lock(mutex_);
    return strange_;
  }

 private:
  template <class F>
  void locked(F f) {
    const std::lock_guard lock(mutex_);
    f();
  }

  static std::string unescaped(const std::string& text) {
    std::string s;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '%') {
        s += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        s += text[i];
      }
    return s;
  }
  static std::map<std::string, std::string> query_of(const std::string& path) {
    std::map<std::string, std::string> all;
    for (auto at = path.find('?'); at != std::string::npos;) {
      const auto end = path.find('&', at + 1);
      const std::string one = path.substr(at + 1, end == std::string::npos ? end : end - at - 1);
      all[one.substr(0, one.find('='))] = unescaped(one.substr(one.find('=') + 1));
      at = end;
    }
    return all;
  }
  static HttpBytes complaint(const std::string& status, const std::string& message) {
    return http_answer(status, "{\"message\":\"" + message + "\"}", "Content-Type: application/json\r\n");
  }

  HttpBytes answer(const HttpRequestSeen& r) {
    const std::lock_guard lock(mutex_);
    if (!always_.empty()) return {always_};
    const std::string path = r.path.substr(0, r.path.find('?'));
    if (r.header("host") == "" || !path.starts_with("/images/")) return refuse(r);
    const std::string rest = path.substr(8);
    if (r.method == "GET" && rest.ends_with("/json")) return show(rest.substr(0, rest.size() - 5));
    if (r.method == "POST" && rest == "create") return pull(r);
    if (r.method == "POST" && rest == "load") return load(r);
    if (r.method == "POST" && rest.ends_with("/tag")) return tag(rest.substr(0, rest.size() - 4), r);
    if (r.method == "DELETE") return remove(rest);
    return refuse(r);
  }
  HttpBytes refuse(const HttpRequestSeen& r) {
    strange_ += r.method + " " + r.path + "\n";
    return complaint("404 Not Found", "page not found");
  }

  // By name, "repository@digest" or id.
  const Image* find(const std::string& what) const {
    for (const auto& [name, image] : images_)
      if (name == what || image.id == what || name.substr(0, name.rfind(':')) + "@" + image.digest == what)
        return &image;
    return nullptr;
  }
  HttpBytes show(const std::string& name) {
    const Image* image = find(name);
    if (!image) return complaint("404 Not Found", "No such image: " + name);
    std::string tags, digests;
    for (const auto& [other, one] : images_)
      if (one.id == image->id && !other.starts_with("<none>")) {
        tags += (tags.empty() ? "\"" : ", \"") + other + "\"";
        if (!one.digest.empty())
          digests +=
              (digests.empty() ? "\"" : ", \"") + other.substr(0, other.rfind(':')) + "@" + one.digest + "\"";
      }
    return http_answer("200 OK", "{\"Id\":\"" + image->id + "\",\"RepoTags\":[" + tags + "],\"RepoDigests\":[" +
                                     digests + "],\"Os\":\"linux\",\"Architecture\":\"" + image->platform +
                                     "\"}");
  }
  HttpBytes pull(const HttpRequestSeen& r) {
    auto query = query_of(r.path);
    const std::string repository = query["fromImage"], version = query["tag"], platform = query["platform"];
    if (repository.empty() || version.empty() || !r.body.empty()) return refuse(r);
    const std::string begin = R"({"status":"Pulling from )" + repository + "\",\"id\":\"" + version + "\"}\r\n";
    if (!pull_failure_.empty())
      return http_answer("200 OK", begin + R"({"errorDetail":{"message":")" + pull_failure_ +
                                       R"("},"error":")" + pull_failure_ + "\"}\r\n");
    const auto found = registry_.find(repository + " " + version + (platform.empty() ? "" : " " + platform));
    if (found == registry_.end())
      return complaint("404 Not Found",
                       "manifest for " + repository + ":" + version + " not found: manifest unknown");
    const bool by_digest = version.starts_with("sha256:");
    images_[by_digest ? repository + ":<none>" : repository + ":" + version] = found->second;
    return http_answer(
        "200 OK",
        begin + R"({"status":"Downloading","progressDetail":{"current":5,"total":9},"id":"0e03bdcc26d7"})" +
            "\r\n{\"status\":\"Status: Downloaded newer image\"}\r\n");
  }
  HttpBytes load(const HttpRequestSeen& r) {
    if (r.header("content-type") != "application/x-tar" || r.body.empty()) return refuse(r);
    const std::string begin = "\"RepoTags\": [\"";
    const auto at = r.body.find(begin);
    if (at == std::string::npos)
      return http_answer("200 OK", R"({"errorDetail":{"message":"unexpected EOF"},"error":"unexpected EOF"})");
    const auto from = at + begin.size();
    const std::string name = r.body.substr(from, r.body.find('"', from) - from);
    const Image image{sha256('a'), ""};
    images_[name.empty() ? "<none>:<none>" : name] = image;
    const std::string told = name.empty() ? "Loaded image ID: " + image.id : "Loaded image: " + name;
    return http_answer("200 OK", "{\"stream\":\"" + told + "\\n\"}\r\n");
  }
  HttpBytes tag(const std::string& what, const HttpRequestSeen& r) {
    auto query = query_of(r.path);
    const Image* image = find(what);
    if (query["repo"].empty() || query["tag"].empty()) return refuse(r);
    if (!image) return complaint("404 Not Found", "No such image: " + what);
    images_[query["repo"] + ":" + query["tag"]] = Image(*image);
    return http_answer("201 Created", "");
  }
  HttpBytes remove(const std::string& name) {
    if (name == used_)
      return complaint("409 Conflict", "conflict: unable to remove repository reference (must force)");
    if (images_.erase(name) == 0) return complaint("404 Not Found", "No such image: " + name);
    return http_answer("200 OK", "[{\"Untagged\":\"" + name + "\"}]");
  }

  mutable std::mutex mutex_;
  std::map<std::string, Image> images_, registry_;
  std::string pull_failure_, always_, used_, strange_;
  HttpServer server_;
};

}  // namespace mlops::test
