"""Settings come from the environment; what is wrong is named, and no secret is told."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.settings import Settings, load_settings

SECRET = "s3kr1t"
VARIABLES = sorted(str(field.validation_alias) for field in Settings.model_fields.values())


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_without_any_variable_all_is_embedded() -> None:
    settings = load_settings()
    assert settings.home == Path(".neural-memory")
    assert settings.embedding_model == "local/minilm-l6-v2"
    assert settings.organization_id == "local"
    assert settings.effective_redis_url is None
    remote = ("_url", "_host", "_key", "_key_id", "_token", "_bucket")
    assert {name: value for name, value in settings if name.endswith(remote) and value is not None} == {}


def test_variables_of_other_programs_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_settings()
    for name in Settings.model_fields:
        if name.upper() not in VARIABLES:
            monkeypatch.setenv(name.upper(), "1234")  # HOME above all
    assert load_settings() == expected


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_is_one_that_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"mysql://u:{SECRET}@host/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@host:port/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@host:99999/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}/with-slash@host/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}\u2100@host/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@[::1/db"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@/db"),
        ("DATABASE_URL", SECRET),
        ("DATABASE_ADMIN_URL", f"mysql://u:{SECRET}@host/db"),
        ("DAGSTER_POSTGRES_URL", f"sqlite:///{SECRET}"),
        ("REDIS_URL", f"http://:{SECRET}@host"),
        ("REDIS_URL", f"redis://:{SECRET}@host:0"),
        ("REDIS_URL", f"redis://:{SECRET}@host:99999"),
        ("UPSTASH_REDIS_REST_TOKEN", SECRET),
        ("UPSTASH_REDIS_REST_URL", "https://x.upstash.io"),
        ("NEURAL_MEMORY_UI_PORT", "0"),
        ("NEURAL_MEMORY_UI_PORT", "65536"),
        ("NEURAL_MEMORY_POSTGRES_PORT", "many"),
        ("NEURAL_MEMORY_VALKEY_PORT", "-1"),
        ("NEURAL_MEMORY_EMBEDDING_MODEL", "minilm"),
        ("NEURAL_MEMORY_EMBEDDING_MODEL", "local/"),
    ],
)
def test_a_wrong_value_names_its_variable_and_tells_no_secret(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings()
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert "Value error" not in shown


def test_upstash_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", SECRET)
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", "x.upstash.io")
    with pytest.raises(ConfigurationError, match="https://"):
        load_settings()


def test_upstash_is_reached_over_tls_with_its_token_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", "https://some-name.upstash.io")
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", "a/b=@")
    url = load_settings().effective_redis_url
    assert url is not None
    assert url.get_secret_value() == "rediss://default:a%2Fb%3D%40@some-name.upstash.io:6379"
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379")
    url = load_settings().effective_redis_url
    assert url is not None
    assert url.get_secret_value() == "redis://localhost:6379"


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@host/db")
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@host")
    settings = load_settings()
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert str(field.validation_alias).isupper(), name


def test_the_admin_url_alone_would_mix_two_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_ADMIN_URL", "postgresql://owner:x@db.example/memory")
    with pytest.raises(ConfigurationError, match="DATABASE_ADMIN_URL is set without DATABASE_URL"):
        load_settings()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_url_of_dagster_names_the_driver_that_it_works_with(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"{scheme}://dagster:x@db.example/runs")
    url = load_settings().dagster_postgres_url
    assert url is not None
    assert url.get_secret_value() == "postgresql+psycopg2://dagster:x@db.example/runs"
