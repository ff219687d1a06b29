"""User models that differ from Django's, and models of revoked tokens that differ from Boltguard's."""

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Member(AbstractBaseUser):
    """A user with a UUID for a key and no username."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"


class Handle(AbstractBaseUser):
    """A user with a string as the primary key."""

    handle = models.CharField(primary_key=True, max_length=50)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "handle"


class Clerk(AbstractBaseUser):
    """A user whose `is_active` is a method, which is an error."""

    name = models.CharField(max_length=50, unique=True)
    left = models.BooleanField(default=False)

    USERNAME_FIELD = "name"

    def is_active(self):
        return not self.left


class Visitor(AbstractBaseUser):
    """A user without `is_active`, groups and permissions."""

    name = models.CharField(max_length=50, unique=True)

    USERNAME_FIELD = "name"


class OnlyId(models.Model):
    """The minimum that a store requires."""

    jti = models.CharField(max_length=255, unique=True)


class AlwaysDated(models.Model):
    """A model whose entries must expire."""

    jti = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField()


class Slow(models.Model):
    """A model without an index."""

    jti = models.CharField(max_length=255)


class NoId(models.Model):
    """Not a model for a store."""

    name = models.CharField(max_length=255)


class Note(models.Model):
    """A model for writes that are rolled back."""

    text = models.CharField(max_length=255)
    owner = models.ForeignKey("auth.User", models.CASCADE, null=True)


class Byline(models.Model):
    """A model that contains usernames."""

    author = models.ForeignKey("auth.User", models.CASCADE, to_field="username")
