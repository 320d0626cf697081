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
_EVENTS_PER_WAKE_UP = 128  # then the loop gets its turn; what is left is still ready


class Readiness:
    """The sockets libcurl waits for.

    A socket libcurl has lost interest in stays registered ("resting"): a kept-alive connection is
    usually wanted again by the next request. One that becomes ready while resting (its peer closed it)
    is taken out, so nothing can spin.

    tells_of_new   every new descriptor is told by `opened` before it is wanted. Only then a number that
                   rests is known to be the same socket still, and is wanted again without asking the kernel.
    """

    __slots__ = ("_epoll", "_masks", "_tells_of_new")

    def __init__(self, *, tells_of_new: bool = False) -> None:
        self._epoll = select.epoll()
        self._masks: dict[int, int] = {}  # registered descriptor -> what for; negative while it rests
        self._tells_of_new = tells_of_new

    def fileno(self) -> int:
        return self._epoll.fileno()

    def opened(self, fd: int) -> None:
        """This number is a new socket's: whatever had it before is closed."""
        self._masks.pop(fd, None)

    def wish(self, what: int, fd: int, _multi: object = None, _data: object = None) -> None:
        """libcurl's word on a socket, new or known: its M_SOCKETFUNCTION.

        what   a pycurl.POLL_ number; POLL_REMOVE where it has no interest for now, but may close the
               socket before it has again
        """
        mask = _MASKS.get(what)
        masks = self._masks
        known = masks.get(fd)
        if mask is None:
            if what != pycurl.POLL_REMOVE:
                # POLL_NONE: still libcurl's, and a hang-up, which is reported whatever the mask, must not
                # wake us while it does not look.
                self._forget(fd)
            elif known is not None and known > 0:
                masks[fd] = -known
        elif known == -mask and self._tells_of_new:
            masks[fd] = mask
        else:
            masks[fd] = mask
            self._watch(fd, mask, is_known=known is not None)

    def _watch(self, fd: int, mask: int, *, is_known: bool) -> None:
        if is_known:
            try:
                self._epoll.modify(fd, mask)
            except FileNotFoundError:
                self._epoll.register(fd, mask)
        else:
            try:
                self._epoll.register(fd, mask)
            except FileExistsError:
                self._epoll.modify(fd, mask)

    def _forget(self, fd: int) -> None:
        if self._masks.pop(fd, None) is None:
            return
        try:
            self._epoll.unregister(fd)
        except OSError:  # closed already, and gone with its closing
            return

    def ready(self) -> list[tuple[int, int]]:
        """(descriptor, epoll event mask) of wanted sockets that are ready now; never waits."""
        events = self._epoll.poll(0, _EVENTS_PER_WAKE_UP)
        masks = self._masks
        for fd, _ in events:
            if masks.get(fd, 0) <= 0:
                break
        else:
            return events
        for fd, _ in events:
            if masks.get(fd, 0) <= 0:
                masks.setdefault(fd, 0)
                self._forget(fd)
        return [event for event in events if event[0] in masks]

    def __len__(self) -> int:
        return len(self._masks)

    def close(self) -> None:
        self._masks.clear()
        self._epoll.close()
