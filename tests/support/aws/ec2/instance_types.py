"""Instance types, where they are offered, and their spot prices."""

from ..errors import Refused, invalid
from . import catalog
from .filters import matching, page


def rendered(kind):
    gpu = kind.gpu and {
        "Gpus": [{"Name": kind.gpu, "Manufacturer": "NVIDIA", "Count": 1, "MemoryInfo": {"SizeInMiB": 16384}}],
        "TotalGpuMemoryInMiB": 16384,
    }
    return {
        "InstanceType": kind.name, "CurrentGeneration": kind.current, "FreeTierEligible": kind.free,
        "SupportedUsageClasses": ["on-demand", "spot"], "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"], "BareMetal": False, "Hypervisor": kind.hypervisor,
        "ProcessorInfo": {"SupportedArchitectures": [kind.architecture], "SustainedClockSpeedInGhz": 2.5},
        "VCpuInfo": {"DefaultVCpus": kind.vcpus, "DefaultCores": max(1, kind.vcpus // 2), "DefaultThreadsPerCore": 2},
        "MemoryInfo": {"SizeInMiB": kind.memory}, "InstanceStorageSupported": False, "GpuInfo": gpu,
        "HibernationSupported": False, "BurstablePerformanceSupported": kind.burstable,
        "DedicatedHostsSupported": False, "AutoRecoverySupported": True,
    }  # fmt: skip


FIELDS = {
    "instance-type": lambda kind: kind.name,
    "free-tier-eligible": lambda kind: kind.free,
    "current-generation": lambda kind: kind.current,
    "hypervisor": lambda kind: kind.hypervisor,
    "processor-info.supported-architecture": lambda kind: kind.architecture,
    "vcpu-info.default-vcpus": lambda kind: kind.vcpus,
    "memory-info.size-in-mib": lambda kind: kind.memory,
    "burstable-performance-supported": lambda kind: kind.burstable,
    "supported-usage-class": lambda _: ["on-demand", "spot"],
    "supported-root-device-type": lambda _: "ebs",
    "supported-virtualization-type": lambda _: "hvm",
    "bare-metal": lambda _: False,
}


def offered(call, zone=None):
    """The types that a zone (or any zone of the region) has."""
    zones = [zone] if zone else call.region.zones
    settings = call.cloud.settings
    return [kind for kind in catalog.TYPES.values() if any(catalog.offers(settings, z, kind.name) for z in zones)]


def describe_instance_types(call):
    names, found = call.get("InstanceTypes"), offered(call)
    unknown = [name for name in names or () if name not in {kind.name for kind in found}]
    if unknown:
        raise Refused(
            "InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(unknown)}]"
        )
    found = [kind for kind in found if not names or kind.name in names]
    found = matching(call, found, FIELDS)
    found, following = page(call, found, names and ("instanceTypes",), highest=100)
    return {"InstanceTypes": [rendered(kind) for kind in found], "NextToken": following}


def describe_instance_type_offerings(call):
    where = call.get("LocationType", "region")
    places = {
        "region": [(call.region.name, None)],
        "availability-zone": [(zone, zone) for zone in call.region.zones],
        "availability-zone-id": [(catalog.zone_id(zone), zone) for zone in call.region.zones],
    }
    if where not in places:
        raise invalid(f"Value ({where}) for parameter locationType is invalid.")
    found = [
        {"InstanceType": kind.name, "LocationType": where, "Location": place}
        for place, zone in places[where]
        for kind in offered(call, zone)
    ]
    fields = {"instance-type": lambda one: one["InstanceType"], "location": lambda one: one["Location"]}
    found, following = page(call, matching(call, found, fields))
    return {"InstanceTypeOfferings": found, "NextToken": following}


def describe_spot_price_history(call):
    names = call.get("InstanceTypes") or list(catalog.TYPES)
    products = call.get("ProductDescriptions", ["Linux/UNIX"])
    found = [
        {
            "AvailabilityZone": zone, "InstanceType": kind.name, "ProductDescription": "Linux/UNIX",
            "SpotPrice": f"{kind.hourly * 0.4:.6f}", "Timestamp": call.cloud.clock.now(),
        }
        for zone in call.region.zones
        for kind in offered(call, zone)
        if kind.name in names and any(product.startswith("Linux/UNIX") for product in products)
        if call.get("AvailabilityZone", zone) == zone
    ]  # fmt: skip
    fields = {
        "availability-zone": lambda one: one["AvailabilityZone"],
        "instance-type": lambda one: one["InstanceType"],
        "product-description": lambda one: one["ProductDescription"],
    }
    found, following = page(call, matching(call, found, fields), lowest=1)
    return {"SpotPriceHistory": found, "NextToken": following}


OPERATIONS = {
    "DescribeInstanceTypes": describe_instance_types,
    "DescribeInstanceTypeOfferings": describe_instance_type_offerings,
    "DescribeSpotPriceHistory": describe_spot_price_history,
}
