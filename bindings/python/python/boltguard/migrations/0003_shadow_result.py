from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("boltguard", "0002_revocation_watermark")]

    operations = [
        migrations.CreateModel(
            name="ShadowResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("method", models.CharField(max_length=16)),
                ("route", models.TextField()),
                ("outcome", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=100)),
                ("count", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(db_index=True)),
            ],
            options={"verbose_name": "result of shadow mode", "verbose_name_plural": "results of shadow mode"},
        ),
    ]
