"""What each alert was made for, as series of `promtool test rules`, a value each 15 seconds."""

from dataclasses import dataclass

Q = 'queue="duel"'
F = 'fleet="arena"'
SOURCE = 'source="queue/duel"'
DIRECTORS = 'job="readyup", instance="d1", queue="duel"'
LED = {f"readyup_matchmaker_director_epoch{{{DIRECTORS}}}": "7x2000"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Series that make an alert fire, and stop."""

    alert: str
    series: dict[str, str]
    fires: str
    """When it must be firing."""

    clear: str
    """When it must not any more."""

    severity: str = "critical"

    @property
    def hours(self) -> bool:
        """Whether it is a long one, for which a look each minute is often enough."""
        return "h" in self.clear or int(self.clear.partition("m")[0]) > 30


def flow(rate: float, *, until: int, then: float = 0.0, after: int = 300) -> str:
    """A counter that grows by `rate` a step for so many steps, then by another for others."""
    return f"0+{rate}x{until} {rate * until + then}+{then}x{after}"


def burns(alert: str, bad: dict[str, str], good: dict[str, str]) -> Scene:
    """Half an hour of trouble, then health."""
    return Scene(alert, bad | good, "30m", "75m")


WAIT = "readyup_matchmaker_ticket_wait_seconds"
CLAIM = "readyup_matchmaker_claim_seconds"
MATCHES = "readyup_matchmaker_matches"
LATE = "readyup_allocator_tick_late_seconds"
REPLICAS = "readyup_store_replicas"
REPAIRS = "readyup_allocator_repairs_total"

SCENES = (
    burns(
        "ReadyUpWaitsTooLong",
        {f'{WAIT}_bucket{{{Q}, le="30.0"}}': flow(1, until=120, then=15)},
        {f"{WAIT}_count{{{Q}}}": "0+15x420"},
    ),
    burns(
        "ReadyUpAssignmentsFail",
        {f'{MATCHES}_closed_total{{{Q}, reason="no room in time"}}': flow(3, until=120)},
        {f"{MATCHES}_announced_total{{{Q}}}": "0+15x420"},
    ),
    burns(
        "ReadyUpColdStarts",
        {f"readyup_matchmaker_claims_waited_total{{{Q}}}": flow(5, until=120)},
        {f"{CLAIM}_count": "0+15x420"},
    ),
    burns(
        "ReadyUpClaimsSlow",
        {f'{CLAIM}_bucket{{le="0.05"}}': flow(10, until=120, then=15)},
        {f"{CLAIM}_count": "0+15x420"},
    ),
    # Two in a hundred for long: nobody is woken, somebody is told.
    Scene(
        "ReadyUpColdStarts",
        {
            f"readyup_matchmaker_claims_waited_total{{{Q}}}": flow(0.3, until=480, after=720),
            f"{CLAIM}_count": "0+15x1200",
        },
        "1h45m",
        "5h",
        severity="warning",
    ),
    Scene(
        "ReadyUpQueueUnled",
        {f"readyup_matchmaker_director_epoch{{{DIRECTORS}}}": "7x4 0x8 8x20"},
        "2m30s",
        "4m",
    ),
    # The last director's process is gone, and its series with it.
    Scene(
        "ReadyUpQueueUnled",
        {f"readyup_matchmaker_director_epoch{{{DIRECTORS}}}": "7x4 _x40 8x20"},
        "9m",
        "13m",
    ),
    Scene(
        "ReadyUpTicketStuck",
        LED | {f"readyup_matchmaker_oldest_wait_seconds{{{DIRECTORS}}}": "10+15x30 3x20"},
        "7m",
        "9m",
        severity="warning",
    ),
    Scene(
        "ReadyUpQueuePaused",
        LED | {f"readyup_matchmaker_queue_paused{{{DIRECTORS}}}": "0x4 1x130 0x20"},
        "32m",
        "35m",
        severity="warning",
    ),
    Scene(
        "ReadyUpTicketsShed",
        {"readyup_matchmaker_tickets_shed_total": "0x4 5+5x16 85x30"},
        "4m",
        "10m",
    ),
    Scene(
        "ReadyUpMatchesInLine",
        {f"readyup_allocator_matches_waiting{{{F}}}": "0x4 3x8 0x20"},
        "2m30s",
        "4m",
    ),
    # Decided at each step, then for three minutes not.
    Scene(
        "ReadyUpFleetDecisionStale",
        {f"readyup_fleets_decided_timestamp_seconds{{{F}}}": "0+15x4 60x12 270+15x30"},
        "3m45s",
        "5m",
    ),
    Scene(
        "ReadyUpFleetShort",
        {
            f"readyup_fleets_decided_timestamp_seconds{{{F}}}": "0+15x100",
            f"readyup_fleets_replicas_wanted{{{F}}}": "10x100",
            f'readyup_fleets_servers{{{F}, state="Ready"}}': "4x60 6x40",
            f'readyup_fleets_servers{{{F}, state="Allocated"}}': "4x100",
        },
        "12m",
        "17m",
        severity="warning",
    ),
    Scene(
        "ReadyUpFleetFull",
        {
            f"readyup_fleets_decided_timestamp_seconds{{{F}}}": "0+15x100",
            f"readyup_fleets_replicas_wanted{{{F}}}": "10x4 12x60 11x40",
            f"readyup_fleets_replicas_max{{{F}}}": "12x100",
        },
        "12m",
        "18m",
        severity="warning",
    ),
    Scene(
        "ReadyUpServersDie",
        {f'readyup_fleets_deletes_total{{{F}, reason="exited"}}': "0+1x8 8x80"},
        "3m",
        "14m",
        severity="warning",
    ),
    Scene(
        "ReadyUpTicksLate",
        {f'{LATE}{{{F}, server="median"}}': "0.0002x4 0.012x16 0.0002x9"},
        "4m30s",
        "6m",
        severity="warning",
    ),
    Scene(
        "ReadyUpServerQuarantined",
        {f"readyup_allocator_servers_quarantined_total{{{F}}}": "_x4 1x300"},
        "2m",
        "65m",
        severity="warning",
    ),
    Scene(
        "ReadyUpRepairs",
        {f'{REPAIRS}{{{F}, kind="no-answer-move"}}': "_x4 1x60"},
        "2m",
        "13m",
        severity="warning",
    ),
    Scene(
        "ReadyUpRepairs",
        {f"readyup_agones_mirror_repairs_total{{{F}}}": "0x4 2x60"},
        "2m",
        "13m",
        severity="warning",
    ),
    Scene(
        "ReadyUpStoreAway",
        {
            'readyup_store_up{instance="api"}': "1x20",
            'readyup_store_up{instance="d1"}': "1x4 0x4 1x12",
        },
        "1m45s",
        "3m",
    ),
    Scene("ReadyUpStoreFailedOver", {"readyup_store_reign": "1x4 2x60"}, "2m", "13m", "warning"),
    Scene("ReadyUpStoreReplicaLost", {REPLICAS: "2x4 1x24 2x9"}, "7m", "8m", "warning"),
    Scene("ReadyUpStoreFilling", {"readyup_store_memory_ratio": "0.5x4 0.9x24 0.6x9"}, "7m", "8m"),
    Scene("ReadyUpStoreNotPersisting", {"readyup_store_persists": "1x4 0x8 1x9"}, "2m45s", "4m"),
    Scene(
        "ReadyUpEventsBehind",
        {f"readyup_events_behind_seconds{{{SOURCE}}}": "0x4 10+15x20 0x9"},
        "6m",
        "8m",
        severity="warning",
    ),
    Scene(
        "ReadyUpEventsSkipped",
        {f"readyup_events_skipped_total{{{SOURCE}}}": "_x4 1x300"},
        "2m",
        "65m",
        severity="warning",
    ),
    Scene(
        "ReadyUpProcessDown",
        {'up{job="readyup", instance="d2"}': "1x4 0x8 1x9"},
        "2m45s",
        "4m",
        severity="warning",
    ),
    Scene(
        "ReadyUpLoopLate",
        {
            'readyup_process_loop_lag_seconds_bucket{instance="api", le="0.25"}': "0x40 30+30x60",
            'readyup_process_loop_lag_seconds_bucket{instance="api", le="0.5"}': "0+30x100",
            'readyup_process_loop_lag_seconds_bucket{instance="api", le="+Inf"}': "0+30x100",
        },
        "9m",
        "18m",
        severity="warning",
    ),
)
"""For each alert at least one."""
