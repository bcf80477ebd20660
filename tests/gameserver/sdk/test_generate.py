"""What protoc made of sdk.proto, and how it shares a process with another Agones client."""

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from gameserver.sdk import generate, sdk_pb2, sdk_pb2 as pb

FOLDER = Path(generate.__file__).parent


def test_the_committed_files_are_what_sdk_proto_says():
    fresh = generate.generate()
    fresh["sdk_pb2_grpc.pyi"] = generate.service_stub(sdk_pb2.DESCRIPTOR)

    for name, text in fresh.items():
        assert (FOLDER / name).read_text() == text, f"run python -m {generate.__name__}"


def test_another_agones_client_in_this_process_keeps_its_names():
    theirs = descriptor_pb2.FileDescriptorProto(name="sdk.proto", package="agones.dev.sdk")
    theirs.message_type.add(name="GameServer")

    descriptor_pool.Default().Add(theirs)

    shared = descriptor_pool.Default().FindMessageTypeByName("agones.dev.sdk.GameServer")
    assert shared.fields_by_name.keys() == []
    assert pb.GameServer.DESCRIPTOR.full_name == shared.full_name


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        (pb.KeyValue, {"key": 1, "value": 2}),
        (pb.Duration, {"seconds": 1}),
        (pb.GameServer, {"object_meta": 1, "spec": 2, "status": 3}),
        (
            pb.GameServer.ObjectMeta,
            {
                "name": 1,
                "namespace": 2,
                "uid": 3,
                "resource_version": 4,
                "generation": 5,
                "creation_timestamp": 6,
                "deletion_timestamp": 7,
                "annotations": 8,
                "labels": 9,
            },
        ),
        (pb.GameServer.Spec, {"health": 1}),
        (
            pb.GameServer.Spec.Health,
            {
                "disabled": 1,
                "period_seconds": 2,
                "failure_threshold": 3,
                "initial_delay_seconds": 4,
            },
        ),
        (pb.GameServer.Status, {"state": 1, "address": 2, "ports": 3, "addresses": 7}),
        (pb.GameServer.Status.Port, {"name": 1, "port": 2}),
        (pb.GameServer.Status.Address, {"type": 1, "address": 2}),
    ],
)
def test_fields_carry_agones_numbers(message, numbers):
    assert {field.name: field.number for field in message.DESCRIPTOR.fields} == numbers
