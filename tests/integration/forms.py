"""Forms as clients write them, byte by byte."""

from tests.integration.calling import BEARER, Answer, call
from tests.integration.running import RunningGateway

BOUNDARY = "boundary-7"
File = tuple[str, bytes, str]
"""Its name, what it holds, its type."""
Part = tuple[str, str | bytes | File]


def form(*parts: Part, end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """A form's body; bytes are files of no telling type."""
    written = []
    for name, value in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, str):
            written.append(f"--{BOUNDARY}\r\n{disposition}\r\n\r\n{value}\r\n".encode())
            continue
        file: File = value if isinstance(value, tuple) else ("a.png", value, "application/octet-stream")
        head = f'{disposition}; filename="{file[0]}"\r\nContent-Type: {file[2]}'
        written.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + file[1] + b"\r\n")
    return b"".join(written) + end.encode()


def send_form(gateway: RunningGateway, path: str, body: bytes) -> Answer:
    headers = {**BEARER, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return call(gateway, path, body, headers=headers)
