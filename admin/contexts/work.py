"""What pages of long work are given."""

from dataclasses import dataclass

from gateway.control.tasks import Task


@dataclass(frozen=True, slots=True)
class TaskPage:
    """pages/task.html and fragments/work/task.html: long work, how far it is, what came of it."""

    task: Task
