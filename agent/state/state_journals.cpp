#include "state/state_journals.hpp"

#include "state/earlier_runs.hpp"
#include "state/journal.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

class StateJournals : public Journals {
 public:
  explicit StateJournals(JournalOptions options) : options_(std::move(options)) {}

  std::unique_ptr<Journal> of(const ActingUser& who, uid_t person, const MachineReader& machine,
                              TellPerson tell) const override {
    return std::make_unique<StateJournal>(JournalSettings{.identity = who.name,
                                                          .folder = state_folder(who, options_.folder),
                                                          .strict = who.uid == 0,
                                                          .person = person,
                                                          .limits = {.bytes = options_.keep_limit},
                                                          .notice = std::move(tell)},
                                          machine);
  }

  void make_place(const ActingUser& who) const override {
    if (!options_.folder.empty()) give_state_folder(state_folder(who, options_.folder), who);
  }

  // Most runs find the mark, and need nothing else.
  PriorRunState earlier(const ActingUser& who, const std::string& playbook_key,
                        const TellPerson& tell) const override {
    const std::string folder = find_state_folder(state_folder(who, options_.folder));
    if (folder.empty()) return {};
    CleanMarker mark;
    const MarkState state = read_mark(folder, mark);
    if (state == MarkState::none) return {};
    PriorRunState earlier;
    if (state == MarkState::unknown) {
      // A reason why it cannot be read is reported, and the file set aside, by the run that writes.
      const auto database = open_state_database({folder, StateDatabaseSettings::For::reading, tell, {}});
      if (!database) return {};
      try {
        earlier = earlier_runs(*database, playbook_key);
      } catch (const DatabaseError& e) {
        tell("the state database " + database->path() + " cannot be read: " + e.message() +
             "; what earlier runs left is not known");
        return {};
      }
    }
    if (const auto known = mark.playbooks.find(playbook_key); known != mark.playbooks.end())
      earlier.listed = known->second;
    return earlier;
  }

 private:
  JournalOptions options_;
};

}  // namespace

std::unique_ptr<Journals> make_journals(const JournalOptions& options) {
  return std::make_unique<StateJournals>(options);
}

}  // namespace mlops
