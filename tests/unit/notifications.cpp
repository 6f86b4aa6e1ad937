#include "engine/notifications.hpp"

#include "support/catch.hpp"
#include "support/engine_parts.hpp"

using namespace mlops;
using test::EngineParts;
using Labels = std::vector<std::string>;

namespace {

const std::vector<PendingNotification> nothing;

}  // namespace

TEST_CASE("an id that nobody notified has no notification") {
  const Notifications notifications(nothing);
  CHECK(!notifications.of("s"));
}

TEST_CASE("a notification that an earlier run left is certain, and names all who notified") {
  const std::vector<PendingNotification> earlier{{"s", "file[/a]"}, {"t", "file[/b]"}, {"s", "file[/c]"}};
  const Notifications notifications(earlier);
  REQUIRE(notifications.of("s"));
  CHECK(notifications.of("s")->certain);
  CHECK(notifications.of("s")->note == "notified by file[/a], file[/c] in an earlier run");
  CHECK(notifications.of("t")->note == "notified by file[/b] in an earlier run");
}

TEST_CASE("who may notify is kept apart from who did") {
  Notifications notifications(nothing);
  notifications.notify({"s", "t"}, "command[x]", false);
  CHECK(!notifications.of("s")->certain);
  notifications.notify({"s"}, "file[/a]", true);
  CHECK(notifications.of("s")->certain);
  CHECK(notifications.of("s")->maybe == Labels{"command[x]"});
  CHECK(notifications.of("s")->note.empty());
  CHECK(!notifications.of("t")->certain);
}

TEST_CASE("what was delivered is no longer pending") {
  const std::vector<PendingNotification> earlier{{"s", "file[/a]"}};
  Notifications notifications(earlier);
  CHECK(notifications.deliver("s"));
  CHECK(!notifications.of("s"));
  CHECK(!notifications.deliver("s"));
}

TEST_CASE("targets that the playbook has no longer are found") {
  const EngineParts parts(R"([{"type": "unit", "id": "s", "name": "u"}])");
  const std::vector<PendingNotification> earlier{{"s", "file[/a]"}, {"gone", "file[/a]"}};
  CHECK(missing_targets(earlier, parts.playbook) == Labels{"gone"});
}
