#include "aws/ssm.hpp"

#include "aws/json.hpp"

namespace mlops::aws {

std::optional<std::string> public_parameter(Client& client, const std::string& name) {
  Value input;
  input.set("Name", name);
  try {
    const std::string value = text_at(client.json(Service::ssm, "GetParameter", input), {"Parameter", "Value"});
    return value.empty() ? std::nullopt : std::optional(value);
  } catch (const AwsError& error) {
    if (error.code() == "ParameterNotFound" || error.code() == "AccessDeniedException") return {};
    throw;
  }
}

}  // namespace mlops::aws
