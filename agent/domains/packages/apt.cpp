#include "domains/packages/apt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "domains/packages/apt_output.hpp"

namespace mlops {
namespace {

std::string last_lines(const std::string& text, int count) {
  std::size_t at = text.size();
  while (count-- > 0 && at != std::string::npos && at > 0)
    at = at < 2 ? std::string::npos : text.rfind('\n', at - 2);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

constexpr std::pair<const char*, const char*> caches[] = {{"Dir::Cache::pkgcache", "/pkgcache.bin"},
                                                          {"Dir::Cache::srcpkgcache", "/srcpkgcache.bin"}};

// The machine's cache is a starting point; without one apt builds it.
void copy_cache(const std::string& file, const std::string& to) {
  const Handle in(::open(("/var/cache/apt" + file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return;
  const Handle out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  while (out && ::copy_file_range(in.get(), nullptr, out.get(), nullptr, 1 << 30, 0) > 0) {
  }
}

// apt closes its status descriptor in the programs it starts, so it must not be the scripts' own stdout.
std::vector<std::string> with_status(const std::vector<std::string>& argv) {
  std::vector<std::string> all = {"/bin/sh", "-c", fmt::format(R"(exec "$0" "$@" {}>&1)", Apt::status_fd)};
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

}  // namespace

Apt::~Apt() {
  if (scratch_.empty()) return;
  for (const auto& [option, file] : caches) ::unlink((scratch_ + file).c_str());
  ::rmdir(scratch_.c_str());
}

const std::string& Apt::scratch() const {
  if (!scratch_.empty()) return scratch_;
  std::string name = "/tmp/mlops-agent-apt-XXXXXX";
  if (!::mkdtemp(name.data())) throw system_error("making a folder in /tmp", errno);
  scratch_ = name;
  for (const auto& [option, file] : caches) copy_cache(file, scratch_ + file);
  return scratch_;
}

// Package scripts must not ask questions; needrestart must not restart services that the playbook does not
// name.
Command Apt::command(std::vector<std::string> argv) const {
  Command c;
  c.argv = std::move(argv);
  c.cwd = "/";
  c.env = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
           {"LANG", "C.UTF-8"},
           {"LC_ALL", "C.UTF-8"},
           {"LANGUAGE", ""},
           {"DEBIAN_FRONTEND", "noninteractive"},
           {"DEBIAN_PRIORITY", "critical"},
           {"APT_LISTCHANGES_FRONTEND", "none"},
           {"APT_LISTBUGS_FRONTEND", "none"},
           {"UCF_FORCE_CONFFOLD", "1"},
           {"NEEDRESTART_SUSPEND", "1"}};
  return c;
}

CommandResult Apt::read(std::vector<std::string> argv, std::function<void(std::string_view)> on_line) const {
  std::vector<std::string> all = {argv.front(),
                                  "-o",
                                  "Debug::NoLocking=1",
                                  "-o",
                                  "APT::Cmd::Pattern-Only=true",
                                  "-o",
                                  "Dir::Log::Planner=/dev/null"};
  for (const auto& [option, file] : caches)
    all.insert(all.end(), {"-o", fmt::format("{}={}{}", option, scratch(), file)});
  all.insert(all.end(), argv.begin() + 1, argv.end());
  ProcessOptions options;
  options.cancellation = &cancellation_;
  options.merge_output = true;
  options.on_line = std::move(on_line);
  return run_process(command(std::move(all)), who_, options);
}

CommandResult Apt::run(std::vector<std::string> argv) const {
  ProcessOptions options;
  options.cancellation = &cancellation_;
  return run_process(command(std::move(argv)), who_, options);
}

std::string Apt::change(const std::string& doing, std::vector<std::string> argv, bool stoppable,
                        std::uint64_t total) const {
  cancellation_.check();
  if (progress_) progress_({doing, 0, total});
  ProcessOptions options;
  options.cancellation = &cancellation_;
  options.on_cancel = stoppable ? ProcessOptions::OnCancel::interrupt : ProcessOptions::OnCancel::finish;
  options.outlive_us = !stoppable;
  options.merge_output = true;
  options.on_line = [&](std::string_view line) {
    const auto status = parse_status_line(line);
    if (!status || !progress_) return;
    if (status->downloading)
      progress_({doing, static_cast<std::uint64_t>(status->percent / 100 * static_cast<double>(total)), total});
    else
      progress_({lower_first(status->text), 0, 0});
  };
  const CommandResult result = run_process(command(with_status(argv)), who_, options);
  const std::string output = without_status_lines(result.output);
  if (result.status == 0) return output;
  std::string cause = error_lines(output);
  if (cause.empty()) cause = fmt::format("{} ended with status {}", argv.front(), result.status);
  throw Error(std::move(cause)).with_output(last_lines(output, 30)).while_doing(doing);
}

}  // namespace mlops
