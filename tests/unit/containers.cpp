// Images of a container daemon: its API, hostile answers, the mirror, plans and undo.
#include <filesystem>
#include <fstream>

#include "base/cancellation.hpp"
#include "base/digest.hpp"
#include "domains/before.hpp"
#include "domains/containers/image_reference.hpp"
#include "domains/containers/local.hpp"
#include "domains/inverse.hpp"
#include "domains/services/overlay.hpp"
#include "domains/simulation.hpp"
#include "state/journal_json.hpp"
#include "support/catch.hpp"
#include "support/docker_daemon.hpp"
#include "support/fake_machine.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

struct World {
  TemporaryFolder folder;
  std::string socket = folder / "docker.sock";
  DockerDaemon daemon{socket};
  Cancellation cancellation;
  Walker walker{false};
  ActingUser who{.name = "ada", .home = "/home/ada", .shell = "/bin/sh"};
  ProgressSink progress = [this](const Progress& p) { told.push_back(p.doing); };
  std::vector<std::string> told;
  std::string mirror;

  LocalContainers local() { return {who, mirror, walker, cancellation, progress}; }
  template <class A>
  std::string failure(const A& action) {
    try {
      local().perform(action);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  std::string reading() {
    try {
      return local().image(socket, "a:1") ? "found" : "absent";
    } catch (const Error& e) {
      return e.what();
    }
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string name_of(const std::string& text) {
  std::string why;
  const auto found = parse_image_reference(text, why);
  return found ? found->name() + " " + found->archive_url().value_or("-") : "no: " + why;
}

}  // namespace

TEST_CASE("names of images are read as Docker reads them") {
  const std::string digest = DockerDaemon::sha256('1');
  CHECK(name_of("hello-world") == "hello-world:latest https://docker.io/library/hello-world/latest.tar");
  CHECK(name_of("docker.io/library/hello-world:latest") ==
        "hello-world:latest https://docker.io/library/hello-world/latest.tar");
  CHECK(name_of("index.docker.io/ada/tool:1.2") == "ada/tool:1.2 https://docker.io/ada/tool/1.2.tar");
  CHECK(name_of("localhost:5000/x:a-1") == "localhost:5000/x:a-1 https://localhost:5000/x/a-1.tar");
  CHECK(name_of("ghcr.io/o/r@" + digest) == "ghcr.io/o/r@" + digest + " -");
  for (const char* wrong :
       {"", "Upper", "a b", "a:", "a:-x", "a//b", "a/../b", "-a", "a-", "a:b:c", "a@sha256:12", "a?x=1", "a%2f",
        "x_.y", "ex ample.org/a", "a\nb", ".org/a", "host:port/a"})
    CHECK(has(name_of(wrong), "no: "));
  CHECK(has(name_of("a:1@" + digest), "beside a tag it is `digest`"));
  CHECK(has(name_of(std::string(64, 'a')), "that is `image_id`"));
  CHECK(has(name_of(std::string(256, 'a')), "no: "));
}

TEST_CASE("an image is read by one request") {
  World w;
  CHECK_FALSE(w.local().image(w.socket, "a:1"));
  w.daemon.put("a:1", {DockerDaemon::sha256('1'), DockerDaemon::sha256('2')});
  const auto found = w.local().image(w.socket, "a:1");
  REQUIRE(found);
  CHECK(found->id == DockerDaemon::sha256('1'));
  CHECK(found->tags == std::vector<std::string>{"a:1"});
  CHECK(found->digests == std::vector<std::string>{"a@" + DockerDaemon::sha256('2')});
  CHECK(found->platform == "linux/amd64");
  CHECK(w.daemon.asked() == std::vector<std::string>{"GET /images/a:1/json", "GET /images/a:1/json"});
  CHECK(w.daemon.strange().empty());
}

TEST_CASE("a daemon that is not there, or must not be asked, is told apart") {
  World w;
  const auto kind = [&](const std::string& socket) {
    try {
      w.local().image(socket, "a:1");
    } catch (const Error& e) {
      return e.kind();
    }
    return ErrorKind::other;
  };
  CHECK(kind(w.folder / "none") == ErrorKind::unavailable);
  std::ofstream(w.folder / "file") << "x";
  CHECK(kind(w.folder / "file") == ErrorKind::unavailable);
  CHECK(has(w.failure(RemoveImage{w.folder / "none", "a:1"}), "install Docker (docker.io) or start it"));
  CHECK(has(w.failure(RemoveImage{"/" + std::string(200, 'x'), "a:1"}), "too long for the name of a socket"));
}

TEST_CASE("an image is pulled, by tag, by digest, for a platform") {
  World w;
  const DockerDaemon::Image image{DockerDaemon::sha256('1'), DockerDaemon::sha256('2')};
  w.daemon.publish("hello-world latest", image);
  CHECK(w.failure(PullImage{w.socket, "hello-world:latest", "", ""}).empty());
  CHECK(w.told == std::vector<std::string>{"pulling hello-world:latest", "pulling hello-world:latest"});
  CHECK(w.daemon.images().at("hello-world:latest").id == image.id);
  w.daemon.publish("b " + image.digest, image);
  CHECK(w.failure(PullImage{w.socket, "b:1", image.digest, ""}).empty());
  CHECK(w.daemon.images().at("b:1").id == image.id);
  w.daemon.publish("c 1 linux/arm64", image);
  CHECK(w.failure(PullImage{w.socket, "c:1", "", "linux/arm64"}).empty());
  CHECK(w.daemon.images().contains("c:1"));
  CHECK(w.daemon.strange().empty());
}

TEST_CASE("each way in which a pull fails says what to do") {
  World w;
  const auto pulled = [&](const std::string& words) {
    w.daemon.fail_pulls(words);
    return w.failure(PullImage{w.socket, "a:1", "", "linux/arm64"});
  };
  CHECK(has(w.failure(PullImage{w.socket, "a:1", "", ""}),
            "the registry has no such image: correct its name or tag"));
  CHECK(has(pulled("toomanyrequests: You have reached your pull rate limit."),
            "limit of pulls is reached: wait"));
  CHECK(has(pulled("no matching manifest for linux/arm64/v8 in the manifest list entries"),
            "does not have it for linux/arm64"));
  CHECK(
      has(pulled("pull access denied for a, repository does not exist or may require docker login: denied: x"),
          "only after a login"));
  CHECK(has(pulled("write /var/lib/x: no space left on device"), "disk is full"));
  CHECK(has(pulled("strange \\u001b[31m words"), "a:1: strange \\x1b[31m words"));
  CHECK(is_network_trouble("Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup x: no such host"));
  CHECK(
      has(pull_error("a:1", "", "dial tcp 192.0.2.1:443: i/o timeout").what(), "does not reach the registry"));
}

TEST_CASE("an archive is loaded from a file, proved by its digest") {
  World w;
  const std::string file = w.folder / "a.tar", text = archive_of("a:1");
  std::ofstream(file) << text;
  CHECK(w.failure(LoadImage{w.socket, "a:1", file, "", sha256_hex(text)}).empty());
  CHECK(w.daemon.images().contains("a:1"));
  CHECK(has(w.failure(LoadImage{w.socket, "a:1", file, "", std::string(64, '0')}), "expected 0000"));
  CHECK(has(w.failure(LoadImage{w.socket, "b:1", file, "", ""}), "the archive has no image b:1, but a:1"));
  std::ofstream(file) << archive_of("");
  CHECK(w.failure(LoadImage{w.socket, "c:1", file, "", ""}).empty());
  CHECK(w.daemon.images().contains("c:1"));
  std::ofstream(file) << "no archive";
  CHECK(has(w.failure(LoadImage{w.socket, "a:1", file, "", ""}), "unexpected EOF"));
  CHECK(has(w.failure(LoadImage{w.socket, "a:1", w.folder / "none", "", ""}), "cannot read"));
  std::filesystem::create_directory(w.folder / "d");
  CHECK(has(w.failure(LoadImage{w.socket, "a:1", w.folder / "d", "", ""}), "is not a file"));
  CHECK(w.daemon.strange().empty());
}

TEST_CASE("an archive comes from a URL, or from the mirror, before a registry is asked") {
  World w;
  const std::string text = archive_of("hello-world:latest");
  const HttpServer server([&](const HttpRequestSeen& r) {
    return r.path.ends_with("latest.tar") ? http_answer("200 OK", text) : http_answer("404 Not Found", "");
  });
  CHECK(w.failure(LoadImage{w.socket, "hello-world:latest", "", server.url("/latest.tar"), sha256_hex(text)})
            .empty());
  CHECK(has(w.failure(LoadImage{w.socket, "a:1", "", server.url("/other"), ""}), "404 Not Found"));

  const PullImage pull{w.socket, "hello-world:latest", "", ""};
  const auto registry_asked = [&] {
    for (const std::string& one : w.daemon.asked())
      if (has(one, "/images/create")) return true;
    return false;
  };
  w.mirror = server.url("/m");
  CHECK(w.failure(pull).empty());
  CHECK(server.seen().back().path == "/m/docker.io/library/hello-world/latest.tar");
  w.mirror = w.folder / "mirror";
  std::filesystem::create_directories(w.mirror + "/docker.io/library/hello-world");
  std::ofstream(w.mirror + "/docker.io/library/hello-world/latest.tar") << text;
  CHECK(w.failure(pull).empty());
  CHECK_FALSE(registry_asked());
  const std::string none = w.failure(PullImage{w.socket, "other:1", "", ""});
  CHECK(has(none, "there is no " + w.mirror + "/docker.io/library/other/1.tar"));
  CHECK(has(none, "the registry has no such image"));
  CHECK(registry_asked());
}

TEST_CASE("a name is given and taken away") {
  World w;
  w.daemon.put("a:1", {DockerDaemon::sha256('1'), ""});
  CHECK(w.failure(TagImage{w.socket, DockerDaemon::sha256('1'), "b:2"}).empty());
  CHECK(w.daemon.images().contains("b:2"));
  CHECK(has(w.failure(TagImage{w.socket, DockerDaemon::sha256('9'), "b:2"}), "No such image"));
  CHECK(has(w.failure(TagImage{w.socket, "../x", "b:2"}), "cannot be named"));
  CHECK(w.failure(RemoveImage{w.socket, "a:1"}).empty());
  CHECK(w.failure(RemoveImage{w.socket, "a:1"}).empty());
  w.daemon.use("b:2");
  CHECK(has(w.failure(RemoveImage{w.socket, "b:2"}), "in use; `docker ps -a`"));
  CHECK(has(w.failure(RemoveImage{w.socket, "b:2/../../containers/x"}), "no name of an image"));
  CHECK(w.daemon.strange().empty());
}

TEST_CASE("what no daemon answers is an error with its position, and never believed") {
  World w;
  const auto answered = [&](const std::string& body) {
    w.daemon.answer_always(http_answer("200 OK", body).bytes);
    return w.reading();
  };
  CHECK(has(answered("{\"Id\": }"), "an image, line 1, column 8"));
  CHECK(has(answered(""), "not what the Engine API has"));
  CHECK(has(answered("[]"), "an image is a list"));
  CHECK(has(answered(R"({"Id": 7})"), "Id is an integer, not a text"));
  CHECK(has(answered(R"({"Id": "x\u001b"})"), "is no id of an image"));
  CHECK(has(answered(R"({"Id": ")" + DockerDaemon::sha256('1') + R"(", "RepoTags": [7]})"),
            "RepoTags has an integer"));
  CHECK(has(answered(std::string(5u << 20, ' ')), "more than"));
  CHECK(has(answered(std::string(100'000, '[')), "not what the Engine API has"));
  w.daemon.answer_always(http_answer("500 Internal Server Error", "<html>").bytes);
  CHECK(has(w.reading(), "does not show the image a:1: 500 Internal Server Error"));
  w.daemon.answer_always("garbage\r\n\r\n");
  CHECK(has(w.reading(), "did not answer"));
  const PullImage pull{w.socket, "a:1", "", ""};
  w.daemon.answer_always(http_answer("200 OK", "{}\n{\"error\": 7}\n").bytes);
  CHECK(has(w.failure(pull), "error is an integer"));
  w.daemon.answer_always(http_answer("200 OK", "{}\n{\"a\": x}\n").bytes);
  CHECK(has(w.failure(pull), "message 2, line 1, column 7"));
  w.daemon.answer_always(http_answer("200 OK", std::string(1u << 20, ' ')).bytes);
  CHECK(has(w.failure(pull), "message 1 is too long"));
}

TEST_CASE("reverting changes to images") {
  const auto back = [](const Action& action, const ContainersReplaced& before) {
    const Inverse i = inverse(action, before);
    std::string all;
    for (const Action& one : i.actions) all += to_json(to_kept(one));
    for (const std::string& one : i.stays) all += "stays: " + one;
    return all;
  };
  const std::string id = DockerDaemon::sha256('1');
  const ContainersReplaced none{.had_image = false, .image_id = ""}, one{.had_image = true, .image_id = id},
      several{.had_image = true, .image_id = id, .image_has_other_names = true};
  const std::string removed = to_json(to_kept(RemoveImage{"/s", "a:1"})),
                    named = to_json(to_kept(TagImage{"/s", id, "a:1"}));
  for (const Action& action :
       {Action(PullImage{"/s", "a:1", "", ""}), Action(LoadImage{"/s", "a:1", "/f", "", ""}),
        Action(TagImage{"/s", DockerDaemon::sha256('2'), "a:1"})}) {
    CHECK(back(action, none) == removed);
    CHECK(back(action, one) == named);
    CHECK(back(action, {}).empty());
  }
  CHECK(back(RemoveImage{"/s", "a:1"}, none).empty());
  CHECK(back(RemoveImage{"/s", "a:1"}, several) == named);
  CHECK(has(back(RemoveImage{"/s", "a:1"}, one), "stays: the image a:1 (" + id + ")"));
}

TEST_CASE("a plan knows what it does to images, and does not ask a daemon that is to come") {
  FakeMachine real;
  SimulatedHost host(real, real);
  Simulation s(host, real, "root");
  const auto found = [&](const std::string& socket = docker_socket) -> std::string {
    try {
      const auto image = simulated(FindImage{socket, "a:1"}, s);
      return !image ? "absent" : image->assumed ? "assumed" : image->id;
    } catch (const Unknown& u) {
      return "waits for " + (u.waits_for.empty() ? "nothing" : u.waits_for.front());
    } catch (const Error& e) {
      return e.what();
    }
  };
  SECTION("its own actions") {
    CHECK(found() == "absent");
    simulate(PullImage{docker_socket, "a:1", "", ""}, s);
    CHECK(found() == "assumed");
    CHECK(found("/other.sock") == "absent");
    simulate(TagImage{docker_socket, "sha256:1", "a:1"}, s);
    CHECK(found() == "sha256:1");
    simulate(RemoveImage{docker_socket, "a:1"}, s);
    CHECK(found() == "absent");
    simulate(LoadImage{docker_socket, "a:1", "/a.tar", "", ""}, s);
    CHECK(found() == "assumed");
  }
  SECTION("a daemon that does not answer") {
    real.i.trouble = Error("nobody answers", ErrorKind::unavailable);
    CHECK(found() == "nobody answers");
    host.all = {"service[docker]"};
    CHECK(found() == "nobody answers");
    host.installing = {"package[docker.io]"};
    CHECK(found() == "absent");
    host.overlay<OverlayServices>().apply({"docker.service", ChangeUnit::Verb::start});
    CHECK(found() == "absent");
    host.installing.clear();
    CHECK(found() == "waits for service[docker]");
    CHECK(found("/other.sock") == "waits for service[docker]");
  }
  SECTION("a daemon that a question would start") {
    host.all = {"service[docker]"};
    host.overlay<OverlayServices>().apply({"docker.service", ChangeUnit::Verb::start});
    host.installing = {"package[git]"};
    real.f.file(docker_socket, "");
    CHECK(found() == "waits for service[docker]");
    CHECK(real.i.asked.empty());
    real.s.units["docker.service"] = {"docker.service", "loaded", "active", "running", "enabled", true, "1"};
    CHECK(found() == "absent");
    CHECK(real.i.asked.size() == 1);
  }
  SECTION("a right that is to come") {
    real.i.trouble = Error("not you", ErrorKind::denied);
    CHECK(found() == "not you");
    host.all = {"user[ada]"};
    CHECK(found() == "waits for user[ada]");
  }
}
