"""The application: what the API answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse

from spanmatch import __version__
from spanmatch.apps.server.batching import BatchingTagger, Closed, Found, Overloaded
from spanmatch.apps.server.guard import Guard, problem
from spanmatch.apps.server.messages import PROBLEMS, FoundEntity, PredictAnswer, PredictRequest
from spanmatch.apps.server.metrics import Metrics
from spanmatch.apps.server.options import ServeOptions
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, Inventory, as_entity_types
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.tagger import Tagger
from spanmatch.prediction.thresholds import Threshold, parse_threshold

ANSWERS = TypeAdapter(list[PredictAnswer])


class _PlainRoute(APIRoute):
    """Has its function read the request and write the answer: FastAPI would check once more what is checked already."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return answer


@dataclass(frozen=True, kw_only=True)
class Served:
    """Holds a tagger that requests are answered with.

    Attributes:
        tagger: finds the entities.
        types: what is looked for where a request does not say.
    """

    tagger: Tagger
    types: Inventory


def create_app(
    tagger: Tagger,
    types: Inventory,
    options: ServeOptions,
    *,
    api_key: str | None = None,
    further: Mapping[str, Served] | None = None,
) -> FastAPI:
    """Return the application of a tagger, or of several.

    Args:
        tagger: finds the entities.
        types: what is looked for where a request does not say.
        options: limits and defaults.
        api_key: what requests have to send; None for no key.
        further: other taggers, by the names that requests give; by default none.

    Raises:
        InputError: a tagger cannot answer the threshold of the options.
    """
    threshold = parse_threshold(options.threshold) if options.threshold is not None else None
    served = _all_served(Served(tagger=tagger, types=types), further or {}, options.model, threshold)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = {"max_waiting": options.max_waiting, "num_threads": options.threads}
        app.state.batching = {name: BatchingTagger(item.tagger, **limits) for name, item in served.items()}
        yield
        for batching in app.state.batching.values():
            await asyncio.to_thread(batching.close)

    app = FastAPI(
        title="spanmatch", version=__version__, lifespan=lifespan, description="Entities of the types that you name or describe."
    )
    guard: dict[str, Any] = {"metrics": metrics, "max_body_bytes": options.max_body_bytes}
    app.add_middleware(Guard, timeout=options.timeout, api_key=api_key, **guard)
    if options.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(options.cors_origins), allow_methods=["*"], allow_headers=["*"])
    body = {"content": {"application/json": {"schema": PredictRequest.model_json_schema()}}, "required": True}

    predictions = APIRouter(route_class=_PlainRoute)

    @predictions.post("/predict", include_in_schema=False)
    @predictions.post(
        "/predict/",
        response_model=PredictAnswer | list[PredictAnswer],
        responses=PROBLEMS,
        openapi_extra={"requestBody": body},
        summary="Find entities in a text, or in several.",
    )
    async def predict(request: Request) -> Response:
        return await _predict(request, served, options, threshold, metrics)

    app.include_router(predictions)

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    @app.get("/health", summary="Whether the process is alive.")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Whether requests are taken.", responses={503: PROBLEMS[503]})
    async def ready(request: Request) -> Any:
        if any(batching.num_waiting >= options.max_waiting for batching in app.state.batching.values()):
            return problem(503, "too many requests wait", request.state.request_id)
        return {"status": "ready"}

    @app.get("/models", summary="What answers.")
    async def models() -> list[dict[str, Any]]:
        return [_about(name, item) for name, item in served.items()]

    @app.get("/metrics", summary="Counts, for Prometheus.", response_class=Response)
    async def counts() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def _all_served(
    first: Served, further: Mapping[str, Served], name: str, threshold: Threshold | None
) -> dict[str, Served]:
    """Return all taggers by name, after making sure that each can answer the threshold."""
    served = {name: first, **further}
    for item in served.values():
        item.tagger.check_threshold(threshold)
    return served


