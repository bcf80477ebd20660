"""The figures of the allocation benchmark for people."""

from collections.abc import Iterator, Mapping
from typing import Any


def table(figures: Mapping[str, Any]) -> str:
    """A block for each concurrency, then how many times better ours is."""
    head = {
        "machine": machine_told(figures["machine"]),
        "measured": f"{figures['servers']} Ready servers for Agones, {figures['reserve']} in our "
        f"reserve, {figures['rounds']} rounds; all clients in one process",
        "servers made Ready": f"in {figures['servers_ready_s']:g} s",
        "reserve filled": f"in {figures['reserve_filled_s']:g} s: its fleet made, and claimed "
        "through Agones",
    }
    lines = [f"{name:<24}{text}" for name, text in head.items()]
    for clients, ratio in figures["ratios"].items():
        lines += _block(figures["rivals"], clients, ratio)
    return "\n".join(lines)


def _block(
    rivals: Mapping[str, Mapping[str, Any]], clients: str, ratio: Mapping[str, float]
) -> Iterator[str]:
    yield ""
    yield (
        f"{f'{clients} at once':<28}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}"
        f"{'a second':>12}{'answers':>10}  cores"
    )
    for name, at in rivals.items():
        one = at[clients]
        busiest = ", ".join(f"{who} {cores:g}" for who, cores in list(one["cores"].items())[:4])
        failed = f" ({one['failed']} failed)" if one["failed"] else ""
        yield (
            f"{name:<28}{one['p50']:>10.2f}{one['p95']:>10.2f}{one['p99']:>10.2f}"
            f"{one['per_s']:>12.1f}{one['answers']:>10}  {busiest}{failed}"
        )
        if "cycles_per_s" in one:
            each = ", ".join(f"{who} {us}" for who, us in one["us_each"].items() if us)
            yield (
                f"{'  sustained with reuse':<28}{one['cycles_per_s']:>42.1f}"
                f"            us each: {each}"
            )
    better = ", ".join(f"{what} {times:g} times" for what, times in ratio.items())
    yield f"{'ours to best of Agones':<28}{better}"


def machine_told(ran_on: Mapping[str, Any]) -> str:
    """On what it ran, in a line."""
    return (
        f"{ran_on['processor']}, {ran_on['cores']} cores, {ran_on['system']}, "
        f"Python {ran_on['python']}, load before {ran_on['load_before']}"
    )
