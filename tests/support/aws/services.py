"""The services by their protocols: how each names an operation, reads it, performs it and says what is wrong."""

import json

from . import answers, ec2, form, json_services, json_wire, metadata, sso, sts
from .ec2 import call as ec2_call
from .errors import Refused, StandInBug
from .models import service_model
from .signature import refusal

FORM = "application/x-www-form-urlencoded"


class Query:
    """EC2 and STS. name: as in the credential's scope."""

    content_type = answers.CONTENT_TYPE

    def __init__(self, name, operations):
        self.name, self.operations = name, operations

    def action(self, request):
        try:
            return form.pairs(request.body).get("Action", "")
        except Refused:
            return ""

    def read(self, request):
        """The operation's model and its parameters."""
        if request.method != "POST" or request.path != "/" or request.query:
            raise StandInBug(f"{request.method} {request.path}?{request.query}: only POST / is simulated")
        if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
            raise Refused("MalformedQueryString", f"The content type is not {FORM}")
        given = form.pairs(request.body)
        model = service_model("ec2" if self.name == "ec2" else "sts")
        action, version = given.pop("Action", None), given.pop("Version", None)
        if not action:
            raise Refused("MissingAction", "The request must contain the parameter Action")
        if not version:
            raise Refused("MissingParameter", "The request must contain the parameter Version")
        if version != model.api_version:
            raise Refused("NoSuchVersion", f"The requested version ({version}) of service {self.name} does not exist")
        if action not in model.operation_names:
            raise Refused("InvalidAction", f"The action {action} is not valid for this web service.")
        operation = model.operation_model(action)
        if action not in self.operations:
            raise StandInBug(f"the operation {action} is not simulated")
        return operation, self.parameters(given, operation.input_shape)

    @staticmethod
    def parameters(given, shape):
        return form.Form(given, "ec2").read(shape)


class Ec2(Query):
    def __init__(self):
        super().__init__("ec2", ec2.OPERATIONS)

    def perform(self, cloud, request, region, credential):
        operation, parameters = self.read(request)
        call = ec2_call.make(cloud, cloud.region(region), operation.name, parameters, credential)
        cloud.identities.check(credential, "ec2", operation.name)
        if parameters.get("DryRun"):
            raise Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        result = self.operations[operation.name](call)
        ec2.settle(call.region)
        return answers.ec2_answer(operation, result, request.id)

    @staticmethod
    def error(refused, request_id):
        return answers.ec2_error(refused, request_id)


class Sts(Query):
    content_type = "text/xml"

    def __init__(self):
        super().__init__("sts", sts.OPERATIONS)

    @staticmethod
    def parameters(given, shape):
        try:
            return form.Form(given, "query").read(shape)
        except Refused as refused:
            if refused.code in ("InvalidParameterValue", "MissingParameter"):
                raise Refused("ValidationError", f"1 validation error detected: {refused.message}") from None
            raise

    def perform(self, cloud, request, region, credential):
        operation, parameters = self.read(request)
        if credential is None and operation.name not in sts.UNSIGNED:
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
        # The identity of a caller can be denied to nobody (documented).
        if credential is not None and operation.name != "GetCallerIdentity":
            cloud.identities.check(credential, "sts", operation.name)
        result = self.operations[operation.name](cloud, parameters, credential)
        return answers.query_answer(operation, result, request.id)

    @staticmethod
    def error(refused, request_id):
        return answers.query_error(refused, request_id)


class Json:
    content_type = json_wire.CONTENT_TYPE

    def __init__(self, name):
        self.name = name
        self.model_name, self.target, self.operations = json_services.SERVICES[name]

    @staticmethod
    def action(request):
        return request.headers.get("x-amz-target", "").rpartition(".")[2]

    def perform(self, cloud, request, region, credential):
        target, _, action = request.headers.get("x-amz-target", "").rpartition(".")
        model = service_model(self.model_name)
        if request.method != "POST" or request.path != "/" or request.headers.get("content-type") != self.content_type:
            raise Refused("UnknownOperationException", f"POST / of {self.content_type} is needed", 404)
        if target != self.target or action not in model.operation_names:
            raise Refused("UnknownOperationException", "")
        if action not in self.operations:
            raise StandInBug(f"the operation {action} is not simulated")
        if self.name == "pricing" and region not in json_services.PRICING_REGIONS:
            raise refusal("pricing", "wrong", "Credential should be scoped to a valid region.")
        operation = model.operation_model(action)
        parameters = json_wire.read(operation.input_shape, request.body)
        cloud.identities.check(credential, self.name, action)
        return json_wire.written(operation.output_shape, self.operations[action](cloud, region, parameters))

    @staticmethod
    def error(refused, request_id):
        return json_wire.error(refused, request_id)


class Unsigned:
    """What is asked by its path: perform(cloud, request)."""

    def __init__(self, name, action, perform, content_type="application/json"):
        self.name, self.its_action, self.its_perform, self.content_type = name, action, perform, content_type

    def action(self, _request):
        return self.its_action

    def perform(self, cloud, request, _region, _credential):
        return self.its_perform(cloud, request)

    def error(self, refused, _request_id):
        if self.content_type == "text/plain":
            return refused.message.encode()
        return json.dumps({"__type": refused.code, "message": refused.message, "error": refused.message}).encode()


SIGNED = {"ec2": Ec2(), "sts": Sts(), **{name: Json(name) for name in json_services.SERVICES}}
PORTAL = Unsigned("sso", "GetRoleCredentials", sso.credentials)
OIDC = Unsigned("sso-oidc", "CreateToken", sso.token)
IMDS = Unsigned("imds", "Metadata", metadata.imds, "text/plain")
CHECKIP = Unsigned("checkip", "CheckIp", lambda cloud, _: cloud.settings.checkip.encode() + b"\n", "text/plain")
CONTAINER = Unsigned("container", "Credentials", metadata.container)


def by_path(path):
    """The service that a path names; absent where it is a signed one's."""
    if path.startswith("/latest/"):
        return IMDS
    return {
        "/federation/credentials": PORTAL,
        "/token": OIDC,
        "/checkip": CHECKIP,
        metadata.CONTAINER_PATH: CONTAINER,
    }.get(path)
