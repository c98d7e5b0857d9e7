"""Settings, from the environment or a .env file in the working folder. One row a setting, each with its help."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import ConfigError
from core.photo import Limits


class Settings(BaseSettings):
    """What the person who runs the program may change."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    telegram_bot_token: SecretStr | None = Field(
        None, description="Telegram bot token from @BotFather. Unset: no Telegram."
    )
    telegram_api_url: str = Field(
        "https://api.telegram.org",
        description="Where the Bot API is: Telegram's, or your local Bot API server.",
    )
    telegram_webhook_url: str = Field(
        "", description="Where Telegram posts what people write, https://...; unset: it is asked for that instead."
    )
    telegram_webhook_host: str = Field(
        "127.0.0.1", description="Where the webhook listens; what ends TLS in front of it passes posts on."
    )
    telegram_webhook_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8443, description="Port of the webhook. 0 takes a free one."
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None, description="What Telegram proves itself with, A-Z a-z 0-9 _ -; unset: made anew at each start."
    )
    telegram_webhook_certificate: Path | None = Field(
        None, description="Public certificate of the webhook's address, where it is self-signed."
    )
    telegram_local_mode: bool = Field(
        False, description="Whether TELEGRAM_API_URL is a Bot API server of yours in local mode."
    )
    telegram_local_folder: Path | None = Field(
        None, description="The folder where that server keeps files; photos are read from nowhere else."
    )
    discord_bot_token: SecretStr | None = Field(
        None, description="Discord bot token, from the Bot page of your application. Unset: no Discord."
    )
    discord_sharded: bool = Field(
        False, description="Whether Discord's events come over several connections; bots in 2500 servers need it."
    )
    discord_api_url: str = Field("https://discord.com/api/v10", description="Where Discord's API is.")
    discord_cdn_urls: Annotated[frozenset[str], NoDecode] = Field(
        frozenset({"https://cdn.discordapp.com", "https://media.discordapp.net"}),
        description="Where Discord keeps what people attach; photos are fetched from nowhere else.",
    )
    web_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        7860, description="Port of the local web app. 0 takes a free one."
    )
    web_host: str = Field(
        "127.0.0.1",
        description="Where it listens; 0.0.0.0 lets other machines ask, and wants WEB_PASSWORD or WEB_OPEN.",
    )
    web_password: SecretStr | None = Field(
        None, description="What visitors of the web app have to type, 8 characters or more. Unset: nothing."
    )
    web_open: bool = Field(
        False, description="Whether everybody who reaches the web app may use it without a password."
    )
    web_root_path: str = Field(
        "", description="The path below which a proxy shows the web app, such as /cartoons. Unset: at the top."
    )
    web_keep_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        24, description="How long uploads and cartoons of the web app are kept for their browser."
    )
    web_batch_photos: Annotated[int, Field(ge=1, le=50)] = Field(
        20, description="Photos that a batch of the web app may have, up to 50."
    )
    web_chat: Literal["auto", "on", "off"] = Field(
        "auto", description="The local web app: on, off, or auto (only where no bot token is set)."
    )
    data_dir: Path = Field(Path("data"), description="Folder for the database and the photos in flight.")
    weights_dir: Path = Field(Path("weights"), description="Folder where the weights of styles are installed.")
    auto_pull: bool = Field(
        False, description="Whether a style that somebody asks for and that is not installed is downloaded."
    )
    device: str = Field("auto", description="Where to draw: auto, cpu, cuda or cuda:1.")
    precision: Literal["auto", "full"] = Field(
        "auto", description="auto: networks calculate in 16 bits where that is faster; full: always in 32."
    )
    device_memory_gb: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Most GPU memory for drawing, in GB; CUDA itself needs some more. Unset: all of it.",
    )
    batch_size: Annotated[int, Field(ge=1, le=64)] = Field(
        4, description="Photos the device takes at once, at most."
    )
    inference_url: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Where photos are drawn instead of here: an address of Ray Serve (deploy/ray), or several."
    )
    inference_token: SecretStr | None = Field(
        None, description="What this program proves itself with there; the same as INFERENCE_TOKEN of the workers."
    )
    inference_parallel: Annotated[int, Field(ge=1, le=128)] = Field(
        16,
        description="Photos on their way there at once: twice what workers draw at a time; 40 MB each at most.",
    )
    inference_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        60, description="How long one answer from there may take before the photo is sent again."
    )
    inference_fallback: bool = Field(
        False, description="Whether photos are drawn on this machine while INFERENCE_URL does not answer."
    )
    queue_limit: Annotated[int, Field(ge=1)] = Field(
        2000, description="Photos that may wait in all; more are politely refused."
    )
    user_limit: Annotated[int, Field(ge=20)] = Field(60, description="Photos of one person that may wait.")
    photo_megabytes: Annotated[float, Field(gt=0, le=2000)] = Field(
        20, description="The heaviest file taken. Telegram's own servers give bots no more than 20."
    )
    photo_megapixels: Annotated[float, Field(gt=0, le=170)] = Field(
        64, description="The largest picture taken, in millions of pixels; memory grows by 4 MB for each."
    )
    album_seconds: Annotated[float, Field(gt=0, le=30)] = Field(
        2.0, description="How long to wait for the next photo of an album before it counts as complete."
    )
    attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        3, description="How often a photo is handed to the device before it counts as failed."
    )
    access: Literal["open", "allowlist"] = Field(
        "open", description="Who may use the bot: everybody, or only whom an administrator let in with /allow."
    )
    admin_ids: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(),
        description="Administrators, by platform and user number: telegram:1234, discord:5678.",
    )
    quota_photos_per_day: Annotated[int, Field(ge=0)] = Field(
        0, description="Photos of one person a day (UTC). 0: as many as they like."
    )
    person_photos_per_minute: Annotated[int, Field(ge=1)] = Field(
        60, description="Photos of one person fetched a minute; more wait their turn."
    )
    chat_photos_per_minute: Annotated[int, Field(ge=1)] = Field(
        120, description="Photos of one chat fetched a minute; more wait their turn."
    )
    spool_megabytes: Annotated[float, Field(gt=0)] = Field(
        5000, description="Room for photos in flight, in MB; when it is used up, new ones are politely refused."
    )
    retention_days: Annotated[float, Field(ge=1)] = Field(
        90,
        description="How long answered jobs are remembered, and the buttons under them work; their pictures are "
        "gone at once.",
    )
    undelivered_days: Annotated[float, Field(ge=1)] = Field(
        14, description="How long pictures wait for a chat that cannot be reached."
    )
    shutdown_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        20, description="What a stop may take at most. What is unfinished then is taken up at the next start."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="Port of /healthz, /readyz and /metrics. Unset: off; 0 takes a free one."
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Where METRICS_PORT listens; 0.0.0.0 lets other machines ask."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Lines for people, or one JSON object a line.")

    @field_validator("admin_ids", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Words between commas or spaces, each a platform and a user."""
        if not isinstance(value, str):
            return value
        words = frozenset(value.replace(",", " ").split())
        for word in words:
            platform, _, user = word.partition(":")
            if platform.lower() not in ("telegram", "discord") or not user.isdecimal():
                raise ValueError("each administrator is a platform and a number, for example telegram:1234")
        return frozenset(word.lower() for word in words)

    @field_validator("discord_cdn_urls", mode="before")
    @classmethod
    def _split_cdn_urls(cls, value: object) -> object:
        """Addresses between commas or spaces."""
        if not isinstance(value, str):
            return value
        return frozenset(_addresses(value, r"https?://[^/@\s]+", "https://cdn.discordapp.com"))

    @field_validator("inference_url", mode="before")
    @classmethod
    def _split_inference_urls(cls, value: object) -> object:
        """Addresses between commas or spaces."""
        if not isinstance(value, str):
            return value
        return _addresses(value, r"https?://[^/@?#\s]+(/[^@?#\s]*)?", "http://10.0.0.5:8000")

    @field_validator("discord_api_url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("it begins with https://, as https://discord.com/api/v10 does")
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
            raise ValueError("Telegram takes 1 to 256 of the characters A-Z a-z 0-9 _ - only")
        return value

    @field_validator("web_password")
    @classmethod
    def _check_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 8:
            raise ValueError("a password has 8 characters or more")
        return value

    @field_validator("web_root_path")
    @classmethod
    def _check_root_path(cls, value: str) -> str:
        path = value.rstrip("/")
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) or {".", ".."} & set(path.split("/")):
            raise ValueError("it begins with /, as /cartoons does, and has letters, digits and . _ ~ - only")
        return path

    @property
    def limits(self) -> Limits:
        """The most a photo may weigh and measure."""
        return Limits(int(self.photo_megabytes * 1e6), int(self.photo_megapixels * 1e6))


def _addresses(value: str, pattern: str, example: str) -> tuple[str, ...]:
    addresses = tuple(dict.fromkeys(word.rstrip("/") for word in value.replace(",", " ").split()))
    if not all(re.fullmatch(pattern, address) for address in addresses):
        raise ValueError(f"each is the beginning of an address, such as {example}")
    return addresses


def load_settings() -> Settings:
    """Settings from the environment and .env. Raises ConfigError naming each wrong row, never its value."""
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        rows = [
            f"{str(row['loc'][0]).upper()}: {row['msg'].removeprefix('Value error, ')}" for row in error.errors()
        ]
        raise ConfigError(
            "These settings need a change in the environment or .env:\n" + "\n".join(rows)
        ) from error
