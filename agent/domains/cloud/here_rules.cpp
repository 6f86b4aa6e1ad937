#include "domains/cloud/here_rules.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "base/contains.hpp"
#include "base/error.hpp"
#include "model/value.hpp"

namespace mlops {
namespace {

constexpr std::array<std::string_view, 9> kept_variables{"AWS_PROFILE",
                                                         "AWS_DEFAULT_PROFILE",
                                                         "AWS_CONFIG_FILE",
                                                         "AWS_SHARED_CREDENTIALS_FILE",
                                                         "AWS_ENDPOINT_URL",
                                                         "AWS_ENDPOINT_URL_EC2",
                                                         "AWS_ENDPOINT_URL_STS",
                                                         "AWS_CA_BUNDLE",
                                                         "MLOPS_AGENT_OWN_ADDRESS_URL"};

bool is_group_sign(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || contains(group_signs, c);
}

HereAccount account_of(const Value& kept) {
  HereAccount account{{aws::text_at(kept, {"profile"}), aws::text_at(kept, {"region"})}, {}};
  if (const Value* variables = aws::member_at(kept, {"environment"}); variables && variables->is_object())
    for (const Value::Member& one : variables->as_object())
      if (contains(kept_variables, one.key) && one.value.is_string())
        account.environment[one.key] = one.value.as_string();
  return account;
}

Value value_of(const HereAccount& account) {
  Value variables{Value::Object{}}, value;
  for (const auto& [name, text] : account.environment) variables.set(name, text);
  value.set("region", account.scope.region);
  value.set("profile", account.scope.profile);
  value.set("environment", std::move(variables));
  return value;
}

}  // namespace

bool is_group_text(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), is_group_sign);
}

std::string here_description(std::string_view hostname) {
  std::string name(hostname.substr(0, std::min<std::size_t>(hostname.find('\n'), 200)));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_group_sign(c); }, '-');
  return "mlops-agent " + name;
}

std::string own_here_description() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0)
    throw system_error("reading this machine's name", errno);
  return here_description(name.data());
}

std::map<std::string, std::string> account_variables(const std::map<std::string, std::string>& all) {
  std::map<std::string, std::string> kept;
  for (const std::string_view name : kept_variables)
    if (const auto found = all.find(std::string(name)); found != all.end() && !found->second.empty())
      kept.insert(*found);
  return kept;
}

std::vector<HereAccount> HereAccounts::read() const {
  const auto text = aws::read_own_file(path(), environment_);
  if (!text) return {};
  const Value kept = aws::parse_json(*text, path());
  const Value* list = aws::member_at(kept, {"accounts"});
  if (!list || !list->is_array()) throw Error(path() + " is no list of accounts: remove it");
  std::vector<HereAccount> accounts;
  for (const Value& one : list->as_array()) accounts.push_back(account_of(one));
  return accounts;
}

void HereAccounts::add(const HereAccount& account) const {
  std::vector<HereAccount> all = read();
  if (contains(all, account)) return;
  std::erase_if(all, [&](const HereAccount& one) { return one.scope == account.scope; });
  all.push_back(account);
  Value::Array list;
  for (const HereAccount& one : all) list.push_back(value_of(one));
  Value kept;
  kept.set("accounts", std::move(list));
  aws::make_own_folder(folder_);
  aws::replace_own_file(path(), to_json(kept));
}

}  // namespace mlops
