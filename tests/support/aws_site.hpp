// A person with an AWS account, for tests: a home of their own, an environment, a fixed time, and servers on
// the loopback in place of AWS.
#pragma once

#include <unistd.h>

#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/credential_chain.hpp"
#include "base/cancellation.hpp"
#include "base/person.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

namespace mlops::test {

inline constexpr aws::Seconds noon = 1785585600;  // 2026-08-01T12:00:00Z

class AwsSite {
 public:
  AwsSite() {
    home_.folder(".aws");
    const Person person = current_person();
    environment.user = {person.name, home_ / "", "/bin/sh", person.uid, person.gid};
    environment.variables["AWS_EC2_METADATA_DISABLED"] = "true";
    environment.variables["PATH"] = "/usr/bin:/bin";
  }

  std::string path(const std::string& name) const { return home_ / name; }
  void config(const std::string& text) { home_.file(".aws/config", text, 0600); }
  void credentials(const std::string& text) { home_.file(".aws/credentials", text, 0600); }
  void file(const std::string& name, const std::string& text, mode_t mode = 0600) {
    if (name.find('/') != name.npos) home_.folder(name.substr(0, name.rfind('/')));
    home_.file(name, text, mode);
  }

  // Of the profile, named by the caller or not.
  aws::CredentialChain chain(const std::string& profile = "") {
    const aws::ConfigFiles files = read_config_files(environment);
    return aws::CredentialChain({.environment = environment,
                                 .files = files,
                                 .profile = choose_profile(profile, "--profile", environment, files),
                                 .ask_mfa_code = ask_mfa_code,
                                 .wait = [this](auto time) { waits.push_back(time); },
                                 .now = [this] { return now; },
                                 .cancellation = &cancellation},
                                http);
  }
  aws::Credentials load(const std::string& profile = "") { return chain(profile).get(); }
  // What the chain says when it fails; "" if it does not.
  std::string failure(const std::string& profile = "") {
    try {
      load(profile);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  aws::Environment environment;
  aws::AskMfaCode ask_mfa_code;
  aws::Seconds now = noon;
  std::vector<std::chrono::milliseconds> waits;
  Cancellation cancellation;
  HttpClient http{cancellation, "", std::chrono::seconds(10)};

 private:
  TemporaryFolder home_;
};

// A client of the server in place of each service, with keys of its own.
class AwsService {
 public:
  explicit AwsService(HttpServer::Handler handler, int attempts = 3)
      : server(std::move(handler)),
        client(&credentials, {"eu-central-1", "test"}, endpoints(), site.http,
               {.wait = [this](auto time) { site.waits.push_back(time); },
                .now = [this] { return site.now; },
                .attempts = attempts,
                .jitter = [] { return 1.0; }}) {}

  AwsSite site;
  HttpServer server;
  aws::GivenCredentials credentials{{"AKIDEXAMPLE", aws::Secret("secret"), {}, {}, {}}};
  aws::Client client;

 private:
  aws::Endpoints endpoints() {
    site.environment.variables["AWS_ENDPOINT_URL"] = server.url("");
    return {site.environment, {}, "default"};
  }
};

inline HttpBytes ec2_answer(const std::string& action, const std::string& content) {
  return http_answer("200 OK", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + action +
                                   "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
                                   "  <requestId>r-1</requestId>\n" +
                                   content + "</" + action + "Response>\n");
}

inline HttpBytes ec2_error(const std::string& status, const std::string& code,
                           const std::string& message = "why", const std::string& headers = "") {
  return http_answer(status,
                     "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message +
                         "</Message></Error></Errors><RequestID>r-2</RequestID></Response>",
                     headers);
}

}  // namespace mlops::test
