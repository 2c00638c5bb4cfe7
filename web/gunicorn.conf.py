# ruff: noqa: N999 - gunicorn wants this name
"""How gunicorn runs the web process. Loopback unless HOST says otherwise: a TLS proxy stands in front."""

import os

from models.settings import get_settings

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{get_settings().port}"
# One process: SQLite has one writer, and threads share its connections. Threads wait for the disk,
# not for the processor, so a dozen of them answer many people on two cores.
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "1"))
threads = 12
timeout = 30
# Under Ctrl-C or a new release nobody waits long: a webhook takes milliseconds.
graceful_timeout = 5
keepalive = 5
# Addresses hold phone numbers in the simulator, so none is logged.
accesslog = None
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - a RAM disk, for heartbeats
