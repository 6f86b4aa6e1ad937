// What resources of a run gave: the root `resources`, beside `facts` and `item`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "facts/facts.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {

class RunScope : public Scope {
 public:
  explicit RunScope(const Facts& facts) : facts_(facts) {}

  std::optional<Value> lookup(const std::vector<std::string>& path) const override;
  std::vector<std::string> names(const std::vector<std::string>& path) const override;

  // key is what for_each adds, "" for none. Resources without an id are not kept.
  void set_outputs(const std::string& id, const std::string& key, const std::string& label, Value outputs);
  void set_skipped(const std::string& id, const std::string& key, const std::string& label);
  // Its outputs are known only after the real run.
  void set_unknown(const std::string& id, const std::string& key, const std::string& label);

  // The element of the for_each that is under way; null outside of one. Borrowed.
  void set_item(const Value* item) { item_ = item; }

 private:
  struct Given {
    enum class State { known, skipped, unknown } state = State::known;
    std::string label;
    Value outputs;
  };
  void set(const std::string& id, const std::string& key, Given given);
  static std::optional<Value> follow(const Value& value, const std::vector<std::string>& path,
                                     std::size_t from);

  const Facts& facts_;
  std::map<std::string, std::map<std::string, Given>> given_;  // by id, then key
  const Value* item_ = nullptr;
};

}  // namespace mlops
