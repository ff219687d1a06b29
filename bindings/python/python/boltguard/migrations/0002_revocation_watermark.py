from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("boltguard", "0001_revoked_token")]

    operations = [
        migrations.CreateModel(
            name="RevocationWatermark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        help_text="The kind of the level, and the SHA-256 digest of its value.",
                        max_length=160,
                        unique=True,
                        verbose_name="level",
                    ),
                ),
                (
                    "before",
                    models.BigIntegerField(
                        help_text="In milliseconds since 1970-01-01 00:00 UTC.", verbose_name="issued at or before"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="kept until")),
                ("revoked_at", models.DateTimeField(auto_now_add=True, verbose_name="revoked at")),
            ],
            options={
                "verbose_name": "revocation of several tokens",
                "verbose_name_plural": "revocations of several tokens",
            },
        ),
    ]