def _about(name: str, served: Served) -> dict[str, Any]:
    """Return what `/models` says of a tagger."""
    tagger = served.tagger
    stored = tagger.calibration.threshold if tagger.calibration is not None else None
    about = {"name": name, "kind": tagger.kind, "threshold": stored, "null_slot": tagger.null_slot}
    closed = [item.name for item in tagger.types] if tagger.types is not None else None
    return about | {"types": closed, "default_types": {item.label: item.text for item in served.types}}


async def _predict(
    request: Request, served: Mapping[str, Served], options: ServeOptions, threshold: Threshold | None, metrics: Metrics
) -> Response:
    """Return the answer to a request, or what is wrong with it."""
    request_id = request.state.request_id
    try:
        asked = PredictRequest.model_validate_json(await request.body())
        name = options.model if asked.model is None else asked.model
        if name not in served:
            raise InputError(f'no model "{name}" here; {nearest(name, served)}')
        tagger = served[name].tagger
        examples = _examples(asked, served[name].types, options)
        given = _threshold(asked, threshold)
        overlap = asked.overlap or options.overlap
        check_overlap(overlap)
        tagger.check_threshold(given)
        tagging = request.app.state.batching[name].tag(examples, threshold=given, overlap=overlap)
        with metrics.waiting.track_inprogress():
            found = await _while_connected(request, tagging, timeout=options.timeout)
    except ValidationError as error:
        return problem(422, _sentence(error), request_id)
    except _TooLong as error:
        return problem(413, str(error), request_id)
    except InputError as error:
        return problem(422, str(error), request_id)
    except Overloaded:
        return problem(429, f"{options.max_waiting} requests wait already; try again later", request_id)
    except Closed:
        return problem(503, "the server is shutting down", request_id)
    except asyncio.TimeoutError:
        return problem(504, f"not done after {options.timeout} seconds; send fewer texts at a time", request_id)
    except ClientDisconnect:
        return Response(status_code=499)  # for the log
    num_entities = sum(map(len, found))
    metrics.texts.inc(len(examples))
    metrics.entities.inc(num_entities)
    request.state.counts = {"texts": len(examples), "entities": num_entities}
    answers = [PredictAnswer(entities=list(map(_answer, entities))) for entities in found]
    body = ANSWERS.dump_json(answers) if asked.text is None else answers[0].model_dump_json().encode()
    return Response(body, media_type="application/json")


async def _while_connected(request: Request, work: Coroutine[Any, Any, Found], *, timeout: float) -> Found:
    """Return the outcome of work, which is cancelled once nobody waits for it."""
    working, hanging_up = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, hanging_up}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect if hanging_up.done() else asyncio.TimeoutError
    finally:
        working.cancel()
        hanging_up.cancel()


class _TooLong(Exception):
    """Says that a text is too long."""


def _examples(asked: PredictRequest, types: Inventory, options: ServeOptions) -> list[Example]:
    if len(asked.listed) > options.max_texts:
        raise InputError(f"a request may have {options.max_texts} texts, got {len(asked.listed)}")
    if asked.entity_types is not None:
        if len(asked.entity_types) > options.max_types:
            raise InputError(f"a request may ask for {options.max_types} types, got {len(asked.entity_types)}")
        types = as_entity_types(asked.entity_types)
    for text in asked.listed:
        if len(text) > options.max_text_chars:
            raise _TooLong(f"a text may have {options.max_text_chars} characters, got {len(text)}")
    return [
        Example(where=f"texts[{place}]", text=text, words=split_words(text), mentions=(), types=types)
        for place, text in enumerate(asked.listed)
    ]


def _threshold(asked: PredictRequest, default: Threshold | None) -> Threshold | None:
    if isinstance(asked.threshold, str):
        return parse_threshold(asked.threshold)
    return default if asked.threshold is None else asked.threshold


def _answer(entity: Entity) -> FoundEntity:
    return FoundEntity(
        word=entity.text, entity_group=entity.label, score=round(entity.score, 6), start=entity.start, end=entity.end
    )


def _sentence(error: ValidationError) -> str:
    """Return what pydantic says, in one line and without what was sent."""
    problems: Sequence[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [": ".join(filter(None, [".".join(map(str, item["loc"])), item["msg"]])) for item in problems[:3]]
    return "; ".join(parts)
