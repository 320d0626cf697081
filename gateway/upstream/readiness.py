"""Tells which of libcurl's sockets are ready, through an epoll of its own inside the loop's.

libcurl closes and reopens descriptors without telling anyone in time, and an accepted client may get
the same number. Registered with the loop itself, such a descriptor leaves a stale entry behind, which
breaks the client's connection or spins. Here the loop knows one descriptor, ours; the kernel takes a
closed socket out of our epoll by itself, and a number in another's hands means nothing to it.
Called by curl.py only. Linux only, like the rest of the gateway.
"""

import select

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
_EVENTS_PER_WAKE_UP = 128  # then the loop gets its turn; what is left is still ready


class Readiness:
    """The sockets libcurl waits for.

    A socket libcurl has lost interest in stays registered ("resting"): a kept-alive connection
    is usually wanted again by the next request, and one `epoll_ctl` is then saved. One that
    becomes ready while resting (its peer closed it) is taken out, so nothing can spin.
    """

    __slots__ = ("_epoll", "_wanted")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wanted: dict[int, bool] = {}  # registered descriptor -> wanted now (False: resting)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def want(self, fd: int, mask: int) -> None:
        """Wait for READ, WRITE or both on a socket, new or known."""
        epoll = self._epoll
        # Never trust our own record of what is registered: the number may be another socket's by now.
        if fd in self._wanted:
            try:
                epoll.modify(fd, mask)
            except FileNotFoundError:
                epoll.register(fd, mask)
        else:
            try:
                epoll.register(fd, mask)
            except FileExistsError:
                epoll.modify(fd, mask)
        self._wanted[fd] = True

    def rest(self, fd: int) -> None:
        """No interest for now; the socket may be closed before it is wanted again."""
        if fd in self._wanted:
            self._wanted[fd] = False

    def forget(self, fd: int) -> None:
        """Take a socket out. Hang-ups are reported whatever the mask, so a mask of 0 would not do."""
        if self._wanted.pop(fd, None) is None:
            return
        try:
            self._epoll.unregister(fd)
        except OSError:  # closed already, and gone with its closing
            return

    def ready(self) -> list[tuple[int, int]]:
        """(descriptor, epoll event mask) of wanted sockets that are ready now; never waits."""
        events = self._epoll.poll(0, _EVENTS_PER_WAKE_UP)
        wanted = self._wanted
        for fd, _ in events:
            if not wanted.get(fd):
                break
        else:
            return events
        for fd, _ in events:
            if not wanted.get(fd):
                wanted.setdefault(fd, False)
                self.forget(fd)
        return [event for event in events if event[0] in wanted]

    def __len__(self) -> int:
        return len(self._wanted)

    def close(self) -> None:
        self._wanted.clear()
        self._epoll.close()
