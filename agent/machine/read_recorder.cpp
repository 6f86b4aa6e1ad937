#include "machine/read_recorder.hpp"

#include "domains/query.hpp"

namespace mlops {
namespace {

// Apart from the class, whose readers may have a member of that name.
template <class Query>
void record(const Query& query, const typename Query::Result& found, Preconditions& preconditions) {
  note(query, found, preconditions);
}

class ReadRecorder : public AskedMachine<ReadRecorder> {
 public:
  ReadRecorder(const MachineReader& machine, Preconditions& preconditions)
      : machine_(machine), preconditions_(preconditions) {}

  template <class Query>
  typename Query::Result ask(const Query& query) const {
    auto found = answer(query, machine_);
    record(query, found, preconditions_);
    return found;
  }

 private:
  const MachineReader& machine_;
  Preconditions& preconditions_;
};

}  // namespace

std::unique_ptr<MachineReader> make_read_recorder(const MachineReader& machine, Preconditions& preconditions) {
  return std::make_unique<ReadRecorder>(machine, preconditions);
}

}  // namespace mlops
