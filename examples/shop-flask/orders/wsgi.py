"""What a WSGI server loads: `gunicorn orders.wsgi:app`."""

from .app import create_app

app = create_app()
