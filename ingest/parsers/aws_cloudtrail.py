r"""aws_cloudtrail: API calls of Amazon Web Services, one CloudTrail event a line -> ECS.

In:   `{"eventVersion": ..., "userIdentity": {...}, "eventSource": ..., "eventName": ...}`
Out:  `event.action`, `event.provider`, `user.*`, `source.*`; all else as `aws.cloudtrail.*`
Docs: AWS CloudTrail user guide, "CloudTrail record contents"; Filebeat's aws module, cloudtrail
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXTS, Columns
from ingest.formats import json_lines
from ingest.formats.json_lines import Document
from ingest.formats.native_json import renamed
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "eventTime": "@timestamp", "eventName": "event.action", "eventSource": "event.provider",
    "sourceIPAddress": "source.address", "userAgent": "user_agent.original", "userIdentity.userName": "user.name",
    "userIdentity.principalId": "user.id", "awsRegion": "cloud.region", "recipientAccountId": "cloud.account.id",
    "errorCode": "aws.cloudtrail.error_code", "errorMessage": "aws.cloudtrail.error_message",
    "userIdentity.type": "aws.cloudtrail.user_identity.type", "userIdentity.arn": "aws.cloudtrail.user_identity.arn",
}  # fmt: skip
LOGINS = pa.array(["ConsoleLogin", "CheckMfa", "GetSessionToken"])


def read(messages: pa.Array, context: Context) -> Parsed:
    return json_lines.read(messages, context.zone, _accept)


def _accept(document: Document) -> Document | None:
    if not isinstance(document.get("eventSource"), str) or not isinstance(document.get("eventName"), str):
        return None
    event = renamed(document, NAMES, "aws.cloudtrail")
    failed = "errorCode" in document or document.get("responseElements.ConsoleLogin") == "Failure"
    event["event.outcome"] = "failure" if failed else "success"
    if "user.name" not in event and (issuer := document.get("userIdentity.sessionContext.sessionIssuer.userName")):
        event["user.name"] = issuer
    return event


def finish(columns: Columns, context: Context) -> Columns:
    login = pc.is_in(columns["event.action"], LOGINS).cast(pa.int8())
    return {
        "event.category": pa.array([["api"], ["authentication"]], TEXTS).take(login),
        "event.type": pa.array([["access"], ["start"]], TEXTS).take(login),
    }


PARSER = Parser(
    module="aws",
    dataset="aws.cloudtrail",
    signature=r'\s*\{.*"eventSource" ?: ?"[a-z0-9-]+\.amazonaws\.com"',
    read=read,
    finish=finish,
)
