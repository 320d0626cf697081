"""Which IP addresses are out in the Internet, and which lead into somebody's own network.

Asked before a connection is made to an address that a stranger chose. Names are no business of this module:
what a name resolves to may change between two looks, so the address of the connection itself is judged.
"""

import ipaddress
from typing import Final

_CLOSED_4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' translators
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local: the metadata services of clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation, as are the next two
            "198.51.100.0/24",
            "203.0.113.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_OPEN_6: Final = ipaddress.IPv6Network("2000::/3")
"""All that is routed in the Internet; loopback, link-local, unique local and multicast lie outside."""
_CLOSED_6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocols of the IETF, Teredo among them
            "2001:db8::/32",  # documentation, as is the next
            "3fff::/20",
        ),
    )
)
_MAPPED_4: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4: Final = ipaddress.IPv6Network("2002::/16")
_LOW_32_BITS: Final = 0xFFFFFFFF


def is_public(address: str) -> bool:
    """Say whether an IP address, as the system writes it, is one anybody in the Internet can reach.

    IPv6 addresses that carry an IPv4 address (mapped, NAT64, 6to4) are judged by it. What is no address is
    not public. Source: IANA's special-purpose address registries, RFC 6890, RFC 6052, RFC 3056.
    """
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(read, ipaddress.IPv4Address):
        return _is_open_4(read)
    number = int(read)
    if read in _MAPPED_4 or read in _NAT64:
        return _is_open_4(ipaddress.IPv4Address(number & _LOW_32_BITS))
    if read in _6TO4:
        return _is_open_4(ipaddress.IPv4Address(number >> 80 & _LOW_32_BITS))
    return read in _OPEN_6 and not any(read in network for network in _CLOSED_6)


def _is_open_4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _CLOSED_4)
