// The calls of EC2: what is asked, and what of the answers is kept.
#include "aws/ec2.hpp"

#include "aws/pricing.hpp"
#include "aws/quotas.hpp"
#include "aws/sts.hpp"
#include "base/base64.hpp"
#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsService;
using mlops::test::ec2_answer;
using mlops::test::ec2_error;
using mlops::test::http_answer;
using mlops::test::HttpBytes;
using mlops::test::HttpRequestSeen;
using mlops::test::noon;

namespace {

std::string action_of(const HttpRequestSeen& seen) { return seen.body.substr(7, seen.body.find('&') - 7); }

// Answers each action with the content given for it.
mlops::test::HttpServer::Handler by_action(std::map<std::string, std::string> contents) {
  return [contents = std::move(contents)](const HttpRequestSeen& seen) {
    const std::string action = action_of(seen);
    const auto found = contents.find(action);
    return found == contents.end() ? ec2_error("400 Bad Request", "InvalidAction", action)
                                   : ec2_answer(action, found->second);
  };
}

// The parameters of the n-th call, after the version.
std::string asked(const AwsService& aws, std::size_t n = 0) {
  const std::string body = aws.server.seen().at(n).body;
  const std::string version = "&Version=2016-11-15";
  std::string rest = body.substr(body.find(version) + version.size());
  return action_of(aws.server.seen().at(n)) + rest;
}

const std::string instance_item = R"(<item><instanceId>i-0abc</instanceId><imageId>ami-1</imageId>
  <instanceState><code>16</code><name>running</name></instanceState><instanceType>t3.small</instanceType>
  <launchTime>2026-08-01T12:00:00.000Z</launchTime><keyName>k</keyName><clientToken>tok</clientToken>
  <placement><availabilityZone>eu-central-1a</availabilityZone></placement><architecture>x86_64</architecture>
  <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>172.31.0.5</privateIpAddress>
  <ipAddress>203.0.113.9</ipAddress><reason/><stateReason><code>c</code><message>m</message></stateReason>
  <groupSet><item><groupId>sg-1</groupId><groupName>g</groupName></item></groupSet>
  <rootDeviceName>/dev/sda1</rootDeviceName>
  <blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeId>vol-1</volumeId>
    <deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>
  <networkInterfaceSet><item><association><ipOwnerId>amazon</ipOwnerId></association></item></networkInterfaceSet>
  <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>1</httpPutResponseHopLimit>
    <httpEndpoint>enabled</httpEndpoint></metadataOptions><newElement><x/></newElement>
  <tagSet><item><key>Name</key><value>box</value></item></tagSet></item>)";

std::string reservation(const std::string& items) {
  return "<reservationSet><item><reservationId>r-3</reservationId><ownerId>111122223333</"
         "ownerId><instancesSet>" +
         items + "</instancesSet></item></reservationSet>";
}

InstanceRequest request() {
  return {.image_id = "ami-1",
          .type = "t3.small",
          .user_data = "#cloud-config\n",
          .subnet_id = "subnet-1",
          .group_ids = {"sg-1"},
          .public_address = true,
          .root_device = "/dev/sda1",
          .disk_gib = 30,
          .tags = {{"Name", "box"}}};
}

}  // namespace

TEST_CASE("an instance is read whole", "[aws]") {
  AwsService aws(by_action({{"DescribeInstances", reservation(instance_item)}}));
  const auto list = describe_instances(aws.client, {{"i-0abc"}, {}});
  CHECK(asked(aws) == "DescribeInstances&InstanceId.1=i-0abc");
  REQUIRE(list.size() == 1);
  const Instance& i = list[0];
  CHECK(i.id == "i-0abc");
  CHECK(i.state == InstanceState::running);
  CHECK(to_string(i.state) == "running");
  CHECK(i.launched == noon);
  CHECK(i.zone == "eu-central-1a");
  CHECK(i.public_address == "203.0.113.9");
  CHECK(i.address_owner == "amazon");
  CHECK(i.owner_id == "111122223333");
  CHECK(i.groups.at(0).id == "sg-1");
  CHECK(i.disks.at(0).volume_id == "vol-1");
  CHECK(i.disks.at(0).delete_on_termination);
  CHECK(i.http_tokens == "required");
  CHECK(i.http_hop_limit == 1);
  CHECK(i.state_reason == "m");
  CHECK(i.tags == Tags{{"Name", "box"}});
}

