// docker_image: an image of Docker, pulled from a registry or loaded from an archive.
#include <fmt/format.h>

#include <algorithm>

#include "domains/containers/image_reference.hpp"
#include "resource/module.hpp"
#include "resource/verified_url.hpp"

namespace mlops::modules {
namespace {

struct DockerImage {
  static constexpr auto type = "docker_image";
  enum class State { present, absent };

  struct Desired {
    std::string name;
    State state = State::present;
    std::optional<std::string> id, digest, platform, url, sha256;
    std::optional<Path> file, socket;
  };
  using Current = std::optional<ContainerImage>;

  static void describe(Schema<Desired>& s) {
    s.summary("An image of Docker: pulled from its registry, or loaded from an archive.");
    s.named_by("name");
    s.required(
        "name", &Desired::name,
        "Its name, as behind `docker pull`: \"hello-world\", \"repo:tag\", \"ghcr.io/owner/repo@sha256:…\". "
        "Without a tag it is latest. An image that is there stays, also when the registry has a newer one "
        "of the tag. With `--mirror` it is loaded from MIRROR/docker.io/library/hello-world/latest.tar "
        "(REGISTRY/REPOSITORY/TAG.tar), where the mirror has that.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: nothing has the name; an image goes with its last name, unless a container uses it.");
    s.optional(
         "digest", &Desired::digest,
         "The version that the registry must have sent, \"sha256:…\"; the tag then names it. It is known only "
         "of what came from a registry: a mirror is not asked.")
        .for_present();
    s.optional("image_id", &Desired::id,
               "The id that the image must have, \"sha256:…\", as `docker images --no-trunc` shows it.")
        .for_present();
    s.optional("platform", &Desired::platform, "\"linux/arm64\", \"linux/arm/v7\". Default: the daemon's own.")
        .for_present();
    s.optional(
         "file", &Desired::file,
         "Instead of a registry: an archive as `docker save` writes it, on the machine itself. Names that "
         "it has besides come along, and an undo leaves them.")
        .for_present();
    s.optional("url", &Desired::url, "Instead of a registry: where such an archive is fetched, http or https.")
        .for_present();
    s.optional("sha256", &Desired::sha256, "The archive's SHA-256, 64 hex digits. \"\" is as none.")
        .for_present();
    s.optional("socket", &Desired::socket,
               "The daemon's socket; DOCKER_HOST is not looked at. Default: /var/run/docker.sock, as root.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&DockerImage::check);
    s.example("From Docker Hub", R"({"type": "docker_image", "name": "hello-world"})");
    s.example("From an archive that is proved",
              R"({"type": "docker_image", "name": "course:1", "url": "https://example.org/course-1.tar",
  "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"})");
    s.example("No longer", R"({"type": "docker_image", "name": "course:1", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    std::string why;
    const auto reference = parse_image_reference(d.name, why);
    if (!reference) return c.error("name", fmt::format("`{}` is no name of an image: {}", d.name, why));
    if (d.state == State::absent) return;
    for (const auto& [name, value] : {std::pair{"image_id", &d.id}, {"digest", &d.digest}})
      if (is_given(*value) && !is_image_digest(**value))
        c.error(name, fmt::format("`{}` is not sha256: and 64 lower-case hex digits", **value));
    const bool archive = d.file || is_given(d.url);
    if (d.file && is_given(d.url)) c.error("url", "`file` and `url` are two sources");
    if (is_given(d.url)) check_verified_url(*d.url, d.sha256, {}, c);
    if (!archive && is_given(d.sha256)) c.error("sha256", "`sha256` is of an archive: `file` or `url`");
    if (d.file && is_given(d.sha256)) check_verified_url("https://localhost/archive", d.sha256, {}, c);
    if (archive && (is_given(d.digest) || !reference->digest.empty()))
      c.error(is_given(d.digest) ? "digest" : "name", "an archive does not keep a registry's digest",
              "`image_id` and `sha256` say what it must be");
    if (is_given(d.digest) && !reference->digest.empty()) c.error("digest", "`name` has a digest already");
    if (archive && is_given(d.platform)) c.error("platform", "an archive is of the platform that it is of");
    if (is_given(d.platform) && !is_platform(*d.platform))
      c.error("platform", fmt::format("`{}` is no platform", *d.platform), "linux/amd64, linux/arm/v7");
  }

  static Claims claims(const Desired& d) {
    Claims claims{{.kind = Claim::Kind::image, .key = image_key(socket(d), name(d))}};
    if (d.file && d.state == State::present)
      claims.push_back({.key = d.file->text, .access = Claim::Access::reads});
    return claims;
  }
  // Who may use the socket's folder: root, but for a daemon of one's own.
  static Actor actor(const Desired& d) { return {Actor::Kind::path, socket(d), ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    return machine.containers().image(socket(d), name(d));
  }

  //  current \ desired           present                                            absent
  //  nothing has the name        pull or load it                                    –
  //  another id, digest or       pull or load it, which takes the name from it      take the name away
  //  platform than asked for
  //  an image                    –                                                  take the name away
  static Diff diff(const Desired& d, const Current& now) {
    if (d.state == State::absent) {
      if (!now) return {};
      return {{Change::remove()}, {RemoveImage{socket(d), name(d)}}};
    }
    Diff diff;
    if (!now) {
      diff.changes.push_back(Change::create());
    } else if (!now->assumed) {
      if (is_given(d.id) && now->id != *d.id)
        diff.changes.push_back({.property = "id", .before = now->id, .after = *d.id});
      if (is_given(d.digest) && !has_digest(d, *now))
        diff.changes.push_back({.property = "digest", .before = digest_of(d, *now), .after = *d.digest});
      if (is_given(d.platform) && !is_for(*d.platform, now->platform))
        diff.changes.push_back({.property = "platform", .before = now->platform, .after = *d.platform});
    }
    if (diff.changes.empty()) return diff;
    if (d.file || is_given(d.url))
      diff.actions.push_back(
          LoadImage{socket(d), name(d), d.file ? d.file->text : "", d.url.value_or(""), d.sha256.value_or("")});
    else
      diff.actions.push_back(PullImage{socket(d), name(d), d.digest.value_or(""), d.platform.value_or("")});
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("name", d.name);
    if (d.socket) v.set("socket", d.socket->text);
    v.set("state", "absent");
    return v;
  }

  static Outputs outputs(const Desired& d, const Current& now) {
    Outputs o;
    o.values.set("name", name(d));
    if (d.state == State::absent) return o;
    if (!now || now->assumed) {
      o.unknown = {"id", "digest"};
      return o;
    }
    o.values.set("id", now->id);
    o.values.set("digest", digest_of(d, *now));
    return o;
  }

 private:
  static std::string socket(const Desired& d) { return d.socket ? d.socket->text : docker_socket; }
  static ImageReference reference(const Desired& d) {
    std::string why;
    return parse_image_reference(d.name, why).value_or(ImageReference());
  }
  static std::string name(const Desired& d) { return reference(d).name(); }

  // "os/architecture", perhaps with a variant.
  static bool is_platform(std::string_view text) {
    const auto slashes = std::count(text.begin(), text.end(), '/');
    return (slashes == 1 || slashes == 2) && !text.starts_with('/') && !text.ends_with('/') &&
           text.find("//") == std::string_view::npos &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789/._-") == std::string_view::npos;
  }
  // A variant counts only where one is asked for.
  static bool is_for(const std::string& wanted, const std::string& found) {
    return found == wanted ||
           (std::count(wanted.begin(), wanted.end(), '/') == 1 && found.starts_with(wanted + "/"));
  }

  static bool has_digest(const Desired& d, const ContainerImage& image) {
    const std::string wanted = reference(d).shown_repository() + "@" + *d.digest;
    return std::find(image.digests.begin(), image.digests.end(), wanted) != image.digests.end();
  }
  // Null for an image that came from no registry.
  static Value digest_of(const Desired& d, const ContainerImage& image) {
    const std::string begin = reference(d).shown_repository() + "@";
    for (const std::string& one : image.digests)
      if (one.starts_with(begin)) return one.substr(begin.size());
    return {};
  }
};

}  // namespace

MLOPS_MODULE(DockerImage);

}  // namespace mlops::modules
