"""Key pairs and their fingerprints."""

import base64
import subprocess
import tempfile
from pathlib import Path

from ..ec2 import key_format
from .bench import StandInTest

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
FINGERPRINT = "bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8="


def output(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, **options).stdout


class KeyPairs(StandInTest):
    def imported(self, name="laptop", key=ED25519, **more):
        return self.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=key.encode(), **more)

    def test_the_vector(self):
        tags = [{"ResourceType": "key-pair", "Tags": [{"Key": "mlops-agent:id", "Value": "k"}]}]
        answer = self.imported(TagSpecifications=tags)
        self.assertEqual(answer["KeyFingerprint"], FINGERPRINT)
        self.assertEqual(answer["Tags"], tags[0]["Tags"])
        self.refused("InvalidKeyPair.Duplicate", self.imported)

    def test_rsa_as_openssl_says(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "k"
            output("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path))
            pem = output("ssh-keygen", "-e", "-m", "PKCS8", "-f", str(path))
            der = output("openssl", "pkey", "-pubin", "-outform", "DER", input=pem)
            md5 = output("openssl", "md5", "-c", input=der).decode().split()[-1]
            self.assertEqual(self.imported("r", (path.with_suffix(".pub")).read_text())["KeyFingerprint"], md5)

    def test_made_by_aws(self):
        made = self.ec2.create_key_pair(KeyName="made", KeyType="rsa")
        self.assertRegex(made["KeyFingerprint"], r"^([0-9a-f]{2}:){19}[0-9a-f]{2}$")
        self.assertIn("BEGIN RSA PRIVATE KEY", made["KeyMaterial"])
        made = self.ec2.create_key_pair(KeyName="made2", KeyType="ed25519")
        self.assertEqual(len(base64.b64decode(made["KeyFingerprint"])), 32)

    def test_described(self):
        self.imported()
        one = self.ec2.describe_key_pairs(KeyNames=["laptop"], IncludePublicKey=True)["KeyPairs"][0]
        self.assertEqual(one["PublicKey"].split(), [*ED25519.split(), "laptop"])
        self.assertEqual(one["KeyType"], "ed25519")
        self.assertNotIn("PublicKey", self.ec2.describe_key_pairs(KeyPairIds=[one["KeyPairId"]])["KeyPairs"][0])
        self.refused("InvalidKeyPair.NotFound", self.ec2.describe_key_pairs, KeyNames=["no"])
        none = self.ec2.describe_key_pairs(Filters=[{"Name": "key-name", "Values": ["no"]}])
        self.assertEqual(none["KeyPairs"], [])
        by = self.ec2.describe_key_pairs(Filters=[{"Name": "fingerprint", "Values": [FINGERPRINT]}])
        self.assertEqual(len(by["KeyPairs"]), 1)

    def test_deleted_also_twice(self):
        self.imported()
        self.ec2.delete_key_pair(KeyName="laptop")
        self.ec2.delete_key_pair(KeyName="laptop")
        self.imported()

    def test_what_is_no_key(self):
        ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=="
        for key in (ecdsa, "ssh-dss AAAA", ED25519[:-4], "ssh-rsa " + ED25519.split()[1], ED25519 + "\n\n", "x"):
            self.refused("InvalidKey.Format", self.imported, key=key)

    def test_der_lengths(self):
        self.assertEqual(key_format.der(4, b"x" * 200)[:3], bytes([4, 0x81, 200]))
        self.assertEqual(key_format.der(4, b"x" * 300)[:4], bytes([4, 0x82, 1, 44]))
