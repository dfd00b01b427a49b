"""How gunicorn serves each service: `PORT=5001 gunicorn users.wsgi:app`."""

import os

# Nobody is asked who they are, so nobody else's machine may ask.
bind = f"127.0.0.1:{os.environ.get('PORT', '5000')}"

workers = 2
# A browser holds connections open that it does not use; threads keep those from holding a worker.
threads = 4

# Its default is one path for all of a user's gunicorns, and here are three of them.
control_socket_disable = True
