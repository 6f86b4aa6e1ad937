// What interrupted steps leave, and that nobody gets it back.
#include "domains/leftovers.hpp"

#include "domains/inverse.hpp"
#include "support/catch.hpp"

namespace {

using namespace mlops;
using Kind = SavedPath::Kind;
using Paths = std::vector<std::string>;

Before at(const std::string& path, Kind kind) { return FilesReplaced{.paths = {{.path = path, .kind = kind}}}; }

}  // namespace

TEST_CASE("what is written may be left under its temporary name, beside where the links led to") {
  CHECK(leftovers({WriteFile{.path = "/link/f"}}, {at("/real/f", Kind::absent)}) ==
        Paths{"/real/.f.mlops-agent-new"});
  CHECK(leftovers({CreateDirectory{.path = "/d"}}, {at("/d", Kind::absent)}) ==
        Paths{"/.d.mlops-agent-folder"});
  CHECK(leftovers({Download{.path = "/d/f"}}, {at("/d/f", Kind::file)}) == Paths{"/d/.f.mlops-agent-part"});
  CHECK(leftovers({RestorePath{{.path = "/f", .kind = Kind::file}, {}}}, {at("/f", Kind::absent)}) ==
        Paths{"/.f.mlops-agent-new"});
  CHECK(leftovers({RemovePath{"/f"}, SetAttributes{.path = "/g"}}, {}).empty());
}

TEST_CASE("what was to be renamed, and what a program made of its bounded part, may be left") {
  const std::string half = "/srv/.site.mlops-agent-clone";
  const std::vector<Action> clone{RunCommand{.creates = {half}, .bounded = true},
                                  RenamePath{half, "/srv/site"}};
  const Before to_and_from = FilesReplaced{.paths = {{.path = "/srv/site"}, {.path = half}}};
  CHECK(leftovers(clone, {at(half, Kind::absent), to_and_from}) == Paths{half});
  // What existed before is not ours, and neither is what a program without bounds does.
  CHECK(leftovers({RunCommand{.creates = {"/srv/site"}, .bounded = true}}, {at("/srv/site", Kind::folder)})
            .empty());
  CHECK(leftovers({RunCommand{.creates = {"/made"}}}, {at("/made", Kind::absent)}).empty());
}

TEST_CASE("undo does not bring back what an interrupted run had left") {
  const std::string half = "/srv/.site.mlops-agent-clone";
  const Before was = FilesReplaced{.paths = {{.path = half, .kind = Kind::folder},
                                             {.path = half + "/f", .kind = Kind::file, .digest = "d"}}};
  CHECK(inverse(RemovePath{half, true}, was).actions.empty());
  const Before tree =
      FilesReplaced{.paths = {{.path = "/d", .kind = Kind::folder},
                              {.path = "/d/.f.mlops-agent-new", .kind = Kind::file, .digest = "d"}}};
  for (const Action& action : inverse(RemovePath{"/d", true}, tree).actions)
    CHECK(std::get<RestorePath>(action).saved.path == "/d");
}
