"""What gunicorn serves."""

import os

from models.logs import configure_logging
from web.app import create_app

configure_logging("web")
# What we write to disk holds people's words and numbers: nobody else on this machine may read it.
os.umask(0o077)
app = create_app()
