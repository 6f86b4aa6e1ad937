// Resolves the root names of a run: `resources`, `hosts`, `facts` and `item`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/host_values.hpp"
#include "facts/facts.hpp"
#include "playbook/interpolation.hpp"
#include "resource/module.hpp"

namespace mlops {

// resources.ID is this host's own; if it has no such id, that of the one other host which has. Error if several
// others have. hosts.NAME.… is a remote host's name, address, user, port, facts and resources; the root exists
// only if a remote host takes part.
class RunScope : public Scope {
 public:
  explicit RunScope(const Facts& facts) : facts_(facts) {}

  std::optional<Value> lookup(const std::vector<std::string>& path) const override;
  bool has(const std::vector<std::string>& path) const override;
  std::vector<std::string> names(const std::vector<std::string>& path) const override;

  // key: the for_each key, "" for none. Resources without an id are not kept.
  void set_outputs(const std::string& id, const std::string& key, const std::string& label, Outputs outputs);
  void set_skipped(const std::string& id, const std::string& key, const std::string& label);
  // Its outputs are known only after the real run.
  void set_unknown(const std::string& id, const std::string& key, const std::string& label);
  void set_failed(const std::string& id, const std::string& key, const std::string& label,
                  const std::string& cause);

  const GivenById& given() const { return given_; }
  void set_given(GivenById given) { given_ = std::move(given); }
  // All hosts of the run except this one.
  void set_others(std::vector<HostValues> others) { others_ = std::move(others); }

  // The current element of the for_each; null outside of one. Borrowed.
  void set_item(const Value* item) { item_ = item; }

 private:
  using Path = std::vector<std::string>;
  void set(const std::string& id, const std::string& key, Given given);
  std::optional<Value> item(const Path& path) const;
  std::optional<Value> resource(const Path& path) const;
  std::optional<Value> host(const Path& path) const;
  const HostValues* other(const std::string& name) const;
  bool any_remote() const;
  std::vector<std::string> host_names(const Path& path) const;

  const Facts& facts_;
  GivenById given_;
  std::vector<HostValues> others_;
  const Value* item_ = nullptr;
};

}  // namespace mlops
