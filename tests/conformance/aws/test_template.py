"""deploy/aws/template.yaml: what its schema allows, and what we ask of it beyond that."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image_service.aws import environment
from image_service.aws.worker import _FAREWELL_S
from image_service.settings import read_settings
from tests.e2e.compose import last, words
from tests.support.sam import read_template, resources, statements

_PATH = Path(__file__).parents[3] / "deploy" / "aws" / "template.yaml"
_TEMPLATE = read_template(_PATH)
_FUNCTIONS = resources(_TEMPLATE, "AWS::Serverless::Function")
_QUEUES = resources(_TEMPLATE, "AWS::SQS::Queue")
_BUCKETS = resources(_TEMPLATE, "AWS::S3::Bucket")
# An HTTP API of API Gateway waits no longer for its integration.
_API_PATIENCE_S = 30
_SLOWEST_MODEL_S = 180


def _queue_sources() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for function in _FUNCTIONS.values():
        for event in function["Events"].values():
            if event["Type"] == "SQS":
                yield function, event["Properties"]


def _each_text(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _each_text(item)
        case dict():
            for item in value.values():
                yield from _each_text(item)
        case _:
            return


def test_the_template_passes_its_linter() -> None:
    """CloudFormation's own schemas: a misspelt property or a missing reference is found."""
    done = subprocess.run(  # noqa: S603 - our own environment's program
        [Path(sys.executable).parent / "cfn-lint", "--", _PATH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_both_functions_run_handlers_that_exist_from_one_image() -> None:
    commands = [function["ImageConfig"]["Command"] for function in _FUNCTIONS.values()]
    for [command] in commands:
        module, name = command.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))
    assert {str(function["ImageUri"]) for function in _FUNCTIONS.values()} == {
        str({"Ref": "ImageUri"})
    }
    assert {function["PackageType"] for function in _FUNCTIONS.values()} == {"Image"}
    assert words(last("image-service-aws", "CMD")) in commands
    assert words(last("image-service-aws", "ENTRYPOINT")) == ["python", "-m", "awslambdaric"]


def test_an_image_is_named_by_its_digest() -> None:
    assert _TEMPLATE["Parameters"]["ImageUri"]["AllowedPattern"] == ".+@sha256:[0-9a-f]{64}"


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_take() -> None:
    """AWS advises it: a function that is throttled gets its batch again before it is lost."""
    [(function, source)] = _queue_sources()
    queue = _QUEUES[source["Queue"]["Fn::GetAtt"][0]]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert function["Timeout"] >= _SLOWEST_MODEL_S + _FAREWELL_S


def test_what_fails_again_and_again_ends_in_a_queue_that_is_kept_longer_and_watched() -> None:
    [(_, source)] = _queue_sources()
    name = source["Queue"]["Fn::GetAtt"][0]
    redrive = _QUEUES[name]["RedrivePolicy"]
    dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert dead != name
    assert 3 <= redrive["maxReceiveCount"] <= 10
    assert _QUEUES[dead]["MessageRetentionPeriod"] > _QUEUES[name]["MessageRetentionPeriod"]
    watched = [
        alarm["Dimensions"][0]["Value"].get("Fn::GetAtt", [None])[0]
        for alarm in resources(_TEMPLATE, "AWS::CloudWatch::Alarm").values()
    ]
    assert dead in watched
    assert name in watched


