"""What is on demand in a house, and what starting one thing of it takes. Pure functions of its parts."""

from collections.abc import Iterable, Mapping, Sequence

from topology.parts import Instance, Program, Rig


def is_on_demand(program: Program, instance_of: Mapping[str, str], instances: Iterable[Instance]) -> bool:
    """Whether it was declared so, or its service's tables are on an instance on demand. `instance_of`: service -> instance."""
    place = instance_of.get(program.service, "")
    return program.on_demand or any(one.name == place and one.on_demand for one in instances)


def startable(
    programs: Sequence[Program], instance_of: Mapping[str, str], rigs: Iterable[Rig] = ()
) -> dict[str, tuple[Program, ...]]:
    """What may be started, by name -> the programs that takes, in the order in which they start.

    A service's name stands for its programs and the instance it has its tables on, if all of its programs are on demand; a
    program's name for itself and that instance; a rig's for what its programs take.
    """
    ours = [program for program in programs if program.on_demand]

    def instance(service: str) -> tuple[Program, ...]:
        return tuple(program for program in ours if service in instance_of and program.instance == instance_of[service])

    found: dict[str, tuple[Program, ...]] = {}
    for service in instance_of:
        own = [program for program in programs if program.service == service]
        if own and all(program.on_demand for program in own):
            found[service] = (*instance(service), *own)
    for program in ours:
        found.setdefault(program.name, (*instance(program.service), program))
    for rig in rigs:
        taken = {one.name for name in rig.programs for one in found.get(name, ())}
        found[rig.name] = tuple(program for program in ours if program.name in taken)
    return found
