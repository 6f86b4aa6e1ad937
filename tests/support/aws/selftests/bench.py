"""What the stand-in's tests share: one server with a new account for each test, botocore's clients, raw requests."""

import functools
import http.client
import json
import threading
import time
import unittest
from urllib.parse import quote

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from .. import signature
from ..cloud import Cloud
from ..identity import USER_KEY, USER_SECRET
from ..server import Server

REGION = "eu-central-1"
QUICK = {"start_seconds": 0.05, "stop_seconds": 0.05, "terminate_seconds": 0.05, "modify_seconds": 0.05}
FORM = "application/x-www-form-urlencoded; charset=utf-8"
VERSIONS = {"ec2": "2016-11-15", "sts": "2011-06-15"}


@functools.lru_cache(maxsize=None)
def server():
    made = Server(Cloud(settings=QUICK))
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return made


@functools.lru_cache(maxsize=None)
def session():
    return botocore.session.Session()


@functools.lru_cache(maxsize=None)
def client(service, region=REGION, key=USER_KEY, secret=USER_SECRET, token=None):
    return session().create_client(
        service, region_name=region, endpoint_url=f"http://127.0.0.1:{server().port}", aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token,
        config=Config(retries={"max_attempts": 0, "mode": "standard"}, read_timeout=5),
    )  # fmt: skip


def request(method, path, headers=None, body=b""):
    """Status, headers and body of an unsigned request."""
    connection = http.client.HTTPConnection("127.0.0.1", server().port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def control(**asked):
    status, _, body = request("POST", "/_control", {"Content-Type": "application/json"}, json.dumps(asked).encode())
    assert status == 200, body
    return json.loads(body)


def state(region=REGION):
    return json.loads(request("GET", "/_control/state")[2])["regions"][region]


def calls():
    return json.loads(request("GET", "/_control/calls")[2])


def signed(body, service="ec2", change=None, moment=None, key=USER_KEY, secret=USER_SECRET, token=None, more=None):
    """Status and body of a request that is signed by hand. change: what happens to its headers after that."""
    moment = moment or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = signature.Scope(moment[:8], REGION, service)
    headers = {"content-type": FORM, "host": f"127.0.0.1:{server().port}", "x-amz-date": moment, **(more or {})}
    if token:
        headers["x-amz-security-token"] = token
    names = sorted(headers)
    canonical = signature.canonical_request("POST", "/", "", headers, names, body)
    made = signature.signature(secret, scope, moment, canonical)
    headers[
        "authorization"
    ] = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={made}"
    if change:
        change(headers)
    status, _, answer = request("POST", "/", headers, body)
    return status, answer.decode()


def form(action, service="ec2", **parameters):
    pairs = {"Action": action, "Version": VERSIONS[service], **parameters}
    return "&".join(f"{quote(k, safe='.')}={quote(str(v), safe='')}" for k, v in pairs.items()).encode()


class StandInTest(unittest.TestCase):
    """A new account for each test; a bug of the stand-in fails the test that met it."""

    settings = {}

    def setUp(self):
        server().cloud = self.cloud = Cloud(settings={**QUICK, **self.settings})
        self.ec2 = client("ec2")

    def tearDown(self):
        self.assertEqual(self.cloud.bugs, [])

    def refused(self, code, operation, **parameters):
        """Asserts that an operation is refused with that code; returns its message."""
        with self.assertRaises(ClientError) as caught:
            operation(**parameters)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error["Message"])
        return error["Message"]

    def raw_refused(self, code, body, **options):
        status, answer = signed(body, **options)
        self.assertIn(f"<Code>{code}</Code>", answer)
        return status, answer

    def until(self, get, wanted, seconds=5):
        end = time.monotonic() + seconds
        while (last := get()) != wanted:
            if time.monotonic() > end:
                self.fail(f"{last!r} did not become {wanted!r}")
            time.sleep(0.01)
        return last

    def image(self, name="ubuntu-24.04"):
        return self.cloud.region(REGION).newest_image(name)

    def launch(self, **parameters):
        """The new instance's description."""
        given = {"ImageId": self.image().id, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, **parameters}
        return self.ec2.run_instances(**given)["Instances"][0]

    def instance(self, name):
        return self.ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]

    def wait(self, name, wanted):
        self.until(lambda: self.instance(name)["State"]["Name"], wanted)
        return self.instance(name)

    def subnet(self, zone):
        found = self.ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [zone]}])
        return found["Subnets"][0]["SubnetId"]
