#include "machine/local.hpp"

#include <unistd.h>

#include "domains/accounts/owner_names.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/local_domains.hpp"

namespace mlops {
namespace {

template <class List>
struct LocalParts;
template <class... Domain>
struct LocalParts<TypeList<Domain...>> : Domain::Local... {
  explicit LocalParts(const LocalContext& context) : Domain::Local(context)... {}
  void before_actions() { (static_cast<typename Domain::Local&>(*this).before_actions(), ...); }
  void wrote(const std::string& path) { (static_cast<typename Domain::Local&>(*this).wrote(path), ...); }
  // The part of the domain whose action it is performs it.
  template <class A>
  void perform(const A& action) {
    (perform_if_own<Domain>(action), ...);
  }

 private:
  template <class Own, class A>
  void perform_if_own(const A& action) {
    if constexpr (OneOf<A, typename Own::Actions>) static_cast<typename Own::Local&>(*this).perform(action);
  }
};

class LocalMachine : public HeldMachine<LocalMachine, Machine> {
 public:
  LocalMachine(LocalSettings settings, const Cancellation& cancellation, ProgressSink progress)
      : settings_(std::move(settings)),
        cancellation_(cancellation),
        progress_(std::move(progress)),
        names_(accounts_),
        walker_(::geteuid() == 0 || settings_.who.uid == 0, settings_.person),
        parts_({settings_.who, settings_.mirror, settings_.cache_dir, cancellation_, progress_, accounts_,
                names_, walker_, [this](const std::string& path) {
                  parts_.perform(RemovePath{path, true});
                }}) {}

  template <class Domain>
  const typename Domain::Local& part(Domain) const {
    return parts_;
  }

  void perform(std::span<const Action> actions) override {
    parts_.before_actions();
    for (const Action& action : actions) {
      cancellation_.check();
      invalidate_caches();
      std::visit([this](const auto& a) { parts_.perform(a); }, action);
      if (const auto* rename = std::get_if<RenamePath>(&action)) parts_.wrote(rename->from);
      if (const std::string* path = path_of(action)) parts_.wrote(*path);
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
    parts_.before_actions();
    invalidate_caches();
    for (const WriteFile* write : writes) parts_.wrote(write->path);
    return static_cast<FilesLocal&>(parts_).writer.write_together(writes);
  }

  void invalidate_caches() override {
    walker_.forget();
    names_.forget();
  }

 private:
  LocalSettings settings_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  LocalAccounts accounts_;
  OwnerNames names_;
  Walker walker_;
  LocalParts<Domains> parts_;
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
