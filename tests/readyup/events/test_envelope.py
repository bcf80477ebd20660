"""One event as others get it."""

import json

from readyup.events.envelope import record_of


def told(**event: object) -> dict[str, object]:
    record = record_of("queue/duel", {"t": 5, "i": "1795338640802-0", **event})
    assert record
    return json.loads(record.value)


def test_an_event_is_a_cloud_event_with_the_streams_own_id_and_time():
    said = told(k="match.ended", match="m1", reason="finished")

    assert said == {
        "specversion": "1.0",
        "id": "1795338640802-0",
        "source": "queue/duel",
        "type": "readyup.match.ended",
        "time": "2026-11-22T09:10:40.802Z",
        "subject": "m1",
        "datacontenttype": "application/json",
        "dataschema": "urn:readyup:events:1",
        "data": {"match": "m1", "reason": "finished"},
    }


def test_fields_that_are_not_promised_stay_with_us():
    said = told(k="ticket.enqueued", ticket="t1", players=["p1"], mmr=1500, key="p1:k", body="{}")

    assert said["data"] == {"ticket": "t1", "players": ["p1"], "mmr": 1500.0}


def test_an_event_of_a_ticket_is_about_the_ticket_also_when_it_names_a_match():
    said = told(k="ticket.accepted", ticket="t1", match="m1", players=["p1"])

    assert said["subject"] == "t1"


def test_seats_are_told_by_name_and_an_empty_list_is_one():
    said = told(
        k="match.committed", match="m1", tickets=["t1"], teams={"red": [["t1", "p1"]], "blue": {}}
    )
    closed = told(k="match.closed", match="m1", reason="incomplete", tickets={})

    assert said["data"]["teams"] == {"red": [{"ticket": "t1", "player": "p1"}], "blue": []}
    assert closed["data"]["tickets"] == []


def test_what_is_only_ours_is_no_record():
    assert record_of("fleet/arena", {"k": "room.added", "t": 5, "i": "1-1", "room": "r"}) is None
