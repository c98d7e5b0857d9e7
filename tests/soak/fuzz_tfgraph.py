"""Loads damaged graphs until the time is up: `python -m tests.soak.fuzz_tfgraph --seconds 60`.

Weights come from strangers. A file may become a module, or be refused with GraphUnreadable or GraphUnsupported.
Anything else is a finding: another exception, a process that dies or hangs, a load of more than two seconds, or
much memory. Findings are kept in a folder, one file of each kind, and the program ends with 1. The same `--seed`
makes the same files.
"""

import argparse
import multiprocessing
import os
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Final

from core.errors import GraphUnreadable, GraphUnsupported
from core.tfgraph import load_graph
from core.tfgraph.plan import SILENT, SOURCES
from core.tfgraph.reader import read_graph
from tests.core.tfgraph import graphs

GRAPHS: Final = Path(__file__).parents[1] / "core" / "tfgraph" / "graphs"
LOADED: Final = "module"
ALLOWED: Final = (LOADED, GraphUnreadable.__name__, GraphUnsupported.__name__)
SLOW: Final = 2.0  # seconds of a processor
HANGING: Final = 30.0  # seconds of the clock
MUCH_MEMORY: Final = 256 << 20  # bytes over what the process has when it starts
ADDRESSES: Final = 2 << 30  # bytes, likewise, beyond which it gets no more

_MESSAGE: Final = 2
_NUMBERS: Final = (0, 1, 2, 3, 127, 255, 1 << 20, 1 << 28, 1 << 30, (1 << 31) - 1, 1 << 32, 1 << 40, 1 << 62)
_ENDS: Final = (*_NUMBERS, *(-each for each in _NUMBERS))

Load = Callable[[Path], object]
Damage = Callable[[Random, bytes, Sequence[bytes]], bytes]


def main() -> int:
    options = _parser().parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    findings = options.findings or Path(tempfile.mkdtemp(prefix="tfgraph-findings-"))
    findings.mkdir(parents=True, exist_ok=True)
    tally = Tally(findings)
    random, seeds = Random(seed), seed_files()
    end = time.monotonic() + options.seconds
    with Worker() as worker:
        while time.monotonic() < end:
            data = damaged(random, seeds)
            tally.add(data, worker.tried(data))
    print(f"seed {seed}\n{tally}")
    return 1 if tally.kinds else 0


def seed_files() -> list[bytes]:
    """The graphs that damage starts from, each with all its outputs joined to one: others are not even planned."""
    files: list[bytes] = []
    for path in sorted(GRAPHS.glob("*.pb")):
        nodes = read_graph(path)
        used = {name.partition(":")[0] for node in nodes for name in node.inputs}
        ends = [node.name for node in nodes if node.name not in used and node.op not in (*SOURCES, *SILENT)]
        files.append(path.read_bytes() + graphs.node("all", "IdentityN", ends))
    return files


