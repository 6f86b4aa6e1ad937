"""A stand-in for the part of AWS that the agent uses, for tests: strict, slow to settle, and faulty when told so.

    tests/support/aws/serve --ready-file FILE [--launcher COMMAND] [--set JSON]
    AWS_ENDPOINT_URL=http://127.0.0.1:PORT  AWS_REGION=eu-central-1
    AWS_ACCESS_KEY_ID=AKIASTANDINANNA00001  AWS_SECRET_ACCESS_KEY=anna/STANDIN+secret0000000000000000000000

It needs Debian's python3-botocore, for the services' models only, and ssh-keygen and openssl for CreateKeyPair.

What is as on AWS
- The wire: every request is checked against botocore's shapes, every answer is made from them; unknown, missing and
  ill-formed parameters are refused with AWS's codes. SigV4 is verified, with its clock, by code of its own.
- The services of one account: EC2, STS, SSM's GetParameter, GetServiceQuota, price list, SSO's credentials and its
  token's refresh, IMDSv2, a container's credentials, and GET /checkip. They are told apart by the signature's scope,
  or by the path.
- ClientToken: the same request is the same instance; another is IdempotentParameterMismatch, also after an error of
  capacity; a terminated instance is IdempotentInstanceTerminated; a request with a subnet or zone is zonal.
- States take time, reads may be behind; what is refused (free tier, quota, capacity, denied actions) has AWS's words.
- Fingerprints of keys, canonical CIDR blocks, one-step changes of rules, growing volumes, pages, filters, tags, DryRun.

What is simulated
- Machines: none at all (addresses of 127.100.0.0 and above), or those of a launcher (machines.py; docker_host is one).
- A private address is invented unless the launcher says one.
- Security groups are enforced where the launcher can (firewall), by dropping, as on AWS; what goes out is let out.
- Prices, image ids, which zone lacks a type (the last of each region has no t3), and the capacity of zones.

What is left out (and answered with 501, `StandInBug`, where AWS would do it)
- Other operations than those of ec2/, other services, presigned URLs, GET requests of the query protocols.
- IAM: a role may be assumed by everybody; rights are all there but those that a test denies. Instance profiles.
- `aws login`, logging in to SSO, endpoints of EC2 Instance Connect, the Session Manager, launch templates, several
  network interfaces, KMS, snapshots, IPv6 addresses of instances, billing.

Faults, settings and looking inside: control.py, faults.py and settings.py. Its own tests: selftest.py.
"""
