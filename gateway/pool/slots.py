"""A set of small integers that finds its next member fast: the order of the keys.

Two levels of bit words, so that 100,000 slots cost two dozen kilobytes at most, a copy costs
microseconds, and a search never walks over what is absent. Used by `selection` and `roster`.
"""

_BITS = 9
_SIZE = 1 << _BITS
_MASK = _SIZE - 1


class SlotSet:
    """A set of slots (0, 1, 2 …) with a circular `next_after`.

    Every operation touches at most two words of 512 bits and one summary word.
    """

    __slots__ = ("_count", "_summary", "_words")

    def __init__(self) -> None:
        self._words: list[int] = []
        self._summary = 0  # bit w is set when word w holds anything
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, slot: int) -> bool:
        index = slot >> _BITS
        return index < len(self._words) and bool(self._words[index] >> (slot & _MASK) & 1)

    def copy(self) -> "SlotSet":
        """Give an equal set; the words are shared, for integers never change."""
        twin = SlotSet()
        twin._words = self._words.copy()
        twin._summary = self._summary
        twin._count = self._count
        return twin

    def add(self, slot: int) -> None:
        index = slot >> _BITS
        words = self._words
        while index >= len(words):
            words.append(0)
        bit = 1 << (slot & _MASK)
        if not words[index] & bit:
            words[index] |= bit
            self._summary |= 1 << index
            self._count += 1

    def discard(self, slot: int) -> None:
        index = slot >> _BITS
        words = self._words
        if index >= len(words):
            return
        bit = 1 << (slot & _MASK)
        if words[index] & bit:
            words[index] ^= bit
            self._count -= 1
            if not words[index]:
                self._summary ^= 1 << index

    def next_after(self, slot: int) -> int:
        """Give the smallest member greater than `slot`, else the smallest of all; -1 when there is none."""
        slot += 1
        index = slot >> _BITS
        words = self._words
        if index < len(words):
            rest = words[index] >> (slot & _MASK)
            if rest & 1:  # where few rest, nearly always
                return slot
            if rest:
                return slot + (rest & -rest).bit_length() - 1
            later = self._summary >> (index + 1)
            if later:
                index += (later & -later).bit_length()
                word = words[index]
                return (index << _BITS) + (word & -word).bit_length() - 1
        summary = self._summary
        if not summary:
            return -1
        index = (summary & -summary).bit_length() - 1
        word = words[index]
        return (index << _BITS) + (word & -word).bit_length() - 1

    def next_within(self, other: "SlotSet", slot: int) -> int:
        """Give the smallest member after `slot` that `other` holds too, else the smallest; -1 when none.

        Looks at the words in which both hold something: one or two, unless they hold different slots there.
        """
        slot += 1
        index = slot >> _BITS
        mine, theirs = self._words, other._words
        candidates = self._summary & other._summary
        if candidates >> index & 1:
            both = (mine[index] & theirs[index]) >> (slot & _MASK)
            if both:
                return slot + (both & -both).bit_length() - 1
        later = candidates >> (index + 1) << (index + 1)
        for wave in (later, candidates ^ later):
            while wave:
                low = wave & -wave
                index = low.bit_length() - 1
                both = mine[index] & theirs[index]
                if both:
                    return (index << _BITS) + (both & -both).bit_length() - 1
                wave ^= low
        return -1
