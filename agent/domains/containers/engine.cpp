#include "domains/containers/engine.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/handle.hpp"
#include "base/percent_encoding.hpp"
#include "base/printable.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

constexpr std::size_t most_answer = 4u << 20, most_line = 256u << 10, most_stream = 256u << 20;
constexpr std::size_t most_names = 1000, most_layers = 1000;
constexpr std::chrono::milliseconds answer_limit{60'000};

[[noreturn]] void no_answer(const std::string& what) {
  throw Error("the container daemon's answer is not what the Engine API has: " + what);
}

// Where it stands in the answer is part of the error.
Value parsed(const Source& source) {
  Diagnostics diagnostics;
  auto value = parse_document(source, diagnostics);
  if (diagnostics.empty() && value) return *std::move(value);
  if (diagnostics.empty()) no_answer(source.name + " is empty");
  const Diagnostic& first = diagnostics.list().front();
  no_answer(fmt::format("{}, line {}, column {}: {}", source.name, first.where.line, first.where.column,
                        printable(first.message)));
}

std::string text_of(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  if (!value || value->is_null()) return "";
  if (!value->is_string()) no_answer(fmt::format("{} is {}, not a text", key, value->kind_name()));
  return value->as_string();
}

std::vector<std::string> texts_of(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  std::vector<std::string> texts;
  if (!value || value->is_null()) return texts;
  if (!value->is_array()) no_answer(fmt::format("{} is {}, not a list", key, value->kind_name()));
  if (value->as_array().size() > most_names) no_answer(fmt::format("{} has too many elements", key));
  for (const Value& one : value->as_array()) {
    if (!one.is_string()) no_answer(fmt::format("{} has {} in it", key, one.kind_name()));
    texts.push_back(one.as_string());
  }
  return texts;
}

std::uint64_t count_of(const Value* object, std::string_view key) {
  const Value* value = object ? object->find(key) : nullptr;
  return value && value->is_integer() && value->as_integer() > 0
             ? static_cast<std::uint64_t>(value->as_integer())
             : 0;
}

ContainerImage image_of(const std::string& body) {
  const Source source{"an image", body};
  const Value v = parsed(source);
  if (!v.is_object()) no_answer(fmt::format("an image is {}", v.kind_name()));
  ContainerImage image{.id = text_of(v, "Id"),
                       .tags = texts_of(v, "RepoTags"),
                       .digests = texts_of(v, "RepoDigests"),
                       .platform = "",
                       .assumed = false};
  if (!image.id.starts_with("sha256:") || image.id.size() != 71)
    no_answer(fmt::format("`{}` is no id of an image", printable(image.id)));
  const std::string os = text_of(v, "Os"), architecture = text_of(v, "Architecture"),
                    variant = text_of(v, "Variant");
  if (!os.empty() && !architecture.empty())
    image.platform = os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
  return image;
}

// {"message": "…"} of an answer that is no success; its status where there is none.
std::string complaint(const HttpAnswer& answer) {
  const Source source{"an error", answer.body};
  Diagnostics diagnostics;
  const auto value = parse_document(source, diagnostics);
  const Value* message = value ? value->find("message") : nullptr;
  if (message && message->is_string() && !message->as_string().empty()) return printable(message->as_string());
  return http_status_text(answer.result.response.status);
}

// The errno of a connection to the socket; 0 if it can be had.
int connect_error(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Handle fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// The bytes of all layers, as the lines about them tell.
class LayerBytes {
 public:
  void note(const Value& line) {
    if (text_of(line, "status") != "Downloading") return;
    const std::string id = text_of(line, "id");
    if (!layers_.contains(id) && layers_.size() >= most_layers) return;
    const Value* detail = line.find("progressDetail");
    layers_[id] = {count_of(detail, "current"), count_of(detail, "total")};
  }
  void tell(const ContainerEngine::Progress& progress) const {
    std::uint64_t done = 0, total = 0;
    for (const auto& [id, bytes] : layers_) done += bytes.first, total += bytes.second;
    if (total > 0) progress(done, total);
  }

 private:
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> layers_;
};

}  // namespace

ContainerEngine::ContainerEngine(HttpClient& http, const ActingUser& who, std::string socket)
    : http_(http), who_(who), socket_(std::move(socket)) {}

HttpRequest ContainerEngine::request(const char* method, std::string path) const {
  HttpRequest r;
  r.method = method;
  r.url = "http://localhost" + std::move(path);
  r.unix_socket = socket_;
  r.redirects = Redirects::refuse;
  r.proxy = Proxy::none;
  r.resend = Resend::never;
  return r;
}

void ContainerEngine::fail(const HttpResult& result) const {
  if (!result.sent) switch (connect_error(socket_)) {
      case EACCES:
      case EPERM:
        throw Error(
            fmt::format("{0} may not use the container daemon at {1}: `sudo usermod -aG docker {0}` puts "
                        "it into the daemon's group",
                        who_.name, socket_),
            ErrorKind::denied);
      case ENAMETOOLONG:
        throw Error(fmt::format("{} is too long for the name of a socket", socket_));
      case ENOENT:
      case ENOTDIR:
        throw Error(
            fmt::format("there is no container daemon: {} does not exist; install Docker (docker.io) or "
                        "start it (`systemctl start docker`)",
                        socket_),
            ErrorKind::unavailable);
      case ECONNREFUSED:
        throw Error(
            fmt::format("no container daemon answers at {}: `systemctl start docker` starts Docker's", socket_),
            ErrorKind::unavailable);
      default:
        break;
    }
  throw Error(fmt::format("the container daemon at {} did not answer: {}", socket_, printable(result.cause)));
}

HttpAnswer ContainerEngine::ask(const HttpRequest& request) const {
  HttpRequest limited = request;
  limited.time_limit = answer_limit;
  HttpAnswer answer = http_.ask(limited, most_answer);
  if (answer.result.end != HttpResult::End::answered) fail(answer.result);
  return answer;
}

std::optional<ContainerImage> ContainerEngine::image(const std::string& name) const {
  const HttpAnswer answer = ask(request("GET", fmt::format("/images/{}/json", name)));
  if (answer.result.response.status == 404) return {};
  if (answer.result.response.status != 200)
    throw Error(fmt::format("the container daemon does not show the image {}: {}", name, complaint(answer)));
  return image_of(answer.body);
}

void ContainerEngine::stream(HttpRequest request, const std::string& doing,
                             const std::function<void(const Value&, std::size_t)>& on_line) const {
  std::string line, body;
  std::size_t number = 0, all = 0;
  long status = 0;
  const auto end_line = [&] {
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      const Source source{fmt::format("message {}", number), line};
      const Value v = parsed(source);
      if (!v.is_object()) no_answer(fmt::format("message {} is {}", number, v.kind_name()));
      on_line(v, number);
    }
    line.clear();
  };
  request.on_response = [&](const HttpResponse& response) {
    status = response.status;
    return true;
  };
  request.on_data = [&](std::string_view bytes) {
    if ((all += bytes.size()) > most_stream) no_answer("it is too long");
    if (status != 200) {
      body.append(bytes.substr(0, most_line - std::min(most_line, body.size())));
      return;
    }
    for (; !bytes.empty();) {
      const auto newline = bytes.find('\n');
      line.append(bytes.substr(0, newline));
      if (line.size() > most_line) no_answer(fmt::format("message {} is too long", number + 1));
      if (newline == std::string_view::npos) return;
      end_line();
      bytes.remove_prefix(newline + 1);
    }
  };
  const HttpResult result = http_.send(request);
  if (result.end != HttpResult::End::answered) fail(result);
  if (status != 200) {
    HttpAnswer answer{result, body};
    answer.result.response.status = status;
    throw Error(complaint(answer)).while_doing(doing);
  }
  if (!line.empty()) end_line();
}

