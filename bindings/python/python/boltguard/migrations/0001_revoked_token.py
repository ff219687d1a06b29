from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RevokedToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jti", models.CharField(max_length=255, unique=True, verbose_name="token ID")),
                ("expires_at", models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="kept until")),
                ("revoked_at", models.DateTimeField(auto_now_add=True, verbose_name="revoked at")),
            ],
            options={"verbose_name": "revoked token", "verbose_name_plural": "revoked tokens"},
        ),
    ]
