"""Answers of the query protocols: XML made from the operations' output shapes, and nothing that these do not have."""

import base64
import datetime
from xml.sax.saxutils import escape

from .errors import StandInBug
from .models import is_closed_enum

CONTENT_TYPE = "text/xml;charset=UTF-8"
ERRORS_NAMESPACE = {"sts": "https://sts.amazonaws.com/doc/2011-06-15/"}


def element(name, inside):
    return f"<{name}>{inside}</{name}>" if inside else f"<{name}/>"


def time_text(moment):
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def check(condition, name, value):
    if not condition:
        raise StandInBug(f"the answer's {name} cannot be {value!r}")


def text_of(shape, name, value):
    check(isinstance(value, str), name, value)
    check(not is_closed_enum(shape) or value in shape.enum, name, value)
    check(all(ord(c) >= 32 or c in "\t\r\n" for c in value), name, value)
    return escape(value, {"\r": "&#13;"})


def number_of(_, name, value):
    check(isinstance(value, int) and not isinstance(value, bool), name, value)
    return str(value)


def float_of(_, name, value):
    check(isinstance(value, (int, float)) and not isinstance(value, bool), name, value)
    return str(float(value))


def boolean_of(_, name, value):
    check(isinstance(value, bool), name, value)
    return "true" if value else "false"


def timestamp_of(_, name, value):
    check(isinstance(value, datetime.datetime) and value.tzinfo is not None, name, value)
    return time_text(value)


def blob_of(_, name, value):
    check(isinstance(value, bytes), name, value)
    return base64.b64encode(value).decode()


WRITERS = {
    "string": text_of, "integer": number_of, "long": number_of, "double": float_of, "float": float_of,
    "boolean": boolean_of, "timestamp": timestamp_of, "blob": blob_of,
}  # fmt: skip


def inside(shape, value, name):
    """The XML inside the element of a value. Members that are None are left out; unknown ones are a bug."""
    if shape.type_name == "structure":
        check(isinstance(value, dict), name, value)
        for member in value:
            if member not in shape.members:
                raise StandInBug(f"{shape.name} has no member {member}")
        written = ""
        for member, its in shape.members.items():
            if value.get(member) is not None:
                tag = its.serialization.get("name", member)
                written += element(tag, inside(its, value[member], f"{name}.{member}"))
        return written
    if shape.type_name == "list":
        check(isinstance(value, list), name, value)
        tag = shape.member.serialization.get("name", "member")
        return "".join(element(tag, inside(shape.member, entry, f"{name}[]")) for entry in value)
    return WRITERS[shape.type_name](shape, name, value)


def ec2_answer(operation, result, request_id):
    shape = operation.output_shape
    if shape is None:
        if result is not None:
            raise StandInBug(f"{operation.name} has no output")
        members = "<return>true</return>"
    else:
        members = inside(shape, result, operation.name)
    # The model's namespace lacks the slash that AWS's answers have.
    space = operation.service_model.metadata["xmlNamespace"] + "/"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation.name}Response xmlns="{space}">'
        f"<requestId>{request_id}</requestId>{members}</{operation.name}Response>"
    ).encode()


def query_answer(operation, result, request_id):
    space = operation.service_model.metadata["xmlNamespace"]
    wrapper = operation.output_shape.serialization["resultWrapper"]
    members = inside(operation.output_shape, result, operation.name)
    return (
        f'<{operation.name}Response xmlns="{space}">{element(wrapper, members)}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
    ).encode()


def ec2_error(refused, request_id):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    ).encode()


def query_error(refused, request_id):
    kind = "Receiver" if refused.status >= 500 else "Sender"
    return (
        f'<ErrorResponse xmlns="{ERRORS_NAMESPACE["sts"]}"><Error><Type>{kind}</Type>'
        f"<Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
