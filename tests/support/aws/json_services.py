"""The JSON 1.1 services as far as they are used: SSM's parameters, quotas, prices."""

import datetime
import fnmatch
import json

from .ec2 import catalog
from .errors import Refused
from .identity import ACCOUNT

QUOTAS = {
    "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "vcpus"),
    "L-DB2E81BA": ("Running On-Demand G and VT instances", None),
    "L-0263D0A3": ("EC2-VPC Elastic IPs", "addresses"),
}
# Where the price list can be asked.
PRICING_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
LOCATIONS = {
    "eu-central-1": ("EU (Frankfurt)", 1.0), "eu-west-1": ("EU (Ireland)", 0.95),
    "us-east-1": ("US East (N. Virginia)", 0.87),
    "us-west-2": ("US West (Oregon)", 0.87), "eu-central-2": ("Europe (Zurich)", 1.1),
}  # fmt: skip


def get_parameter(cloud, region, parameters):
    name = parameters["Name"]
    missing = any(fnmatch.fnmatchcase(name, pattern) for pattern in cloud.settings.ssm_missing)
    line = next((line for line in catalog.LINES if line.parameter == name), None)
    value = cloud.parameters.get(name) or (line and cloud.region(region).newest_image(line.alias).id)
    if missing or not value:
        raise Refused("ParameterNotFound", "")
    owner = "" if name.startswith("/aws/") else ACCOUNT
    return {
        "Parameter": {
            "Name": name, "Type": "String", "Value": value, "Version": 42, "DataType": "aws:ec2:image",
            "LastModifiedDate": datetime.datetime(2026, 7, 15, tzinfo=datetime.timezone.utc).timestamp(),
            "ARN": f"arn:aws:ssm:{region}:{owner}:parameter{name}",
        }
    }  # fmt: skip


def get_service_quota(cloud, region, parameters):
    code = parameters["QuotaCode"]
    if parameters["ServiceCode"] != "ec2" or code not in QUOTAS:
        raise Refused("NoSuchResourceException", "The request failed because the specified service does not exist.")
    name, setting = QUOTAS[code]
    return {
        "Quota": {
            "ServiceCode": "ec2", "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)", "QuotaCode": code,
            "QuotaName": name, "Value": float(getattr(cloud.settings, setting) if setting else 0), "Unit": "None",
            "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:ec2/{code}",
            "Adjustable": True, "GlobalQuota": False,
        }
    }  # fmt: skip


def offer(family, attributes, price, unit, description):
    """A product of the price list with its one on-demand price."""
    sku = format(abs(hash(json.dumps(attributes, sort_keys=True))) % 16**12, "012X")
    term, rate = f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "unit": unit, "endRange": "Inf", "beginRange": "0", "description": description, "appliesTo": [],
        "rateCode": rate, "pricePerUnit": {"USD": f"{price:.10f}"},
    }  # fmt: skip
    return {
        "product": {"productFamily": family, "attributes": attributes, "sku": sku},
        "serviceCode": attributes["servicecode"],
        "terms": {
            "OnDemand": {
                term: {
                    "priceDimensions": {rate: dimension}, "sku": sku, "effectiveDate": "2026-07-01T00:00:00Z",
                    "offerTermCode": "JRTCKXETXF", "termAttributes": {},
                }
            }
        },
        "version": "20260715000000",
        "publicationDate": "2026-07-15T00:00:00Z",
    }  # fmt: skip


def offers():
    """The whole price list of the stand-in."""
    for region, (location, factor) in LOCATIONS.items():
        where = {"regionCode": region, "location": location, "locationType": "AWS Region"}
        for kind in catalog.TYPES.values():
            for system, more in (("Linux", 0.0), ("Windows", 0.05)):
                attributes = {
                    **where, "servicecode": "AmazonEC2", "instanceType": kind.name, "operatingSystem": system,
                    "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used", "vcpu": str(kind.vcpus),
                    "memory": f"{kind.memory / 1024:g} GiB", "licenseModel": "No License required",
                    "marketoption": "OnDemand", "operation": "RunInstances",
                }  # fmt: skip
                price = kind.hourly * factor + more
                words = f"${price:.4f} per On Demand {system} {kind.name} Instance Hour"
                yield offer("Compute Instance", attributes, price, "Hrs", words)
        for name, price in (("gp3", 0.0952), ("gp2", 0.119)):
            attributes = {**where, "servicecode": "AmazonEC2", "volumeApiName": name, "volumeType": "General Purpose"}
            yield offer("Storage", attributes, price * factor, "GB-Mo", f"${price:.4f} per GB-month of {name} storage")
        attributes = {
            **where,
            "servicecode": "AmazonVPC",
            "group": "VPCPublicIPv4Address",
            "usagetype": "PublicIPv4:InUseAddress",
        }
        yield offer("VpcPublicIPv4Address", attributes, 0.005, "Hrs", "$0.005 per In-use public IPv4 address per hour")


def get_products(_cloud, _region, parameters):
    """Only exact matches, as TERM_MATCH; a page of 100 as AWS has at most."""
    known = ("AmazonEC2", "AmazonVPC")
    if parameters.get("ServiceCode") not in known:
        raise Refused("InvalidParameterException", "Invalid ServiceCode")
    found = [one for one in offers() if one["serviceCode"] == parameters["ServiceCode"]]
    for one in parameters.get("Filters", []):
        name, value = one["Field"], one["Value"]
        found = [
            o
            for o in found
            if {**o["product"]["attributes"], "productFamily": o["product"]["productFamily"]}.get(name) == value
        ]
    most = min(parameters.get("MaxResults", 100), 100)
    token = parameters.get("NextToken", "0")
    if not token.isdigit():
        raise Refused("InvalidNextTokenException", "The pagination token is invalid")
    answer = {
        "FormatVersion": "aws_v1",
        "PriceList": [json.dumps(one) for one in found[int(token) : int(token) + most]],
    }
    if int(token) + most < len(found):
        answer["NextToken"] = str(int(token) + most)
    return answer


# Signing name: (botocore's name, prefix of X-Amz-Target, operations)
SERVICES = {
    "ssm": ("ssm", "AmazonSSM", {"GetParameter": get_parameter}),
    "servicequotas": ("service-quotas", "ServiceQuotasV20190624", {"GetServiceQuota": get_service_quota}),
    "pricing": ("pricing", "AWSPriceListService", {"GetProducts": get_products}),
}
