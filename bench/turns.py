"""Turns a second and time a turn: our bot beside stock `rasa run`, same dialogue, same machine, same run.

    .venv/bin/python -m bench.turns

Prints a table and writes its figures into `var/bench.json` under "turns". Takes under three minutes.
The people who text are threads of this process, on the same processors as the bots.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from bench.peers import OurPerson, Person, StockPerson, cpu_seconds, stock_rasa
from tests.support.rasa_bot import RASA, REPOSITORY, running_bot

Figures = dict[str, Any]
#: What each person says, over and over: small talk, questions, consent, reasons, a person wanted.
SCRIPT = (
    "hi", "what is this", "OK", "I'm lonely and don't know anyone", "thanks", "I need help with money",
    "are you a robot", "can someone ring me", "hello again", "I would like to find a walking group",
)  # fmt: skip
CROWDS = (8, 32)
CROWD_SECONDS = 10.0
#: How far one conversation is taken. Stock's turn grows with it, so it is stopped by the clock too.
OUR_MESSAGES = 1000
STOCK_MESSAGES = 300
LONG_SECONDS = 40.0
WINDOW = 10


def measure() -> Figures:
    """Run both bots and return the figures: milliseconds, turns a second, and their ratios."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_bot() as ours:
        (model,) = (RASA / "models").glob("*.tar.gz")
        say("Starting stock Rasa and its action server...")
        with stock_rasa(model, Path(folder)) as stock:
            names = count()
            makers: dict[str, Callable[[], Person]] = {
                "ours": lambda: OurPerson(ours, f"person-{next(names)}"),
                "stock": lambda: StockPerson(stock.url, f"person-{next(names)}"),
            }
            processes = {"ours": (ours.process.pid,), "stock": stock.processes}
            same_dialogue(makers)
            figures: Figures = {name: {} for name in makers}
            for name, make in makers.items():
                for size in CROWDS:
                    say(f"{size} people text {name} for {CROWD_SECONDS:.0f} s...")
                    figures[name][f"people_{size}"] = crowd(make, size, processes[name])
            for name, messages in (("ours", OUR_MESSAGES), ("stock", STOCK_MESSAGES)):
                say(f"One long conversation with {name}...")
                figures[name]["one_person"] = long_conversation(makers[name](), messages)
    for size in CROWDS:
        of = f"people_{size}"
        ratio = figures["ours"][of]["turns_per_second"] / figures["stock"][of]["turns_per_second"]
        figures[f"times_faster_{of}"] = round(ratio, 1)
    return figures


def same_dialogue(makers: dict[str, Callable[[], Person]]) -> None:
    """Raises `RuntimeError` when the two do not say the same to the same texts."""
    heard = {}
    for name, make in makers.items():
        person = make()
        heard[name] = [person.says(text) for text in SCRIPT]
    if heard["ours"] != heard["stock"]:
        raise RuntimeError("The two bots do not hold the same dialogue, so they cannot be compared.")


def crowd(make: Callable[[], Person], size: int, processes: tuple[int, ...]) -> Figures:
    """Everybody texts without a pause for `CROWD_SECONDS`; what finishes in that time counts."""
    people = [make() for _ in range(size)]
    used = cpu_seconds(processes)
    end = time.perf_counter() + CROWD_SECONDS
    with ThreadPoolExecutor(size) as pool:
        # One person's failure fails the benchmark: an answer that is not given is not a fast one.
        times = sorted(chain.from_iterable(pool.map(lambda n: talk(people[n], n, end), range(size))))
    return {
        "turns": len(times),
        # What a turn costs, whatever else the machine is doing.
        "cpu_ms_per_turn": _ms((cpu_seconds(processes) - used) / len(times)),
        "turns_per_second": round(len(times) / CROWD_SECONDS, 1),
        "median_ms": _ms(statistics.median(times)),
        "p95_ms": _ms(times[int(len(times) * 0.95)]),
    }


def talk(person: Person, offset: int, end: float) -> list[float]:
    """One person of a crowd, who begins somewhere in the script: seconds of each turn that ended in time."""
    times: list[float] = []
    for turn in count(offset):
        began = time.perf_counter()
        if began >= end:
            break
        person.says(SCRIPT[turn % len(SCRIPT)])
        ended = time.perf_counter()
        if ended <= end:
            times.append(ended - began)
    return times


def long_conversation(person: Person, messages: int) -> Figures:
    """One person texts `messages` times; the median of the ten turns around the tenth and the last."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < messages and time.perf_counter() - began < LONG_SECONDS:
        start = time.perf_counter()
        person.says(SCRIPT[len(times) % len(SCRIPT)])
        times.append(time.perf_counter() - start)
    return {
        "messages": len(times),
        "ms_after_10": _ms(statistics.median(times[WINDOW : 2 * WINDOW])),
        f"ms_after_{len(times)}": _ms(statistics.median(times[-WINDOW:])),
    }


def table(figures: Figures) -> str:
    """The figures for people."""
    lines = [f"{'':34}{'Linkline':>12}{'stock Rasa':>12}{'':>10}"]
    for size in CROWDS:
        ours, stock = figures["ours"][f"people_{size}"], figures["stock"][f"people_{size}"]
        faster = f"{figures[f'times_faster_people_{size}']}x"
        rows = (("turns a second", "turns_per_second", faster), ("ms a turn, median", "median_ms", ""),
                ("ms a turn, 95 of 100 within", "p95_ms", ""),
                ("ms of processor a turn", "cpu_ms_per_turn", ""))  # fmt: skip
        for words, key, note in rows:
            lines.append(f"{f'{size} people: {words}':34}{ours[key]:>12}{stock[key]:>12}{note:>10}")
    for name, whose in (("ours", "Linkline"), ("stock", "stock Rasa")):
        long = figures[name]["one_person"]
        after = f"ms_after_{long['messages']}"
        lines.append(f"{whose}: ms a turn after 10 messages {long['ms_after_10']}, "
                     f"after {long['messages']} {long[after]}")  # fmt: skip
    return "\n".join(lines)


def write(figures: Figures, path: Path = REPOSITORY / "var" / "bench.json") -> None:
    """Put the figures under "turns" and leave what other benchmarks wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known["turns"] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        **figures,
    }
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def main() -> Figures:
    """Measure, print, write; returns the figures."""
    figures = measure()
    say(table(figures))
    write(figures)
    return figures


def say(line: str) -> None:
    """Progress at once, also into a pipe."""
    print(line, flush=True)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


if __name__ == "__main__":
    main()
