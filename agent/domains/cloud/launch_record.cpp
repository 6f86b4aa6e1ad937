#include "domains/cloud/launch_record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "model/value.hpp"

namespace mlops {
namespace {

void sync(const std::string& path) {
  const Handle handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!handle || ::fsync(handle.get()) != 0) throw system_error("cannot sync " + path, errno);
}

}  // namespace

// A name may hold any characters: its digest stands in the path.
std::string LaunchRecords::path(const std::string& name) const {
  return fmt::format("{}/{}-{}-{}.json", folder_, account_, region_, sha256_hex(name).substr(0, 16));
}

std::optional<LaunchRecord> LaunchRecords::read(const std::string& name) const {
  const std::string file = path(name);
  const auto text = aws::read_own_file(file, environment_);
  if (!text) return std::nullopt;
  const Value v = aws::parse_json(*text, file);
  LaunchRecord record{.generation = 0,
                      .body = aws::text_at(v, {"body"}),
                      .token = aws::text_at(v, {"token"}),
                      .zone = aws::text_at(v, {"zone"}),
                      .type = aws::text_at(v, {"type"}),
                      .host_key = aws::text_at(v, {"host_key"}),
                      .instance = aws::text_at(v, {"instance"}),
                      .ended = aws::text_at(v, {"ended"})};
  const Value* generation = aws::member_at(v, {"generation"});
  const Value* begun = aws::member_at(v, {"begun"});
  if (!generation || !generation->is_integer() ||
      (record.body.empty() && record.ended.empty() && record.instance.empty()))
    throw Error(file + " is no record of a launch; if no instance of " + name +
                " is in the account, remove it");
  record.generation = static_cast<std::uint64_t>(generation->as_integer());
  if (begun && begun->is_integer()) record.begun = begun->as_integer();
  return record;
}

void LaunchRecords::write(const std::string& name, const LaunchRecord& record) const {
  Value v{Value::Object{}};
  v.set("name", name);
  v.set("generation", static_cast<std::int64_t>(record.generation));
  v.set("body", record.body);
  v.set("token", record.token);
  v.set("zone", record.zone);
  v.set("type", record.type);
  v.set("host_key", record.host_key);
  v.set("instance", record.instance);
  v.set("ended", record.ended);
  v.set("begun", record.begun);
  aws::make_own_folder(folder_);
  const std::string file = path(name), next = file + ".next";
  aws::replace_own_file(next, to_json(v));
  sync(next);
  if (::rename(next.c_str(), file.c_str()) != 0) throw system_error("cannot write " + file, errno);
  sync(folder_);
}

}  // namespace mlops
