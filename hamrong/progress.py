"""progress: a bar on the terminal, where there is one.

In:   how many of how many are done
Out:  on standard error, so that what a command prints stays readable by programs; gone at the end
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[int, int], object]


@contextmanager
def bar(title: str) -> Iterator[Told]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
