"""Tells which of libcurl's sockets are ready, through an epoll of its own inside the loop's.

libcurl closes and reopens descriptors without telling anyone in time, and an accepted client may get
the same number. Registered with the loop itself, such a descriptor leaves a stale entry behind, which
breaks the client's connection or spins. Here the loop knows one descriptor, ours; the kernel takes a
closed socket out of our epoll by itself, and a number in another's hands means nothing to it.
Called by curl.py only. Linux only, like the rest of the gateway.
"""

import select

import pycurl

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
_MASKS = {pycurl.POLL_IN: READ, pycurl.POLL_OUT: WRITE, pycurl.POLL_INOUT: READ | WRITE}
_REMOVE = pycurl.POLL_REMOVE
_EVENTS_PER_WAKE_UP = 128  # then the loop gets its turn; what is left is still ready


class Readiness:
    """The sockets libcurl waits for.

    A socket libcurl has lost interest in stays registered ("resting"): a kept-alive connection is
    usually wanted again by the next request. One that becomes ready while resting (its peer closed it)
    is taken out, so nothing can spin.

    tells_of_new   every new descriptor is told by `opened` before it is wanted. Only then a number that
                   rests is known to be the same socket still, and is wanted again without asking the kernel.
    """

    __slots__ = ("_epoll", "_tells_of_new", "_unwanted", "_watched")

    def __init__(self, *, tells_of_new: bool = False) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, int] = {}  # registered descriptor -> what for, a pycurl.POLL_ number
        self._unwanted: set[int] = set()  # those that rest, and numbers that libcurl does not look at for now
        self._tells_of_new = tells_of_new

    def fileno(self) -> int:
        return self._epoll.fileno()

    def opened(self, fd: int) -> None:
        """This number is a new socket's: whatever had it before is closed."""
        self._watched.pop(fd, None)
        self._unwanted.add(fd)

    def wish(self, what: int, fd: int, _multi: object = None, _data: object = None) -> None:
        """libcurl's word on a socket, new or known: its M_SOCKETFUNCTION.

        what   a pycurl.POLL_ number; POLL_REMOVE where it has no interest for now, but may close the
               socket before it has again
        """
        if what == _REMOVE:
            self._unwanted.add(fd)
        elif self._tells_of_new and self._watched.get(fd) == what:
            self._unwanted.discard(fd)
        elif what in _MASKS:
            self._watch(fd, what)
        else:
            # POLL_NONE: still libcurl's, and a hang-up, which is reported whatever the mask, must not
            # wake us while it does not look.
            self._forget(fd)

    def _watch(self, fd: int, what: int) -> None:
        mask = _MASKS[what]
        if fd in self._watched:
            try:
                self._epoll.modify(fd, mask)
            except FileNotFoundError:
                self._epoll.register(fd, mask)
        else:
            try:
                self._epoll.register(fd, mask)
            except FileExistsError:
                self._epoll.modify(fd, mask)
        self._watched[fd] = what
        self._unwanted.discard(fd)

    def _forget(self, fd: int) -> None:
        self._unwanted.add(fd)
        if self._watched.pop(fd, None) is None:
            return
        try:
            self._epoll.unregister(fd)
        except OSError:  # closed already, and gone with its closing
            return

    def ready(self) -> list[tuple[int, int]]:
        """(descriptor, epoll event mask) of wanted sockets that are ready now; never waits."""
        events = self._epoll.poll(0, _EVENTS_PER_WAKE_UP)
        unwanted = self._unwanted
        for fd, _ in events:
            if fd in unwanted:
                break
        else:
            return events
        for fd, _ in events:
            if fd in unwanted:
                self._forget(fd)
        return [event for event in events if event[0] not in unwanted]

    def __len__(self) -> int:
        return len(self._watched)

    def close(self) -> None:
        self._watched.clear()
        self._unwanted.clear()
        self._epoll.close()
