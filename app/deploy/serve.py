"""Fusebox on many machines: `serve run app.deploy.serve:app`, or `python -m app.deploy.serve`.

REST at http://127.0.0.1:8000/v1 as beside the page, /docs, and /read for a page with FUSEBOX_SERVE set to
this address. Each machine needs the project at the same place and `app/deploy/requirements.txt`; RAY_ADDRESS
names the cluster. The FUSEBOX_* variables where it is started hold for all machines. What it costs: SCALE.md.
"""

from __future__ import annotations

import sys

from ray import serve

from app.deploy.ingress import build
from app.settings import Settings
from models.cluster import ClusterError, start_ray

PORT = 8000

app = build(Settings.from_environment())


def main() -> int:
    """Serves until it is stopped, at FUSEBOX_HOST; 2 where a setting or the cluster cannot be used."""
    try:
        start_ray()
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 2
    serve.start(http_options={"host": Settings.from_environment().host, "port": PORT})
    serve.run(app, blocking=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