TEST_CASE("lists by filters are read page by page", "[aws]") {
  AwsService aws([](const HttpRequestSeen& seen) {
    const bool second = seen.body.find("NextToken=n%2B1") != seen.body.npos;
    return ec2_answer("DescribeInstances",
                      reservation(instance_item) + (second ? "" : "<nextToken>n+1</nextToken>"));
  });
  const auto list = describe_instances(
      aws.client, {{}, {tag_filter("k", "v*"), {"instance-state-name", {"running", "stopped"}}}});
  CHECK(list.size() == 2);
  CHECK(asked(aws) ==
        "DescribeInstances&Filter.1.Name=tag%3Ak&Filter.1.Value.1=v%2A&Filter.2.Name=instance-state-name&"
        "Filter.2.Value.1=running&Filter.2.Value.2=stopped&MaxResults=1000");
  CHECK(asked(aws, 1).ends_with("&MaxResults=1000&NextToken=n%2B1"));
}

TEST_CASE("pages that do not end are an error", "[aws]") {
  AwsService aws(by_action({{"DescribeInstances", "<nextToken>same</nextToken>"}}));
  CHECK_THROWS_WITH(describe_instances(aws.client, {}),
                    "ec2 DescribeInstances: the answer has pages without end");
  CHECK(aws.server.seen().size() == 2);
}

TEST_CASE("an answer's ids and addresses are ids and addresses", "[aws]") {
  std::string evil = instance_item;
  evil.replace(evil.find("i-0abc"), 6, "i-0;rm");
  AwsService ids(by_action({{"DescribeInstances", reservation(evil)}}));
  CHECK_THROWS_WITH(describe_instances(ids.client, {}), "EC2 answered `i-0;rm`, which is not an id");
  evil = instance_item;
  evil.replace(evil.find("203.0.113.9"), 11, "-oProxy=x");
  AwsService addresses(by_action({{"DescribeInstances", reservation(evil)}}));
  CHECK_THROWS_WITH(describe_instances(addresses.client, {}),
                    "EC2 answered `-oProxy=x`, which is not an address");
}

TEST_CASE("an instance is asked for with everything that makes it safe", "[aws]") {
  const Params params = run_instances_params(request());
  const std::string body = run_instances_body(params, client_token(params, 1));
  for (const char* part :
       {"Action=RunInstances&Version=2016-11-15&ImageId=ami-1&InstanceType=t3.small&MinCount=1&MaxCount=1&"
        "UserData=",
        "&InstanceInitiatedShutdownBehavior=stop", "&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1",
        "&BlockDeviceMapping.1.Ebs.VolumeSize=30&BlockDeviceMapping.1.Ebs.VolumeType=gp3",
        "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true", "&NetworkInterface.1.DeviceIndex=0",
        "&NetworkInterface.1.SubnetId=subnet-1&NetworkInterface.1.AssociatePublicIpAddress=true",
        "&NetworkInterface.1.SecurityGroupId.1=sg-1", "&MetadataOptions.HttpTokens=required",
        "&MetadataOptions.HttpPutResponseHopLimit=1", "&TagSpecification.1.ResourceType=instance",
        "&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=Name&TagSpecification.2.Tag.1."
        "Value=box",
        "&TagSpecification.3.ResourceType=network-interface", "&ClientToken="}) {
    INFO(part);
    CHECK(body.find(part) != body.npos);
  }
  CHECK(body.find("&SubnetId=") == body.npos);
  CHECK(body.find("&SecurityGroupId.") == body.npos);
  InstanceRequest plain = request();
  plain.public_address.reset();
  const std::string other = run_instances_params(plain).body("RunInstances", "2016-11-15");
  CHECK(other.find("&SubnetId=subnet-1&SecurityGroupId.1=sg-1") != other.npos);
  CHECK(other.find("NetworkInterface") == other.npos);
}

TEST_CASE("a token stands for a request and its generation", "[aws]") {
  const std::string one = client_token(run_instances_params(request()), 1);
  CHECK(one.size() == 64);
  CHECK(one == client_token(run_instances_params(request()), 1));
  CHECK(one != client_token(run_instances_params(request()), 2));
  InstanceRequest other = request();
  other.type = "t3.micro";
  CHECK(one != client_token(run_instances_params(other), 1));
}

