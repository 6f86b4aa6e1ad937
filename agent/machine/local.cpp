#include "machine/local.hpp"

#include <unistd.h>

#include "domains/accounts/local.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/commands/local.hpp"
#include "domains/downloads/local.hpp"
#include "domains/files/local.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/network/local.hpp"
#include "domains/packages/local.hpp"
#include "domains/services/local.hpp"
#include "domains/tunnels/local.hpp"

namespace mlops {
namespace {

class LocalMachine : public Machine {
 public:
  LocalMachine(LocalSettings settings, const Cancellation& cancellation, ProgressSink progress)
      : cancellation_(cancellation),
        progress_(std::move(progress)),
        names_(accounts_),
        walker_(::geteuid() == 0 || settings.who.uid == 0, settings.person),
        files_(walker_, names_, &cancellation),
        writer_(walker_, names_,
                [this](const std::string& text) {
                  progress_({text, 0, 0});
                }),
        account_writer_(settings.who, cancellation),
        packages_(settings.who, cancellation, progress_),
        services_(settings.who, cancellation),
        commands_(settings.who, cancellation, progress_,
                  [this](const std::string& path) {
                    writer_.perform(RemovePath{path, true});
                  }),
        downloads_({settings.mirror, settings.cache_dir, settings.who}, walker_, names_, cancellation,
                   progress_),
        tunnels_(settings.who, cancellation),
        network_(cancellation) {}

  const FileReader& files() const override { return files_; }
  const AccountReader& accounts() const override { return accounts_; }
  const PackageReader& packages() const override { return packages_; }
  const ServiceReader& services() const override { return services_; }
  const CommandReader& commands() const override { return commands_; }
  const DownloadReader& downloads() const override { return downloads_; }
  const TunnelReader& tunnels() const override { return tunnels_; }
  const NetworkReader& network() const override { return network_; }

  void perform(std::span<const Action> actions) override {
    if (::geteuid() == 0) account_writer_.recover();
    for (const Action& action : actions) {
      cancellation_.check();
      invalidate_caches();
      std::visit([this](const auto& a) { act(a); }, action);
      std::visit([this](const auto& a) { tell_services(a); }, action);
    }
    invalidate_caches();
  }

  std::vector<std::optional<Error>> perform_together(std::span<const std::span<const Action>> lists) override {
    std::vector<const WriteFile*> writes;
    for (const auto& list : lists)
      if (list.size() == 1)
        if (const auto* write = std::get_if<WriteFile>(&list[0])) writes.push_back(write);
    if (writes.size() != lists.size()) return Machine::perform_together(lists);
    cancellation_.check();
    if (::geteuid() == 0) account_writer_.recover();
    invalidate_caches();
    for (const WriteFile* write : writes) services_.wrote(write->path);
    return writer_.write_together(writes);
  }

  void invalidate_caches() override {
    walker_.forget();
    names_.forget();
  }

 private:
  template <class A>
  void tell_services(const A& a) {
    if constexpr (requires { a.path; }) services_.wrote(a.path);
    if constexpr (requires { a.from; }) services_.wrote(a.from), services_.wrote(a.to);
    if constexpr (requires { a.saved; }) services_.wrote(a.saved.path);
  }
  void act(const WriteFile& a) { writer_.perform(a); }
  void act(const CreateSecret& a) { writer_.perform(a); }
  void act(const CreateDirectory& a) { writer_.perform(a); }
  void act(const CreateLink& a) { writer_.perform(a); }
  void act(const SetAttributes& a) { writer_.perform(a); }
  void act(const RemovePath& a) { writer_.perform(a); }
  void act(const RenamePath& a) { writer_.perform(a); }
  void act(const RestorePath& a) { writer_.perform(a); }
  void act(const CreateGroup& a) { account_writer_.perform(a); }
  void act(const ChangeGroup& a) { account_writer_.perform(a); }
  void act(const RemoveGroup& a) { account_writer_.perform(a); }
  void act(const CreateUser& a) { account_writer_.perform(a); }
  void act(const ChangeUser& a) { account_writer_.perform(a); }
  void act(const RemoveUser& a) { account_writer_.perform(a); }
  void act(const ChangeMembership& a) { account_writer_.perform(a); }
  void act(const InstallPackages& a) { packages_.perform(a); }
  void act(const RemovePackages& a) { packages_.perform(a); }
  void act(const RepairPackages& a) { packages_.perform(a); }
  void act(const ChangeUnit& a) { services_.perform(a); }
  void act(const RunCommand& a) { commands_.perform(a); }
  void act(const Download& a) { downloads_.perform(a); }
  void act(const StartTunnel& a) { tunnels_.perform(a); }
  void act(const StopTunnel& a) { tunnels_.perform(a); }

  const Cancellation& cancellation_;
  ProgressSink progress_;
  LocalAccounts accounts_;
  OwnerNames names_;
  Walker walker_;
  LocalFiles files_;
  FileWriter writer_;
  LocalAccountWriter account_writer_;
  LocalPackages packages_;
  LocalServices services_;
  LocalCommands commands_;
  LocalDownloads downloads_;
  LocalTunnels tunnels_;
  LocalNetwork network_;
};

}  // namespace

std::vector<std::optional<Error>> Machine::perform_together(std::span<const std::span<const Action>> lists) {
  std::vector<std::optional<Error>> errors(lists.size());
  for (std::size_t i = 0; i < lists.size(); ++i) try {
      perform(lists[i]);
    } catch (const Error& e) {
      errors[i] = e;
    }
  return errors;
}

std::unique_ptr<Machine> make_local_machine(LocalSettings settings, const Cancellation& cancellation,
                                            ProgressSink progress) {
  return std::make_unique<LocalMachine>(std::move(settings), cancellation, std::move(progress));
}

}  // namespace mlops