def test_a_message_that_fails_comes_back_alone() -> None:
    [(_, source)] = _queue_sources()
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_no_function_grows_without_end() -> None:
    """The database's connections and the provider's bill are bounded by these."""
    [(worker, source)] = _queue_sources()
    assert source["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}
    for function in _FUNCTIONS.values():
        if function is not worker:
            assert function["ReservedConcurrentExecutions"] == {"Ref": "HttpConcurrency"}
    for name in ("WorkerConcurrency", "HttpConcurrency"):
        assert _TEMPLATE["Parameters"][name]["MaxValue"] <= 1000
    [api] = resources(_TEMPLATE, "AWS::Serverless::HttpApi").values()
    assert api["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0


def test_a_request_is_answered_before_the_api_gives_up() -> None:
    for function in _FUNCTIONS.values():
        kinds = {event["Type"] for event in function["Events"].values()}
        if "HttpApi" in kinds:
            assert function["Timeout"] < _API_PATIENCE_S
            formats = {
                event["Properties"]["PayloadFormatVersion"] for event in function["Events"].values()
            }
            assert formats == {"2.0"}


def test_nobody_but_us_reads_the_bucket_and_nothing_of_it_crosses_in_the_clear() -> None:
    for name, bucket in _BUCKETS.items():
        assert bucket["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert bucket["BucketEncryption"]
        [policy] = [
            each
            for each in resources(_TEMPLATE, "AWS::S3::BucketPolicy").values()
            if each["Bucket"] == {"Ref": name}
        ]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_lifecycle_never_touches_an_original() -> None:
    """Paid for once: only what can be made again expires."""
    for bucket in _BUCKETS.values():
        for rule in bucket["LifecycleConfiguration"]["Rules"]:
            if "ExpirationInDays" in rule:
                assert rule["Prefix"] == "images/derived/"


def test_what_cannot_be_made_again_outlives_the_stack() -> None:
    for resource in _TEMPLATE["Resources"].values():
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::SecretsManager::Secret"):
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (
                "Retain",
                "Retain",
            )


def test_every_right_names_what_it_is_for() -> None:
    found = list(statements(_TEMPLATE))
    assert len(found) >= 5
    for statement in found:
        actions = list(_each_text(statement["Action"]))
        assert not any("*" in action for action in actions), statement
        targets = list(_each_text(statement.get("Resource", "none")))
        assert "*" not in targets, statement
        if any("*" in target for target in targets):
            assert targets == ["${Pictures.Arn}/images/*"]


def test_no_function_gets_a_role_that_somebody_else_wrote() -> None:
    """SAM's own for queues may read all queues of the account; VPC's is the one that has to be."""
    roles = resources(_TEMPLATE, "AWS::IAM::Role")
    for function in _FUNCTIONS.values():
        assert "Policies" not in function
        role = roles[function["Role"]["Fn::GetAtt"][0]]
        foreign = [arn["Fn::Sub"] for arn in role["ManagedPolicyArns"] if "Fn::Sub" in arn]
        assert [arn.rpartition("/")[2] for arn in foreign] == ["AWSLambdaVPCAccessExecutionRole"]


def test_no_secret_stands_in_the_environment() -> None:
    """What a function's environment holds everybody sees who may look at the function."""
    variables = _TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert not environment._IN_SECRET & variables.keys()
    assert variables[environment.SECRET_VARIABLE] == {"Ref": "Settings"}
    assert resources(_TEMPLATE, "AWS::SecretsManager::Secret")["Settings"]["SecretString"] == "{}"


@pytest.mark.parametrize("provider", _TEMPLATE["Parameters"]["Provider"]["AllowedValues"])
def test_the_settings_are_those_that_the_service_reads(provider: str) -> None:
    variables = dict(_TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    assert variables.pop("IMAGE_SECRET_ID") == {"Ref": "Settings"}
    assert variables.pop("IMAGE_BLOB_URL") == {"Fn::Sub": "s3://${Pictures}/images"}
    assert variables.pop("IMAGE_QUEUE_URL") == {"Ref": "Jobs"}
    # An answer before the API gives up on the function.
    assert float(variables.pop("IMAGE_COMPAT_WAIT_S")) < _FUNCTIONS["HttpFunction"]["Timeout"]
    assert variables.keys() == {"IMAGE_PROVIDER", "IMAGE_MODEL"}
    environ = {"IMAGE_PROVIDER": provider, "IMAGE_MODEL": "", "OPENAI_API_KEY": "sk-1"}
    assert set(read_settings(environ).providers) <= {"openai", "procedural"}
