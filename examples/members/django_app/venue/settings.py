"""Django settings for the venue project."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"

# In production this comes from the environment: whoever knows it can sign as this site.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for-development-only")

ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = ["rooms"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]

ROOT_URLCONF = "venue.urls"

WSGI_APPLICATION = "venue.wsgi.application"

DATABASES: dict[str, dict[str, str]] = {}

TIME_ZONE = "UTC"
USE_TZ = True
