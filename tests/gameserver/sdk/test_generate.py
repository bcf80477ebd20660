"""What protoc made of the .proto files, and how it shares a process with another Agones client."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, field_mask_pb2, wrappers_pb2

from gameserver.sdk import alpha_pb2 as alpha, beta_pb2 as beta, generate, sdk_pb2 as pb

FOLDER = Path(generate.__file__).parent


def test_the_committed_files_are_what_the_proto_files_say():
    fresh = generate.generate()
    for proto in generate.PROTOS:
        fresh[f"{proto}_pb2_grpc.pyi"] = generate.service_stub(proto)

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
        (
            pb.GameServer.Status,
            {
                "state": 1,
                "address": 2,
                "ports": 3,
                "players": 4,
                "counters": 5,
                "lists": 6,
                "addresses": 7,
            },
        ),
        (pb.GameServer.Status.PlayerStatus, {"count": 1, "capacity": 2, "ids": 3}),
        (pb.GameServer.Status.CounterStatus, {"count": 1, "capacity": 2}),
        (pb.GameServer.Status.ListStatus, {"capacity": 1, "values": 2}),
        (beta.Counter, {"name": 1, "count": 2, "capacity": 3}),
        (beta.List, {"name": 1, "capacity": 2, "values": 3}),
        (beta.CounterUpdateRequest, {"name": 1, "count": 2, "capacity": 3, "countDiff": 4}),
        (beta.UpdateCounterRequest, {"counterUpdateRequest": 1}),
        (beta.UpdateListRequest, {"list": 1, "update_mask": 2}),
        (beta.AddListValueRequest, {"name": 1, "value": 2}),
        (beta.RemoveListValueRequest, {"name": 1, "value": 2}),
        (alpha.PlayerID, {"playerID": 1}),
        (alpha.PlayerIDList, {"list": 1}),
        (alpha.Count, {"count": 1}),
        (alpha.Bool, {"bool": 1}),
        (pb.GameServer.Status.Port, {"name": 1, "port": 2}),
        (pb.GameServer.Status.Address, {"type": 1, "address": 2}),
    ],
)
def test_fields_carry_agones_numbers(message, numbers):
    assert {field.name: field.number for field in message.DESCRIPTOR.fields} == numbers


def test_the_two_messages_spelled_out_have_the_bytes_of_googles():
    number = wrappers_pb2.Int64Value(value=-7)
    mask = field_mask_pb2.FieldMask(paths=["capacity", "values"])

    assert beta.Int64Value.FromString(number.SerializeToString()).value == -7
    assert list(beta.FieldMask.FromString(mask.SerializeToString()).paths) == list(mask.paths)


def test_a_game_server_that_counts_nothing_loads_no_counters():
    program = "import gameserver.sdk.client, sys; print([m for m in sys.modules if 'beta' in m])"

    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert told.stdout == "[]\n"