void ContainerEngine::pull(const std::string& repository, const std::string& tag_or_digest,
                           const std::string& platform, const Progress& progress) const {
  std::string path = fmt::format("/images/create?fromImage={}&tag={}", percent_encoded(repository),
                                 percent_encoded(tag_or_digest));
  if (!platform.empty()) path += "&platform=" + percent_encoded(platform);
  LayerBytes layers;
  std::string failure;
  stream(request("POST", std::move(path)), "pulling " + repository, [&](const Value& line, std::size_t) {
    if (const std::string error = text_of(line, "error"); !error.empty()) failure = error;
    layers.note(line);
    layers.tell(progress);
  });
  if (!failure.empty()) throw Error(printable(failure));
}

std::vector<std::string> ContainerEngine::load(int archive, std::uint64_t size) const {
  HttpRequest r = request("POST", "/images/load?quiet=1");
  r.headers = {"Content-Type: application/x-tar"};
  r.body_file = archive;
  r.body_file_size = size;
  std::string failure, told;
  stream(std::move(r), "loading the archive", [&](const Value& line, std::size_t) {
    if (const std::string error = text_of(line, "error"); !error.empty()) failure = error;
    told += text_of(line, "stream");
    if (told.size() > most_answer) no_answer("it is too long");
  });
  if (!failure.empty()) throw Error(printable(failure)).while_doing("loading the archive");
  std::vector<std::string> brought;
  for (std::size_t at = 0; at < told.size();) {
    const auto end = std::min(told.find('\n', at), told.size());
    const std::string_view one = std::string_view(told).substr(at, end - at);
    for (const std::string_view begin : {"Loaded image: ", "Loaded image ID: "})
      if (one.starts_with(begin)) brought.emplace_back(one.substr(begin.size()));
    at = end + 1;
  }
  return brought;
}

void ContainerEngine::tag(const std::string& image, const std::string& repository,
                          const std::string& tag) const {
  const HttpAnswer answer =
      ask(request("POST", fmt::format("/images/{}/tag?repo={}&tag={}", image, percent_encoded(repository),
                                      percent_encoded(tag))));
  if (answer.result.response.status != 201)
    throw Error(fmt::format("{} cannot be named {}:{}: {}", image, repository, tag, complaint(answer)));
}

void ContainerEngine::remove(const std::string& name) const {
  const HttpAnswer answer = ask(request("DELETE", "/images/" + name));
  const long status = answer.result.response.status;
  if (status == 200 || status == 404) return;
  if (status == 409)
    throw Error(
        fmt::format("the image {} is in use; `docker ps -a` shows by what: {}", name, complaint(answer)));
  throw Error(fmt::format("the image {} cannot be removed: {}", name, complaint(answer)));
}

}  // namespace mlops