def damaged(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, damaged in one to four ways."""
    data = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        data = random.choice(DAMAGES)(random, data, seeds)
    return data


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file; `seconds` of a processor; `memory`: bytes over the process's beginning."""

    outcome: str
    seconds: float = 0.0
    memory: int = 0

    @property
    def kind(self) -> str:
        """The outcome, or what is wrong with it."""
        if self.outcome not in ALLOWED:
            return self.outcome
        if self.memory > MUCH_MEMORY:
            return f"{self.outcome} with much memory"
        return f"{self.outcome} after a long time" if self.seconds > SLOW else self.outcome


@dataclass(slots=True)
class Tally:
    """What became of all files. The first file of each kind of finding is kept in the folder."""

    folder: Path
    outcomes: Counter[str] = field(default_factory=Counter[str])
    kinds: dict[str, Path] = field(default_factory=dict[str, Path])
    slowest: float = 0.0
    memory: int = 0

    def add(self, data: bytes, result: Result) -> None:
        self.outcomes[result.kind] += 1
        self.slowest = max(self.slowest, result.seconds)
        self.memory = max(self.memory, result.memory)
        if result.kind not in (*ALLOWED, *self.kinds):
            self.kinds[result.kind] = self.folder / f"{len(self.kinds)}.pb"
            self.kinds[result.kind].write_bytes(data)

    def __str__(self) -> str:
        counted = [f"{number:7} {kind}" for kind, number in self.outcomes.most_common()]
        kept = [f"finding in {path}: {kind}" for kind, path in self.kinds.items()] or ["no findings"]
        return "\n".join([
            f"{self.outcomes.total()} files",
            *counted,
            f"slowest {self.slowest:.3f} s, memory grew by at most {self.memory / (1 << 20):.0f} MiB",
            *kept,
        ])  # fmt: skip


class Worker:
    """A process of its own that loads one file after another; another one follows where it dies or hangs."""

    def __init__(self, load: Load = load_graph) -> None:
        self._load = load
        self._start()

    def tried(self, data: bytes) -> Result:
        self._pipe.send_bytes(data)
        answered = self._pipe.poll(HANGING)
        try:
            result: Result = self._pipe.recv() if answered else Result(f"no answer after {HANGING} s")
        except EOFError:
            self._process.join()
            result = Result(f"the process ended with {self._process.exitcode}")
        if result.kind not in ALLOWED:
            self._stop()
            self._start()
        return result

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, far_end = spawning.Pipe()
        self._process = spawning.Process(target=_work, args=(far_end, self._load), daemon=True)
        self._process.start()
        far_end.close()
        self._pipe.recv_bytes()  # it is ready; how long that takes is not the files' matter

    def _stop(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _work(pipe: Connection, load: Load) -> None:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (in_use + ADDRESSES, resource.RLIM_INFINITY))
    beginning = _most_memory()
    pipe.send_bytes(b"ready")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.pb")
        while True:
            try:
                path.write_bytes(pipe.recv_bytes())
            except EOFError:
                return
            start = time.process_time()
            outcome = outcome_of(path, load)
            pipe.send(Result(outcome, time.process_time() - start, _most_memory() - beginning))


def outcome_of(path: Path, load: Load = load_graph) -> str:
    """The name of what comes of a file: LOADED, or the error's; with its words where it is none of ours."""
    try:
        load(path)
    except (GraphUnreadable, GraphUnsupported) as error:
        return type(error).__name__
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:200]
    return LOADED


def _most_memory() -> int:
    """The most bytes this process had. getrusage would count those of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def _flipped(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    content = bytearray(data)
    for _ in range(random.randint(1, 8) if content else 0):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


def _cut(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _span(random, data)
    return data[:start] + data[end:] if random.random() < 0.7 else data[:end]


def _inserted(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at, _ = _span(random, data)
    return data[:at] + _garbage(random) + data[at:]


def _spliced(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = random.choice(seeds)
    (start, end), (from_, to) = _span(random, data), _span(random, other)
    return data[:start] + other[from_:to] + data[end:]


def _merged(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Some nodes of one, some of another."""
    pieces = (_pieces(data) or []) + (_pieces(random.choice(seeds)) or [])
    return b"".join(piece.whole for piece in pieces if random.random() < 0.7)


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start, end = sorted(random.randint(0, len(data)) for _ in range(2))
    return start, min(end, start + random.choice((1, 8, 64, 4096)))


def _garbage(random: Random) -> bytes:
    """Noise, or well-formed messages one within another that mean nothing."""
    content = random.randbytes(random.randint(0, 40))
    for _ in range(random.choice((0, 0, 1, 3, 200))):
        content = graphs.field(random.choice((1, 2, 5, 8, 10)), content)
    return content


@dataclass(frozen=True, slots=True)
class _Piece:
    """One field of a message."""

    number: int
    form: int
    whole: bytes
    content: bytes


