"""DRF views with a guard that checks objects: an object is never shown without that check."""

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import include, path
from rest_framework import generics, mixins, viewsets
from rest_framework.decorators import action
from rest_framework.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from boltguard.auth import IsStaff, Owner
from boltguard.drf import BoltguardAuthentication, GuardPermission

from people.models import Note
from support import bearer, mount, wsgi


class NoteSerializer(ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text"]


class Guarded:
    authentication_classes = [BoltguardAuthentication]
    permission_classes = [GuardPermission.of(IsStaff() | Owner("owner"))]
    queryset = Note.objects.order_by("pk")
    serializer_class = NoteSerializer

    def found(self):
        return {"id": self.kwargs["order"], "text": "of another user"}


class Keyword(Guarded, generics.RetrieveAPIView):
    def get_object(self):
        return Note(pk=self.kwargs["order"], text="of another user")


class GetOfGeneric(Guarded, generics.GenericAPIView):
    def get(self, request, order):
        return Response(self.found())


class ListOfGeneric(Guarded, generics.GenericAPIView):
    def get(self, request, order):
        return Response([self.found()])


class GetOfList(Guarded, generics.ListAPIView):
    def get(self, request, order):
        return Response(self.found())


class ListedOne(Guarded, generics.ListAPIView):
    def list(self, request, order):
        return Response(self.found())


class Exported(Guarded, generics.ListAPIView):
    def list(self, request, order):
        return HttpResponse(self.found()["text"])


class Streamed(Guarded, generics.ListAPIView):
    def get(self, request, order):
        return StreamingHttpResponse([self.found()["text"]])


class Mixed(Guarded, mixins.ListModelMixin, mixins.RetrieveModelMixin, generics.GenericAPIView):
    get_object = Keyword.get_object

    def get(self, request, order):
        return self.retrieve(request)


class ByOptions(Guarded, generics.ListAPIView):
    def options(self, request, order):
        return Response(self.found())


class Plain(Guarded, APIView):
    def get(self, request, order):
        return Response([self.found()])


class PostOfList(Guarded, generics.ListCreateAPIView):
    def post(self, request, order):
        return Response(self.found())


class Updated(Guarded, generics.UpdateAPIView):
    get_object = Keyword.get_object

    def perform_update(self, serializer):
        pass


class Orders(Guarded, viewsets.ModelViewSet):
    @action(detail=False)
    def newest(self, request, **kwargs):
        return Response({"text": "of another user"})

    @action(detail=False)
    def mine(self, request):
        return Response([])

    @action(detail=False)
    def recent(self, request):
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(NoteSerializer(page, many=True).data)

    @action(detail=False)
    def newest_of_a_paginated_set(self, request):
        return Response({"results": [], "text": "of another user"})

    @action(detail=False)
    def text_of_newest(self, request):
        return Response("of another user")

    @action(detail=False)
    def bytes_of_newest(self, request):
        return Response(b"of another user")

    @action(detail=False, methods=["post", "delete"])
    def end_newest(self, request):
        return Response(status=204)

    @action(detail=False, methods=["post"])
    def search(self, request):
        return Response(NoteSerializer(self.get_queryset(), many=True).data)

    @action(detail=True)
    def lines(self, request, pk):
        return Response([{"text": "of another user"}])


class Viewed(Guarded, viewsets.ViewSet):
    def show(self, request, order):
        return Response(self.found())

    def list(self, request, order):
        return Response(self.found())

    def create(self, request, order):
        return Response(self.found())


ONE = {
    "the keyword is not lookup_field": Keyword.as_view(),
    "get of a generic view": GetOfGeneric.as_view(),
    "get of a generic view as a list": ListOfGeneric.as_view(),
    "get of a list view": GetOfList.as_view(),
    "list with one object": ListedOne.as_view(),
    "list that isn't a DRF response": Exported.as_view(),
    "list that is streamed": Streamed.as_view(),
    "mixins": Mixed.as_view(),
    "options": ByOptions.as_view(),
    "plain view": Plain.as_view(),
    "post of a list view": PostOfList.as_view(),
    "update": Updated.as_view(),
    "action without detail": Viewed.as_view({"get": "show"}),
    "action without detail, called list": Viewed.as_view({"get": "list"}),
    "action of no object": Orders.as_view({"get": "newest"}, detail=False),
    "create that shows another": Viewed.as_view({"post": "create"}),
}
METHODS = {"options": "options", "post of a list view": "post", "update": "put", "create that shows another": "post"}
CALLER, STAFF = bearer(sub="1"), bearer(sub="1", is_staff=True)


@pytest.mark.parametrize("name", ONE)
def test_a_view_of_one_object_that_never_checks_it_is_500(name):
    mount(path("orders/<int:order>", ONE[name]))
    method = METHODS.get(name, "get")
    refused = wsgi(method, "/orders/7", CALLER, {"text": "mine"} if method == "put" else None)
    assert refused.status_code == 500 and b"of another user" not in refused.content
    assert wsgi(method, "/orders/7", STAFF, {"text": "mine"} if method == "put" else None).status_code == 200


def route(viewset, **attributes):
    router = SimpleRouter(trailing_slash=False)
    router.register("orders", type("Set", (viewset,), attributes))
    mount(path("", include(router.urls)))


@pytest.mark.parametrize(
    "name", ["newest", "newest_of_a_paginated_set", "1/lines", "text_of_newest", "bytes_of_newest"]
)
@pytest.mark.parametrize("pagination", [None, PageNumberPagination])
def test_an_action_that_shows_one_object_is_not_a_list(name, pagination):
    route(Orders, pagination_class=pagination)
    assert wsgi("get", f"/orders/{name}", CALLER).status_code == 500


@pytest.mark.parametrize("method", ["post", "delete"])
def test_action_that_changes_an_object_is_not_a_list(method):
    route(Orders)
    assert wsgi(method, "/orders/end_newest", CALLER).status_code == 500
    assert wsgi(method, "/orders/end_newest", STAFF).status_code == 204


def test_list_returned_by_a_post_needs_no_check():
    route(Orders)
    assert wsgi("post", "/orders/search", CALLER).status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("name", ["orders", "orders/mine"])
def test_lists_need_no_check(name, method):
    route(Orders)
    assert wsgi(method, f"/{name}", CALLER).status_code == 200


class Cursor(CursorPagination):
    ordering = "pk"


class Enveloped(PageNumberPagination):
    def get_paginated_response(self, data):
        return Response({"envelope": {"items": data}})


@pytest.mark.parametrize("pagination", [PageNumberPagination, LimitOffsetPagination, Cursor, Enveloped])
@pytest.mark.parametrize("name", ["orders", "orders/recent"])
def test_pages_of_lists_need_no_check(pagination, name):
    kind = type("Small", (pagination,), {"page_size": 2, "default_limit": 2})
    route(Orders, pagination_class=kind)
    assert wsgi("get", f"/{name}", CALLER).status_code == 200


def test_lists_below_another_object_need_no_check():
    class Lines(Guarded, generics.ListAPIView):
        pass

    mount(path("orders/<int:order>/lines", Lines.as_view()), path("buyers/<int:pk>/orders", Lines.as_view()))
    assert wsgi("get", "/orders/7/lines", CALLER).status_code == 200
    assert wsgi("get", "/buyers/7/orders", CALLER).status_code == 200


@pytest.mark.parametrize("kind", ["viewset", "generic"])
def test_an_object_that_the_request_created_needs_no_check(kind, ada):
    class Create(Guarded, generics.ListCreateAPIView):
        def perform_create(self, serializer):
            serializer.save(owner=ada)

    if kind == "viewset":
        route(Orders, perform_create=Create.perform_create)
    else:
        mount(path("orders", Create.as_view()))
    assert wsgi("post", "/orders", CALLER, {"text": "new"}).status_code == 201


@override_settings(DEBUG=True)
def test_the_error_says_what_to_call(ada):
    mount(path("orders/<int:order>", Keyword.as_view()))
    assert b"check_object_permissions" in wsgi("get", "/orders/7", CALLER).content