TEST_CASE("user data has a largest size", "[aws]") {
  InstanceRequest large = request();
  large.user_data = std::string(16'384, 'x');
  CHECK_NOTHROW(run_instances_params(large));
  large.user_data += 'x';
  CHECK_THROWS_WITH(run_instances_params(large), "the user data has 16385 bytes; EC2 takes 16384");
}

TEST_CASE("a kept body is sent byte for byte, as often as it takes", "[aws]") {
  const std::string content = "<ownerId>1</ownerId><instancesSet>" + instance_item + "</instancesSet>";
  AwsService aws([&, n = 0](const HttpRequestSeen&) mutable {
    return n++ == 0 ? HttpBytes{"", false} : ec2_answer("RunInstances", content);
  });
  const Params params = run_instances_params(request());
  const std::string body = run_instances_body(params, client_token(params, 1));
  CHECK(run_instances(aws.client, body).id == "i-0abc");
  REQUIRE(aws.server.seen().size() == 2);
  CHECK(aws.server.seen()[0].body == body);
  CHECK(aws.server.seen()[1].body == body);
}

TEST_CASE("instances are started, stopped, ended and changed", "[aws]") {
  const std::string change =
      "<instancesSet><item><instanceId>i-1</instanceId><currentState><name>stopping</name></currentState>"
      "<previousState><name>running</name></previousState></item></instancesSet>";
  AwsService aws(by_action({{"StartInstances", change},
                            {"StopInstances", change},
                            {"TerminateInstances", change},
                            {"RebootInstances", "<return>true</return>"},
                            {"ModifyInstanceAttribute", "<return>true</return>"},
                            {"ModifyInstanceMetadataOptions", ""}}));
  const auto changes = stop_instances(aws.client, {"i-1", "i-2"});
  CHECK(changes.at(0).previous == InstanceState::running);
  CHECK(changes.at(0).current == InstanceState::stopping);
  CHECK(asked(aws) == "StopInstances&InstanceId.1=i-1&InstanceId.2=i-2");
  start_instances(aws.client, {"i-1"});
  terminate_instances(aws.client, {"i-1"});
  reboot_instances(aws.client, {"i-1"});
  set_instance_type(aws.client, "i-1", "t3.large");
  CHECK(asked(aws, 4) == "ModifyInstanceAttribute&InstanceType.Value=t3.large&InstanceId=i-1");
  set_termination_protection(aws.client, "i-1", false);
  CHECK(asked(aws, 5) == "ModifyInstanceAttribute&DisableApiTermination.Value=false&InstanceId=i-1");
  set_instance_groups(aws.client, "i-1", {"sg-1", "sg-2"});
  CHECK(asked(aws, 6) == "ModifyInstanceAttribute&GroupId.1=sg-1&GroupId.2=sg-2&InstanceId=i-1");
  set_metadata_options(aws.client, "i-1", true, 2);
  CHECK(asked(aws, 7) ==
        "ModifyInstanceMetadataOptions&InstanceId=i-1&HttpEndpoint=enabled&HttpTokens=required&"
        "HttpPutResponseHopLimit=2");
}

TEST_CASE("attributes and the console are decoded", "[aws]") {
  AwsService aws(by_action(
      {{"DescribeInstanceAttribute", "<userData><value>" + to_base64("#!/bin/sh\n") +
                                         "</value></userData><disableApiTermination><value>true</value>"
                                         "</disableApiTermination>"},
       {"GetConsoleOutput",
        "<timestamp>2026-08-01T12:00:00.000Z</timestamp><output>" + to_base64("boot\r\n") + "</output>"}}));
  CHECK(user_data(aws.client, "i-1") == "#!/bin/sh\n");
  CHECK(asked(aws) == "DescribeInstanceAttribute&InstanceId=i-1&Attribute=userData");
  CHECK(termination_protection(aws.client, "i-1"));
  const ConsoleOutput console = console_output(aws.client, "i-1", true);
  CHECK(console.text == "boot\r\n");
  CHECK(console.when == noon);
  CHECK(asked(aws, 2) == "GetConsoleOutput&InstanceId=i-1&Latest=true");
}

TEST_CASE("key pairs are found by name, imported, and compared by key", "[aws]") {
  const std::string item =
      "<keyPairId>key-1</keyPairId><keyName>a*</keyName><keyType>ed25519</keyType>"
      "<publicKey>ssh-ed25519 AAAA a*\n</publicKey>";
  AwsService aws(by_action({{"DescribeKeyPairs",
                             "<keySet><item><keyPairId>key-2</keyPairId><keyName>ab</keyName></item>"
                             "<item>" +
                                 item + "</item></keySet>"},
                            {"ImportKeyPair", item},
                            {"DeleteKeyPair", "<return>true</return>"}}));
  const auto key = find_key_pair(aws.client, "a*");
  REQUIRE(key);
  CHECK(key->id == "key-1");
  CHECK(key->public_key == "ssh-ed25519 AAAA a*");
  CHECK(asked(aws) == "DescribeKeyPairs&Filter.1.Name=key-name&Filter.1.Value.1=a%2A&IncludePublicKey=true");
  CHECK_FALSE(find_key_pair(aws.client, "none"));
  import_key_pair(aws.client, "a*", "ssh-ed25519 AAAA x", {{"k", ""}});
  CHECK(asked(aws, 2) ==
        "ImportKeyPair&KeyName=a%2A&PublicKeyMaterial=c3NoLWVkMjU1MTkgQUFBQSB4&TagSpecification.1."
        "ResourceType=key-pair&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=");
  delete_key_pair(aws.client, "key-1");
  CHECK(asked(aws, 3) == "DeleteKeyPair&KeyPairId=key-1");
  CHECK(same_public_key("ssh-ed25519 AAAA one", " ssh-ed25519  AAAA\n"));
  CHECK_FALSE(same_public_key("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
  CHECK_FALSE(same_public_key("ssh-rsa AAAA", "ssh-ed25519 AAAA"));
  CHECK_FALSE(same_public_key("", ""));
}

TEST_CASE("security groups and their rules", "[aws]") {
  const std::string rules =
      "<securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</"
      "groupId><isEgress>"
      "false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</"
      "toPort><cidrIpv4>203.0.113.7/32"
      "</cidrIpv4><description>d</description></item><item><securityGroupRuleId>sgr-2</"
      "securityGroupRuleId><isEgress>"
      "true</isEgress><ipProtocol>-1</ipProtocol><referencedGroupInfo><groupId>sg-9</groupId></"
      "referencedGroupInfo>"
      "</item></securityGroupRuleSet>";
  AwsService aws(by_action({{"CreateSecurityGroup", "<groupId>sg-1</groupId>"},
                            {"DescribeSecurityGroupRules", rules},
                            {"AuthorizeSecurityGroupIngress", rules},
                            {"RevokeSecurityGroupIngress", "<return>true</return>"},
                            {"ModifySecurityGroupRules", "<return>true</return>"}}));
  CHECK(create_security_group(aws.client, {"n", "d", "vpc-1", {}}) == "sg-1");
  CHECK(asked(aws) == "CreateSecurityGroup&GroupName=n&GroupDescription=d&VpcId=vpc-1");
  const auto list = describe_rules(aws.client, "sg-1");
  REQUIRE(list.size() == 2);
  CHECK(list[0].cidr_ipv4 == "203.0.113.7/32");
  CHECK(list[0].from_port == 22);
  CHECK(list[1].is_egress);
  CHECK(list[1].source_group_id == "sg-9");
  CHECK(list[1].from_port == -1);
  SecurityGroupRule rule{.from_port = 22, .to_port = 22, .cidr_ipv6 = "2001:db8::1/128", .description = "here"};
  authorize_ingress(aws.client, "sg-1", {rule}, {});
  CHECK(asked(aws, 2) ==
        "AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1."
        "FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001%3Adb8%3A%3A1%"
        "2F128&IpPermissions.1.Ipv6Ranges.1.Description=here");
  revoke_ingress(aws.client, "sg-1", {"sgr-1"});
  rule.id = "sgr-1";
  modify_rules(aws.client, "sg-1", {rule});
  CHECK(asked(aws, 4) ==
        "ModifySecurityGroupRules&GroupId=sg-1&SecurityGroupRule.1.SecurityGroupRuleId=sgr-1&"
        "SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&SecurityGroupRule.1.SecurityGroupRule."
        "FromPort=22&SecurityGroupRule.1.SecurityGroupRule.ToPort=22&SecurityGroupRule.1."
        "SecurityGroupRule.CidrIpv6=2001%3Adb8%3A%3A1%2F128&SecurityGroupRule.1.SecurityGroupRule."
        "Description=here");
}

TEST_CASE("what is gone already was ended", "[aws]") {
  AwsService gone([](const HttpRequestSeen& seen) {
    const bool group = action_of(seen) == "DeleteSecurityGroup";
    return ec2_error("400 Bad Request", group ? "InvalidGroup.NotFound" : "InvalidAllocationID.NotFound");
  });
  CHECK_NOTHROW(delete_security_group(gone.client, "sg-1"));
  CHECK_NOTHROW(release_address(gone.client, "eipalloc-1"));
  AwsService used([](const HttpRequestSeen&) { return ec2_error("400 Bad Request", "DependencyViolation"); });
  CHECK_THROWS_AS(delete_security_group(used.client, "sg-1"), AwsError);
}

TEST_CASE("a subnet is public by its own routes, or those of its VPC", "[aws]") {
  AwsService aws([](const HttpRequestSeen& seen) {
    const bool main = seen.body.find("association.main") != seen.body.npos;
    return ec2_answer(
        "DescribeRouteTables",
        main ? "<routeTableSet><item><routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>"
               "<gatewayId>igw-1</gatewayId><state>active</state></item></routeSet></item></routeTableSet>"
             : "<routeTableSet/>");
  });
  CHECK(is_public(aws.client, {.id = "subnet-1", .vpc_id = "vpc-1"}));
  CHECK(aws.server.seen().size() == 2);
}

TEST_CASE("the default VPC is made, or is there", "[aws]") {
  AwsService aws([](const HttpRequestSeen& seen) {
    if (action_of(seen) == "CreateDefaultVpc") return ec2_error("400 Bad Request", "DefaultVpcAlreadyExists");
    return ec2_answer("DescribeVpcs",
                      "<vpcSet><item><vpcId>vpc-7</vpcId><isDefault>true</isDefault></item></vpcSet>");
  });
  CHECK(create_default_vpc(aws.client).id == "vpc-7");
}

TEST_CASE("the newest image of an owner is chosen", "[aws]") {
  const auto image = [](const char* id, const char* owner, const char* created) {
    return std::string("<item><imageId>") + id + "</imageId><imageOwnerId>" + owner +
           "</imageOwnerId><creationDate>" + created +
           "</creationDate><rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping><item><deviceName>"
           "/dev/sda1</deviceName><ebs><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping></item>";
  };
  AwsService aws(
      by_action({{"DescribeImages", "<imagesSet>" + image("ami-1", "99", "2026-01-01T00:00:00.000Z") +
                                        image("ami-2", "99", "2026-07-01T00:00:00.000Z") +
                                        image("ami-3", "66", "2026-08-01T00:00:00.000Z") + "</imagesSet>"}}));
  const auto newest = newest_image(aws.client, "99", "ubuntu-*", "x86_64");
  REQUIRE(newest);
  CHECK(newest->id == "ami-2");
  CHECK(newest->snapshot_gib == 8);
  CHECK_THAT(asked(aws), Catch::Contains("&Owner.1=99"));
}

TEST_CASE("types tell what they are, and where they are", "[aws]") {
  AwsService aws(by_action(
      {{"DescribeInstanceTypes",
        "<instanceTypeSet><item><instanceType>g4dn.xlarge</instanceType><hypervisor>nitro</"
        "hypervisor><freeTierEligible>"
        "false</freeTierEligible><processorInfo><supportedArchitectures><item>x86_64</item></"
        "supportedArchitectures>"
        "</processorInfo><vCpuInfo><defaultVCpus>4</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>16384</"
        "sizeInMiB>"
        "</memoryInfo><gpuInfo><gpus><item><name>T4</name><count>1</count><memoryInfo><sizeInMiB>15360</"
        "sizeInMiB>"
        "</memoryInfo></item></gpus></gpuInfo></item></instanceTypeSet>"},
       {"DescribeInstanceTypeOfferings",
        "<instanceTypeOfferingSet><item><location>us-east-1a</location></item></instanceTypeOfferingSet>"}}));
  const InstanceType type = describe_instance_types(aws.client, {"g4dn.xlarge"}).at(0);
  CHECK(type.vcpus == 4);
  CHECK(type.gpu_name == "T4");
  CHECK(type.gpu_memory_mib == 15360);
  CHECK(type.architectures == std::vector<std::string>{"x86_64"});
  CHECK(zones_of_type(aws.client, "g4dn.xlarge") == std::vector<std::string>{"us-east-1a"});
  CHECK(vcpu_quota_of("g4dn.xlarge") == "L-DB2E81BA");
  CHECK(vcpu_quota_of("t3.small") == "L-1216C47A");
  CHECK(vcpu_quota_of("p5.48xlarge") == "L-417A185B");
}

TEST_CASE("an address is asked for once, when the reply is lost", "[aws]") {
  AwsService aws([](const HttpRequestSeen&) { return HttpBytes{"", false}; });
  try {
    allocate_address(aws.client, {{"k", "v"}});
    FAIL("it did not fail");
  } catch (const AwsError& error) {
    CHECK(error.failure().sent == Sent::unknown);
  }
  CHECK(aws.server.seen().size() == 1);
  CHECK(asked(aws) ==
        "AllocateAddress&Domain=vpc&TagSpecification.1.ResourceType=elastic-ip&TagSpecification.1.Tag.1."
        "Key=k&TagSpecification.1.Tag.1.Value=v");
}

TEST_CASE("volumes grow", "[aws]") {
  AwsService aws(by_action(
      {{"DescribeVolumes",
        "<volumeSet><item><volumeId>vol-1</volumeId><size>8</size><status>in-use</status>"
        "<attachmentSet><item><instanceId>i-1</instanceId></item></attachmentSet></item></volumeSet>"},
       {"ModifyVolume",
        "<volumeModification><volumeId>vol-1</volumeId><modificationState>modifying</modificationState>"
        "<targetSize>30</targetSize></volumeModification>"},
       {"DescribeVolumesModifications", "<volumeModificationSet/>"}}));
  CHECK(describe_volumes(aws.client, {{"vol-1"}, {}}).at(0).instance_id == "i-1");
  const VolumeModification modification = modify_volume(aws.client, "vol-1", {30, ""});
  CHECK(modification.target_gib == 30);
  CHECK(asked(aws, 1) == "ModifyVolume&VolumeId=vol-1&Size=30");
  CHECK_FALSE(volume_modification(aws.client, "vol-1"));
}

TEST_CASE("the caller is known without any right", "[aws]") {
  AwsService aws([](const HttpRequestSeen&) {
    return http_answer(
        "200 OK",
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ada</Arn><UserId>U"
        "</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  });
  const CallerIdentity caller = caller_identity(aws.client);
  CHECK(caller.arn == "arn:aws:iam::1:user/ada");
  CHECK(caller.account == "1");
  CHECK(aws.server.seen().at(0).body == "Action=GetCallerIdentity&Version=2011-06-15");
}

TEST_CASE("prices are those of the list, or none", "[aws]") {
  AwsService aws([](const HttpRequestSeen& seen) {
    CHECK(seen.header("x-amz-target") == "AWSPriceListService.GetProducts");
    return http_answer("200 OK", R"({"FormatVersion":"aws_v1","PriceList":[
      "{\"terms\":{\"OnDemand\":{\"a\":{\"priceDimensions\":{\"b\":{\"pricePerUnit\":{\"USD\":\"0.0000000000\"}},\"c\":{\"pricePerUnit\":{\"USD\":\"0.0240000000\"}}}}}}}",
      "{\"terms\":{}}"]})");
  });
  CHECK(hourly_price(aws.client, "t3.small", "eu-central-1") == 0.024);
  CHECK_THAT(aws.server.seen().at(0).header("authorization"), Catch::Contains("/us-east-1/pricing/"));
  AwsService denied([](const HttpRequestSeen&) {
    return http_answer("400 Bad Request", R"({"__type":"AccessDeniedException","Message":"no"})");
  });
  CHECK_FALSE(hourly_price(denied.client, "t3.small", "eu-central-1"));
  CHECK_FALSE(monthly_price_of_gigabyte(denied.client, "gp3", "eu-central-1"));
  CHECK_FALSE(ec2_quota(denied.client, "L-1216C47A"));
}
