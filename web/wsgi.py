"""What gunicorn serves."""

from models.logs import configure_logging
from web.app import create_app

configure_logging("web")
app = create_app()