def _pieces(data: bytes) -> list[_Piece] | None:
    """The fields of a message, or None where the bytes are none."""
    found: list[_Piece] = []
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        form, length = key & 7, {1: 8, 5: 4}.get(key & 7, 0)
        if form == _MESSAGE:
            length, at = _varint(data, at)
        elif form == 0:
            length = _varint(data, at)[1] - at
        if form not in (0, 1, 2, 5) or at + length > len(data):
            return None
        found.append(_Piece(key >> 3, form, data[start : at + length], data[at : at + length]))
        at += length
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A varint and where it ends; where it does not end, beyond the data."""
    value = 0
    for place in range(at, len(data)):
        value |= (data[place] & 127) << 7 * (place - at)
        if data[place] < 128:
            return value, place + 1
    return value, len(data) + 1


def _rewritten(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """One field somewhere within is not what it was; the lengths around it are right."""
    pieces = _pieces(data)
    if not pieces:
        return random.choice((data + _garbage(random), _garbage(random), b"\xc2\xb2", b"x:\xc2\xb2"))
    at = random.randrange(len(pieces))
    piece = pieces[at]
    if piece.form == _MESSAGE and random.random() < 0.8:
        changed = graphs.field(piece.number, _rewritten(random, piece.content, seeds))
    else:
        changed = _changed(random, piece)
    return b"".join(each.whole if each is not piece else changed for each in pieces)


def _changed(random: Random, piece: _Piece) -> bytes:
    match random.randrange(6):
        case 0:
            return b""
        case 1:
            return piece.whole * random.choice((2, 3, 20))
        case 2:
            return graphs.field(piece.number, random.choice(_ENDS))
        case 3:
            return graphs.field(random.randint(1, 20), piece.content)
        case 4:
            # Much longer than what follows.
            length = graphs.varint(random.choice(_ENDS))
            return graphs.varint(piece.number << 3 | _MESSAGE) + length + piece.content
        case _:
            return graphs.field(piece.number, _garbage(random))


def _of_a_node(random: Random, data: bytes, change: Callable[[list[_Piece]], bytes]) -> bytes:
    """The graph with the content of one node changed."""
    nodes = _pieces(data)
    chosen = random.choice(nodes) if nodes else None
    inside = _pieces(chosen.content) if chosen else None
    if not nodes or not chosen or not inside:
        return data
    changed = graphs.field(1, change(inside))
    return b"".join(changed if each is chosen else each.whole for each in nodes)


def _other_operation(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A node has the operation of another, and its own inputs and attributes."""
    donors = [piece for piece in _inside_of_any(random, seeds) if piece.number == 2]
    return _of_a_node(
        random,
        data,
        lambda inside: b"".join([piece.whole for piece in [*inside, *donors[:1]]]),  # the last one counts
    )


def _other_attributes(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """An attribute of a node has the value of another's; types need not agree."""
    values = [
        inner.whole
        for piece in _inside_of_any(random, seeds)
        if piece.number == 5
        for inner in _pieces(piece.content) or []
        if inner.number == 2
    ]

    def change(inside: list[_Piece]) -> bytes:
        content = b"".join(piece.whole for piece in inside)
        keys = [key.whole for piece in inside if piece.number == 5 for key in (_pieces(piece.content) or [])[:1]]
        if not keys or not values:
            return content
        return content + graphs.field(5, random.choice(keys) + random.choice(values))

    return _of_a_node(random, data, change)


def _other_input(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """A node takes one value more, or another one, from any node or from itself."""
    nodes = [_pieces(node.content) or [] for node in _pieces(data) or []]
    names = [piece.content for inside in nodes for piece in inside if piece.number == 1 and piece.form == _MESSAGE]

    def change(inside: list[_Piece]) -> bytes:
        inputs = [piece for piece in inside if piece.number == 3]
        dropped = random.choice(inputs) if inputs and random.random() < 0.8 else None
        kept = b"".join(piece.whole for piece in inside if piece is not dropped)
        return kept + graphs.field(3, random.choice(names)) if names else kept

    return _of_a_node(random, data, change)


def _inside_of_any(random: Random, seeds: Sequence[bytes]) -> list[_Piece]:
    nodes = _pieces(random.choice(seeds)) or []
    return _pieces(random.choice(nodes).content) or [] if nodes else []


def _bomb(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """A node becomes a constant of a shape that may be huge, with few values."""
    sides = [random.choice(_ENDS) for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4, 8, 15, 17)))]
    value = random.choice((b"", graphs.field(5, 1.5), graphs.field(7, 1), graphs.field(4, random.randbytes(8))))
    content = graphs.tensor(random.choice((1, 1, 2, 3, 4, 7, 9, 10, 14, 19, 99)), sides, value)

    def change(inside: list[_Piece]) -> bytes:
        named = b"".join(piece.whole for piece in inside if piece.number == 1)
        attribute = graphs.field(1, b"value") + graphs.field(2, graphs.field(8, content))
        return named + graphs.field(2, b"Const") + graphs.field(5, attribute)

    return _of_a_node(random, data, change)


DAMAGES: Final[Sequence[Damage]] = (
    _flipped,
    _cut,
    _inserted,
    _spliced,
    _merged,
    *[_rewritten] * 4,
    *[_other_operation] * 2,
    *[_other_attributes] * 4,
    *[_other_input] * 2,
    _bomb,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Load damaged TensorFlow graphs and look for what breaks.")
    parser.add_argument("--seconds", type=float, default=60, help="how long to go on")
    parser.add_argument("--seed", type=int, help="what the damage is drawn from; a new one unless given")
    parser.add_argument("--findings", type=Path, help="the folder for files that break something")
    return parser


if __name__ == "__main__":
    sys.exit(main())
