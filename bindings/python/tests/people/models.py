"""Users of other shapes than Django's own, and tables for revoked tokens of other shapes than ours."""

import uuid

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class Member(AbstractBaseUser):
    """A user with a UUID for a key and no username."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"


class Handle(AbstractBaseUser):
    """A user with a text for a key."""

    handle = models.CharField(primary_key=True, max_length=50)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "handle"


class Clerk(AbstractBaseUser):
    """A user whose `is_active` is a method, as it must not be."""

    name = models.CharField(max_length=50, unique=True)
    left = models.BooleanField(default=False)

    USERNAME_FIELD = "name"

    def is_active(self):
        return not self.left


class OnlyId(models.Model):
    """The least that a store can do with."""

    jti = models.CharField(max_length=255, unique=True)


class AlwaysDated(models.Model):
    """A model whose entries must end some day."""

    jti = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField()


class Slow(models.Model):
    """A model without an index."""

    jti = models.CharField(max_length=255)


class NoId(models.Model):
    """No store at all."""

    name = models.CharField(max_length=255)


class Note(models.Model):
    """Something to write, and to see rolled back."""

    text = models.CharField(max_length=255)
    owner = models.ForeignKey("auth.User", models.CASCADE, null=True)


class Byline(models.Model):
    """What belongs to a user by their name."""

    author = models.ForeignKey("auth.User", models.CASCADE, to_field="username")
