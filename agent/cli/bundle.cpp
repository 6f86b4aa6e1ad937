// mlops-agent bundle: packs this program as it is sent to targets. mlops-agent bundle-check: checks that it
// runs where it is.
#include "deploy/bundle.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/backend.hpp"
#include "base/error.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"

namespace mlops {
namespace {

void copy(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, error);
  if (error) throw Error(fmt::format("cannot write {}: {}", to, error.message()));
}

int make(const std::string& out) {
  const Cancellation cancellation;
  const Bundle bundle = own_bundle(cancellation, nullptr);
  if (!out.empty()) copy(bundle.archive, out);
  fmt::print("mlops-agent {} for {}: {} files, {:.1f} MB, packed {:.1f} MB\n{}\n{}\n", bundle.version,
             bundle.architecture, bundle.files, static_cast<double>(bundle.unpacked) / 1e6,
             static_cast<double>(bundle.size) / 1e6, out.empty() ? bundle.archive : out, bundle.id);
  return exit_done;
}

}  // namespace

void add_bundle(CommandLine& program) {
  auto out = std::make_shared<std::string>();
  CommandOptions command = program.command("bundle", "Pack this program for hosts of this architecture");
  command.option("--out", *out, "Write it to this file, for another machine's mlops-agent.");
  command.action([out] { return make(*out); });

  // Run on a target after a bundle was unpacked there. Internal, so not in the help.
  CommandOptions check = program.command("bundle-check", "");
  check.hide();
  check.action([] {
    for (const std::string& name : backend_names()) Backend{name};
    return exit_done;
  });
}

}  // namespace mlops
