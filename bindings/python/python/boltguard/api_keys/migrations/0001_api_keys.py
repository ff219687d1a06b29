import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="APIKeyChanges",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("version", models.PositiveBigIntegerField(default=0)),
                ("removed", models.PositiveBigIntegerField(default=0)),
                ("marks", models.CharField(blank=True, default="", max_length=1024)),
            ],
            options={
                "verbose_name": "API key changes",
                "verbose_name_plural": "API key changes",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="APIKey",
            fields=[
                (
                    "id",
                    models.CharField(
                        editable=False, max_length=32, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="What the key is for.", max_length=200, verbose_name="name")),
                ("digest", models.BinaryField(max_length=32, verbose_name="digest")),
                ("secret_id", models.CharField(editable=False, max_length=16, verbose_name="secret ID")),
                ("permissions", models.JSONField(blank=True, default=list, verbose_name="permissions")),
                ("scopes", models.JSONField(blank=True, default=list, verbose_name="scopes")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked")),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used")),
                ("stamp", models.PositiveBigIntegerField(db_index=True, default=0, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Requests with the key are made as this user. A key doesn't need an owner.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="boltguard_api_keys",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "ordering": ("-created_at", "id"),
            },
        ),
    ]
