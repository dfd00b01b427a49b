"""The shop in the classic stack: three Flask-RESTX services, each with its own SQLite file.

As teams run it: one gunicorn a service, requests between the services with a `Session` (its
documentation's advice), Flask-SQLAlchemy for the data. WAL and synchronous=FULL as in Coterie's
shop. No authentication: the peers do less here, not more.
"""
