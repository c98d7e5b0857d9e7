"""Every sentence a person reads, in each language: Fluent files beside this one (projectfluent.org)."""

from collections.abc import Mapping
from importlib import resources
from typing import Final

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import fluent_number

from core.errors import UnknownLanguage, UserError
from core.jobs import Failure

LANGUAGES: Final = ("en", "zh-CN")


class Locale:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        # Isolation marks are for mixed writing directions; in a chat they would be copied along with names.
        self._bundle = FluentBundle([language], use_isolating=False)
        text = resources.files("bots.locales").joinpath(f"{language}.ftl").read_text(encoding="utf-8")
        self._bundle.add_resource(FluentResource(text))

    def say(self, message: str, /, **values: object) -> str:
        """The sentence, filled. Raises LookupError for one that does not exist or misses a value."""
        pattern = self._bundle.get_message(message).value
        if pattern is None:
            raise LookupError(f"{message} in {self.language} has no text")
        shown = {name: _shown(value) for name, value in values.items()}
        text, errors = self._bundle.format_pattern(pattern, shown)
        if errors or not isinstance(text, str):
            raise LookupError(f"{message} in {self.language}: {errors}")
        return text

    def say_on(self, platform: str, message: str, /, **values: object) -> str:
        """The sentence in the words for a platform, where it has words of its own."""
        own = f"{message}-{platform}"
        return self.say(own if self._bundle.has_message(own) else message, **values)

    def error(self, error: UserError | Failure) -> str:
        """The sentence of an error."""
        return self.say(error.code, **error.values)


class Locales:
    """All languages, each read once."""

    def __init__(self) -> None:
        self._locales: Mapping[str, Locale] = {language: Locale(language) for language in LANGUAGES}

    def of(self, tag: str | None) -> Locale:
        """The locale closest to a language tag such as "zh-hans" or "en-GB"; English when there is none."""
        chinese = (tag or "").lower().replace("_", "-").split("-")[0] == "zh"
        return self._locales["zh-CN" if chinese else "en"]


def parse_language(text: str) -> str | None:
    """One of LANGUAGES, None for "auto"; their own names are understood. Raises UnknownLanguage."""
    word = text.strip()
    names = {"auto": None, "en": "en", "english": "en", "zh": "zh-CN", "zh-cn": "zh-CN", "中文": "zh-CN"}
    if word.lower() not in names:
        raise UnknownLanguage(given=word[:32], choices=", ".join((*LANGUAGES, "auto")))
    return names[word.lower()]


def _shown(value: object) -> object:
    """Numbers without thousands separators: sizes are typed back as they are shown."""
    if isinstance(value, int | float):
        return fluent_number(value, useGrouping=False, maximumFractionDigits=2)
    return value
