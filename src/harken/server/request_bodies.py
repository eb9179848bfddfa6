"""Bodies of requests: reading within the limits, and their description."""

import asyncio
from typing import Any, TypeVar

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from harken.server.limits import Limits, RefusedError

Fields = TypeVar("Fields", bound=BaseModel)


def described_body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The description of a request's body; definitions are written in place of references to them."""
    definitions = schema.pop("$defs", {})
    text = orjson.dumps(schema)
    for name, definition in definitions.items():
        text = text.replace(orjson.dumps({"$ref": f"#/$defs/{name}"}), orjson.dumps(definition))
    return {"requestBody": {"required": True, "content": {kind: {"schema": orjson.loads(text)}}}}


def check_length(request: Request, most: int) -> None:
    """Check the length that the head of a request states. Raises ``RefusedError`` when it is above ``most`` bytes."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise RefusedError(413, 1009, f"the body has {int(length):,} bytes; the limit is {most:,}", reason="message")


async def read_body(request: Request, most: int, *, seconds: float) -> bytes:
    """The body of a request, of at most ``most`` bytes, which must come within ``seconds``.

    Raises:
        RefusedError: when it is larger or comes more slowly.
    """
    check_length(request, most)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise RefusedError(413, 1009, f"a message may have at most {most:,} bytes", reason="message")
    except TimeoutError as error:
        raise RefusedError(408, 1013, "the message came too slowly", reason="slow") from error
    return bytes(body)


async def fields_of(request: Request, kind: type[Fields], limits: Limits) -> Fields:
    """The fields of a request whose body is JSON.

    Raises:
        RefusedError: as ``read_body``.
        RequestValidationError: when the body is something else (422).
    """
    body = await read_body(request, limits.message_bytes, seconds=limits.body_s)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error
