"""What a WSGI server loads: `gunicorn inventory.wsgi:app`."""

from .app import create_app

app = create_app()
