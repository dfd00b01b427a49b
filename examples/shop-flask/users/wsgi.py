"""What a WSGI server loads: `gunicorn users.wsgi:app`."""

from .app import create_app

app = create_app()
