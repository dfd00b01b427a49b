from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

ROOMS = {
    "aula": {"slug": "aula", "name": "Aula Magna", "seats": 320, "floor": "ground"},
    "library": {"slug": "library", "name": "The Old Library", "seats": 60, "floor": "first"},
}


@require_safe
def index(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"rooms": list(ROOMS.values())})


@require_safe
def detail(request: HttpRequest, slug: str) -> JsonResponse:
    if slug not in ROOMS:
        raise Http404("No such room")
    return JsonResponse(ROOMS[slug])
