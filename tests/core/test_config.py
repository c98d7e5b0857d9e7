"""Settings: what they are read from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from core.config import load_settings
from core.errors import ConfigError


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Away from the .env of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("ADMIN_IDS", "telegram:sesame"),
        ("ADMIN_IDS", "myspace:1234"),
        ("DISCORD_API_URL", "discord.sesame"),
        ("DISCORD_CDN_URLS", "https://cdn.discordapp.com,cdn.sesame"),
        ("DISCORD_CDN_URLS", "https://sesame@cdn.discordapp.com"),
        ("DISCORD_CDN_URLS", "https://cdn.discordapp.com/sesame"),
        ("DISCORD_SHARDED", "sesame"),
        ("TELEGRAM_WEBHOOK_SECRET", "open sesame"),
        ("BATCH_SIZE", "sesame"),
        ("WEB_PASSWORD", "sesame"),
        ("WEB_ROOT_PATH", "sesame"),
        ("WEB_ROOT_PATH", "/sesame; Secure"),
        ("WEB_ROOT_PATH", "/../sesame"),
        ("WEB_ROOT_PATH", "//sesame"),
        ("WEB_KEEP_HOURS", "sesame"),
    ],
)
def test_a_wrong_row_is_named_and_its_value_is_not(monkeypatch: pytest.MonkeyPatch, row: str, value: str):
    monkeypatch.setenv(row, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert f"\n{row}: " in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_addresses_and_people_are_split_at_commas_and_spaces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISCORD_CDN_URLS", "https://a.example/, http://127.0.0.1:8080")
    monkeypatch.setenv("ADMIN_IDS", "telegram:1 Discord:2")
    settings = load_settings()
    assert settings.discord_cdn_urls == {"https://a.example", "http://127.0.0.1:8080"}
    assert settings.admin_ids == {"telegram:1", "discord:2"}


def test_an_env_file_is_read_and_the_environment_goes_before_it(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("BATCH_SIZE=2\nWEB_PORT=7000\n", encoding="utf-8")
    monkeypatch.setenv("WEB_PORT", "7001")
    settings = load_settings()
    assert (settings.batch_size, settings.web_port) == (2, 7001)


@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), ("/", ""), ("/cartoons", "/cartoons"), ("/our/cartoons/", "/our/cartoons")]
)
def test_a_root_path_is_kept_without_a_slash_at_its_end(monkeypatch: pytest.MonkeyPatch, given: str, kept: str):
    monkeypatch.setenv("WEB_ROOT_PATH", given)
    assert load_settings().web_root_path == kept


@pytest.mark.parametrize(
    ("row", "value"), [("WEB_KEEP_HOURS", "0"), ("WEB_KEEP_HOURS", "721"), ("WEB_BATCH_PHOTOS", "51")]
)
def test_numbers_of_the_web_chat_stay_in_their_bounds(monkeypatch: pytest.MonkeyPatch, row: str, value: str):
    monkeypatch.setenv(row, value)
    with pytest.raises(ConfigError, match=f"\n{row}: "):
        load_settings()
