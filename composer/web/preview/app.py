"""The preview's addresses: which request gets which answer. Its shapes are in docs/preview.md.

Endpoints are plain functions in threads; only the stream of changes, and reading a request's body, are asynchronous.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from composer.edition.model import Edition
from composer.edition.templates import pages_of
from composer.errors import ComposerError
from composer.issue.files import read_source
from composer.web.preview import frames
from composer.web.preview.asking import Ask, ask_of, order_of
from composer.web.preview.contents import Contents
from composer.web.preview.events import Hub
from composer.web.preview.guard import Guard
from composer.web.preview.judging import Judge
from composer.web.preview.people import Guise, People
from composer.web.preview.rendering import Renderer
from composer.web.preview.state import described, state
from composer.web.preview.trial import Busy, Order, Trials
from composer.web.preview.workspace import Workspace

HERE = Path(__file__).parent
_KEPT = "private, max-age=31536000, immutable"


def _described(exc: Exception) -> tuple[int, dict[str, Any]]:
    """Return a status and an error as the page shows it."""
    if isinstance(exc, HTTPException):
        unknown = exc.detail == HTTPStatus.NOT_FOUND.phrase
        return exc.status_code, {"message": "There is no such page." if unknown else exc.detail, "hint": ""}
    if isinstance(exc, ComposerError):
        return HTTPStatus.CONFLICT if isinstance(exc, Busy) else HTTPStatus.UNPROCESSABLE_ENTITY, described(exc, None)
    message = f"something went wrong that should not: {type(exc).__name__}: {exc}"
    return HTTPStatus.INTERNAL_SERVER_ERROR, {"message": message, "hint": "This is a mistake in the program. Please report it."}


class Static(StaticFiles):
    """The page's own files, asked for again each time: an update of the program is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class Preview:
    """One running preview: what it looks at, and its answers."""

    def __init__(self, workspace: Workspace, token: str, *, default_list: str = "") -> None:
        self.workspace = workspace
        self.renderer = Renderer(workspace)
        self.contents = Contents(workspace)
        self.people = People()
        self.judge = Judge(self.people)
        self.hub = Hub()
        self.trials = Trials()
        self._token = token
        self._default_list = default_list
        self._pages = pages_of(HERE / "pages")

    def index(self, _request: Request) -> Response:
        """List the issues."""
        return self._page("index.html", issues=self.contents.entries(), to=self._default_list)

    def issue(self, request: Request) -> Response:
        """Show one issue."""
        ask = self._ask(request, self._default_list)
        said = self._state(ask)
        query = request.query_params
        return self._page("issue.html", stem=ask.stem, to=ask.to, as_=ask.as_, on=query.get("on", ""), state=said,
                          view=query.get("view", ""), width=query.get("width", ""))  # fmt: skip

    def state(self, request: Request) -> Response:
        """Say how an issue stands."""
        return JSONResponse(self._state(self._ask(request)))

    def source(self, request: Request) -> Response:
        """Give an issue's Markdown line by line."""
        stem = request.path_params["stem"]
        path = self.workspace.issue_file(stem)
        if path is None:
            raise HTTPException(404, "There is no such issue.")
        project, _ = self.workspace.look()
        text = read_source(path, project)
        return JSONResponse({"path": project.shown(path), "lines": text.removesuffix("\n").split("\n")})

    def frame(self, request: Request) -> Response:
        """Show one view of an issue."""
        view, remote = request.path_params["view"], request.query_params.get("remote") == "1"
        if view not in frames.VIEWS:
            raise HTTPException(404, "There is no such view.")
        ask = self._ask(request)
        good = self.renderer.show(ask.stem, ask.to).good
        if good is None:
            html = frames.broken_page("There is nothing to show yet: the issue has not been right since the preview began.")
        else:
            html = frames.frame(view, good, self._guise(ask, good.edition)[0])
        return HTMLResponse(html, headers={"Content-Security-Policy": frames.policy(view, remote=remote)})

    def image(self, request: Request) -> Response:
        """Give a local image of an issue."""
        wanted = request.path_params["sha256"]
        asset = self.renderer.asset(request.path_params["stem"], wanted)
        if asset is None:
            raise HTTPException(404, "There is no such image.")
        return Response(asset.data, media_type=asset.media_type, headers={"Cache-Control": _KEPT})

    def find_people(self, request: Request) -> Response:
        """Find people of a list to look through the eyes of."""
        name = request.query_params.get("to", "")
        if not self.workspace.has_list(name):
            raise HTTPException(404, "There is no such list.")
        project, _ = self.workspace.look()
        return JSONResponse({"people": self.people.search(project, name, request.query_params.get("q", "")[:200])})

    def testers(self, _request: Request) -> Response:
        """Name the colleagues whom a test may go to."""
        return JSONResponse({"people": self.people.testers(self.workspace.look()[0])})

    async def test(self, request: Request) -> Response:
        """Send a test."""
        order = order_of(await request.body())
        stem = request.path_params["stem"]
        return await run_in_threadpool(self._test, stem, order)

    async def events(self, request: Request) -> Response:
        """Tell a page of every change."""
        stem = request.query_params.get("stem", "")
        if stem and self.workspace.issue_file(stem) is None and not self.renderer.knows(stem):
            raise HTTPException(404, "There is no such issue.")
        stream: AsyncIterator[str] = self.hub.stream(stem)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    def failed(self, request: Request, exc: Exception) -> Response:
        """Answer what cannot be answered otherwise. After a mistake of the program the server hangs up, so the answer says so."""
        status, error = _described(exc)
        answer = self._failed(request, status, error)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            answer.headers["Connection"] = "close"
        return answer

    def _failed(self, request: Request, status: int, error: dict[str, Any]) -> Response:
        if request.method == "POST" or request.url.path.endswith(".json"):
            return JSONResponse({"error": error}, status)
        if "/frame/" in request.url.path:
            return HTMLResponse(frames.broken_page(error["message"]), status, {"Content-Security-Policy": frames.policy("", remote=False)})
        heading = "Not here" if status == HTTPStatus.NOT_FOUND else "Not possible"
        return self._page("error.html", status=status, heading=heading, message=error["message"], hint=error["hint"])

    def _test(self, stem: str, order: Order) -> Response:
        path = self.workspace.issue_file(stem)
        if path is None:
            raise HTTPException(404, "There is no such issue.")
        project, broken = self.workspace.look()
        if broken:
            raise broken
        return JSONResponse(self.trials.run(project, str(path), order))

    def _ask(self, request: Request, default_list: str = "") -> Ask:
        ask = ask_of(request, default_list)
        if ask.to and not self.workspace.has_list(ask.to):
            raise HTTPException(404, "There is no such list.")
        if self.workspace.issue_file(ask.stem) is None and not self.renderer.knows(ask.stem):
            raise HTTPException(404, "There is no such issue.")
        return ask

    def _guise(self, ask: Ask, edition: Edition) -> tuple[Guise, str]:
        try:
            return self.people.guise(self.workspace.look()[0], ask.to, ask.as_, edition), ""
        except ComposerError as err:
            return Guise("defaults"), err.message

    def _state(self, ask: Ask) -> dict[str, Any]:
        version = self.hub.version(ask.stem)  # first: what changes from here on is told as a later one
        shown = self.renderer.show(ask.stem, ask.to)
        guise, problem = self._guise(ask, shown.good.edition) if shown.good else (Guise("defaults"), "")
        judgement = self.judge.judge(shown.good, ask.to, ask.on) if shown.good else None
        said = state(self.workspace.look()[0], shown, judgement, guise, self.people)
        return {"stem": ask.stem, **said, "version": version, "to": ask.to, "as_problem": problem}

    def _page(self, name: str, *, status: int = 200, **context: Any) -> Response:
        project, _ = self.workspace.look()
        html = self._pages.render(name, {"token": self._token, "project": project.config.newsletter.name, **context})
        return HTMLResponse(html, status)


def make_app(preview: Preview, port: int, token: str, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]) -> ASGIApp:
    """Return the application that answers on ``port``, guarded."""
    routes = [
        Route("/", preview.index),
        Route("/issues/{stem}", preview.issue),
        Route("/issues/{stem}/state.json", preview.state),
        Route("/issues/{stem}/source.json", preview.source),
        Route("/issues/{stem}/frame/{view}", preview.frame),
        Route("/issues/{stem}/images/{sha256}", preview.image),
        Route("/issues/{stem}/test", preview.test, methods=["POST"]),
        Route("/people.json", preview.find_people),
        Route("/testers.json", preview.testers),
        Route("/events", preview.events),
        Mount("/static", Static(directory=HERE / "static", check_dir=False)),
    ]
    handlers: dict[Any, Any] = dict.fromkeys((HTTPException, ComposerError, Exception), preview.failed)
    return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan), port, token)
