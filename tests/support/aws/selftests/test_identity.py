"""Who one is: STS, denied actions, SSO, IMDS, containers."""

import json

from ..identity import ACCOUNT, EXTERNAL_ID, MFA_CODE, MFA_SERIAL, WEB_TOKEN
from ..metadata import CONTAINER_PATH
from ..sso import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH, FIRST_TOKEN
from .bench import StandInTest, client, control, form, request, signed


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


class Sts(StandInTest):
    def setUp(self):
        super().setUp()
        self.sts = client("sts")

    def assume(self, name, sts=None, **more):
        return (sts or self.sts).assume_role(RoleArn=role(name), RoleSessionName="test", **more)

    def with_role(self, answer, service="sts"):
        one = answer["Credentials"]
        return client(service, key=one["AccessKeyId"], secret=one["SecretAccessKey"], token=one["SessionToken"])

    def test_who_am_i(self):
        self.assertEqual(self.sts.get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:user/anna")
        acted = self.with_role(self.assume("mlops"))
        self.assertEqual(acted.get_caller_identity()["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/mlops/test")
        self.with_role(self.assume("second", acted), "ec2").describe_vpcs()

    def test_what_roles_want(self):
        self.refused("AccessDenied", self.assume, name="none")
        self.refused("AccessDenied", self.assume, name="guarded")
        self.refused("AccessDenied", self.assume, name="guarded", SerialNumber=MFA_SERIAL, TokenCode="000000")
        self.assume("guarded", SerialNumber=MFA_SERIAL, TokenCode=MFA_CODE)
        self.refused("AccessDenied", self.assume, name="guarded", SerialNumber=MFA_SERIAL, TokenCode=MFA_CODE)
        control(mfa_code="654321")
        self.assume("guarded", SerialNumber=MFA_SERIAL, TokenCode="654321")
        self.refused("AccessDenied", self.assume, name="partner")
        self.assume("partner", ExternalId=EXTERNAL_ID)
        self.refused("ValidationError", self.assume, name="mlops", DurationSeconds=7200)
        bad = form("AssumeRole", "sts", RoleArn=role("mlops"), RoleSessionName="a b")
        self.raw_refused("ValidationError", bad, service="sts")

    def test_web_identity_is_not_signed(self):
        body = form(
            "AssumeRoleWithWebIdentity", "sts", RoleArn=role("web"), RoleSessionName="web", WebIdentityToken=WEB_TOKEN
        )
        status, _, answer = request("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body)
        self.assertEqual(status, 200, answer)
        self.assertIn(b"<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA", answer.replace(b"\n", b""))
        status, _, answer = request("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body + b"x")
        self.assertEqual((status, b"InvalidIdentityToken" in answer), (400, True))

    def test_denied(self):
        control(deny=["ec2:Terminate*", "ssm:GetParameter", "ec2:DescribeVpcs"])
        message = self.refused(
            "UnauthorizedOperation", self.ec2.terminate_instances, InstanceIds=["i-0123456789abcdef0"]
        )
        encoded = message.rpartition("Encoded authorization failure message: ")[2]
        said = json.loads(self.sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
        self.assertEqual(said["context"]["action"], "ec2:TerminateInstances")
        self.refused("InvalidAuthorizationMessageException", self.sts.decode_authorization_message, EncodedMessage="x")
        self.refused("AccessDeniedException", client("ssm").get_parameter, Name="x")
        self.refused("UnauthorizedOperation", self.ec2.describe_vpcs, DryRun=True)
        self.refused("DryRunOperation", self.ec2.describe_subnets, DryRun=True)
        control(deny=["ec2:CreateTags"])
        tag = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": ""}]}]
        self.refused("UnauthorizedOperation", self.launch, TagSpecifications=tag)
        control(deny=["ec2:CreateTags:existing"])
        made = self.launch(TagSpecifications=tag)["InstanceId"]
        self.refused("UnauthorizedOperation", self.ec2.create_tags, Resources=[made], Tags=tag[0]["Tags"])

    def test_expired_by_control(self):
        acted = self.with_role(self.assume("mlops"), "ec2")
        control(expire="*")
        self.refused("RequestExpired", acted.describe_vpcs)


class Sso(StandInTest):
    PATH = f"/federation/credentials?role_name=Course&account_id={ACCOUNT}"

    def credentials(self, token, path=PATH):
        status, headers, body = request("GET", path, {"x-amz-sso_bearer_token": token})
        return status, headers.get("x-amzn-ErrorType"), json.loads(body)

    def token(self, **changes):
        asked = {
            "grantType": "refresh_token", "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET,
            "refreshToken": FIRST_REFRESH, **changes,
        }  # fmt: skip
        status, _, body = request("POST", "/token", {"Content-Type": "application/json"}, json.dumps(asked).encode())
        return status, json.loads(body)

    def test_credentials_that_sign(self):
        status, _, body = self.credentials(FIRST_TOKEN)
        one = body["roleCredentials"]
        self.assertEqual(status, 200)
        answer = signed(
            form("DescribeVpcs"), key=one["accessKeyId"], secret=one["secretAccessKey"], token=one["sessionToken"]
        )
        self.assertEqual(answer[0], 200)

    def test_refused(self):
        self.assertEqual(self.credentials("old")[:2], (401, "UnauthorizedException"))
        self.assertEqual(self.credentials(FIRST_TOKEN, self.PATH.replace("Course", "Other"))[0], 403)
        self.assertEqual(self.credentials(FIRST_TOKEN, "/federation/credentials?role_name=Course")[0], 400)

    def test_refreshed_once(self):
        status, body = self.token()
        self.assertEqual(status, 200)
        self.assertEqual(self.credentials(body["accessToken"])[0], 200)
        self.assertEqual(self.token()[1]["error"], "invalid_grant")
        self.assertEqual(self.token(refreshToken=body["refreshToken"])[0], 200)
        self.assertEqual(self.token(clientSecret="x")[0], 401)
        self.assertEqual(self.token(grantType="authorization_code", code="x")[0], 400)
        self.assertEqual(self.token(nonsense="x")[0], 400)


class Metadata(StandInTest):
    def token(self, ttl="21600"):
        return request("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": ttl})[::2]

    def read(self, path, token):
        return request("GET", path, {"X-aws-ec2-metadata-token": token})[::2]

    def test_version_2_alone(self):
        self.assertEqual(request("GET", "/latest/meta-data/instance-id")[0], 401)
        self.assertEqual(self.token("0")[0], 400)
        self.assertEqual(self.token("21601")[0], 400)
        status, token = self.token()
        self.assertEqual(status, 200)
        self.assertEqual(self.read("/latest/meta-data/placement/region", token.decode())[1], b"eu-central-1")
        self.assertEqual(self.read("/latest/meta-data/spot/instance-action", token.decode())[0], 404)

    def test_the_role(self):
        token = self.token()[1].decode()
        path = "/latest/meta-data/iam/security-credentials/"
        name = self.read(path, token)[1].decode()
        one = json.loads(self.read(path + name, token)[1])
        self.assertEqual(one["Code"], "Success")
        status, _ = signed(
            form("DescribeVpcs"), key=one["AccessKeyId"], secret=one["SecretAccessKey"], token=one["Token"]
        )
        self.assertEqual(status, 200)
        control(set={"imds_role": None})
        self.assertEqual(self.read(path, token)[0], 404)
        control(set={"imds": False})
        self.assertEqual(self.token()[0], 403)

    def test_a_container(self):
        self.assertEqual(request("GET", CONTAINER_PATH)[0], 403)
        status, _, body = request("GET", CONTAINER_PATH, {"Authorization": "stand-in-container-token"})
        self.assertEqual(status, 200)
        one = json.loads(body)
        status, _ = signed(
            form("DescribeVpcs"), key=one["AccessKeyId"], secret=one["SecretAccessKey"], token=one["Token"]
        )
        self.assertEqual(status, 200)
