"""Which cores a game server is pinned to: its own while there are enough, then shared evenly.

"Core" means one processor as the operating system counts them.
"""

from collections.abc import Iterable, Sequence

Cores = tuple[int, ...]


def choose_cores(cpus: int, machine: Sequence[int], taken: Iterable[Cores]) -> Cores:
    """The ``cpus`` least used cores of the machine, in rising order; fewer when it has fewer.

    Among equals the highest number wins: services and interrupts gather on the low ones.

    >>> choose_cores(1, (0, 1, 2, 3), [(3,)])
    (2,)
    >>> choose_cores(2, (0, 1), [(0, 1)])
    (0, 1)
    """
    load = dict.fromkeys(machine, 0)
    for cores in taken:
        for core in cores:
            if core in load:
                load[core] += 1
    by_use = sorted(machine, key=lambda core: (load[core], -core))
    return tuple(sorted(by_use[:cpus]))


def pinned_sentence(mine: Cores, others: Iterable[Cores], *, asked: int) -> str:
    """How a server stands on the machine, for a reader. ``others`` are the other game servers.

    >>> pinned_sentence((1,), [(1,), (0,), (1,)], asked=1)
    'core 1, shared with 2 others'
    >>> pinned_sentence((2, 3), [(1,)], asked=2)
    'cores 2-3, no other game server there'
    """
    if not mine:
        return "not pinned: this system cannot"
    sharing = sum(1 for cores in others if not set(cores).isdisjoint(mine))
    where = f"{'core' if len(mine) == 1 else 'cores'} {_ranges(mine)}"
    if len(mine) < asked:
        where += f" ({asked} asked, the machine has {len(mine)})"
    if sharing == 0:
        return f"{where}, no other game server there"
    return f"{where}, shared with {sharing} other{'s' if sharing > 1 else ''}"


def _ranges(cores: Cores) -> str:
    """``(1, 2, 3, 6)`` as ``1-3,6``."""
    parts: list[list[int]] = []
    for core in cores:
        if parts and core == parts[-1][-1] + 1:
            parts[-1].append(core)
        else:
            parts.append([core])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in parts)
