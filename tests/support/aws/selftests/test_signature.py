"""SigV4: the vectors, and what is refused."""

import time
import unittest

from .. import signature
from ..identity import USER_KEY
from .bench import StandInTest, client, form, signed

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ASK = form("DescribeVpcs")


class Vectors(unittest.TestCase):
    def made(self, headers, body, scope, moment):
        canonical = signature.canonical_request("POST", "/", "", headers, sorted(headers), body)
        return signature.digest(canonical.encode()), signature.signature(SECRET, scope, moment, canonical)

    def test_aws_own_suite(self):
        headers = {
            "host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z",
            "content-type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        scope = signature.Scope("20150830", "us-east-1", "service")
        canonical, made = self.made(headers, b"Param1=value1", scope, "20150830T123600Z")
        self.assertTrue(canonical.startswith("42a5e5bb"))
        self.assertEqual(made, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")

    def test_ec2_without_and_with_a_token(self):
        moment = "20260801T120000Z"
        headers = {
            "host": "ec2.eu-central-1.amazonaws.com", "x-amz-date": moment,
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        }  # fmt: skip
        ask = b"Action=DescribeInstances&Version=2016-11-15"
        body = ask + b"&Filter.1.Name=client-token&Filter.1.Value.1=mla-0123456789abcdef"
        scope = signature.Scope("20260801", "eu-central-1", "ec2")
        self.assertEqual(signature.digest(body), "163b5a7b5eeae1a40a665349ca3bc0c5848fa10eb2bcabaa8a5b71b972d8f7b2")
        self.assertEqual(
            signature.signing_key(SECRET, scope).hex(),
            "7420eb47ce5e82f2c49a7bee9c2d85feb91eeb6e6922d93f8ceefdccb7d6e3c8",
        )
        canonical, made = self.made(headers, body, scope, moment)
        self.assertEqual(canonical, "b4c4843206b850b6d869c84f127d9cc21c2317cc580661349a64f469fa0682cf")
        self.assertEqual(made, "481247e07cc6e204f823abb855253e867d3227927820d05b4505a2c2948cb265")
        canonical, made = self.made({**headers, "x-amz-security-token": "TOKEN/EXAMPLE+=="}, body, scope, moment)
        self.assertTrue(canonical.startswith("b3e0c91c"))
        self.assertEqual(made, "4329e3925cb35363f8a1da231c2ee0ee06c0e7ffbeffdf6d7cd58fae908c53de")


class Refusals(StandInTest):
    def test_a_right_signature_is_taken(self):
        status, answer = signed(ASK)
        self.assertEqual(status, 200, answer)

    def test_a_wrong_secret(self):
        status, _ = self.raw_refused("SignatureDoesNotMatch", ASK, secret="wrong")
        self.assertEqual(status, 403)

    def test_an_unknown_key_by_service(self):
        status, _ = self.raw_refused("AuthFailure", ASK, key="AKIANOBODY0000000000")
        self.assertEqual(status, 401)
        status, answer = self.raw_refused(
            "InvalidClientTokenId", form("GetCallerIdentity", "sts"), service="sts", key="AKIANOBODY0000000000"
        )
        self.assertEqual(status, 403)
        self.assertIn("<Type>Sender</Type>", answer)
        nobody = client("ssm", key="AKIANOBODY0000000000")
        self.refused("UnrecognizedClientException", nobody.get_parameter, Name="x")

    def test_headers_that_must_be_signed(self):
        def unsigned(name):
            def change(headers):
                headers["authorization"] = headers["authorization"].replace(name + ";", "")

            return change

        for name in ("content-type", "host"):
            self.raw_refused("SignatureDoesNotMatch", ASK, change=unsigned(name))
        self.raw_refused("SignatureDoesNotMatch", ASK, change=lambda h: h.update({"x-amz-security-token": "x"}))

    def test_a_body_or_header_that_changed(self):
        self.raw_refused("SignatureDoesNotMatch", ASK, change=lambda h: h.update({"content-type": "text/plain"}))

    def test_no_or_a_strange_authorization(self):
        self.raw_refused("MissingAuthenticationToken", ASK, change=lambda h: h.pop("authorization"))
        self.raw_refused("IncompleteSignature", ASK, change=lambda h: h.update(authorization="Basic eDp5"))
        self.raw_refused("SignatureDoesNotMatch", ASK, service="s3")

    def test_a_clock_that_is_wrong(self):
        def at(seconds):
            return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + seconds))

        self.raw_refused("RequestExpired", ASK, moment=at(-301))
        self.raw_refused("RequestExpired", ASK, moment=at(302))
        self.assertEqual(signed(ASK, moment=at(-290))[0], 200)
        _, answer = self.raw_refused(
            "SignatureDoesNotMatch", form("GetCallerIdentity", "sts"), service="sts", moment=at(-400)
        )
        self.assertIn("Signature expired:", answer)

    def test_a_credential_whose_time_is_over(self):
        role = self.cloud.identities.role_named("mlops")
        one = self.cloud.identities.session(role, "s", 900)
        temporary = dict(key=one.key_id, secret=one.secret, token=one.token)
        self.assertEqual(signed(ASK, **temporary)[0], 200)
        self.raw_refused("AuthFailure", ASK, **{**temporary, "token": None})
        self.raw_refused("AuthFailure", ASK, **{**temporary, "token": "other"})
        one.expires = self.cloud.clock.now()
        self.raw_refused("RequestExpired", ASK, **temporary)
        self.raw_refused("ExpiredToken", form("GetCallerIdentity", "sts"), service="sts", **temporary)
        ssm = client("ssm", key=one.key_id, secret=one.secret, token=one.token)
        self.refused("ExpiredTokenException", ssm.get_parameter, Name="x")
        self.assertEqual(USER_KEY[:4], "AKIA")

    def test_a_region_that_is_not_enabled(self):
        far = client("ec2", region="eu-central-2")
        self.refused("AuthFailure", far.describe_vpcs)
        self.cloud.change({"opted_in": ["eu-central-2"]})
        self.assertEqual(len(far.describe_vpcs()["Vpcs"]), 1)
