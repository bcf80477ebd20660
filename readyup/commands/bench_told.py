"""How the figures of each benchmark are told to people, and drawn."""

from collections.abc import Callable, Mapping
from typing import Any

from readyup.commands import bench_engine as of_engine, bench_failover as of_failover


def idle_text(figures: Mapping[str, Any]) -> str:
    """One duel after the other on an idle queue."""
    floor = figures["floor_ms"]
    rows = {
        "machine": _machine(figures["machine"]),
        "measured": f"{figures['matches']} duels one by one, {figures['servers']} game servers, "
        "a process for each role, clients on the same machine",
        "enqueue to assignment": _row(figures["enqueue_to_assignment_ms"]),
        "floor": f"{floor['sum']:.2f} ms: a frame there and back {floor['frame']['p50']:.2f}, "
        f"five empty scripts {5 * floor['script']['p50']:.2f}",
        "ratio to floor": f"{figures['ratio_to_floor']:.2f} (of the medians)",
        "claim, in the director": _row(figures["claim_in_director_ms"]),
        "claim alone": _row(figures["claim_alone_ms"]),
        "acknowledged": f"{figures['acknowledged_share']:.1%} of {figures['claims']} claims",
    }
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def _store_failover_text(figures: Mapping[str, Any]) -> str:
    rows = {"machine": _machine(figures["machine"]), **of_failover.store_rows(figures)}
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def failover_text(figures: Mapping[str, Any]) -> str:
    """A leader that was killed, or a store's primary."""
    if "runs" in figures:
        return "\n\n".join(map(_store_failover_text, figures["runs"].values()))
    gap, tickets, matches = figures["nobody_led_ms"], figures["tickets"], figures["matches"]
    rows = {
        "machine": _machine(figures["machine"]),
        "measured": f"kill -9 of the leading director, {figures['kills']} times, under bots",
        "nobody led": f"p50 {gap['p50']} ms  max {gap['max']} ms",
        "ratio to lease": f"{figures['ratio_to_lease']:.2f} (lease {figures['lease_ms']} ms)",
        "tickets": f"{tickets['created']} created, {tickets['assigned']} assigned, "
        f"{tickets['cancelled']} cancelled, {tickets['expired']} expired",
        "matches": f"{matches['made']} made, {matches['completed']} played to the end",
        "promises": f"{figures['breaches']} breaches in {figures['events']} events",
    }
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def overload_text(figures: Mapping[str, Any]) -> str:
    """Rates beyond what one process can do."""
    reads, recovered_s, cpu = figures["reads"], figures["recovered_s"], figures["capacity_cpu"]
    rows = {
        "machine": _machine(figures["machine"]),
        "measured": "tickets created at one API process; " + figures["cores"],
        "capacity": f"{figures['capacity_per_s']:.0f} a second by clients that wait for answers, "
        f"{figures['capacity_after_per_s']:.0f} when it was all over; {_cpu(cpu)}",
    }
    for n, phase in enumerate(figures["phases"]):
        after = " again" if n and phase["times"] == figures["phases"][0]["times"] else ""
        unanswered = phase["unsent"] + phase["late"] + phase["lost"]
        rows[f"{phase['times']:g} times{after}"] = (
            f"{phase['offered_per_s']:.0f} offered, {phase['goodput_per_s']:.0f} accepted "
            f"a second, p50 {phase['accepted_p50_ms']:.0f} ms, p99 {phase['accepted_p99_ms']:.0f} "
            f"ms; {phase['shed']} shed, {unanswered} unanswered in time; "
            f"{_cpu(phase['cpu'])}"
        )
    rows["goodput at worst"] = (
        f"{figures['goodput_share_at_worst']:.0%} of the capacity before, "
        f"{figures['goodput_share_of_later']:.0%} of the one after"
    )
    rows["recovered"] = "no" if recovered_s is None else f"within {recovered_s:g} s"
    rows["reads meanwhile"] = (
        f"{reads['asked']}, {reads['failed']} failed, "
        f"p50 {reads['p50_ms']:.0f} ms, p99 {reads['p99_ms']:.0f} ms"
    )
    return "\n".join(f"{name:<24}{text}" for name, text in rows.items())


def _cpu(cpu: Mapping[str, Mapping[str, float]]) -> str:
    each = ", ".join(
        f"{who} {used['us_per_accepted']} us" for who, used in cpu.items() if who != "load"
    )
    load = cpu.get("load", {}).get("share", 0.0)
    return f"CPU for one accepted: {each}; the load used {load:.0%} of a core"


def profile_text(figures: Mapping[str, Any]) -> str:
    """Where one ticket's time went."""
    lines = [
        f"{'machine':<24}{_machine(figures['machine'])}",
        f"{'measured':<24}{figures['tickets']} tickets in {figures['seconds']:g} s of a demo",
        f"{'one ticket':<24}{figures['us_per_ticket']} us of processor time",
        f"{'beyond idle':<24}{figures['us_beyond_idle']} us: without what runs while nobody plays",
    ]
    if figures["why_no_parts"]:
        lines.append(f"{'no parts':<24}{figures['why_no_parts']}")
    for name, process in figures["processes"].items():
        lines.append(
            f"{name:<24}{process['us_per_ticket']:>6} us, {process['us_beyond_idle']} without idle"
        )
        lines += [f"  {part:<28}{us:>6} us" for part, us in process["parts"].items() if us >= 10]
    lines.append("inside Valkey, by script and command (what a script calls is in both)")
    for name, one in list(figures["inside_valkey"].items())[:15]:
        lines.append(
            f"  {name:<28}{one['us_per_ticket']:>6} us: {one['calls_per_ticket']} calls "
            f"of {one['us_per_call']} us"
        )
    return "\n".join(lines)


def _jitter_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.jitter_told import table

    return table(figures)


def _jitter_picture(figures: Mapping[str, Any]) -> str:
    from readyup.bench.jitter_plot import picture

    return picture(figures)


def _allocate_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.allocate_told import table

    return table(figures)


def _allocate_picture(figures: Mapping[str, Any]) -> str:
    from readyup.bench.allocate_plot import picture

    return picture(figures)


def _fleet_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.fleet_told import table

    return table(figures)


def _handover_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.handover_told import table

    return table(figures)


def _claim_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.claim_told import table

    return table(figures)


def _burst_text(figures: Mapping[str, Any]) -> str:
    from readyup.bench.burst_told import table

    return table(figures)


def _overload_picture(figures: Mapping[str, Any]) -> str:
    from readyup.bench.overload_plot import picture

    return picture(figures)


def _machine(ran_on: Mapping[str, Any]) -> str:
    return (
        f"{ran_on['processor']}, {ran_on['cores']} cores, {ran_on['system']}, "
        f"Python {ran_on['python']}, load before {ran_on['load_before']}"
    )


def _row(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f} ms" for name, value in values.items())


TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "idle": idle_text,
    "claim": _claim_text,
    "failover": failover_text,
    "handover": _handover_text,
    "overload": overload_text,
    "profile": profile_text,
    "jitter": _jitter_text,
    "allocate": _allocate_text,
    "fleet": _fleet_text,
    "burst": _burst_text,
    **of_engine.TOLD,
}
"""How each benchmark's figures are told to people."""

PICTURES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "overload": _overload_picture,
    "jitter": _jitter_picture,
    "allocate": _allocate_picture,
    **of_engine.PICTURES,
}
"""Those that can be drawn."""
