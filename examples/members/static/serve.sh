# The floor plans, as files.
exec python3 -m http.server "${PORT:-8000}" --bind 127.0.0.1 --directory public
