"""URL configuration of the venue project."""

from django.urls import include, path

urlpatterns = [
    path("rooms/", include("rooms.urls")),
]
