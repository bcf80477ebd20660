"""Our two webhooks over HTTP: pods for the API server, sizes for Agones."""

from typing import Final

from aiohttp import web

from core.web import body_of, json_response, problems
from fleets.agones.admission import AdmissionReview, review
from fleets.agones.autoscaler import FleetAutoscaleReview, StoredPlans
from fleets.agones.manifest import FLEETS_PATH, PODS_PATH

REVIEW_MAX_BYTES: Final = 3 * 1024 * 1024
"""What the API server itself takes of an object."""


def webhooks_app(plans: StoredPlans) -> web.Application:
    """The application, to be served over TLS: the API server speaks nothing else."""

    async def pods(request: web.Request) -> web.Response:
        asked = await body_of(request, AdmissionReview, max_bytes=REVIEW_MAX_BYTES)
        return json_response(review(asked.request))

    async def fleets(request: web.Request) -> web.Response:
        asked = await body_of(request, FleetAutoscaleReview)
        return json_response(await plans.answer(asked))

    async def healthy(_: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    app = web.Application(middlewares=[problems])
    app.router.add_post(PODS_PATH, pods)
    app.router.add_post(FLEETS_PATH, fleets)
    app.router.add_get("/livez", healthy)
    return app
